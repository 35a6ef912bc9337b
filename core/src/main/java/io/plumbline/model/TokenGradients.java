package io.plumbline.model;

import java.util.List;

/**
 * The derivative of a loss by each log-probability of a micro-batch.
 *
 * @param byLogp in the shape of {@link TokenLogps#logps}
 * @param byPromptLogp in the shape of {@link TokenLogps#promptLogps}; empty where these were not
 *     asked for
 */
public record TokenGradients(List<List<float[]>> byLogp, List<float[]> byPromptLogp) {

  /** Gradients of completions alone. */
  public static TokenGradients of(List<List<float[]>> byLogp) {
    return new TokenGradients(byLogp, List.of());
  }
}
