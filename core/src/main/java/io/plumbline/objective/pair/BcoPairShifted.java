package io.plumbline.objective.pair;

import io.plumbline.objective.Require;
import io.plumbline.objective.unpaired.Kto;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * Binary classifier optimisation as its paper has it, {@code bco_pair_shifted}: Jung et al.,
 * "Binary Classifier Optimization for Large Language Model Alignment" (2024), section 4.
 *
 * <p>{@link BcoPair} with δ = the mean reward of both sides over the step's whole batch, which is
 * not differentiated. The paper keeps a running mean over steps; that of the batch estimates the
 * same without a state, as the KL estimate of {@link Kto} does.
 *
 * @param beta β, over 0
 */
public record BcoPairShifted(double beta) implements BatchObjective {
  public BcoPairShifted {
    Require.positive("beta", beta);
  }

  @Override
  public List<PairLoss> losses(List<PairLogps> batch) {
    double[] rewards =
        batch.stream()
            .flatMapToDouble(
                pair ->
                    DoubleStream.of(beta * pair.chosenLogRatio(), beta * pair.rejectedLogRatio()))
            .toArray();
    // Added up in their order of size, so that the order of pairs changes not even the last bit.
    Arrays.sort(rewards);
    double shift = Arrays.stream(rewards).average().orElse(0);
    if (!Double.isFinite(shift)) {
      // A pair whose reward is not finite makes every loss so; which one, the caller finds.
      return batch.stream().map(pair -> new PairLoss(Double.NaN, Double.NaN, Double.NaN)).toList();
    }
    return new BcoPair(beta, shift).losses(batch);
  }
}
