package io.plumbline.objective.pair;

import io.plumbline.objective.Logistic;
import io.plumbline.objective.Registry;
import java.io.Serializable;
import java.util.List;
import java.util.Set;

/**
 * An f-divergence between policy and reference, as Wang et al., "Beyond Reverse KL: Generalizing
 * Direct Preference Optimization with Diverse Divergence Constraints" (2023), put it in the place
 * of DPO's reverse KL: the log-ratio of a side is replaced by f′(t), where t = π/π_ref.
 *
 * <p>A constant added to f′ cancels in the difference of two sides' scores; it does not where
 * scores are divided by lengths first. The constants are TRL's: every score is 0 at t = 1.
 */
public interface Divergence extends Serializable {
  /** f′(t) at t = exp({@code logRatio}). */
  double score(double logRatio);

  /** The derivative of {@link #score} by the log-ratio. */
  double slope(double logRatio);

  /** TRL's name of it, as in {@code f_divergence_type}. */
  String name();

  /** All of them, made of {@link AlphaDivergence#coefficient}, which the others do not read. */
  Registry<Double, Divergence> TYPES =
      new Registry<Double, Divergence>("f-divergence")
          .with("reverse_kl", any -> new ReverseKl(), Set.of())
          .with("forward_kl", any -> new ForwardKl(), Set.of())
          .with("js_divergence", any -> new JensenShannon(), Set.of())
          .with("alpha_divergence", AlphaDivergence::new, Set.of("f-alpha-divergence-coef"));

  /** TRL's names of the divergences. */
  static List<String> names() {
    return TYPES.names();
  }

  /** The divergence of a name; fails with BAD_USAGE where there is none. */
  static Divergence named(String name, double alphaCoefficient) {
    return TYPES.of(name, alphaCoefficient);
  }

  /** Reverse KL, the divergence of DPO itself: f′(t) = log t (the paper's has + 1). */
  record ReverseKl() implements Divergence {
    @Override
    public double score(double logRatio) {
      return logRatio;
    }

    @Override
    public double slope(double logRatio) {
      return 1;
    }

    @Override
    public String name() {
      return "reverse_kl";
    }
  }

  /**
   * Forward KL: f′(t) = 1 − 1/t (the paper's lacks the 1). Explodes as a log-ratio falls: infinite
   * below −709 nats, past any float32 below −88.
   */
  record ForwardKl() implements Divergence {
    @Override
    public double score(double logRatio) {
      return -Math.expm1(-logRatio);
    }

    @Override
    public double slope(double logRatio) {
      return Math.exp(-logRatio);
    }

    @Override
    public String name() {
      return "forward_kl";
    }
  }

  /** Jensen–Shannon: f′(t) = log(2t / (1 + t)). */
  record JensenShannon() implements Divergence {
    private static final double LOG_2 = Math.log(2);

    @Override
    public double score(double logRatio) {
      return LOG_2 + Logistic.logSigmoid(logRatio);
    }

    @Override
    public double slope(double logRatio) {
      return Logistic.sigmoid(-logRatio);
    }

    @Override
    public String name() {
      return "js_divergence";
    }
  }

  /**
   * α-divergence in TRL's parametrisation: f′(t) = (tᵃ⁻¹ − 1) / (a − 1); a within 10⁻⁶ of 1 is
   * reverse KL, a = 0 is forward KL.
   *
   * <p>The paper writes f′(t) = (1 − t^−α) / α: its α is 1 − a. TRL 0.24 had the paper's α as well.
   *
   * <p>As in TRL the exponent (a − 1)·log t is cut off at {@value #MOST}, where the slope becomes
   * 0: the score stays finite, if very large (5.5·10³⁴ / |a − 1|).
   *
   * @param coefficient a, TRL's {@code f_alpha_divergence_coef}
   */
  record AlphaDivergence(double coefficient) implements Divergence {
    private static final double MOST = 80;
    private static final double SAME_AS_ONE = 1e-6;

    public AlphaDivergence {
      if (!Double.isFinite(coefficient)) {
        throw new IllegalArgumentException("the α coefficient must be finite, not " + coefficient);
      }
    }

    @Override
    public double score(double logRatio) {
      if (isReverseKl()) {
        return logRatio;
      }
      return Math.expm1(Math.min(exponent(logRatio), MOST)) / (coefficient - 1);
    }

    @Override
    public double slope(double logRatio) {
      if (isReverseKl()) {
        return 1;
      }
      double exponent = exponent(logRatio);
      return exponent > MOST ? 0 : Math.exp(exponent);
    }

    private double exponent(double logRatio) {
      return (coefficient - 1) * logRatio;
    }

    private boolean isReverseKl() {
      return Math.abs(coefficient - 1) < SAME_AS_ONE;
    }

    @Override
    public String name() {
      return "alpha_divergence";
    }
  }
}
