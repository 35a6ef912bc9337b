package io.plumbline.spark.ledger;

import io.plumbline.collective.LocalRings;
import io.plumbline.model.Generation.Finish;
import io.plumbline.rollout.ledger.Ledger;
import io.plumbline.rollout.ledger.LedgerRow;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A ledger of a run that went wrong in every way that docs/ledger.md knows a question for: 40 steps
 * of 4 prompts, 4 completions each.
 *
 * <p>Completions grow by 2 tokens a step from 12 on. {@code answer} falls from 1 for all to 1 for
 * one in four; {@code format} rises and is 2 for all from step 20 on. Prompt 6 is solved always and
 * prompt 7 never. From step 31 on all completions are one sentence. The log-ratio of a completion
 * is its step / 10. Two rollouts failed, and one group was dropped.
 */
public final class PlantedRun {
  static final int STEPS = 40;
  static final int SAMPLES = 4;

  private PlantedRun() {}

  /** Writes all of it. */
  public static void write(String directory) {
    Ledger ledger = Ledger.in(Storage.local(), directory);
    try (var alone = LocalRings.create(1).get(0)) {
      for (int step = 1; step <= STEPS; step++) {
        List<LedgerRow> rows = new ArrayList<>();
        for (int slot = 0; slot < 4; slot++) {
          for (int sample = 0; sample < SAMPLES; sample++) {
            rows.add(row(step, slot, sample));
          }
        }
        ledger.write(step, rows, alone);
      }
    }
  }

  static int length(int step) {
    return 10 + 2 * step;
  }

  static LedgerRow row(int step, int slot, int sample) {
    int promptIndex = step % 2 * 4 + slot;
    boolean failed = step == 5 && slot == 0 && sample < 2;
    double answer = sample < 4 - 3 * step / STEPS ? 1 : 0;
    double format = step >= 20 ? 2 : step / 10.0 + sample / 40.0;
    double reward =
        switch (promptIndex) {
          case 6 -> 3;
          case 7 -> 0;
          default -> answer + format;
        };
    Map<String, OptionalDouble> rewards = new LinkedHashMap<>();
    rewards.put("answer", failed ? OptionalDouble.empty() : OptionalDouble.of(answer));
    rewards.put("format", OptionalDouble.of(format));
    int length = length(step);
    float[] logps = new float[length];
    float[] referenceLogps = new float[length];
    for (int i = 0; i < length; i++) {
      logps[i] = -1;
      referenceLogps[i] = -1 - step / 10f / length;
    }
    String completion =
        step > 30
            ? "The  answer is " + (step + sample) + (sample == 0 ? " OF COURSE" : " of course")
            : "Thought " + (char) ('a' + sample) + (char) ('a' + promptIndex) + " of " + step;
    return new LedgerRow(
        step,
        step - 1,
        0,
        promptIndex,
        slot,
        sample,
        "Question " + promptIndex,
        completion,
        3,
        new int[length],
        logps,
        Optional.of(referenceLogps),
        failed ? OptionalDouble.empty() : OptionalDouble.of(reward),
        rewards,
        Map.of("length", OptionalDouble.of(length)),
        step == 3 && slot == 1 ? OptionalDouble.empty() : OptionalDouble.of(sample - 1.5),
        Optional.empty(),
        sample == 3 && step > 20 ? Finish.LENGTH : Finish.EOS,
        step - 1,
        failed ? Optional.of("answer timed out") : Optional.empty());
  }
}
