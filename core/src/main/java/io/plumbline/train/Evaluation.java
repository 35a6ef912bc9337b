package io.plumbline.train;

import io.plumbline.data.CanonicalShards;
import io.plumbline.data.TokenizedRow;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** What held-out rows say of the model's present weights. */
public interface Evaluation {
  /** Metrics without the {@code eval_} before their names, the same on every rank. */
  Map<String, Double> run();

  /** Reads this rank's held-out rows step by step, and tells the observer how far that is. */
  static void eachStep(CanonicalShards held, Rank rank, Consumer<List<TokenizedRow>> rows) {
    CanonicalShards.Plan plan = held.plan();
    try (CanonicalShards.StepReader reader =
        held.reader(rank.collective().rank(), rank.collective().worldSize(), 0)) {
      for (long step = 0; step < plan.steps(); step++) {
        rank.observer().checkInterrupted();
        if (rank.isFirst()) {
          rank.observer()
              .evaluated(Math.min(step * plan.globalBatchSize(), plan.rows()), plan.rows());
        }
        rows.accept(reader.next());
      }
    }
  }
}
