package io.plumbline.objective;

import io.plumbline.Records;
import io.plumbline.objective.pair.CpoLossTypes;
import io.plumbline.objective.pair.CpoSettings;
import io.plumbline.objective.pair.Divergence;
import io.plumbline.objective.pair.LogRatioObjective;
import io.plumbline.objective.pair.LossTypes;
import io.plumbline.objective.pair.OddsRatio;
import io.plumbline.objective.pair.PairLogps;
import io.plumbline.objective.pair.PreferenceObjective;
import io.plumbline.objective.pair.PreferenceSettings;
import io.plumbline.objective.pair.Sft;
import io.plumbline.objective.pair.SigmoidPreference;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Every objective in several settings, and random pairs to try them on. */
public final class Objectives {
  /**
   * An objective with a name to tell which failed.
   *
   * @param type its name in {@link LossTypes}; another word where it has none there
   * @param variant what else is set
   */
  record Named(String type, String variant, PreferenceObjective objective) {
    @Override
    public String toString() {
      return variant + " " + type;
    }
  }

  private static final String LABEL_SMOOTHING = "label-smoothing";

  private Objectives() {}

  /** DPO as the paper has it. */
  public static SigmoidPreference dpo(double beta) {
    return new SigmoidPreference(beta, 0, new Divergence.ReverseKl());
  }

  /** A pair alone, without its prompt's tokens and without a margin. */
  public static PairLogps pair(
      double policyChosen,
      double policyRejected,
      double referenceChosen,
      double referenceRejected,
      int chosenTokens,
      int rejectedTokens) {
    return new PairLogps(
        policyChosen,
        policyRejected,
        referenceChosen,
        referenceRejected,
        chosenTokens,
        rejectedTokens,
        0,
        0,
        chosenTokens,
        Double.NaN);
  }

  /** Losses by name, each with its weight behind a colon or 1, as in "sigmoid:0.8,sft". */
  public static PreferenceObjective mix(String text, PreferenceSettings settings) {
    List<String> names = new ArrayList<>();
    List<Double> weights = new ArrayList<>();
    for (String part : text.split(",", -1)) {
      String[] halves = part.strip().split(":", -1);
      names.add(halves[0]);
      weights.add(halves.length == 1 ? 1.0 : Double.parseDouble(halves[1]));
    }
    return LossTypes.of(names, weights, settings);
  }

  /** Those with a reference. */
  static List<Named> withReference() {
    List<Named> all = new ArrayList<>();
    for (double beta : new double[] {0.1, 1.5}) {
      PreferenceSettings settings = Records.with(TrlDefaults.preference(), "beta", beta);
      for (String type : LossTypes.names()) {
        if (!type.equals("exo_pair")) {
          all.add(new Named(type, "plain beta " + beta, LossTypes.of(type, settings)));
        }
        if (LossTypes.all().reads(type, LABEL_SMOOTHING)) {
          all.add(
              new Named(
                  type,
                  "smoothed beta " + beta,
                  LossTypes.of(type, Records.with(settings, "labelSmoothing", 0.1))));
        }
        double smoothing = type.equals("exo_pair") ? 0.01 : 0;
        if (LossTypes.of(type, Records.with(settings, "labelSmoothing", smoothing))
            instanceof LogRatioObjective) {
          for (String divergence : Divergence.names()) {
            all.add(
                new Named(
                    type,
                    divergence + " beta " + beta,
                    LossTypes.of(
                        type,
                        Records.with(
                            settings,
                            "labelSmoothing",
                            smoothing,
                            "divergence",
                            Divergence.named(divergence, 0.4)))));
          }
        }
      }
      all.add(
          new Named(
              "mix", "of pairs beta " + beta, mix("sigmoid:0.8, bco_pair:0.2,sft", settings)));
      all.add(new Named("mix", "with a batch's beta " + beta, mix("aot,hinge:0.5", settings)));
    }
    return all;
  }

  /** Those without. */
  static List<Named> withoutReference() {
    List<Named> all = new ArrayList<>();
    for (double beta : new double[] {0.1, 2}) {
      for (String type : CpoLossTypes.names()) {
        for (double alpha : new double[] {0, 0.25, -0.5}) {
          if (alpha == 0 && type.equals("alphapo")) {
            continue;
          }
          CpoSettings settings = Records.with(TrlDefaults.cpo(), "beta", beta, "alpha", alpha);
          String variant = "alpha " + alpha + " beta " + beta;
          all.add(new Named("cpo " + type, variant, CpoLossTypes.of(type, settings)));
          if (CpoLossTypes.all().reads(type, LABEL_SMOOTHING)) {
            all.add(
                new Named(
                    "cpo " + type,
                    "smoothed " + variant,
                    CpoLossTypes.of(
                        type, Records.with(settings, "labelSmoothing", 0.1, "cpoAlpha", 0))));
          }
        }
      }
      all.add(
          new Named("orpo", "beta " + beta, OddsRatio.withLikelihood(beta, Sft.Mean.OVER_TOKENS)));
    }
    return all;
  }

  /** Pairs with log-ratios within ±4 nats and between 0.05 and 3 nats a token. */
  public static List<PairLogps> pairs(long seed, int count) {
    Random random = new Random(seed);
    int[] chosenTokens = random.ints(count, 1, 12).toArray();
    int[] promptTokens = random.ints(count, 0, 3).toArray();
    double mean = 0;
    for (int i = 0; i < count; i++) {
      mean += (double) (chosenTokens[i] + promptTokens[i]) / count;
    }
    List<PairLogps> pairs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int rejectedTokens = random.nextInt(1, 12);
      double chosen = -chosenTokens[i] * random.nextDouble(0.05, 3);
      double rejected = -rejectedTokens * random.nextDouble(0.05, 3);
      pairs.add(
          new PairLogps(
              chosen,
              rejected,
              chosen + random.nextDouble(-4, 4),
              rejected + random.nextDouble(-4, 4),
              chosenTokens[i],
              rejectedTokens,
              -promptTokens[i] * random.nextDouble(0.05, 3),
              promptTokens[i],
              mean,
              random.nextDouble(-3, 3)));
    }
    return pairs;
  }

  /** A pair with its log-probabilities moved. */
  static PairLogps moved(PairLogps pair, double byChosen, double byRejected, double byPrompt) {
    return new PairLogps(
        pair.policyChosen() + byChosen,
        pair.policyRejected() + byRejected,
        pair.referenceChosen(),
        pair.referenceRejected(),
        pair.chosenTokens(),
        pair.rejectedTokens(),
        pair.policyPrompt() + byPrompt,
        pair.promptTokens(),
        pair.meanChosenTokens(),
        pair.margin());
  }

  /** A pair with its reference's log-probabilities moved. */
  static PairLogps referenceMoved(PairLogps pair, double byChosen, double byRejected) {
    return new PairLogps(
        pair.policyChosen(),
        pair.policyRejected(),
        pair.referenceChosen() + byChosen,
        pair.referenceRejected() + byRejected,
        pair.chosenTokens(),
        pair.rejectedTokens(),
        pair.policyPrompt(),
        pair.promptTokens(),
        pair.meanChosenTokens(),
        pair.margin());
  }
}
