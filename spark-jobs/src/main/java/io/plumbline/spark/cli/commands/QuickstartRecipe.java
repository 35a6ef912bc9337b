package io.plumbline.spark.cli.commands;

import io.plumbline.checkpoint.InitModel;
import io.plumbline.checkpoint.InitModel.EmbeddingSharing;
import io.plumbline.spark.training.algorithm.Algorithm;
import io.plumbline.spark.training.algorithm.DpoAlgorithm;
import io.plumbline.spark.training.algorithm.GrpoAlgorithm;
import java.util.List;
import java.util.Map;

/**
 * What quickstart trains and how, chosen so that it shows a real change on held-out rows within
 * minutes on two cores. Options by name, as a user would give them.
 *
 * @param algorithm what comes after SFT
 * @param model sizes of the fresh model
 * @param corpus what its vocabulary is learned from
 * @param demonstrations what SFT learns from
 * @param sft options of SFT
 * @param rows what the algorithm learns from
 * @param heldOut what it is measured on
 * @param heldOutIs the same in two words
 * @param options of the algorithm
 */
record QuickstartRecipe(
    Algorithm algorithm,
    InitModel.Settings model,
    String corpus,
    String demonstrations,
    Map<String, String> sft,
    String rows,
    String heldOut,
    String heldOutIs,
    Map<String, String> options) {
  static final int RANKS = 2;

  /** Answers that are shown side by side. */
  static final int SAMPLES = 5;

  static final int SAMPLE_TOKENS = 64;

  /** The algorithms that have a recipe. */
  enum Choice {
    DPO,
    GRPO,
    /** A pipeline, which has a file of its own. */
    PPO
  }

  static QuickstartRecipe of(Choice choice) {
    return switch (choice) {
      case DPO -> dpo();
      case GRPO -> grpo();
      case PPO -> throw new IllegalArgumentException("ppo is a pipeline");
    };
  }

  private static QuickstartRecipe dpo() {
    return new QuickstartRecipe(
        DpoAlgorithm.DPO,
        new InitModel.Settings(
            new InitModel.Decoder(192, 2, 6, 3, 512),
            1024,
            EmbeddingSharing.TIED,
            10_000,
            512,
            0.02,
            0),
        "data-samples/corpus.txt",
        "data-samples/sft/train.jsonl",
        Map.of(
            "epochs", "4",
            "global-batch-size", "32",
            "learning-rate", "4e-3",
            "lr-scheduler", "cosine",
            "warmup-steps", "20",
            "max-length", "256",
            "save-steps", "0"),
        "data-samples/preferences/train.jsonl",
        "data-samples/preferences/heldout.jsonl",
        "Held-out pairs",
        Map.of(
            "max-steps", "120",
            "beta", "0.5",
            "global-batch-size", "32",
            "learning-rate", "5e-5",
            "lr-scheduler", "cosine",
            "warmup-steps", "10",
            "max-length", "256",
            "save-steps", "0"));
  }

  /** Sums of digits: after SFT the model knows them, and yet mostly says something else. */
  private static QuickstartRecipe grpo() {
    return new QuickstartRecipe(
        GrpoAlgorithm.GRPO,
        new InitModel.Settings(
            new InitModel.Decoder(128, 2, 4, 4, 256),
            640,
            EmbeddingSharing.TIED,
            10_000,
            256,
            0.02,
            0),
        "data-samples/digits/corpus.txt",
        "data-samples/digits/demonstrations.jsonl",
        Map.of(
            "max-steps", "1500",
            "global-batch-size", "64",
            "learning-rate", "3e-3",
            "lr-scheduler", "cosine",
            "warmup-steps", "30",
            "max-length", "128",
            "save-steps", "0"),
        "data-samples/digits/train.jsonl",
        "data-samples/digits/heldout.jsonl",
        "Held-out prompts",
        Map.of(
            "reward", "answer",
            "max-steps", "150",
            "global-batch-size", "32",
            "num-generations", "8",
            "num-generations-eval", "4",
            "max-completion-length", "32",
            "learning-rate", "1e-3",
            "warmup-steps", "10",
            "eval-steps", "50",
            "save-steps", "0"));
  }

  InitModel.Settings model(long seed) {
    return model.withSeed(seed);
  }

  /** All that must be there before anything is begun. */
  List<String> files() {
    return List.of(corpus, demonstrations, rows, heldOut);
  }
}
