package io.plumbline.spark.cli;

import io.plumbline.checkpoint.InitModel;
import io.plumbline.checkpoint.InitModel.EmbeddingSharing;
import java.util.List;
import java.util.Map;

/**
 * What quickstart trains and how, chosen so that DPO shows a real change on held-out rows within
 * minutes on two cores. Options by name, as a user would give them.
 */
final class QuickstartRecipe {
  static final int RANKS = 2;

  /** Answers that are shown side by side. */
  static final int SAMPLES = 5;

  static final int SAMPLE_TOKENS = 64;

  static final String CORPUS = "data-samples/corpus.txt";
  static final String SFT_DATA = "data-samples/sft/train.jsonl";
  static final String PAIRS = "data-samples/preferences/train.jsonl";
  static final String HELD_OUT_PAIRS = "data-samples/preferences/heldout.jsonl";

  static final Map<String, String> SFT =
      Map.of(
          "epochs", "4",
          "global-batch-size", "32",
          "learning-rate", "4e-3",
          "lr-scheduler", "cosine",
          "warmup-steps", "20",
          "max-length", "256",
          "save-steps", "0");

  static final Map<String, String> DPO =
      Map.of(
          "max-steps", "120",
          "beta", "0.5",
          "global-batch-size", "32",
          "learning-rate", "5e-5",
          "lr-scheduler", "cosine",
          "warmup-steps", "10",
          "max-length", "256",
          "save-steps", "0");

  private QuickstartRecipe() {}

  static InitModel.Settings model(long seed) {
    return new InitModel.Settings(
        192, 2, 6, 3, 512, 1024, EmbeddingSharing.TIED, 10_000, 512, 0.02, seed);
  }

  /** All that must be there before anything is begun. */
  static List<String> files() {
    return List.of(CORPUS, SFT_DATA, PAIRS, HELD_OUT_PAIRS);
  }
}
