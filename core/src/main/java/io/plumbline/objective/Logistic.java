package io.plumbline.objective;

/** The logistic function and its logarithm, without overflow for any argument. */
public final class Logistic {
  private Logistic() {}

  /** σ(x) = 1 / (1 + e⁻ˣ). */
  public static double sigmoid(double x) {
    if (x >= 0) {
      return 1.0 / (1.0 + Math.exp(-x));
    }
    double e = Math.exp(x);
    return e / (1.0 + e);
  }

  /** log σ(x) = −log(1 + e⁻ˣ). */
  public static double logSigmoid(double x) {
    return x >= 0 ? -Math.log1p(Math.exp(-x)) : x - Math.log1p(Math.exp(x));
  }
}
