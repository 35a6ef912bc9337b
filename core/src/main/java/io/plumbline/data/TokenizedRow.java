package io.plumbline.data;

import java.util.List;

/**
 * One row of training data as token ids: a prompt and the completions that share it. A preference
 * pair is a row with two completions, the chosen one first; a supervised row has one.
 *
 * @param fingerprint hex SHA-256 of all ids with their boundaries: equal exactly for equal ids
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
    List<float[]> referenceLogps) {

  public TokenizedRow {
    completions = List.copyOf(completions);
    lossMasks = List.copyOf(lossMasks);
    referenceLogps = List.copyOf(referenceLogps);
  }

  public TokenizedRow withReferenceLogps(List<float[]> logps) {
    return new TokenizedRow(fingerprint, index, prompt, completions, lossMasks, logps);
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
