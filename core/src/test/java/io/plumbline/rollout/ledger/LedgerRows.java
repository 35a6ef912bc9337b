package io.plumbline.rollout.ledger;

import io.plumbline.model.Generation.Finish;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;

/** Rows for tests. */
public final class LedgerRows {
  private LedgerRows() {}

  /** A row with nothing left out. */
  public static LedgerRow full(long step, int rank, int slot, int sample) {
    return row(step, rank, slot, sample, "Say " + slot, "Well: " + sample, 3, 0.5 * sample);
  }

  /** A row of so many tokens, all with log-probability −1, the reference's −1.5. */
  public static LedgerRow row(
      long step,
      int rank,
      int slot,
      int sample,
      String prompt,
      String completion,
      int length,
      double reward) {
    int[] tokens = new int[length];
    float[] logps = new float[length];
    float[] referenceLogps = new float[length];
    double[] tokenAdvantages = new double[length];
    for (int i = 0; i < length; i++) {
      tokens[i] = i + 7;
      logps[i] = -1;
      referenceLogps[i] = -1.5f;
      tokenAdvantages[i] = i / 3.0;
    }
    Map<String, OptionalDouble> rewards = new LinkedHashMap<>();
    rewards.put("answer", OptionalDouble.of(reward));
    rewards.put("absent", OptionalDouble.empty());
    return new LedgerRow(
        step,
        step / 2,
        rank,
        100 + slot,
        slot,
        sample,
        prompt,
        completion,
        2,
        tokens,
        logps,
        Optional.of(referenceLogps),
        OptionalDouble.of(reward),
        rewards,
        Map.of("length", OptionalDouble.of(length)),
        OptionalDouble.of(reward - 0.25),
        Optional.of(tokenAdvantages),
        Finish.EOS,
        step - 1,
        Optional.of("slow"));
  }

  static LedgerRow random(Random random, long step, int rank, int slot, int sample) {
    int length = random.nextInt(90);
    float[] logps = new float[length];
    double[] tokenAdvantages = new double[length];
    for (int i = 0; i < length; i++) {
      logps[i] = Float.intBitsToFloat(random.nextInt());
      tokenAdvantages[i] = random.nextGaussian();
    }
    Map<String, OptionalDouble> rewards = new LinkedHashMap<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      rewards.put("reward " + i, maybe(random));
    }
    return new LedgerRow(
        step,
        random.nextLong(),
        rank,
        random.nextLong(),
        slot,
        sample,
        "Prompt é\n" + random.nextInt(),
        random.nextBoolean() ? "" : "\"" + random.nextLong(),
        random.nextInt(),
        random.ints(length).toArray(),
        logps,
        random.nextBoolean() ? Optional.of(logps.clone()) : Optional.empty(),
        maybe(random),
        rewards,
        random.nextBoolean() ? Map.of() : Map.of("cost", maybe(random)),
        maybe(random),
        random.nextBoolean() ? Optional.of(tokenAdvantages) : Optional.empty(),
        random.nextBoolean() ? Finish.EOS : Finish.LENGTH,
        random.nextLong(),
        random.nextBoolean() ? Optional.of("no: " + random.nextInt()) : Optional.empty());
  }

  private static OptionalDouble maybe(Random random) {
    return random.nextInt(3) == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of(random.nextGaussian());
  }

  /** The same rollout, of another rank or another prompt. */
  static LedgerRow of(LedgerRow row, int rank, long promptIndex) {
    return new LedgerRow(
        row.step(),
        row.phase(),
        rank,
        promptIndex,
        row.slot(),
        row.sample(),
        row.prompt(),
        row.completion(),
        row.promptTokens(),
        row.tokens(),
        row.logps(),
        row.referenceLogps(),
        row.reward(),
        row.rewards(),
        row.costs(),
        row.advantage(),
        row.tokenAdvantages(),
        row.finish(),
        row.policyVersion(),
        row.failure());
  }

  /** All of a row, for records compare arrays by identity. */
  static String text(LedgerRow row) {
    return row.toString().replaceAll("\\[[IFD]@\\p{XDigit}+", "an array")
        + Arrays.toString(row.tokens())
        + Arrays.toString(row.logps())
        + row.referenceLogps().map(Arrays::toString)
        + row.tokenAdvantages().map(Arrays::toString);
  }
}
