package io.plumbline.data;

import io.plumbline.base.Sha256;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;

/**
 * One row of training data as token ids: a prompt and the completions that share it. A preference
 * pair is a row with two completions, the chosen one first; a supervised row has one; a prompt that
 * a model is to continue has none.
 *
 * <p>Where the prompt is empty nothing predicts the first token of a completion, so a loss mask
 * leaves it out.
 *
 * @param fingerprint hex SHA-256 of all ids with their boundaries and loss masks: equal exactly
 *     where a model gives equal log-probabilities. Margin, label and columns are not in it, so
 *     values that a reference model computed stay good for others; {@link #dataFingerprint} has
 *     them.
 * @param index the row's place in the input, counted over all accepted rows from 0
 * @param prompt token ids of the prompt; may be empty
 * @param completions token ids of each completion, none of them empty; includes the final EOS where
 *     there is one; an empty list where a model is to write them
 * @param lossMasks for each completion a mask, one byte a token, 1 where the token counts; an empty
 *     list means that every completion token counts
 * @param referenceLogps for each completion the reference model's log-probability of each token, in
 *     nats; an empty list where none were computed
 * @param margin of a pair: by how much the chosen side is better, in units of reward; NaN where the
 *     data does not say
 * @param desirability of an unpaired row: whether its completion is a good one
 * @param columns of a prompt that a model is to continue: all columns of its row, for reward
 *     functions, as {@link Columns#parse} reads them; empty for other rows
 */
public record TokenizedRow(
    String fingerprint,
    long index,
    int[] prompt,
    List<int[]> completions,
    List<byte[]> lossMasks,
    List<float[]> referenceLogps,
    double margin,
    Desirability desirability,
    String columns)
    implements Serializable {

  /** The label of an unpaired row. */
  public enum Desirability {
    DESIRABLE,
    UNDESIRABLE,
    /** The data has no labels. */
    UNSTATED
  }

  /** Begins every hashed row, so that another layout would never give the same fingerprint. */
  private static final byte[] FINGERPRINT_FORMAT =
      "plumbline.row.1\n".getBytes(StandardCharsets.US_ASCII);

  public TokenizedRow {
    completions = List.copyOf(completions);
    lossMasks = List.copyOf(lossMasks);
    referenceLogps = List.copyOf(referenceLogps);
  }

  /**
   * A row without reference log-probabilities, margin, label and columns, its fingerprint computed
   * here.
   */
  public static TokenizedRow of(
      long index, int[] prompt, List<int[]> completions, List<byte[]> lossMasks) {
    return new TokenizedRow(
        fingerprint(prompt, completions, lossMasks),
        index,
        prompt,
        completions,
        lossMasks,
        List.of(),
        Double.NaN,
        Desirability.UNSTATED,
        "");
  }

  /**
   * Hex SHA-256 of a row. Hashed are, all integers big-endian in four bytes: the ASCII line {@code
   * plumbline.row.1}; the number of prompt ids and the ids; the number of completions, and for each
   * its number of ids and the ids; the number of loss masks, and for each its length and its bytes.
   */
  public static String fingerprint(int[] prompt, List<int[]> completions, List<byte[]> lossMasks) {
    MessageDigest digest = Sha256.digest();
    digest.update(FINGERPRINT_FORMAT);
    update(digest, prompt);
    update(digest, completions.size());
    for (int[] completion : completions) {
      update(digest, completion);
    }
    update(digest, lossMasks.size());
    for (byte[] mask : lossMasks) {
      update(digest, mask.length);
      digest.update(mask);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /**
   * What tells this row from others in a data set: equal exactly for rows with equal ids, loss
   * masks, margin, label and columns. {@link #fingerprint} where the row has none of the latter
   * three, else the hex SHA-256 of the line {@code plumbline.row.said.1}, the fingerprint, the
   * margin's IEEE 754 bits as 16 hexadecimal digits ({@code -} without one), the label's name and,
   * only where there are some, the columns in UTF-8, each line ended by a line feed.
   */
  public String dataFingerprint() {
    boolean noMargin = Double.isNaN(margin);
    if (noMargin && desirability == Desirability.UNSTATED && columns.isEmpty()) {
      return fingerprint;
    }
    String said =
        String.join(
            "\n",
            "plumbline.row.said.1",
            fingerprint,
            noMargin ? "-" : HexFormat.of().toHexDigits(Double.doubleToLongBits(margin)),
            desirability.name(),
            columns.isEmpty() ? "" : columns + "\n");
    return Sha256.hex(said);
  }

  private static void update(MessageDigest digest, int[] ids) {
    update(digest, ids.length);
    for (int id : ids) {
      update(digest, id);
    }
  }

  private static void update(MessageDigest digest, int value) {
    digest.update((byte) (value >>> 24));
    digest.update((byte) (value >>> 16));
    digest.update((byte) (value >>> 8));
    digest.update((byte) value);
  }

  public TokenizedRow withReferenceLogps(List<float[]> logps) {
    return new TokenizedRow(
        fingerprint, index, prompt, completions, lossMasks, logps, margin, desirability, columns);
  }

  public TokenizedRow withIndex(long newIndex) {
    return new TokenizedRow(
        fingerprint,
        newIndex,
        prompt,
        completions,
        lossMasks,
        referenceLogps,
        margin,
        desirability,
        columns);
  }

  /** The row with one of its completions, and what belongs to it. */
  public TokenizedRow withOnlyCompletion(int completion) {
    return new TokenizedRow(
        fingerprint,
        index,
        prompt,
        List.of(completions.get(completion)),
        lossMasks.isEmpty() ? List.of() : List.of(lossMasks.get(completion)),
        referenceLogps.isEmpty() ? List.of() : List.of(referenceLogps.get(completion)),
        margin,
        desirability,
        columns);
  }

  /** This row with what the data says of it: a pair's margin, or an unpaired row's label. */
  public TokenizedRow judged(double newMargin, Desirability label) {
    return new TokenizedRow(
        fingerprint,
        index,
        prompt,
        completions,
        lossMasks,
        referenceLogps,
        newMargin,
        label,
        columns);
  }

  /** This prompt with the columns of its row. */
  public TokenizedRow withColumns(String json) {
    return new TokenizedRow(
        fingerprint,
        index,
        prompt,
        completions,
        lossMasks,
        referenceLogps,
        margin,
        desirability,
        json);
  }

  /** Tokens of the prompt and of all completions. */
  public int tokens() {
    int n = prompt.length;
    for (int[] completion : completions) {
      n += completion.length;
    }
    return n;
  }
}
