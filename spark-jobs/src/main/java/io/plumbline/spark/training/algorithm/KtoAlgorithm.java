package io.plumbline.spark.training.algorithm;

import io.plumbline.data.ExampleKind;
import io.plumbline.data.LossOn;
import io.plumbline.objective.Registry;
import io.plumbline.objective.unpaired.KtoLossTypes;
import io.plumbline.objective.unpaired.KtoSettings;
import io.plumbline.objective.unpaired.UnpairedObjective;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.Varied;
import io.plumbline.spark.training.algorithm.RowForm.Completions;
import io.plumbline.spark.training.algorithm.RowForm.Packing;
import io.plumbline.spark.training.rank.RankTraining;
import io.plumbline.train.Kto;
import io.plumbline.train.LoopOutcome;
import java.util.List;
import java.util.Map;

/** Kahneman-Tversky optimisation. */
public final class KtoAlgorithm extends Algorithm {
  public static final Algorithm KTO = new KtoAlgorithm();

  private KtoAlgorithm() {
    super(
        "kto",
        ExampleKind.UNPAIRED,
        Settings.class,
        new Help(
            "Kahneman-Tversky optimisation: learns from single completions marked good or bad.",
            "Prepares the data, fills the reference log-probability cache with the rows that it"
                + " lacks, trains a gang of ranks and writes a Hugging Face checkpoint. Rows hold"
                + " prompt, completion and a label, true for good; each gets the completion of another"
                + " row beside its own, for the estimate of the KL.",
            List.of(
                "kto --model runs/sft/checkpoint --data thumbs.jsonl --eval-split 500"
                    + " --output runs/kto")),
        List.of(
            Clause.number(
                "the margin between the mean rewards of good and bad completions",
                "eval_rewards/margins"),
            Clause.LOSS));
  }

  @Override
  public Registry<?, ?> losses() {
    return KtoLossTypes.all();
  }

  @Override
  public Map<String, String> meanings() {
    return Map.of(
        "eval_rewards/margins",
        "implicit reward of good completions minus that of bad ones, means",
        "eval_rewards/chosen",
        "implicit reward of good completions, mean",
        "eval_rewards/rejected",
        "implicit reward of bad completions, mean");
  }

  /**
   * Kahneman-Tversky optimisation.
   *
   * @param desirableWeight how much a good completion counts
   * @param undesirableWeight how much a bad one counts
   */
  @Heading(OptionHelp.OBJECTIVE)
  @Varied(option = "model", also = " It is the reference too.")
  public record Settings(
      @Option(help = OptionHelp.BETA, standard = "0.1", positive = true) double beta,
      @Option(
              label = "NAME",
              help = OptionHelp.LOSS_TYPE,
              standard = KtoLossTypes.STANDARD,
              commas = true)
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
      implements LossChoice {
    public Settings {
      lossType = List.copyOf(lossType);
    }

    @Override
    public Algorithm algorithm() {
      return KTO;
    }

    @Override
    public void check() {
      objective();
    }

    @Override
    public LoopOutcome train(RankTraining rank) {
      return rank.onRows(new Kto(objective(), beta, rank.settings().drift()));
    }

    private UnpairedObjective objective() {
      return KtoLossTypes.of(onlyLoss(), new KtoSettings(beta, desirableWeight, undesirableWeight));
    }

    @Override
    public boolean needsReference() {
      return true;
    }

    @Override
    public RowForm rowForm() {
      return objective().needsKl()
          ? new RowForm(Completions.MISMATCHED, LossOn.COMPLETION, Packing.OFF)
          : RowForm.PLAIN;
    }
  }
}
