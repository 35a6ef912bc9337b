package io.plumbline.spark.training.algorithm;

import io.plumbline.data.ExampleKind;
import io.plumbline.data.LossOn;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.Varied;
import io.plumbline.settings.Without;
import io.plumbline.spark.training.algorithm.RowForm.Completions;
import io.plumbline.spark.training.algorithm.RowForm.Packing;
import io.plumbline.spark.training.rank.RankTraining;
import io.plumbline.train.LoopOutcome;
import io.plumbline.train.Sft;
import java.util.List;

/** Supervised fine-tuning. */
public final class SftAlgorithm extends Algorithm {
  public static final Algorithm SFT = new SftAlgorithm();

  private SftAlgorithm() {
    super(
        "sft",
        ExampleKind.SUPERVISED,
        Settings.class,
        new Help(
            "Supervised fine-tuning: learns to write the completions of the data.",
            "Prepares the data, trains a gang of ranks on it and writes a Hugging Face checkpoint."
                + " Rows hold prompt and completion, messages, or text; with --supervised-on chosen,"
                + " preference rows.",
            List.of(
                "sft --model base --data demonstrations.jsonl --output runs/sft --ranks 2",
                "sft --model base --data 's3a://bucket/pairs/*.parquet' --supervised-on chosen"
                    + " --output runs/sft --max-steps 500")),
        List.of(
            Clause.LOSS,
            Clause.percent(
                "the share of tokens that the model finds the most probable",
                "eval_mean_token_accuracy")));
  }

  /**
   * Supervised fine-tuning.
   *
   * @param supervisedOn which text of a row is learned from
   * @param lossOn which of its tokens count
   * @param packing whether rows are put together to the longest length
   */
  @Heading(OptionHelp.TEXTS)
  @Without({"desirable-from", "reference-cache"})
  @Varied(option = "learning-rate", standard = "2e-5")
  public record Settings(
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
          Packing packing)
      implements AlgorithmSettings {
    @Override
    public Algorithm algorithm() {
      return SFT;
    }

    @Override
    public LoopOutcome train(RankTraining rank) {
      return rank.onRows(new Sft());
    }

    @Override
    public ExampleKind rowKind() {
      return supervisedOn == SupervisedOn.CHOSEN
          ? ExampleKind.SUPERVISED_FROM_CHOSEN
          : ExampleKind.SUPERVISED;
    }

    @Override
    public RowForm rowForm() {
      return new RowForm(Completions.OWN, lossOn, packing);
    }
  }

  /** Which text SFT learns from. */
  public enum SupervisedOn {
    /** The rows' own prompt, completion, messages or text columns. */
    COMPLETION,
    /** The chosen side of preference rows. */
    CHOSEN
  }
}
