package io.plumbline.model;

import java.util.List;

/**
 * The derivative of a loss by each log-probability and each entropy of a micro-batch.
 *
 * @param byLogp in the shape of {@link TokenLogps#logps}
 * @param byPromptLogp in the shape of {@link TokenLogps#promptLogps}; empty where these were not
 *     asked for
 * @param byEntropy by the entropy at each completion token, in the shape of {@link
 *     TokenLogps#logps}; empty where the loss has no entropies, as may be the array of a
 *     completion. The entropies themselves need not have been asked for
 */
public record TokenGradients(
    List<List<float[]>> byLogp, List<float[]> byPromptLogp, List<List<float[]>> byEntropy) {

  /** Gradients of completions' log-probabilities alone. */
  public static TokenGradients of(List<List<float[]>> byLogp) {
    return new TokenGradients(byLogp, List.of(), List.of());
  }
}
