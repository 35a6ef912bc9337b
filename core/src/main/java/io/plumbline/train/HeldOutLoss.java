package io.plumbline.train;

import io.plumbline.data.CanonicalShards;
import io.plumbline.model.TrainedModel;
import java.util.Map;

/**
 * The method's loss and metrics on held-out rows, which every world size reads in the same order.
 */
record HeldOutLoss<V, G>(
    TrainedModel<V, G> model,
    TrainingMethod<NoColumns, V, G> method,
    CanonicalShards held,
    LoopSettings settings,
    Rank rank)
    implements Evaluation {

  @Override
  public Map<String, Double> run() {
    Sums sums = new Sums(method.sums(), method.ranges());
    Evaluation.eachStep(
        held,
        rank,
        rows -> {
          WholeBatch<NoColumns> whole =
              WholeBatch.gather(
                  method,
                  model,
                  StepBatch.of(rows),
                  rank.collective(),
                  all -> MicroBatches.split(all, settings));
          BatchLoss<V, G> loss = method.loss(whole);
          for (MicroBatch batch : MicroBatches.split(whole.learned(), settings)) {
            loss.accumulate(batch, model.infer(batch.rows()), sums);
          }
        });
    sums.addUpOver(rank.collective());
    return method.evaluationMetrics(NoColumns.NONE, sums);
  }
}
