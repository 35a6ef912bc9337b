package io.plumbline.spark.training;

import io.plumbline.data.LossOn;
import io.plumbline.objective.pair.PreferenceSettings.Weighting;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.PartlyUsed;
import io.plumbline.settings.Varied;
import io.plumbline.settings.Without;
import io.plumbline.train.Dpo.Reference;
import java.io.Serializable;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What an algorithm is set by that others are not: a record for each, whose annotations say besides
 * what of the options of all training commands is otherwise in its command. Names are TRL's where
 * TRL has them.
 */
public sealed interface AlgorithmSettings extends Serializable
    permits AlgorithmSettings.Sft,
        AlgorithmSettings.Reward,
        AlgorithmSettings.Dpo,
        AlgorithmSettings.Kto,
        AlgorithmSettings.Orpo,
        AlgorithmSettings.Simpo,
        RolloutSettings {
  /** What the settings are of. */
  Algorithm algorithm();

  /** The losses that are named; none where the algorithm has but one. */
  default List<String> losses() {
    return List.of();
  }

  /**
   * Supervised fine-tuning.
   *
   * @param supervisedOn which text of a row is learned from
   * @param lossOn which of its tokens count
   * @param packing whether rows are put together to the longest length
   */
  @Heading(LengthSettings.HEADING)
  @Without({"desirable-from", "reference-cache"})
  @Varied(option = "learning-rate", standard = "2e-5")
  record Sft(
      @Option(
              help =
                  "Learns from the rows' own completion, messages or text, or from the chosen side of"
                      + " preference rows.",
              standard = "completion",
              neutral = "completion")
          SupervisedOn supervisedOn,
      @Option(
              help =
                  "Which tokens are learned: those of the completion (whole texts and conversations"
                      + " as a whole), the assistant's turns, or all. (TRL: completion_only_loss,"
                      + " assistant_only_loss.)",
              standard = "completion",
              neutral = "completion")
          LossOn lossOn,
      @Option(
              help =
                  "Puts rows together to --max-length tokens (best fit, the longest first); none sees"
                      + " another, and a step then holds --global-batch-size packed rows.",
              standard = "off",
              neutral = "off")
          RowPacking packing)
      implements AlgorithmSettings {
    @Override
    public Algorithm algorithm() {
      return Algorithm.SFT;
    }
  }

  /** Whether rows are put together. */
  enum RowPacking {
    OFF,
    /** Best fit, the longest first: TRL's default strategy. */
    BFD
  }

  /** Which text SFT learns from. */
  enum SupervisedOn {
    /** The rows' own prompt, completion, messages or text columns. */
    COMPLETION,
    /** The chosen side of preference rows. */
    CHOSEN
  }

  /**
   * A reward model.
   *
   * @param centerRewardsCoefficient weight of the pull of scores towards 0
   */
  @Heading(OptionHelp.OBJECTIVE)
  @Without({"desirable-from", "reference-cache"})
  @Varied(option = "model", also = " Its language head makes room for one score.")
  @Varied(option = "global-batch-size", word = OptionHelp.ROWS, by = OptionHelp.PAIRS)
  @Varied(option = "learning-rate", standard = "1e-4")
  record Reward(
      @Option(
              help = "Pulls the sum of a pair's scores towards 0 with this weight; 0.01 is usual.",
              standard = "0",
              min = 0,
              neutral = "0")
          double centerRewardsCoefficient)
      implements AlgorithmSettings {
    @Override
    public Algorithm algorithm() {
      return Algorithm.REWARD;
    }
  }

  /**
   * Direct preference optimisation and its kin.
   *
   * @param beta β: how strongly the policy is held to the reference
   * @param lossType names of losses; several make a weighted mix
   * @param lossWeights a weight for each; empty for 1 each
   * @param fDivergenceType which divergence from the reference a log-ratio stands for
   * @param fAlphaDivergenceCoef α of the α-divergence
   * @param ldAlpha how much the tokens count by which one side is longer than the other; 1 for
   *     fully
   * @param weighting how much a pair counts
   * @param reference whether log-ratios are taken to the reference
   */
  @Heading(OptionHelp.OBJECTIVE)
  @Without("desirable-from")
  @Varied(option = "model", also = " It is the reference too.")
  @Varied(option = "global-batch-size", word = OptionHelp.ROWS, by = OptionHelp.PAIRS)
  record Dpo(
      @Option(help = OptionHelp.BETA, standard = "0.1", positive = true) double beta,
      @Option(
              label = "NAME[:X][,...]",
              help =
                  "Which loss; several make a mix, each with a weight, as in sigmoid:0.8,sft:0.2"
                      + " (docs/objectives.md): ",
              standard = "sigmoid",
              commas = true)
          List<String> lossType,
      @Option(
              label = "X[,X...]",
              help =
                  "A weight for each loss of a mix, as TRL has them; or write them behind the names.",
              min = 0,
              commas = true)
          List<Double> lossWeights,
      @Option(help = OptionHelp.LABEL_SMOOTHING, standard = "0", min = 0, max = 0.5, neutral = "0")
          double labelSmoothing,
      @Option(
              label = "NAME",
              help =
                  "Divergence from the reference: reverse_kl, forward_kl, js_divergence or"
                      + " alpha_divergence.",
              standard = "reverse_kl",
              words = {"reverse_kl", "forward_kl", "js_divergence", "alpha_divergence"},
              neutral = "reverse_kl")
          String fDivergenceType,
      @Option(
              help = "The alpha of alpha_divergence.",
              standard = "0.5",
              follows = "f-divergence-type")
          double fAlphaDivergenceCoef,
      @Option(
              help = "Temperature of discopop's mixture.",
              standard = "0.05",
              positive = true,
              follows = "loss-type")
          double discopopTau,
      @Option(
              help =
                  "How much the tokens count by which one side is longer than the other; 1 for as"
                      + " much as all others (LD-DPO).",
              standard = "1",
              min = 0,
              max = 1,
              neutral = "1")
          double ldAlpha,
      @Option(
              name = "use-weighting",
              help = "Weighs pairs by how probable they are to the policy (WPO).",
              flag = "WPO",
              neutral = "false")
          Weighting weighting,
      @Option(
              name = "reference-free",
              help = "Compares with no reference: its log-probabilities are 0.",
              flag = "UNIFORM",
              neutral = "false")
          Reference reference)
      implements AlgorithmSettings, PartlyUsed {
    public Dpo {
      // Lists that every Java serializes.
      lossType = List.copyOf(lossType);
      lossWeights = List.copyOf(lossWeights);
    }

    /** These with other losses, each with its weight. */
    public Dpo mixing(List<String> names, List<Double> weights) {
      return new Dpo(
          beta,
          names,
          weights,
          labelSmoothing,
          fDivergenceType,
          fAlphaDivergenceCoef,
          discopopTau,
          ldAlpha,
          weighting,
          reference);
    }

    @Override
    public Algorithm algorithm() {
      return Algorithm.DPO;
    }

    @Override
    public List<String> losses() {
      return lossType;
    }

    @Override
    public Set<String> unused() {
      Set<String> unused = new HashSet<>();
      if (!fDivergenceType.equals("alpha_divergence")) {
        unused.add("f-alpha-divergence-coef");
      }
      if (!lossType.contains("discopop")) {
        unused.add("discopop-tau");
      }
      return unused;
    }
  }

  /**
   * Kahneman-Tversky optimisation.
   *
   * @param desirableWeight how much a good completion counts
   * @param undesirableWeight how much a bad one counts
   */
  @Heading(OptionHelp.OBJECTIVE)
  @Varied(option = "model", also = " It is the reference too.")
  record Kto(
      @Option(help = OptionHelp.BETA, standard = "0.1", positive = true) double beta,
      @Option(label = "NAME", help = OptionHelp.LOSS_TYPE, standard = "kto", commas = true)
          List<String> lossType,
      @Option(
              help = "How much a good completion counts.",
              standard = "1",
              positive = true,
              neutral = "1")
          double desirableWeight,
      @Option(
              help = "How much a bad completion counts.",
              standard = "1",
              positive = true,
              neutral = "1")
          double undesirableWeight)
      implements AlgorithmSettings {
    public Kto {
      lossType = List.copyOf(lossType);
    }

    @Override
    public Algorithm algorithm() {
      return Algorithm.KTO;
    }

    @Override
    public List<String> losses() {
      return lossType;
    }
  }

  /**
   * Odds-ratio preference optimisation.
   *
   * @param beta λ, the weight of the odds ratio
   */
  @Heading(OptionHelp.OBJECTIVE)
  @Without({"desirable-from", "reference-cache"})
  @Varied(option = "global-batch-size", word = OptionHelp.ROWS, by = OptionHelp.PAIRS)
  record Orpo(
      @Option(
              help = "Weight of the odds ratio beside the likelihood (lambda in the paper).",
              standard = "0.1",
              positive = true)
          double beta,
      @Option(
              help =
                  "Which tokens the likelihood counts: prompt and chosen side, as TRL and the"
                      + " authors' code, or the chosen side, as the paper.",
              standard = "all")
          NllOn nllOn)
      implements AlgorithmSettings {
    @Override
    public Algorithm algorithm() {
      return Algorithm.ORPO;
    }
  }

  /** Which tokens a negative log-likelihood counts. */
  enum NllOn {
    /** Prompt and chosen side: TRL and the authors' code. */
    ALL,
    /** The chosen side: the paper. */
    COMPLETION
  }

  /**
   * SimPO, CPO and AlphaPO.
   *
   * @param beta β: the scale of the reward
   * @param simpoGamma the target margin of the reward
   * @param cpoAlpha weight of the chosen side's likelihood
   * @param alpha AlphaPO's reward shape; 0 for the logarithm
   */
  @Heading(OptionHelp.OBJECTIVE)
  @Without({"desirable-from", "reference-cache"})
  @Varied(option = "global-batch-size", word = OptionHelp.ROWS, by = OptionHelp.PAIRS)
  record Simpo(
      @Option(help = "Scale of the reward.", standard = "2.0", positive = true) double beta,
      @Option(label = "NAME", help = OptionHelp.LOSS_TYPE, standard = "simpo", commas = true)
          List<String> lossType,
      @Option(help = OptionHelp.LABEL_SMOOTHING, standard = "0", min = 0, max = 0.5, neutral = "0")
          double labelSmoothing,
      @Option(
              help = "By how much the chosen side's reward should be higher.",
              standard = "0.5",
              min = 0,
              follows = "loss-type")
          double simpoGamma,
      @Option(
              help =
                  "Weight of the chosen side's likelihood; 1 with --loss-type sigmoid is CPO. (TRL:"
                      + " 1.)",
              standard = "0",
              min = 0,
              neutral = "0",
              follows = "loss-type")
          double cpoAlpha,
      @Option(
              help = "AlphaPO's shape of the reward; 0 for the logarithm.",
              standard = "0",
              neutral = "0")
          double alpha)
      implements AlgorithmSettings, PartlyUsed {
    public Simpo {
      lossType = List.copyOf(lossType);
    }

    @Override
    public Algorithm algorithm() {
      return Algorithm.SIMPO;
    }

    @Override
    public List<String> losses() {
      return lossType;
    }

    @Override
    public Set<String> unused() {
      if (lossType.contains("alphapo")) {
        return Set.of("cpo-alpha");
      }
      return lossType.contains("simpo") ? Set.of() : Set.of("simpo-gamma");
    }
  }
}
