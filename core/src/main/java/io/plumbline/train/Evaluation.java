package io.plumbline.train;

import java.util.Map;

/** What held-out rows say of the model's present weights. */
public interface Evaluation {
  /** Metrics without the {@code eval_} before their names, the same on every rank. */
  Map<String, Double> run();
}
