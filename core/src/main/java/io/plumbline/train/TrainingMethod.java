package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import io.plumbline.model.TokenLogps;
import java.util.List;
import java.util.Map;

/**
 * What an algorithm adds to the loop: how rows and their log-probabilities become a loss, its
 * gradient and metrics. The loop divides by {@link #normalizer}, which counts over all ranks and
 * micro-batches, so the update depends on neither.
 */
public interface TrainingMethod {
  /** Names of the sums that {@link #accumulate} fills. */
  List<String> sums();

  /**
   * Adds a micro-batch to the sums.
   *
   * @return ∂(sum of losses) / ∂logp, in the shape of {@code tokens.logps()}
   */
  List<List<float[]>> accumulate(List<TokenizedRow> rows, TokenLogps tokens, Sums sums);

  /** What the sum of losses and its gradient are divided by, from the sums over all ranks. */
  double normalizer(Sums sums);

  /** Metrics under TRL's names, from the sums over all ranks. */
  Map<String, Double> metrics(Sums sums);

  /**
   * Checks on the first step what must hold before any update, and fails with NUMERICS if it does
   * not.
   */
  default void checkBeforeFirstUpdate(Sums sums) {}
}
