package io.plumbline.optim;

import java.util.Map;

/** How gradients become new weights: an optimizer without what all of them do alike. */
interface UpdateRule {
  /**
   * One update. Gradients may be changed: they are cleared before the next step.
   *
   * @param count the number of this update, from 1
   * @param learningRate η
   * @param scale what every gradient is multiplied with first
   */
  void step(long count, double learningRate, double scale);

  /** All that is kept from step to step, by the names under which it is saved. */
  Map<String, Moment> moments();
}
