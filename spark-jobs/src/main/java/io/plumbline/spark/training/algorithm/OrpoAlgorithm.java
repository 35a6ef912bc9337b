package io.plumbline.spark.training.algorithm;

import io.plumbline.data.ExampleKind;
import io.plumbline.objective.pair.OddsRatio;
import io.plumbline.objective.pair.PairObjective;
import io.plumbline.objective.pair.Sft.Mean;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.Varied;
import io.plumbline.settings.Without;
import io.plumbline.spark.training.rank.RankTraining;
import io.plumbline.train.LoopOutcome;
import io.plumbline.train.ReferenceFree;
import java.util.List;
import java.util.Map;

/** Odds-ratio preference optimisation. */
public final class OrpoAlgorithm extends Algorithm {
  public static final Algorithm ORPO = new OrpoAlgorithm();

  private OrpoAlgorithm() {
    super(
        "orpo",
        ExampleKind.PREFERENCE,
        Settings.class,
        new Help(
            "Odds-ratio preference optimisation: learns answers and preferences at once.",
            "Prepares the data, trains a gang of ranks and writes a Hugging Face checkpoint; needs no"
                + " reference model and no SFT before it. Rows hold chosen and rejected, with the"
                + " prompt beside them or inside both.",
            List.of("orpo --model models/base --data pairs.jsonl --output runs/orpo")),
        List.of(PolicyRewards.CHOSEN_AHEAD, Clause.LOSS));
  }

  @Override
  public Map<String, String> meanings() {
    return PolicyRewards.MEANINGS;
  }

  /**
   * Odds-ratio preference optimisation.
   *
   * @param beta λ, the weight of the odds ratio
   */
  @Heading(OptionHelp.OBJECTIVE)
  @Without({"desirable-from", "reference-cache"})
  @Varied(option = "global-batch-size", word = OptionHelp.ROWS, by = OptionHelp.PAIRS)
  public record Settings(
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
      return ORPO;
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
                  ORPO.command(),
                  objective(),
                  beta,
                  ReferenceFree.SequenceLogp.MEAN,
                  nllOn == NllOn.ALL
                      ? ReferenceFree.PromptTokens.LEARNED
                      : ReferenceFree.PromptTokens.LEFT_OUT,
                  ReferenceFree.Odds.SHOWN,
                  0)));
    }

    private PairObjective objective() {
      return (PairObjective)
          OddsRatio.withLikelihood(beta, nllOn == NllOn.ALL ? Mean.OVER_TOKENS : Mean.OVER_PAIRS);
    }
  }

  /** Which tokens a negative log-likelihood counts. */
  public enum NllOn {
    /** Prompt and chosen side: TRL and the authors' code. */
    ALL,
    /** The chosen side: the paper. */
    COMPLETION
  }
}
