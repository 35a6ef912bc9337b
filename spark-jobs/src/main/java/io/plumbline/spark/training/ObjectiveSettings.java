package io.plumbline.spark.training;

import java.io.Serializable;
import java.util.List;

/**
 * The numbers of an objective, under TRL's names. Each algorithm reads those that it has.
 *
 * @param lossTypes names of losses; several make a weighted mix
 * @param lossWeights a weight for each; empty for 1 each
 * @param beta β: how strongly the policy is held to the reference, or the scale of the reward
 * @param labelSmoothing share of labels that are taken to be wrong
 * @param fDivergenceType which divergence from the reference a log-ratio stands for
 * @param fAlphaDivergenceCoef α of the α-divergence
 * @param discopopTau temperature of DiscoPOP's mixture
 * @param ldAlpha how much the tokens count by which one side is longer than the other; 1 for fully
 * @param referenceModel whether log-ratios are taken to the reference
 * @param weighting how much a pair counts
 * @param desirableWeight how much a good completion counts in KTO
 * @param undesirableWeight how much a bad one counts
 * @param simpoGamma SimPO's target margin of the reward
 * @param cpoAlpha weight of the chosen side's likelihood in SimPO and CPO
 * @param alpha AlphaPO's reward shape; 0 for the logarithm
 * @param nllOn which tokens ORPO's likelihood counts
 * @param centerRewardsCoefficient weight of the reward model's pull of scores towards 0
 */
public record ObjectiveSettings(
    List<String> lossTypes,
    List<Double> lossWeights,
    double beta,
    double labelSmoothing,
    String fDivergenceType,
    double fAlphaDivergenceCoef,
    double discopopTau,
    double ldAlpha,
    ReferenceModel referenceModel,
    PairWeighting weighting,
    double desirableWeight,
    double undesirableWeight,
    double simpoGamma,
    double cpoAlpha,
    double alpha,
    NllOn nllOn,
    double centerRewardsCoefficient)
    implements Serializable {

  public ObjectiveSettings {
    // Lists that every Java serializes.
    lossTypes = List.copyOf(lossTypes);
    lossWeights = List.copyOf(lossWeights);
  }

  /** Whether log-ratios are taken to a reference. */
  public enum ReferenceModel {
    FROZEN,
    /** TRL's reference_free: the reference finds everything equally probable. */
    FREE
  }

  /** How much a pair counts. */
  public enum PairWeighting {
    EQUAL,
    WPO
  }

  /** Which tokens a negative log-likelihood counts. */
  public enum NllOn {
    /** Prompt and chosen side: TRL and the authors' code. */
    ALL,
    /** The chosen side: the paper. */
    COMPLETION
  }

  /** TRL's defaults with one loss type. */
  public static ObjectiveSettings of(String lossType, double beta) {
    return new ObjectiveSettings(
        List.of(lossType),
        List.of(),
        beta,
        0,
        "reverse_kl",
        0.5,
        0.05,
        1,
        ReferenceModel.FROZEN,
        PairWeighting.EQUAL,
        1,
        1,
        0.5,
        0,
        0,
        NllOn.ALL,
        0);
  }
}
