package io.plumbline.spark.prepare;

import io.plumbline.data.TokenizedRow;
import io.plumbline.data.TokenizedRow.Desirability;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Rows as bytes on their way through a shuffle, where Java's serialization would be slow. */
final class RowBytes {
  private RowBytes() {}

  static byte[] write(TokenizedRow row) {
    byte[] fingerprint = row.fingerprint().getBytes(StandardCharsets.UTF_8);
    byte[] columns = row.columns().getBytes(StandardCharsets.UTF_8);
    int size = 4 + fingerprint.length + 8 + 4 + 4 * row.prompt().length + 12 + 8 + 1;
    size += 4 + columns.length;
    for (int[] completion : row.completions()) {
      size += 4 + 4 * completion.length;
    }
    for (byte[] mask : row.lossMasks()) {
      size += 4 + mask.length;
    }
    for (float[] logps : row.referenceLogps()) {
      size += 4 + 4 * logps.length;
    }
    ByteBuffer out = ByteBuffer.allocate(size);
    out.putInt(fingerprint.length).put(fingerprint).putLong(row.index());
    ints(out, row.prompt());
    out.putInt(row.completions().size());
    row.completions().forEach(completion -> ints(out, completion));
    out.putInt(row.lossMasks().size());
    row.lossMasks().forEach(mask -> out.putInt(mask.length).put(mask));
    out.putInt(row.referenceLogps().size());
    for (float[] logps : row.referenceLogps()) {
      out.putInt(logps.length);
      for (float logp : logps) {
        out.putFloat(logp);
      }
    }
    out.putDouble(row.margin()).put(code(row.desirability()));
    out.putInt(columns.length).put(columns);
    return out.array();
  }

  private static byte code(Desirability desirability) {
    return switch (desirability) {
      case UNSTATED -> 0;
      case DESIRABLE -> 1;
      case UNDESIRABLE -> 2;
    };
  }

  private static Desirability desirability(byte code) {
    return switch (code) {
      case 0 -> Desirability.UNSTATED;
      case 1 -> Desirability.DESIRABLE;
      case 2 -> Desirability.UNDESIRABLE;
      default -> throw new IllegalArgumentException("the label " + code);
    };
  }

  private static void ints(ByteBuffer out, int[] values) {
    out.putInt(values.length);
    for (int value : values) {
      out.putInt(value);
    }
  }

  static TokenizedRow read(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    String fingerprint = new String(bytes(in), StandardCharsets.UTF_8);
    long index = in.getLong();
    int[] prompt = ints(in);
    List<int[]> completions = new ArrayList<>();
    for (int left = in.getInt(); left > 0; left--) {
      completions.add(ints(in));
    }
    List<byte[]> masks = new ArrayList<>();
    for (int left = in.getInt(); left > 0; left--) {
      masks.add(bytes(in));
    }
    List<float[]> logps = new ArrayList<>();
    for (int left = in.getInt(); left > 0; left--) {
      float[] values = new float[in.getInt()];
      for (int i = 0; i < values.length; i++) {
        values[i] = in.getFloat();
      }
      logps.add(values);
    }
    double margin = in.getDouble();
    Desirability desirability = desirability(in.get());
    String columns = new String(bytes(in), StandardCharsets.UTF_8);
    return new TokenizedRow(
        fingerprint, index, prompt, completions, masks, logps, margin, desirability, columns);
  }

  private static int[] ints(ByteBuffer in) {
    int[] values = new int[in.getInt()];
    for (int i = 0; i < values.length; i++) {
      values[i] = in.getInt();
    }
    return values;
  }

  private static byte[] bytes(ByteBuffer in) {
    byte[] values = new byte[in.getInt()];
    in.get(values);
    return values;
  }
}
