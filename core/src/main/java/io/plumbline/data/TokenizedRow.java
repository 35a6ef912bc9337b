package io.plumbline.data;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * One row of training data as token ids: a prompt and the completions that share it. A preference
 * pair is a row with two completions, the chosen one first; a supervised row has one.
 *
 * <p>Where the prompt is empty nothing predicts the first token of a completion, so a loss mask
 * leaves it out.
 *
 * @param fingerprint hex SHA-256 of all ids with their boundaries and loss masks: equal exactly for
 *     equal rows
 * @param index the row's place in the input, counted over all accepted rows from 0
 * @param prompt token ids of the prompt; may be empty
 * @param completions token ids of each completion, none of them empty; includes the final EOS where
 *     there is one
 * @param lossMasks for each completion a mask, one byte a token, 1 where the token counts; an empty
 *     list means that every completion token counts
 * @param referenceLogps for each completion the reference model's log-probability of each token, in
 *     nats; an empty list where none were computed
 */
public record TokenizedRow(
    String fingerprint,
    long index,
    int[] prompt,
    List<int[]> completions,
    List<byte[]> lossMasks,
    List<float[]> referenceLogps)
    implements Serializable {

  /** Begins every hashed row, so that another layout would never give the same fingerprint. */
  private static final byte[] FINGERPRINT_FORMAT =
      "plumbline.row.1\n".getBytes(StandardCharsets.US_ASCII);

  public TokenizedRow {
    completions = List.copyOf(completions);
    lossMasks = List.copyOf(lossMasks);
    referenceLogps = List.copyOf(referenceLogps);
  }

  /** A row without reference log-probabilities, its fingerprint computed here. */
  public static TokenizedRow of(
      long index, int[] prompt, List<int[]> completions, List<byte[]> lossMasks) {
    return new TokenizedRow(
        fingerprint(prompt, completions, lossMasks),
        index,
        prompt,
        completions,
        lossMasks,
        List.of());
  }

  /**
   * Hex SHA-256 of a row. Hashed are, all integers big-endian in four bytes: the ASCII line {@code
   * plumbline.row.1}; the number of prompt ids and the ids; the number of completions, and for each
   * its number of ids and the ids; the number of loss masks, and for each its length and its bytes.
   */
  public static String fingerprint(int[] prompt, List<int[]> completions, List<byte[]> lossMasks) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
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
    return new TokenizedRow(fingerprint, index, prompt, completions, lossMasks, logps);
  }

  public TokenizedRow withIndex(long newIndex) {
    return new TokenizedRow(fingerprint, newIndex, prompt, completions, lossMasks, referenceLogps);
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
