package io.plumbline.spark.cli.commands;

import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.cli.options.TrainingSettings;
import io.plumbline.spark.cli.terminal.Progress;
import io.plumbline.spark.training.Algorithm;
import io.plumbline.spark.training.TrainingJob;
import io.plumbline.spark.training.TrainingOutcome;
import io.plumbline.spark.training.TrainingRequest;
import java.util.List;

/** A training command: {@code sft}, {@code reward}, {@code dpo} and its kin. */
public record TrainCommand(
    Algorithm algorithm, String summary, String description, List<String> examples)
    implements Command {
  public static final TrainCommand SFT =
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

  public static final TrainCommand DPO =
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

  public static final TrainCommand REWARD =
      new TrainCommand(
          Algorithm.REWARD,
          "A reward model: scores by which the chosen side of each pair wins (Bradley-Terry).",
          "Puts a scalar head on the model, prepares the data, trains a gang of ranks and writes a"
              + " checkpoint that AutoModelForSequenceClassification loads. Rows hold chosen and"
              + " rejected, with the prompt beside them or inside both; a column margin says by how"
              + " much the chosen side is better.",
          List.of(
              "reward --model runs/sft/checkpoint --data pairs.jsonl --eval-split 5%"
                  + " --output runs/reward",
              "score --model runs/reward/checkpoint --data answers.jsonl --json"));

  public static final TrainCommand KTO =
      new TrainCommand(
          Algorithm.KTO,
          "Kahneman-Tversky optimisation: learns from single completions marked good or bad.",
          "Prepares the data, fills the reference log-probability cache with the rows that it"
              + " lacks, trains a gang of ranks and writes a Hugging Face checkpoint. Rows hold"
              + " prompt, completion and a label, true for good; each gets the completion of another"
              + " row beside its own, for the estimate of the KL.",
          List.of(
              "kto --model runs/sft/checkpoint --data thumbs.jsonl --eval-split 500"
                  + " --output runs/kto"));

  public static final TrainCommand ORPO =
      new TrainCommand(
          Algorithm.ORPO,
          "Odds-ratio preference optimisation: learns answers and preferences at once.",
          "Prepares the data, trains a gang of ranks and writes a Hugging Face checkpoint; needs no"
              + " reference model and no SFT before it. Rows hold chosen and rejected, with the"
              + " prompt beside them or inside both.",
          List.of("orpo --model models/base --data pairs.jsonl --output runs/orpo"));

  public static final TrainCommand SIMPO =
      new TrainCommand(
          Algorithm.SIMPO,
          "Simple preference optimisation, CPO and AlphaPO: preferences without a reference.",
          "Prepares the data, trains a gang of ranks and writes a Hugging Face checkpoint; compares"
              + " the sides by the policy's own log-probabilities. Rows hold chosen and rejected, with"
              + " the prompt beside them or inside both.",
          List.of(
              "simpo --model runs/sft/checkpoint --data pairs.jsonl --output runs/simpo",
              "simpo --model runs/sft/checkpoint --data pairs.jsonl --loss-type sigmoid"
                  + " --cpo-alpha 1 --beta 0.1 --output runs/cpo"));

  public static final TrainCommand GRPO =
      new TrainCommand(
          Algorithm.GRPO,
          "Group relative policy optimisation: learns from its own completions and their rewards.",
          "Each step samples a group of completions for every prompt on the ranks that train, scores"
              + " them by reward functions, and makes those likelier that scored above their group;"
              + " every rollout goes to the ledger. Rows hold a prompt, and whatever columns the"
              + " rewards read. RLOO is --loss-type rloo, GSPO --loss-type grpo with"
              + " --importance-sampling-level sequence.",
          List.of(
              "grpo --model runs/sft/checkpoint --data questions.jsonl --eval-split 200"
                  + " --reward answer --output runs/grpo --ranks 2",
              "grpo --model runs/sft/checkpoint --data questions.jsonl --reward answer"
                  + " --reward 'tags{\"weight\":0.2}' --cost 'length{\"per_token\":1}<=200'"
                  + " --beta 0.04 --num-iterations 2 --output runs/grpo-short"));

  public static final TrainCommand PPO =
      new TrainCommand(
          Algorithm.PPO,
          "Proximal policy optimisation with a critic: InstructGPT's last step.",
          "Each phase samples completions on the ranks that train, scores them by a reward model or"
              + " reward functions, charges each token with its distance from the reference, and"
              + " makes likelier what came out better than a critic expected; every rollout goes to"
              + " the ledger. Rows hold a prompt, and whatever columns the rewards read. The critic"
              + " is written beside the checkpoint, to critic/ in --output.",
          List.of(
              "ppo --model runs/sft/checkpoint --reward-model runs/reward/checkpoint"
                  + " --data prompts.jsonl --eval-split 200 --output runs/ppo --ranks 2",
              "ppo --model runs/sft/checkpoint --reward answer --critic-trunk shared --beta 0.02"
                  + " --kl-target 6 --missing-eos-penalty 1 --data prompts.jsonl"
                  + " --output runs/ppo-answer"));

  @Override
  public String name() {
    return algorithm.command();
  }

  @Override
  public boolean resumes() {
    return true;
  }

  @Override
  public List<Setting<?>> settings() {
    return TrainingSettings.of(algorithm);
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    TrainingRequest request = TrainingSettings.request(algorithm, values, problems);
    return console -> {
      try (SparkSessions.Session session = SparkSessions.open(values, request.cluster().ranks());
          Progress progress = Progress.on(console)) {
        TrainingOutcome outcome =
            TrainingJob.run(
                session.spark(), request, TrainingSettings.standard(algorithm), progress);
        progress.close();
        console.out().print(OutcomeText.of(outcome));
      }
    };
  }
}
