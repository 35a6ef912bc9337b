package io.plumbline.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.SeekableInput;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A safetensors file: eight bytes of header length, a JSON header, and the numbers of all tensors,
 * little-endian. Only the header is held in memory, and all it says is checked before a number is
 * read: the format comes from strangers. Numbers stream through a small buffer, so that a tensor
 * may be larger than memory allows an array to be.
 *
 * @see <a href="https://github.com/huggingface/safetensors#format">the format</a>
 */
public final class SafetensorsFile {
  /** The format's own limit for its header. */
  static final long MAX_HEADER_BYTES = 100_000_000;

  /** More than any model has in one file; a header could list millions of empty ones. */
  private static final int MAX_TENSORS = 100_000;

  private static final int CHUNK_BYTES = 1 << 20;

  private static final JsonFactory JSON =
      new JsonFactoryBuilder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  /**
   * One tensor.
   *
   * @param start where its numbers start, in bytes from the start of the file
   * @param end where they end
   */
  public record Tensor(String name, Dtype dtype, long[] shape, long start, long end) {
    /** How many numbers it has. */
    public long elements() {
      return (end - start) / dtype.bytes();
    }
  }

  private final Storage storage;
  private final String path;
  private final Map<String, Tensor> tensors;

  private SafetensorsFile(Storage storage, String path, Map<String, Tensor> tensors) {
    this.storage = storage;
    this.path = path;
    this.tensors = Collections.unmodifiableMap(tensors);
  }

  /** Reads and checks the header; fails with BAD_CHECKPOINT where the file is not as it must be. */
  public static SafetensorsFile open(Storage storage, String path) {
    byte[] header;
    long length;
    try (SeekableInput input = storage.openSeekable(path)) {
      length = input.length();
      if (length < 8) {
        throw bad(path, "it has " + length + " bytes, fewer than the header's length takes");
      }
      ByteBuffer prefix = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      input.readFully(0, prefix);
      long headerBytes = prefix.getLong(0);
      refusePointers(path, prefix.array());
      if (headerBytes < 2 || headerBytes > MAX_HEADER_BYTES || headerBytes > length - 8) {
        throw bad(
            path,
            "its header claims "
                + Long.toUnsignedString(headerBytes)
                + " bytes in a file of "
                + length);
      }
      header = new byte[(int) headerBytes];
      input.readFully(8, ByteBuffer.wrap(header));
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    parse(path, header, length, tensors);
    checkLayout(path, 8 + header.length, length, tensors);
    return new SafetensorsFile(storage, path, tensors);
  }

  /** What stands in the place of a large file where git or a download went wrong. */
  private static void refusePointers(String path, byte[] start) {
    String text = new String(start, StandardCharsets.ISO_8859_1);
    String what =
        text.equals("version ")
            ? "a pointer of Git LFS and no weights; run git lfs pull where it was cloned"
            : text.startsWith("<!DOCTYP") || text.startsWith("<html")
                ? "a web page and no weights; download the file again"
                : text.startsWith("PK")
                    ? "a pickle of PyTorch and no safetensors; load it in transformers where you"
                        + " trust it and save it by save_pretrained"
                    : "";
    if (!what.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT, path + " is not a sound safetensors file: it is " + what + ".");
    }
  }

  private static PlumblineException bad(String path, String what) {
    return bad(path, what, null);
  }

  private static PlumblineException bad(String path, String what, Exception cause) {
    return new PlumblineException(
        ErrorCode.BAD_CHECKPOINT,
        path + " is not a sound safetensors file: " + what + "; copy or download the file again.",
        cause);
  }

