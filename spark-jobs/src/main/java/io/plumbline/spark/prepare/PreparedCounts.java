package io.plumbline.spark.prepare;

import io.plumbline.data.RefusalReason;
import io.plumbline.data.TokenizedRow;
import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;

/**
 * What became of the rows that were read.
 *
 * @param read rows of the input, blank lines not counted
 * @param accepted rows that were tokenized
 * @param refused rows by the id of the reason
 * @param truncated accepted rows that lost tokens to the limits of length
 * @param promptMoved accepted rows whose completion begins before the end of the tokenized prompt,
 *     as tokens or template treat the prompt differently with and without a completion after it
 * @param promptTokens tokens of the accepted rows' prompts
 * @param completionTokens tokens of each completion
 * @param sequenceTokens tokens of prompt and completion together, for each completion
 */
public record PreparedCounts(
    long read,
    long accepted,
    TreeMap<String, Long> refused,
    long truncated,
    long promptMoved,
    Lengths promptTokens,
    Lengths completionTokens,
    Lengths sequenceTokens)
    implements Serializable {

  /** Numbers of tokens: how many there were, their sum, and the extremes (0 of none). */
  public record Lengths(long count, long sum, int min, int max) implements Serializable {
    static final Lengths NONE = new Lengths(0, 0, 0, 0);

    public double mean() {
      return count == 0 ? 0 : (double) sum / count;
    }

    Lengths plus(int length) {
      return plus(new Lengths(1, length, length, length));
    }

    Lengths plus(Lengths other) {
      if (count == 0) {
        return other;
      }
      if (other.count == 0) {
        return this;
      }
      return new Lengths(
          count + other.count, sum + other.sum, Math.min(min, other.min), Math.max(max, other.max));
    }
  }

  static final PreparedCounts NONE =
      new PreparedCounts(0, 0, new TreeMap<>(), 0, 0, Lengths.NONE, Lengths.NONE, Lengths.NONE);

  /** Tokens of all accepted rows, a shared prompt counted once. */
  public long tokens() {
    return promptTokens.sum() + completionTokens.sum();
  }

  /** Rows that were not accepted, for whatever reason. */
  public long refusedRows() {
    return refused.values().stream().mapToLong(Long::longValue).sum();
  }

  PreparedCounts plus(PreparedCounts other) {
    TreeMap<String, Long> reasons = new TreeMap<>(refused);
    other.refused.forEach((reason, rows) -> reasons.merge(reason, rows, Long::sum));
    return new PreparedCounts(
        read + other.read,
        accepted + other.accepted,
        reasons,
        truncated + other.truncated,
        promptMoved + other.promptMoved,
        promptTokens.plus(other.promptTokens),
        completionTokens.plus(other.completionTokens),
        sequenceTokens.plus(other.sequenceTokens));
  }

  /** Counts one task's rows. */
  static final class Counter {
    private long read;
    private long accepted;
    private final Map<RefusalReason, Long> refused = new java.util.EnumMap<>(RefusalReason.class);
    private long truncated;
    private long promptMoved;
    private Lengths prompts = Lengths.NONE;
    private Lengths completions = Lengths.NONE;
    private Lengths sequences = Lengths.NONE;

    void accepted(io.plumbline.data.ExampleTokenizer.Tokenized tokenized) {
      TokenizedRow row = tokenized.row();
      read++;
      accepted++;
      truncated += tokenized.truncated() ? 1 : 0;
      promptMoved += tokenized.promptMoved() ? 1 : 0;
      prompts = prompts.plus(row.prompt().length);
      for (int[] completion : row.completions()) {
        completions = completions.plus(completion.length);
        sequences = sequences.plus(row.prompt().length + completion.length);
      }
    }

    void refused(RefusalReason reason) {
      read++;
      refused.merge(reason, 1L, Long::sum);
    }

    PreparedCounts counts() {
      TreeMap<String, Long> reasons = new TreeMap<>();
      refused.forEach((reason, rows) -> reasons.put(reason.id(), rows));
      return new PreparedCounts(
          read, accepted, reasons, truncated, promptMoved, prompts, completions, sequences);
    }
  }
}
