package io.plumbline.objective;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.checkpoint.SafetensorsFile;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;

/** Tensors of a golden safetensors file, by name. */
public final class GoldenTensors {
  private final String path;
  private final SafetensorsFile file;

  private GoldenTensors(String path) {
    this.path = path;
    this.file = SafetensorsFile.open(Storage.local(), Fixtures.golden(path).toString());
  }

  public static GoldenTensors open(String path) {
    return new GoldenTensors(path);
  }

  public static JsonNode json(String path) {
    try {
      return new ObjectMapper().readTree(Fixtures.golden(path).toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public float[] floats(String name) {
    FloatBuffer values = FloatBuffer.allocate((int) file.tensor(name).elements());
    file.read(name, values);
    return values.array();
  }

  /** A matrix of floats, by row. */
  public float[][] rows(String name) {
    long[] shape = file.tensor(name).shape();
    FloatBuffer values = FloatBuffer.wrap(floats(name));
    float[][] rows = new float[(int) shape[0]][(int) shape[1]];
    for (float[] row : rows) {
      values.get(row);
    }
    return rows;
  }

  /** Whether there is a tensor of this name. */
  public boolean has(String name) {
    return file.tensors().containsKey(name);
  }

  /** A matrix of int64 token ids, by row. */
  public int[][] ids(String name) {
    SafetensorsFile.Tensor tensor = file.tensor(name);
    ByteBuffer bytes = bytes(tensor);
    int[][] rows = new int[(int) tensor.shape()[0]][(int) tensor.shape()[1]];
    for (int[] row : rows) {
      for (int t = 0; t < row.length; t++) {
        row[t] = Math.toIntExact(bytes.getLong());
      }
    }
    return rows;
  }

  /** A mask of int64, by row. */
  public byte[][] mask(String name) {
    SafetensorsFile.Tensor tensor = file.tensor(name);
    ByteBuffer bytes = bytes(tensor);
    byte[][] rows = new byte[(int) tensor.shape()[0]][(int) tensor.shape()[1]];
    for (byte[] row : rows) {
      for (int t = 0; t < row.length; t++) {
        row[t] = (byte) bytes.getLong();
      }
    }
    return rows;
  }

  /**
   * A mask of int64 over input tokens as one over predicted ones: by row, without the first column.
   */
  public byte[][] shiftedMask(String name) {
    SafetensorsFile.Tensor tensor = file.tensor(name);
    ByteBuffer bytes = bytes(tensor);
    byte[][] rows = new byte[(int) tensor.shape()[0]][(int) tensor.shape()[1] - 1];
    for (byte[] row : rows) {
      bytes.getLong();
      for (int t = 0; t < row.length; t++) {
        row[t] = (byte) bytes.getLong();
      }
    }
    return rows;
  }

  public byte[] bytes(String name) {
    ByteBuffer bytes = bytes(file.tensor(name));
    byte[] values = new byte[bytes.remaining()];
    bytes.get(values);
    return values;
  }

  private ByteBuffer bytes(SafetensorsFile.Tensor tensor) {
    try {
      byte[] all = Files.readAllBytes(Fixtures.golden(path));
      return ByteBuffer.wrap(all, (int) tensor.start(), (int) (tensor.end() - tensor.start()))
          .slice()
          .order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static int count(byte[] mask) {
    int count = 0;
    for (byte counted : mask) {
      count += counted;
    }
    return count;
  }

  static double sum(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum;
  }
}
