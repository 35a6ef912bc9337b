package io.plumbline.train;

import io.plumbline.collective.Collective;
import io.plumbline.data.CanonicalShards;
import java.util.Map;

/** What held-out rows say of the model's present weights. */
public interface Evaluation {
  /** Metrics without the {@code eval_} before their names, the same on every rank. */
  Map<String, Double> run();

  /** Tells of the held-out rows before a step of them. */
  static void tell(
      TrainingObserver observer, Collective collective, CanonicalShards.Plan held, long step) {
    if (collective.rank() == 0) {
      observer.evaluated(Math.min(step * held.globalBatchSize(), held.rows()), held.rows());
    }
  }
}