  private static void parse(
      String path, byte[] header, long fileLength, Map<String, Tensor> tensors) {
    if (header[0] != '{') {
      throw bad(path, "its header does not start with a brace");
    }
    try (JsonParser json = JSON.createParser(header)) {
      expect(path, json.nextToken() == JsonToken.START_OBJECT, "its header is not a JSON object");
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String name = json.currentName();
        expect(
            path,
            json.nextToken() == JsonToken.START_OBJECT,
            "\"" + shortened(name) + "\" is not an object");
        if (name.equals("__metadata__")) {
          while (json.nextToken() == JsonToken.FIELD_NAME) {
            expect(
                path, json.nextToken() == JsonToken.VALUE_STRING, "its metadata is not all text");
          }
        } else {
          expect(
              path,
              tensors.size() < MAX_TENSORS,
              "its header lists more than "
                  + MAX_TENSORS
                  + " tensors, \""
                  + shortened(name)
                  + "\" among them");
          tensors.put(name, tensor(path, name, json, 8L + header.length, fileLength));
        }
      }
      expect(path, json.nextToken() == null, "its header continues after its end");
    } catch (IOException e) {
      throw bad(path, "its header is not JSON", e);
    }
  }

  private static Tensor tensor(
      String path, String name, JsonParser json, long dataStart, long fileLength)
      throws IOException {
    String shown = "tensor \"" + shortened(name) + "\"";
    Dtype dtype = null;
    long[] shape = null;
    long[] offsets = null;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      JsonToken value = json.nextToken();
      switch (field) {
        case "dtype" -> {
          expect(path, value == JsonToken.VALUE_STRING, shown + " has no proper dtype");
          String text = json.getText();
          dtype = Dtype.named(text).orElseThrow(() -> unknownDtype(path, shown, shortened(text)));
        }
        case "shape" -> shape = numbers(path, shown, json);
        case "data_offsets" -> offsets = numbers(path, shown, json);
        default -> throw bad(path, shown + " has the unknown field \"" + shortened(field) + "\"");
      }
    }
    expect(path, dtype != null && shape != null, shown + " has no dtype or no shape");
    expect(path, offsets != null && offsets.length == 2, shown + " has no proper data_offsets");
    long dataLength = fileLength - dataStart;
    expect(
        path,
        offsets[0] <= offsets[1] && offsets[1] <= dataLength,
        shown + " lies outside the file");
    long bytes = Objects.requireNonNull(dtype).bytes();
    try {
      for (long size : shape) {
        bytes = Math.multiplyExact(bytes, size);
      }
    } catch (ArithmeticException e) {
      throw bad(path, shown + " has a shape of more bytes than a file can have", e);
    }
    expect(
        path,
        bytes == offsets[1] - offsets[0],
        shown + " has " + (offsets[1] - offsets[0]) + " bytes where its shape takes " + bytes);
    return new Tensor(name, dtype, shape, dataStart + offsets[0], dataStart + offsets[1]);
  }

  private static PlumblineException unknownDtype(String path, String shown, String dtype) {
    return new PlumblineException(
        ErrorCode.BAD_CHECKPOINT,
        path
            + " is not a sound safetensors file of weights: "
            + shown
            + " has the unknown dtype "
            + dtype
            + "; save the model as F32, F16 or BF16.");
  }

  private static long[] numbers(String path, String shown, JsonParser json) throws IOException {
    expect(path, json.currentToken() == JsonToken.START_ARRAY, shown + " has a size that is none");
    List<Long> numbers = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      expect(
          path,
          json.currentToken() == JsonToken.VALUE_NUMBER_INT && json.getLongValue() >= 0,
          shown + " has a size that is none");
      numbers.add(json.getLongValue());
    }
    return numbers.stream().mapToLong(Long::longValue).toArray();
  }

  /** The tensors must cover the data without overlap or hole, as the format asks. */
  private static void checkLayout(
      String path, long dataStart, long length, Map<String, Tensor> tensors) {
    List<Tensor> byPlace = new ArrayList<>(tensors.values());
    byPlace.sort(Comparator.comparingLong(Tensor::start).thenComparingLong(Tensor::end));
    long at = dataStart;
    for (Tensor tensor : byPlace) {
      expect(
          path,
          tensor.start() == at,
          "tensor \""
              + shortened(tensor.name())
              + "\" overlaps another or leaves a hole before it");
      at = tensor.end();
    }
    expect(path, at == length, (length - at) + " bytes at its end belong to no tensor");
  }

  private static void expect(String path, boolean condition, String otherwise) {
    if (!condition) {
      throw bad(path, otherwise);
    }
  }

  /** Hostile names may be megabytes long. */
  private static String shortened(String text) {
    return text.length() <= 100 ? text : text.substring(0, 100) + "…";
  }

  public String path() {
    return path;
  }

  /** By name, in the order of the header. */
  public Map<String, Tensor> tensors() {
    return tensors;
  }

  /** One tensor; fails with BAD_CHECKPOINT where the file has none of that name. */
  public Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          path + " has no tensor " + name + "; check that the file belongs to this model.");
    }
    return tensor;
  }

  /**
   * Reads a whole tensor as f32 into {@code target}, which must have room for it; advances the
   * target.
   */
  public void read(String name, FloatBuffer target) {
    Tensor tensor = tensor(name);
    if (target.remaining() < tensor.elements()) {
      throw new IllegalArgumentException(
          "room for " + target.remaining() + " of the " + tensor.elements() + " values of " + name);
    }
    int limit = target.limit();
    target.limit(target.position() + (int) tensor.elements());
    read(name, 0, target);
    target.limit(limit);
  }

  /**
   * Fills {@code target} from its position to its limit with the tensor's numbers from {@code
   * fromElement} on, in row-major order, as f32; advances the target.
   */
  public void read(String name, long fromElement, FloatBuffer target) {
    Tensor tensor = tensor(name);
    if (fromElement < 0 || fromElement > tensor.elements() - target.remaining()) {
      throw new IndexOutOfBoundsException(
          target.remaining() + " values from " + fromElement + " of " + tensor.elements());
    }
    requirePlainNumbers(tensor);
    int size = tensor.dtype().bytes();
    long position = tensor.start() + fromElement * size;
    ByteBuffer chunk =
        ByteBuffer.allocate((int) Math.min(CHUNK_BYTES, (long) target.remaining() * size))
            .order(ByteOrder.LITTLE_ENDIAN);
    try (SeekableInput input = storage.openSeekable(path)) {
      while (target.hasRemaining()) {
        chunk.clear();
        chunk.limit((int) Math.min(chunk.capacity(), (long) target.remaining() * size));
        input.readFully(position, chunk);
        position += chunk.limit();
        decode(tensor.dtype(), chunk.flip(), target);
      }
    }
  }

  /** Fails with BAD_CHECKPOINT where a tensor's numbers do not read as f32. */
  void requirePlainNumbers(Tensor tensor) {
    if (!tensor.dtype().readsAsFloat()) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          "Tensor "
              + tensor.name()
              + " of "
              + path
              + " has dtype "
              + tensor.dtype()
              + ", which holds no plain weights; save the model as F32, F16 or BF16.");
    }
  }

  /** Widens the numbers of a little-endian buffer and puts them into the target. */
  static void decode(Dtype dtype, ByteBuffer bytes, FloatBuffer target) {
    switch (dtype) {
      case F32 -> target.put(bytes.asFloatBuffer());
      case F16, BF16 -> {
        ShortBuffer source = bytes.asShortBuffer();
        float[] values = new float[Math.min(source.remaining(), 4096)];
        while (source.hasRemaining()) {
          int n = Math.min(source.remaining(), values.length);
          for (int i = 0; i < n; i++) {
            short bits = source.get();
            values[i] = dtype == Dtype.F16 ? Dtype.fromF16(bits) : Dtype.fromBf16(bits);
          }
          target.put(values, 0, n);
        }
      }
      case F64 -> {
        while (bytes.hasRemaining()) {
          target.put((float) bytes.getDouble());
        }
      }
      default -> throw new IllegalArgumentException(dtype + " does not read as f32");
    }
  }
}
