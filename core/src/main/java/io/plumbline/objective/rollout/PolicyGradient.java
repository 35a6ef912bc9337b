package io.plumbline.objective.rollout;

import io.plumbline.objective.LossAt;
import java.util.Arrays;

/**
 * The loss that all of {@link GrpoLossTypes} share: over the tokens t of a completion that count,
 *
 * <p>loss = c·Σ_t (m_t·surrogate(w_t, A_t) + β·kl_t) − entropy_coef·s·Σ_t m_t·H_t
 *
 * <p>with c either 1 or 1 over the number of these tokens, w_t the importance ratio, m_t 0 where
 * the entropy or the off-policy threshold leaves a token out and 1 elsewhere (the latter threshold
 * leaves the entropy bonus alone, and neither touches the KL, as in TRL), and s as in {@link
 * RolloutObjective#loss}.
 *
 * @param ratioOf what w_t is of
 * @param weighing what c is
 */
record PolicyGradient(
    Surrogate surrogate,
    RatioOf ratioOf,
    Weighing weighing,
    Normalization normalization,
    GrpoSettings settings)
    implements RolloutObjective {
  /** How the losses of a completion's tokens become the completion's. */
  enum Weighing {
    MEAN,
    SUM
  }

  /** What a ratio is of. Its logarithm is, over the tokens that count: */
  enum RatioOf {
    /** each token's log-ratio; */
    TOKEN,
    /** their mean; */
    MEAN,
    /** their sum. */
    SUM;

    static RatioOf level(ImportanceSamplingLevel level) {
      return switch (level) {
        case TOKEN -> TOKEN;
        case SEQUENCE -> MEAN;
      };
    }

    /** What a token's log-ratio adds to that of its completion. */
    private double share(RolloutLogps rollout) {
      return this == MEAN ? 1.0 / Math.max(1, rollout.tokens()) : 1;
    }

    /** The logarithm of each token's ratio. */
    double[] logRatios(RolloutLogps rollout) {
      double[] logRatios = new double[rollout.length()];
      double sum = 0;
      for (int t = 0; t < logRatios.length; t++) {
        if (rollout.counts(t)) {
          logRatios[t] = rollout.logRatio(t);
          sum += logRatios[t];
        }
      }
      if (this != TOKEN) {
        Arrays.fill(logRatios, sum * share(rollout));
      }
      return logRatios;
    }

    /** Adds what derivatives by {@link #logRatios} are by the tokens' log-probabilities. */
    void addByLogp(RolloutLogps rollout, double[] byLogRatio, double[] byLogp) {
      double all = Arrays.stream(byLogRatio).sum() * share(rollout);
      for (int t = 0; t < byLogp.length; t++) {
        if (rollout.counts(t)) {
          byLogp[t] += this == TOKEN ? byLogRatio[t] : all;
        }
      }
    }
  }

  @Override
  public RolloutLoss loss(RolloutLogps rollout, double entropyThreshold, double bonusScale) {
    int length = rollout.length();
    double weight = weighing == Weighing.SUM ? 1 : 1.0 / Math.max(1, rollout.tokens());
    RatioOf klRatioOf = RatioOf.level(settings.importanceSamplingLevel());
    double[] logRatios = ratioOf.logRatios(rollout);
    double[] klLogRatios = klRatioOf.logRatios(rollout);
    double[] advantages = advantages(rollout);
    double moved = movedAway(rollout);

    double loss = 0;
    double kl = 0;
    int low = 0;
    int high = 0;
    double[] byLogp = new double[length];
    double[] byLogRatio = new double[length];
    double[] byKlLogRatio = new double[length];
    for (int t = 0; t < length; t++) {
      if (!rollout.counts(t)) {
        continue;
      }
      Surrogate.Term term = surrogate.at(logRatios[t], rollout.policy()[t], advantages[t]);
      low += term.clip() == Surrogate.Clip.LOW ? 1 : 0;
      high += term.clip() == Surrogate.Clip.HIGH ? 1 : 0;
      boolean offPolicy = advantages[t] < 0 && moved > settings.offPolicyMaskThreshold();
      if (learns(rollout, t, entropyThreshold) && !offPolicy) {
        loss += weight * term.loss();
        byLogp[t] += weight * term.byLogp();
        byLogRatio[t] = weight * term.byLogRatio();
      }
      if (rollout.reference().length > 0) {
        LossAt at =
            settings
                .kl()
                .estimator()
                .at((double) rollout.reference()[t] - rollout.policy()[t])
                .times(correction(klLogRatios[t]));
        kl += at.loss();
        if (settings.kl().beta() > 0) {
          loss += weight * settings.kl().beta() * at.loss();
          byLogp[t] -= weight * settings.kl().beta() * at.slope();
          byKlLogRatio[t] = weight * settings.kl().beta() * at.loss() * correctionByLogRatio();
        }
      }
    }
    ratioOf.addByLogp(rollout, byLogRatio, byLogp);
    klRatioOf.addByLogp(rollout, byKlLogRatio, byLogp);

    float[] byEntropy = new float[settings.entropyCoef() > 0 ? length : 0];
    for (int t = 0; t < byEntropy.length; t++) {
      if (learns(rollout, t, entropyThreshold)) {
        loss -= settings.entropyCoef() * bonusScale * rollout.entropies()[t];
        byEntropy[t] = (float) (-settings.entropyCoef() * bonusScale);
      }
    }
    return new RolloutLoss(
        loss, floats(byLogp), byEntropy, new RolloutLoss.Statistics(kl, low, high));
  }

  private static boolean learns(RolloutLogps rollout, int t, double entropyThreshold) {
    return rollout.counts(t) && rollout.entropies()[t] >= entropyThreshold;
  }

  private double correction(double logRatio) {
    return switch (settings.kl().correction()) {
      case NONE -> 1;
      case IMPORTANCE_RATIO -> Math.exp(logRatio);
    };
  }

  private double correctionByLogRatio() {
    return settings.kl().correction() == KlCorrection.IMPORTANCE_RATIO ? 1 : 0;
  }

  /** One advantage a ratio where the gradient goes through it, the mean of its tokens'. */
  private double[] advantages(RolloutLogps rollout) {
    if (ratioOf == RatioOf.TOKEN || surrogate instanceof Surrogate.OfLikelihood) {
      return rollout.advantages();
    }
    double sum = 0;
    for (int t = 0; t < rollout.length(); t++) {
      sum += rollout.counts(t) ? rollout.advantages()[t] : 0;
    }
    double[] mean = new double[rollout.length()];
    Arrays.fill(mean, sum / Math.max(1, rollout.tokens()));
    return mean;
  }

  /** Mean of log π_old(y_t) − log π(y_t): the KL of the off-policy mask. */
  private static double movedAway(RolloutLogps rollout) {
    return rollout.length() == 0 ? 0 : -RatioOf.MEAN.logRatios(rollout)[0];
  }

  private static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }
}
