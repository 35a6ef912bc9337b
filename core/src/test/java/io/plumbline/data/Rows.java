package io.plumbline.data;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Records;
import io.plumbline.data.TokenizedRow.Desirability;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Rows for tests, made up or from the fixtures. */
final class Rows {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Rows() {}

  static List<Map<String, Object>> jsonLines(Path file) throws IOException {
    List<Map<String, Object>> rows = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      rows.add(JSON.readValue(line, new TypeReference<Map<String, Object>>() {}));
    }
    return rows;
  }

  static int[] ids(Object list) {
    return ((List<?>) list).stream().mapToInt(id -> ((Number) id).intValue()).toArray();
  }

  /** A row whose prompt is its own index, so that it can be told from the others. */
  static TokenizedRow numbered(long index) {
    return TokenizedRow.of(
        index, new int[] {(int) index}, List.of(new int[] {7}, new int[] {8}), List.of());
  }

  static TokenizedRow random(Random random, long index) {
    int completions = random.nextInt(4);
    List<int[]> ids = new ArrayList<>();
    List<byte[]> masks = new ArrayList<>();
    List<float[]> logps = new ArrayList<>();
    boolean masked = random.nextBoolean();
    boolean referenced = random.nextBoolean();
    for (int i = 0; i < completions; i++) {
      int[] completion = random.ints(1 + random.nextInt(40), 0, Integer.MAX_VALUE).toArray();
      ids.add(completion);
      byte[] mask = new byte[completion.length];
      float[] values = new float[completion.length];
      for (int t = 0; t < mask.length; t++) {
        mask[t] = (byte) random.nextInt(2);
        values[t] = random.nextInt(20) == 0 ? Float.NaN : -random.nextFloat() * 50;
      }
      if (masked) {
        masks.add(mask);
      }
      if (referenced) {
        logps.add(values);
      }
    }
    int[] prompt = random.ints(random.nextInt(100), 0, 200_000).toArray();
    double margin = random.nextBoolean() ? Double.NaN : random.nextGaussian();
    return Records.with(
            TokenizedRow.of(index, prompt, ids, masks).withReferenceLogps(logps),
            "margin",
            margin,
            "desirability",
            List.of(Desirability.values()).get(random.nextInt(3)))
        .withColumns(random.nextBoolean() ? "" : "{\"answer\":\"é " + random.nextInt() + "\"}");
  }

  /** Whether rows are equal in all but identity; arrays by their bits. */
  static boolean same(TokenizedRow a, TokenizedRow b) {
    return a.fingerprint().equals(b.fingerprint())
        && a.index() == b.index()
        && Double.doubleToLongBits(a.margin()) == Double.doubleToLongBits(b.margin())
        && a.desirability() == b.desirability()
        && a.columns().equals(b.columns())
        && Arrays.equals(a.prompt(), b.prompt())
        && Arrays.deepEquals(a.completions().toArray(), b.completions().toArray())
        && Arrays.deepEquals(a.lossMasks().toArray(), b.lossMasks().toArray())
        && Arrays.deepEquals(a.referenceLogps().toArray(), b.referenceLogps().toArray());
  }
}
