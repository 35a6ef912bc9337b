package io.plumbline.spark.mine;

import io.plumbline.mine.Choice;
import io.plumbline.mine.Skip;
import java.io.Serializable;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.EnumMap;
import java.util.TreeMap;

/** What came of prompts. Tallies add up; added in one order, they give the same to the last bit. */
final class Tally implements Serializable {
  private static final long serialVersionUID = 1L;

  private static final MathContext HISTOGRAM_DIGITS = new MathContext(3);

  /** Why a completion cannot be chosen or rejected. */
  enum LeftOut {
    REWARD_FAILED,
    /** No function says anything of it. */
    NO_REWARD,
    CUT_OFF,
    /** It has no text, or none that a row of data can hold. */
    EMPTY,
    /** An earlier completion of the prompt is the same. */
    DUPLICATE
  }

  /** The partition that it is of, by which one that was computed twice counts once. */
  final int partition;

  long prompts;
  long promptsUsed;
  long completions;
  long rows;
  private final EnumMap<Skip, Long> skipped = new EnumMap<>(Skip.class);
  private final EnumMap<LeftOut, Long> leftOut = new EnumMap<>(LeftOut.class);
  final Spread reward = new Spread();
  final Spread[] byFunction;
  final Spread chosen = new Spread();
  final Spread rejected = new Spread();
  final Spread margin = new Spread();
  final Spread tokens = new Spread();
  final TreeMap<Double, Long> histogram = new TreeMap<>();
  String firstFailure = "";
  Refusal firstRefusal = Refusal.NONE;

  Tally(int partition, int functions) {
    this.partition = partition;
    this.byFunction = new Spread[functions];
    java.util.Arrays.setAll(byFunction, f -> new Spread());
  }

  void completion(double total, double[] rewards, int length) {
    completions++;
    tokens.add(length);
    for (int f = 0; f < rewards.length; f++) {
      if (!Double.isNaN(rewards[f])) {
        byFunction[f].add(rewards[f]);
      }
    }
    if (!Double.isNaN(total)) {
      reward.add(total);
      histogram.merge(new BigDecimal(total).round(HISTOGRAM_DIGITS).doubleValue(), 1L, Long::sum);
    }
  }

  void leaveOut(LeftOut why) {
    leftOut.merge(why, 1L, Long::sum);
  }

  void skip(Skip why) {
    skipped.merge(why, 1L, Long::sum);
  }

  long skipped(Skip why) {
    return skipped.getOrDefault(why, 0L);
  }

  long leftOut(LeftOut why) {
    return leftOut.getOrDefault(why, 0L);
  }

  void choice(Choice choice) {
    rows++;
    chosen.add(choice.chosen().reward());
    choice
        .rejected()
        .ifPresent(
            other -> {
              rejected.add(other.reward());
              margin.add(choice.margin());
            });
  }

  void add(Tally other) {
    prompts += other.prompts;
    promptsUsed += other.promptsUsed;
    completions += other.completions;
    rows += other.rows;
    other.skipped.forEach((why, count) -> skipped.merge(why, count, Long::sum));
    other.leftOut.forEach((why, count) -> leftOut.merge(why, count, Long::sum));
    reward.add(other.reward);
    for (int f = 0; f < byFunction.length; f++) {
      byFunction[f].add(other.byFunction[f]);
    }
    chosen.add(other.chosen);
    rejected.add(other.rejected);
    margin.add(other.margin);
    tokens.add(other.tokens);
    other.histogram.forEach((value, count) -> histogram.merge(value, count, Long::sum));
    firstFailure = firstFailure.isEmpty() ? other.firstFailure : firstFailure;
    firstRefusal = firstRefusal.or(other.firstRefusal);
  }
}
