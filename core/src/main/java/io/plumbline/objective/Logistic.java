package io.plumbline.objective;

/** The logistic function and logarithms around it, without overflow for any argument. */
public final class Logistic {
  private static final double LOG_2 = Math.log(2);

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

  /** log(1 − eˣ) for x under 0: the log-probability of "not", from a log-probability. */
  public static double log1mExp(double x) {
    return x > -LOG_2 ? Math.log(-Math.expm1(x)) : Math.log1p(-Math.exp(x));
  }
}
