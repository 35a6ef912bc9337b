package io.plumbline.spark.training.algorithm;

import io.plumbline.data.ExampleKind;
import io.plumbline.data.RowReading.Margins;
import io.plumbline.objective.score.BradleyTerry;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.Varied;
import io.plumbline.settings.Without;
import io.plumbline.spark.training.rank.RankTraining;
import io.plumbline.train.LoopOutcome;
import io.plumbline.train.RewardModeling;
import java.util.List;

/** A reward model, by Bradley and Terry. */
public final class RewardAlgorithm extends Algorithm {
  public static final Algorithm REWARD = new RewardAlgorithm();

  private RewardAlgorithm() {
    super(
        "reward",
        ExampleKind.PREFERENCE,
        Settings.class,
        new Help(
            "A reward model: scores by which the chosen side of each pair wins (Bradley-Terry).",
            "Puts a scalar head on the model, prepares the data, trains a gang of ranks and writes a"
                + " checkpoint that AutoModelForSequenceClassification loads. Rows hold chosen and"
                + " rejected, with the prompt beside them or inside both; a column margin says by how"
                + " much the chosen side is better.",
            List.of(
                "reward --model runs/sft/checkpoint --data pairs.jsonl --eval-split 5%"
                    + " --output runs/reward",
                "score --model runs/reward/checkpoint --data answers.jsonl --json")),
        List.of(
            Clause.percent(
                "the share of pairs whose chosen side has the higher score", "eval_accuracy"),
            Clause.number("the mean margin between the two scores", "eval_margin")));
  }

  @Override
  public ModelUse modelUse() {
    return ModelUse.DECODER;
  }

  @Override
  public String title() {
    return "Reward model";
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
  public record Settings(
      @Option(
              help = "Pulls the sum of a pair's scores towards 0 with this weight; 0.01 is usual.",
              standard = "0",
              min = 0,
              neutral = "0")
          double centerRewardsCoefficient)
      implements AlgorithmSettings {
    @Override
    public Algorithm algorithm() {
      return REWARD;
    }

    @Override
    public void check() {
      method();
    }

    @Override
    public LoopOutcome train(RankTraining rank) {
      return rank.scorer(method());
    }

    private RewardModeling method() {
      return new RewardModeling(new BradleyTerry(centerRewardsCoefficient));
    }

    @Override
    public Margins margins() {
      return Margins.LEARNED;
    }
  }
}
