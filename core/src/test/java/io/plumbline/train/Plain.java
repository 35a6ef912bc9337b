package io.plumbline.train;

import io.plumbline.collective.LocalRings;
import io.plumbline.model.ActivationMemory;
import io.plumbline.objective.pair.PreferenceObjective;
import io.plumbline.objective.pair.PreferenceSettings;
import io.plumbline.optim.OptimizerSettings;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Training as tests need it where nothing else matters. */
public final class Plain {
  private Plain() {}

  /** DPO against the model that training began with. */
  public static Dpo.Settings dpo(
      PreferenceObjective objective, double beta, double driftTolerance) {
    return new Dpo.Settings(
        objective,
        beta,
        Dpo.Reference.FROZEN,
        PreferenceSettings.Weighting.NONE,
        Optional.empty(),
        driftTolerance);
  }

  /** A batch that one rank holds whole, for a method that needs no survey. */
  public static <P, V, G> WholeBatch<P> batch(TrainingMethod<P, V, G> method, StepBatch<P> batch) {
    return WholeBatch.gather(method, null, batch, LocalRings.create(1).get(0), rows -> List.of());
  }

  /** A loop without evaluations that stops at a bad step and takes the last weights. */
  public static LoopSettings loop(
      OptimizerSettings optimizer,
      OptionalInt microBatchSize,
      int microBatchTokens,
      long saveSteps) {
    return new LoopSettings(
        optimizer,
        LoopSettings.OptionalMicroBatchSize.of(microBatchSize),
        microBatchTokens,
        0,
        saveSteps,
        0,
        LoopSettings.BadSteps.STOP,
        LoopSettings.Selection.LAST,
        ActivationMemory.KEEP);
  }
}
