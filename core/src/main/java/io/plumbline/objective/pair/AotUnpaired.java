package io.plumbline.objective.pair;

import io.plumbline.objective.LossAt;
import io.plumbline.objective.Require;
import io.plumbline.statistics.Ranks;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Alignment via optimal transport for sides that need not belong together, {@code aot_unpaired}:
 * Melnyk et al., "Distributional Preference Alignment of LLMs via Optimal Transport" (2024),
 * section 3, the unpaired form. It asks that the distribution of the chosen sides' log-ratios lie
 * above that of the rejected ones'.
 *
 * <p>With the chosen sides' log-ratios a and the rejected sides' b, each sorted over the batch: the
 * loss at rank k is −(1−ε)·log σ(β·(a₍ₖ₎ − b₍ₖ₎)) − ε·log σ(−β·(a₍ₖ₎ − b₍ₖ₎)). It is counted for
 * the pair whose a has rank k, while the derivative by b goes to the pair whose b has rank k; equal
 * values rank in the order of the pairs.
 *
 * @param beta β, over 0
 * @param labelSmoothing ε, within 0 and 0.5
 */
public record AotUnpaired(double beta, double labelSmoothing) implements BatchObjective {
  public AotUnpaired {
    Require.positive("beta", beta);
    Require.labelSmoothing(labelSmoothing);
  }

  @Override
  public List<PairLoss> losses(List<PairLogps> batch) {
    double[] chosen = batch.stream().mapToDouble(PairLogps::chosenLogRatio).toArray();
    double[] rejected = batch.stream().mapToDouble(PairLogps::rejectedLogRatio).toArray();
    int[] byChosen = Ranks.ascending(chosen);
    int[] byRejected = Ranks.ascending(rejected);

    LossAt[] ofChosen = new LossAt[batch.size()];
    LossAt[] ofRejected = new LossAt[batch.size()];
    for (int k = 0; k < batch.size(); k++) {
      double difference = chosen[byChosen[k]] - rejected[byRejected[k]];
      LossAt at = LossAt.logistic(beta * difference, labelSmoothing).ofScaled(beta);
      ofChosen[byChosen[k]] = at;
      ofRejected[byRejected[k]] = at;
    }
    return IntStream.range(0, batch.size())
        .mapToObj(
            i -> new PairLoss(ofChosen[i].loss(), ofChosen[i].slope(), -ofRejected[i].slope()))
        .toList();
  }
}
