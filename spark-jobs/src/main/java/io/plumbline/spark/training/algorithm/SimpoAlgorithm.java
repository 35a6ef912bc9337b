package io.plumbline.spark.training.algorithm;

import io.plumbline.data.ExampleKind;
import io.plumbline.objective.Lengths;
import io.plumbline.objective.Registry;
import io.plumbline.objective.pair.CpoLossTypes;
import io.plumbline.objective.pair.CpoSettings;
import io.plumbline.objective.pair.PairObjective;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.Varied;
import io.plumbline.settings.Without;
import io.plumbline.spark.training.rank.RankTraining;
import io.plumbline.train.LoopOutcome;
import io.plumbline.train.ReferenceFree;
import java.util.List;
import java.util.Map;

/** SimPO, CPO and AlphaPO. */
public final class SimpoAlgorithm extends Algorithm {
  public static final Algorithm SIMPO = new SimpoAlgorithm();

  private SimpoAlgorithm() {
    super(
        "simpo",
        ExampleKind.PREFERENCE,
        Settings.class,
        new Help(
            "Simple preference optimisation, CPO and AlphaPO: preferences without a reference.",
            "Prepares the data, trains a gang of ranks and writes a Hugging Face checkpoint; compares"
                + " the sides by the policy's own log-probabilities. Rows hold chosen and rejected, with"
                + " the prompt beside them or inside both.",
            List.of(
                "simpo --model runs/sft/checkpoint --data pairs.jsonl --output runs/simpo",
                "simpo --model runs/sft/checkpoint --data pairs.jsonl --loss-type sigmoid"
                    + " --cpo-alpha 1 --beta 0.1 --output runs/cpo")),
        List.of(PolicyRewards.CHOSEN_AHEAD, Clause.LOSS));
  }

  @Override
  public Registry<?, ?> losses() {
    return CpoLossTypes.all();
  }

  @Override
  public Map<String, String> meanings() {
    return PolicyRewards.MEANINGS;
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
  public record Settings(
      @Option(help = "Scale of the reward.", standard = "2.0", positive = true) double beta,
      @Option(
              label = "NAME",
              help = OptionHelp.LOSS_TYPE,
              standard = CpoLossTypes.STANDARD,
              commas = true)
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
      implements LossChoice {
    public Settings {
      lossType = List.copyOf(lossType);
    }

    @Override
    public Algorithm algorithm() {
      return SIMPO;
    }

    @Override
    public void check() {
      objective();
    }

    @Override
    public LoopOutcome train(RankTraining rank) {
      return rank.onRows(
          new ReferenceFree(
              new ReferenceFree.Settings(
                  SIMPO.command(),
                  objective(),
                  beta,
                  CpoLossTypes.lengths(onlyLoss(), constants()) == Lengths.SUMMED
                      ? ReferenceFree.SequenceLogp.SUM
                      : ReferenceFree.SequenceLogp.MEAN,
                  ReferenceFree.PromptTokens.LEFT_OUT,
                  ReferenceFree.Odds.HIDDEN,
                  alpha)));
    }

    private PairObjective objective() {
      return (PairObjective) CpoLossTypes.of(onlyLoss(), constants());
    }

    private CpoSettings constants() {
      return new CpoSettings(beta, labelSmoothing, simpoGamma, alpha, cpoAlpha);
    }
  }
}
