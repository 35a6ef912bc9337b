package io.plumbline.spark.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.ScoreModel;
import io.plumbline.spark.evaluate.GoldenLlama;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.LiveValues;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scores of a reward model, in this process and over Spark. */
class RewardScoringTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path temp;
  private static String languageModel;
  private static String model;

  @BeforeAll
  static void makeModel() throws IOException {
    languageModel = GoldenLlama.directory(temp);
    model = temp.resolve("reward").toString();
    ModelDirectory start = ModelDirectory.open(Storage.local(), languageModel);
    ModelDirectory head = goldenHead();
    java.nio.FloatBuffer values = java.nio.FloatBuffer.allocate(64);
    head.read("score.weight", values);
    try (ScoreModel reward =
        ScoreModel.load(start, Purpose.INFERENCE, ComputeDtype.F32, values.array())) {
      reward.write(Storage.local(), model, start, WeightFormat.F32);
    }
  }

  /** The head that TRL's reward trainer started from, as a directory. */
  private static ModelDirectory goldenHead() throws IOException {
    Path directory = Files.createDirectories(temp.resolve("head"));
    Files.copy(
        Fixtures.golden("traj/reward/init_score_head.safetensors"),
        directory.resolve("model.safetensors"));
    Files.writeString(directory.resolve("config.json"), "{}");
    return ModelDirectory.open(Storage.local(), directory.toString());
  }

  @Test
  void pairsOverSparkScoreAsTrlScoresThemAndKeepTheirOrder() throws IOException {
    long before = LiveValues.count();
    List<JsonNode> found =
        GoldenLlama.preferenceScores(model).stream().map(RewardScoringTest::json).toList();
    assertThat(found).hasSize(64);
    assertThat(LiveValues.count()).isLessThanOrEqualTo(before);

    // The first step's learning rate is 0, so that the second starts from the same weights.
    JsonNode steps = JSON.readTree(Fixtures.golden("traj/reward/log.json").toFile()).get("steps");
    for (int step = 0; step < 2; step++) {
      double[] scores =
          found.subList(8 * step, 8 * step + 8).stream()
              .flatMap(
                  json -> List.of(json.get("chosen_score"), json.get("rejected_score")).stream())
              .mapToDouble(JsonNode::doubleValue)
              .toArray();
      JsonNode expected = steps.get(step);
      assertThat(Arrays.stream(scores).min().orElseThrow())
          .isCloseTo(expected.get("min_reward").doubleValue(), within(1e-4));
      assertThat(Arrays.stream(scores).average().orElseThrow())
          .isCloseTo(expected.get("mean_reward").doubleValue(), within(1e-4));
      assertThat(Arrays.stream(scores).max().orElseThrow())
          .isCloseTo(expected.get("max_reward").doubleValue(), within(1e-4));
    }
    List<String> tokenized = Files.readAllLines(Fixtures.golden("traj/reward/tokenized.jsonl"));
    try (ScoreModel same =
        ScoreModel.load(
            ModelDirectory.open(Storage.local(), model), Purpose.INFERENCE, ComputeDtype.F32)) {
      for (int i = 0; i < 64; i++) {
        JsonNode ids = JSON.readTree(tokenized.get(i));
        TokenizedRow pair =
            TokenizedRow.of(
                i,
                new int[0],
                List.of(ints(ids.get("chosen_ids")), ints(ids.get("rejected_ids"))),
                List.of());
        float[] expected = same.infer(List.of(pair)).get(0);
        assertThat(found.get(i).get("chosen_score").floatValue())
            .isCloseTo(expected[0], within(1e-4f));
        assertThat(found.get(i).get("rejected_score").floatValue())
            .isCloseTo(expected[1], within(1e-4f));
      }
    }
  }

  private static JsonNode json(Score score) {
    try {
      return JSON.readTree(score.toJson());
    } catch (IOException e) {
      throw new AssertionError(score.toJson(), e);
    }
  }

  private static int[] ints(JsonNode array) {
    int[] out = new int[array.size()];
    Arrays.setAll(out, i -> array.get(i).asInt());
    return out;
  }

  @Test
  void aCompletionScoresAsItsSideOfAPairAndAsItsText() {
    String prompt = "Question: What is 41 + 19?\nAnswer:";
    try (Scorer scorer =
        Scorer.open(ModelDirectory.open(Storage.local(), model), ComputeDtype.F32)) {
      List<Score> scores =
          scorer.score(
              List.of(
                  Map.of("prompt", prompt, "completion", " The answer is 60."),
                  Map.of("prompt", prompt, "chosen", " The answer is 60.", "rejected", " No."),
                  Map.of("text", prompt + " The answer is 60.<|im_end|>"),
                  Map.of("text", "A")));

      Score.CompletionReward completion = (Score.CompletionReward) scores.get(0);
      Score.PairReward pair = (Score.PairReward) scores.get(1);
      Score.CompletionReward text = (Score.CompletionReward) scores.get(2);
      assertThat(completion.score()).isCloseTo(pair.chosenScore(), within(1e-4f));
      assertThat(completion.score()).isCloseTo(text.score(), within(1e-4f));
      assertThat(pair.rejectedScore()).isNotCloseTo(pair.chosenScore(), within(1e-3f));
      assertThat(pair.chosenTokens()).isEqualTo(completion.tokens().length);
      assertThat(completion.tokens()).endsWith(2);
      assertThat(text.tokens()).endsWith(completion.tokens());
      assertThat(json(completion).has("logp")).isFalse();
      assertThat(json(completion).get("score").floatValue()).isEqualTo(completion.score());
      assertThat(completion.toText()).contains("tokens   The answer is 60.");
      assertThat(pair.toText()).startsWith("chosen ").contains("rejected ");
      // A text of one token has a score, though no log-probability.
      assertThat(((Score.CompletionReward) scores.get(3)).tokens()).hasSize(1);
      assertThatThrownBy(() -> scorer.texts(List.of("A", "")))
          .isInstanceOf(PlumblineException.class)
          .hasMessageContaining("Row 2 cannot be scored: its text has no tokens");
    }
  }

  @Test
  void aRewardModelWritesNoText() {
    assertThatThrownBy(
            () -> Sampler.open(ModelDirectory.open(Storage.local(), model), ComputeDtype.F32))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("is a reward model");
    JavaRDD<Map<String, Object>> rows =
        InputRows.read(
            LocalSpark.session(),
            Storage.local(),
            List.of(Fixtures.golden("traj/preference.jsonl").toString()));
    assertThatThrownBy(
            () ->
                Sampling.run(
                    Storage.local(),
                    rows,
                    ModelDirectory.open(Storage.local(), model),
                    ComputeDtype.F32,
                    DecodingSettings.greedy(1),
                    1,
                    ProgressListener.NONE))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("is a reward model");
  }
}
