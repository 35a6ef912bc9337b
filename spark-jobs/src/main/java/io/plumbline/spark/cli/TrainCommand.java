package io.plumbline.spark.cli;

import io.plumbline.spark.training.Algorithm;
import io.plumbline.spark.training.TrainingJob;
import io.plumbline.spark.training.TrainingOutcome;
import io.plumbline.spark.training.TrainingRequest;
import java.util.List;

/** A training command: {@code sft}, {@code dpo}. */
record TrainCommand(Algorithm algorithm, String summary, String description, List<String> examples)
    implements Command {
  static final TrainCommand SFT =
      new TrainCommand(
          Algorithm.SFT,
          "Supervised fine-tuning: learns to write the completions of the data.",
          "Prepares the data, trains a gang of ranks on it and writes a Hugging Face checkpoint."
              + " Rows hold prompt and completion, messages, or text; with --supervised-on chosen,"
              + " preference rows.",
          List.of(
              "sft --model base --data demonstrations.jsonl --output runs/sft --ranks 2",
              "sft --model base --data 's3a://bucket/pairs/*.parquet' --supervised-on chosen"
                  + " --output runs/sft --max-steps 500"));

  static final TrainCommand DPO =
      new TrainCommand(
          Algorithm.DPO,
          "Direct preference optimisation: prefers the chosen side of each pair.",
          "Prepares the data, fills the reference log-probability cache with the rows that it"
              + " lacks, trains a gang of ranks and writes a Hugging Face checkpoint. Rows hold"
              + " chosen and rejected, with the prompt beside them or inside both.",
          List.of(
              "dpo --model runs/sft/checkpoint --data pairs.jsonl --eval-data held-out.jsonl"
                  + " --output runs/dpo",
              "dpo --config dpo.yaml --output runs/dpo --ranks 4 --resume"));

  @Override
  public String name() {
    return algorithm.command();
  }

  @Override
  public List<Setting<?>> settings() {
    return TrainingSettings.of(algorithm);
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    TrainingRequest request = TrainingSettings.request(algorithm, values, problems);
    return console -> {
      try (SparkSessions.Session session = SparkSessions.open(values, request.ranks());
          Progress progress = Progress.on(console)) {
        TrainingOutcome outcome = TrainingJob.run(session.spark(), request, progress);
        progress.close();
        console.out().print(OutcomeText.of(outcome));
      }
    };
  }
}
