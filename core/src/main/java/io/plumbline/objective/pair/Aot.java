package io.plumbline.objective.pair;

import io.plumbline.objective.LossAt;
import io.plumbline.objective.Require;
import io.plumbline.statistics.Ranks;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Alignment via optimal transport for pairs, {@code aot}: Melnyk et al., "Distributional Preference
 * Alignment of LLMs via Optimal Transport" (2024), section 3, the paired form. It asks that the
 * distribution of the policy's margins lie above that of the reference's, not each margin above its
 * own.
 *
 * <p>With u = log π(y⁺) − log π(y⁻) and v = log π_ref(y⁺) − log π_ref(y⁻), both sorted over the
 * batch: the loss at rank k is −(1−ε)·log σ(β·(u₍ₖ₎ − v₍ₖ₎)) − ε·log σ(−β·(u₍ₖ₎ − v₍ₖ₎)). It is
 * counted for the pair whose u has rank k; equal values rank in the order of the pairs.
 *
 * @param beta β, over 0
 * @param labelSmoothing ε, within 0 and 0.5
 */
public record Aot(double beta, double labelSmoothing) implements BatchObjective {
  public Aot {
    Require.positive("beta", beta);
    Require.labelSmoothing(labelSmoothing);
  }

  @Override
  public List<PairLoss> losses(List<PairLogps> batch) {
    double[] policy =
        batch.stream().mapToDouble(pair -> pair.policyChosen() - pair.policyRejected()).toArray();
    double[] reference =
        batch.stream()
            .mapToDouble(pair -> pair.referenceChosen() - pair.referenceRejected())
            .toArray();
    int[] byPolicy = Ranks.ascending(policy);
    int[] byReference = Ranks.ascending(reference);

    List<PairLoss> losses = new ArrayList<>(Collections.nCopies(batch.size(), null));
    for (int k = 0; k < batch.size(); k++) {
      double difference = policy[byPolicy[k]] - reference[byReference[k]];
      LossAt at = LossAt.logistic(beta * difference, labelSmoothing).ofScaled(beta);
      losses.set(byPolicy[k], new PairLoss(at.loss(), at.slope(), -at.slope()));
    }
    return losses;
  }
}
