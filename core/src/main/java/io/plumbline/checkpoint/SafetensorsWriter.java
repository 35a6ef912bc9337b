package io.plumbline.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Writes safetensors files, one value after the other, without holding more than a buffer. */
public final class SafetensorsWriter {
  private static final int CHUNK_BYTES = 1 << 20;

  private SafetensorsWriter() {}

  /**
   * Writes a file with the given tensors in the given order.
   *
   * @param dtype F32, F16 or BF16; values are rounded to the nearest, ties to even
   * @throws PlumblineException NUMERICS where a finite value is beyond what the type holds
   */
  public static void write(
      Storage storage, String path, List<? extends TensorSource> tensors, Dtype dtype) {
    try (OutputStream output = storage.create(path)) {
      write(output, path, tensors, dtype);
    } catch (IOException e) {
      throw new PlumblineException(
          ErrorCode.STORAGE_FAILED, "Could not write " + path + "; check the free space.", e);
    }
  }

  static void write(
      OutputStream output, String path, List<? extends TensorSource> tensors, Dtype dtype)
      throws IOException {
    byte[] header = header(tensors, dtype);
    ByteBuffer prefix = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    output.write(prefix.putLong(header.length).array());
    output.write(header);
    ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (TensorSource tensor : tensors) {
      long[] written = {0};
      tensor.values(
          values -> {
            written[0] += values.remaining();
            encode(values.duplicate(), dtype, chunk, output, path, tensor.name());
          });
      if (written[0] != tensor.elements()) {
        throw new PlumblineException(
            ErrorCode.INTERNAL,
            "Tensor "
                + tensor.name()
                + " of "
                + path
                + " gave "
                + written[0]
                + " values where its shape "
                + Arrays.toString(tensor.shape())
                + " takes "
                + tensor.elements()
                + "; please report this.");
      }
    }
  }

  private static byte[] header(List<? extends TensorSource> tensors, Dtype dtype) {
    ObjectNode header = PythonJson.object();
    header.putObject("__metadata__").put("format", "pt");
    Set<String> names = new HashSet<>();
    long at = 0;
    for (TensorSource tensor : tensors) {
      if (!names.add(tensor.name()) || tensor.name().equals("__metadata__")) {
        throw new IllegalArgumentException("a tensor cannot be named " + tensor.name() + " here");
      }
      ObjectNode entry = header.putObject(tensor.name());
      entry.put("dtype", dtype.name());
      ArrayNode shape = entry.putArray("shape");
      for (long size : tensor.shape()) {
        shape.add(size);
      }
      long end = Math.addExact(at, Math.multiplyExact(tensor.elements(), dtype.bytes()));
      entry.putArray("data_offsets").add(at).add(end);
      at = end;
    }
    try {
      byte[] json = PythonJson.MAPPER.writeValueAsBytes(header);
      // Spaces up to a multiple of eight, so that the numbers are aligned in a mapped file.
      byte[] padded = Arrays.copyOf(json, (json.length + 7) / 8 * 8);
      Arrays.fill(padded, json.length, padded.length, (byte) ' ');
      return padded;
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a header of plain values is always JSON", e);
    }
  }

  private static void encode(
      FloatBuffer values,
      Dtype dtype,
      ByteBuffer chunk,
      OutputStream output,
      String path,
      String tensor) {
    while (values.hasRemaining()) {
      int n = Math.min(values.remaining(), chunk.capacity() / dtype.bytes());
      chunk.clear();
      switch (dtype) {
        case F32 -> {
          FloatBuffer part = values.duplicate();
          part.limit(part.position() + n);
          chunk.asFloatBuffer().put(part);
          values.position(part.limit());
        }
        case F16, BF16 -> {
          ShortBuffer shorts = chunk.asShortBuffer();
          for (int i = 0; i < n; i++) {
            float value = values.get();
            short bits = dtype == Dtype.F16 ? Dtype.toF16(value) : Dtype.toBf16(value);
            if (dtype.isInfinite(bits) && Float.isFinite(value)) {
              throw beyond(path, tensor, value, dtype);
            }
            shorts.put(bits);
          }
        }
        default -> throw new IllegalArgumentException("weights are not written as " + dtype);
      }
      try {
        output.write(chunk.array(), chunk.arrayOffset(), n * dtype.bytes());
      } catch (IOException e) {
        throw new PlumblineException(
            ErrorCode.STORAGE_FAILED, "Could not write " + path + "; check the free space.", e);
      }
    }
  }

  private static PlumblineException beyond(String path, String tensor, float value, Dtype dtype) {
    return new PlumblineException(
        ErrorCode.NUMERICS,
        "Tensor "
            + tensor
            + " of "
            + path
            + " has the value "
            + value
            + ", which is beyond what "
            + dtype
            + " holds"
            + (dtype == Dtype.F16 ? " (65504 at most)" : "")
            + " and would become infinite: save it by --save-dtype "
            + (dtype == Dtype.F16 ? "bf16 or f32" : "f32")
            + "; a run that has ended here writes it from its last state by --resume.");
  }
}
