package io.plumbline.model;

import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A micro-batch laid out for the kernels: each row is its prompt and then its completions, rows of
 * almost equal length form a block that is padded at the end of each row, blocks follow each other.
 *
 * @param ids token ids of all n places, 0 for padding
 * @param positions each place's distance from its sequence's start; completions restart behind the
 *     prompt
 * @param parts 0 for the prompt, j for completion j, -1 for padding
 * @param blocks offset, rows and length of each block
 * @param plain 1 for each block whose rows have one completion, so that the causal mask suffices
 * @param starts of each block the first place, counted from a row's start, that predicts anything
 * @param kept the places from their block's start on, or all where hardly any would be left out
 * @param predictors indices in {@code kept} of the places that predict a token that counts
 * @param targets those tokens
 * @param owners where each target's value goes
 */
record PackedRows(
    long[] ids,
    float[] positions,
    long[] parts,
    long[] blocks,
    long[] plain,
    long[] starts,
    long[] kept,
    long[] predictors,
    long[] targets,
    List<Owner> owners) {
  /** A token by row, completion and index in the completion. */
  record Owner(int row, int completion, int token) {}

  /** Padding a block may hold, as a share of its places. */
  private static final double WASTE = 0.06;

  /** Leaving out fewer places than this share of them does not pay for the explicit mask. */
  private static final double WORTHWHILE = 0.15;

  static PackedRows of(List<TokenizedRow> rows, int vocabSize) {
    check(rows, vocabSize);
    List<Integer> order =
        IntStream.range(0, rows.size())
            .boxed()
            .sorted(
                Comparator.comparing((Integer i) -> rows.get(i).completions().size() > 1)
                    .thenComparing(i -> -rows.get(i).tokens())
                    .thenComparing(i -> i))
            .toList();
    List<List<Integer>> groups = group(rows, order);
    int n = 0;
    for (List<Integer> group : groups) {
      n = Math.addExact(n, group.size() * rows.get(group.get(0)).tokens());
    }
    long[] ids = new long[n];
    float[] positions = new float[n];
    long[] parts = new long[n];
    Arrays.fill(parts, -1);
    long[] blocks = new long[3 * groups.size()];
    long[] plain = new long[groups.size()];
    List<Integer> predictors = new ArrayList<>();
    List<Integer> targets = new ArrayList<>();
    List<Owner> owners = new ArrayList<>();
    int offset = 0;
    for (int block = 0; block < groups.size(); block++) {
      List<Integer> group = groups.get(block);
      int length = rows.get(group.get(0)).tokens();
      blocks[3 * block] = offset;
      blocks[3 * block + 1] = group.size();
      blocks[3 * block + 2] = length;
      plain[block] = rows.get(group.get(0)).completions().size() == 1 ? 1 : 0;
      for (int row : group) {
        int at = offset;
        TokenizedRow r = rows.get(row);
        for (int i = 0; i < r.prompt().length; i++, at++) {
          ids[at] = r.prompt()[i];
          positions[at] = i;
          parts[at] = 0;
        }
        int promptEnd = at - 1;
        for (int c = 0; c < r.completions().size(); c++) {
          int[] completion = r.completions().get(c);
          for (int i = 0; i < completion.length; i++, at++) {
            ids[at] = completion[i];
            positions[at] = r.prompt().length + i;
            parts[at] = c + 1L;
            boolean predicted = i > 0 || r.prompt().length > 0;
            if (predicted && counts(r, c, i)) {
              predictors.add(i > 0 ? at - 1 : promptEnd);
              targets.add(completion[i]);
              owners.add(new Owner(row, c, i));
            }
          }
        }
        offset += length;
      }
    }
    long[] starts = starts(rows, groups);
    long left = 0;
    for (int block = 0; block < groups.size(); block++) {
      left += starts[block] * groups.get(block).size();
    }
    if (left < WORTHWHILE * n) {
      Arrays.fill(starts, 0);
    }
    int[] place = new int[n];
    long[] kept = kept(blocks, starts, place);
    return new PackedRows(
        ids,
        positions,
        parts,
        blocks,
        plain,
        starts,
        kept,
        predictors.stream().mapToLong(i -> place[i]).toArray(),
        targets.stream().mapToLong(i -> i).toArray(),
        List.copyOf(owners));
  }

  private static long[] starts(List<TokenizedRow> rows, List<List<Integer>> groups) {
    long[] starts = new long[groups.size()];
    Arrays.setAll(
        starts,
        block ->
            groups.get(block).stream()
                .mapToInt(row -> Math.max(0, rows.get(row).prompt().length - 1))
                .min()
                .orElseThrow());
    return starts;
  }

  /** The kept places; writes to {@code place} where each of them stands among these. */
  private static long[] kept(long[] blocks, long[] starts, int[] place) {
    long[] kept = new long[place.length];
    int count = 0;
    for (int block = 0; block < starts.length; block++) {
      int offset = (int) blocks[3 * block];
      int length = (int) blocks[3 * block + 2];
      for (int i = 0; i < blocks[3 * block + 1] * length; i++) {
        if (i % length >= starts[block]) {
          place[offset + i] = count;
          kept[count++] = (long) offset + i;
        }
      }
    }
    return Arrays.copyOf(kept, count);
  }

  /** Whether the last layer may leave places out. */
  boolean trimmed() {
    return kept.length < ids.length;
  }

  private static boolean counts(TokenizedRow row, int completion, int token) {
    return row.lossMasks().isEmpty() || row.lossMasks().get(completion)[token] != 0;
  }

  /** Splits rows, longest first within their kind, where one more would waste too much. */
  private static List<List<Integer>> group(List<TokenizedRow> rows, List<Integer> order) {
    List<List<Integer>> groups = new ArrayList<>();
    List<Integer> current = new ArrayList<>();
    long used = 0;
    for (int row : order) {
      TokenizedRow r = rows.get(row);
      if (!current.isEmpty()) {
        TokenizedRow first = rows.get(current.get(0));
        long places = (long) first.tokens() * (current.size() + 1);
        boolean alike = (first.completions().size() == 1) == (r.completions().size() == 1);
        if (!alike || places - used - r.tokens() > WASTE * places) {
          groups.add(current);
          current = new ArrayList<>();
          used = 0;
        }
      }
      current.add(row);
      used += r.tokens();
    }
    if (!current.isEmpty()) {
      groups.add(current);
    }
    return groups;
  }

  private static void check(List<TokenizedRow> rows, int vocabSize) {
    for (TokenizedRow row : rows) {
      if (row.completions().isEmpty()) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA, "row " + row.index() + " has no completion");
      }
      checkIds(row, row.prompt(), vocabSize);
      for (int c = 0; c < row.completions().size(); c++) {
        int[] completion = row.completions().get(c);
        if (completion.length == 0) {
          throw new PlumblineException(
              ErrorCode.BAD_DATA, "row " + row.index() + " has an empty completion");
        }
        checkIds(row, completion, vocabSize);
        if (!row.lossMasks().isEmpty()
            && (row.lossMasks().size() != row.completions().size()
                || row.lossMasks().get(c).length != completion.length)) {
          throw new PlumblineException(
              ErrorCode.BAD_DATA,
              "row " + row.index() + " has loss masks that do not fit its completions");
        }
      }
    }
  }

  private static void checkIds(TokenizedRow row, int[] ids, int vocabSize) {
    for (int id : ids) {
      if (id < 0 || id >= vocabSize) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA,
            "row "
                + row.index()
                + " has the token id "
                + id
                + ", but the model's vocabulary has "
                + vocabSize
                + " entries; use the tokenizer that belongs to the model");
      }
    }
  }

  /** Values of targets, spread over the shape of the rows; 0 where a token does not count. */
  static List<List<float[]>> spread(List<TokenizedRow> rows, List<Owner> owners, float[] values) {
    List<List<float[]>> out = new ArrayList<>();
    for (TokenizedRow row : rows) {
      out.add(row.completions().stream().map(c -> new float[c.length]).toList());
    }
    for (int i = 0; i < owners.size(); i++) {
      Owner owner = owners.get(i);
      out.get(owner.row()).get(owner.completion())[owner.token()] = values[i];
    }
    return List.copyOf(out);
  }

  /** The reverse of {@link #spread}. */
  float[] collect(List<List<float[]>> shaped) {
    float[] out = new float[owners.size()];
    for (int i = 0; i < out.length; i++) {
      Owner owner = owners.get(i);
      out[i] = shaped.get(owner.row()).get(owner.completion())[owner.token()];
    }
    return out;
  }
}
