package io.plumbline.objective;

/**
 * The value and the slope of a loss that is a function of one number.
 *
 * @param loss f(x)
 * @param slope f′(x)
 */
public record LossAt(double loss, double slope) {
  /**
   * The logistic loss with label smoothing ε, the share of pairs that are taken to be labelled the
   * wrong way round: f(x) = −(1−ε)·log σ(x) − ε·log σ(−x), f′(x) = σ(x) − (1−ε).
   *
   * <p>The slope is taken as −(1−ε)·σ(−x) + ε·σ(x), which keeps its digits where x is large.
   */
  public static LossAt logistic(double x, double labelSmoothing) {
    double kept = 1 - labelSmoothing;
    if (labelSmoothing == 0) {
      return new LossAt(-Logistic.logSigmoid(x), -Logistic.sigmoid(-x));
    }
    return new LossAt(
        -kept * Logistic.logSigmoid(x) - labelSmoothing * Logistic.logSigmoid(-x),
        -kept * Logistic.sigmoid(-x) + labelSmoothing * Logistic.sigmoid(x));
  }

  /** f(x)·factor. */
  public LossAt times(double factor) {
    return new LossAt(loss * factor, slope * factor);
  }

  /** g(d) = f(scale·d), where this is f at scale·d. */
  public LossAt ofScaled(double scale) {
    return new LossAt(loss, slope * scale);
  }
}
