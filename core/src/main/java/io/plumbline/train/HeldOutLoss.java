package io.plumbline.train;

import io.plumbline.collective.Collective;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.TrainedModel;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The method's loss and metrics on held-out rows, which every world size reads in the same order.
 */
record HeldOutLoss<V, G>(
    TrainedModel<V, G> model,
    TrainingMethod<V, G> method,
    Collective collective,
    CanonicalShards held,
    Function<List<TokenizedRow>, List<List<TokenizedRow>>> microBatches,
    TrainingObserver observer)
    implements Evaluation {

  @Override
  public Map<String, Double> run() {
    Sums sums = new Sums(method.sums(), method.ranges());
    try (CanonicalShards.StepReader reader =
        held.reader(collective.rank(), collective.worldSize(), 0)) {
      for (long s = 0; s < held.plan().steps(); s++) {
        observer.checkInterrupted();
        Evaluation.tell(observer, collective, held.plan(), s);
        WholeBatch whole =
            WholeBatch.gather(method, model, reader.next(), collective, microBatches);
        for (List<TokenizedRow> batch : microBatches.apply(whole.learned())) {
          method.accumulate(batch, model.infer(batch), whole, sums);
        }
      }
    }
    sums.addUpOver(collective);
    return method.evaluationMetrics(sums);
  }
}
