package io.plumbline.spark.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.evaluate.GoldenLlama;
import io.plumbline.spark.reference.GoldenPairs;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScoringTest {
  @TempDir static Path temp;
  private static String model;
  private static GoldenLlama golden;
  private static Scorer scorer;

  @BeforeAll
  static void open() throws IOException {
    golden = GoldenLlama.read();
    model = GoldenLlama.directory(temp);
    scorer = Scorer.open(ModelDirectory.open(Storage.local(), model), ComputeDtype.F32);
  }

  @AfterAll
  static void close() {
    scorer.close();
  }

  @Test
  void textsScoreAsTransformersScoresThem() throws IOException {
    int[][] ids = golden.ints("input_ids");
    int[][] mask = golden.ints("attention_mask");
    float[][] logps = golden.floats("token_logprobs");

    List<Score> scores = scorer.texts(golden.texts);

    assertThat(scores).hasSize(4);
    for (int i = 0; i < 4; i++) {
      int tokens = Arrays.stream(mask[i]).sum();
      Score.CompletionScore score = (Score.CompletionScore) scores.get(i);
      assertThat(score.tokens()).isEqualTo(Arrays.copyOf(ids[i], tokens));
      assertThat(score.logps()).hasSize(tokens - 1);
      double sum = 0;
      for (int t = 0; t < tokens - 1; t++) {
        assertThat(score.logps()[t]).isCloseTo(logps[i][t], within(1e-5f));
        sum += logps[i][t];
      }
      JsonNode json = new ObjectMapper().readTree(score.toJson());
      assertThat(json.get("completion").textValue()).isEqualTo(golden.texts.get(i));
      assertThat(json.get("tokens")).hasSize(tokens);
      assertThat(json.get("logps")).hasSize(tokens - 1);
      assertThat(json.get("logp").doubleValue()).isCloseTo(sum, within(1e-4));
    }
  }

  @Test
  void pairsOverSparkScoreAsTrlScoresThemAndKeepTheirOrder() throws IOException {
    GoldenPairs pairs = GoldenPairs.read();
    List<Score> scores = GoldenLlama.preferenceScores(model);

    assertThat(scores).hasSize(64);
    for (int i = 0; i < 64; i++) {
      JsonNode json = new ObjectMapper().readTree(scores.get(i).toJson());
      assertThat(json.get("chosen_logp").doubleValue())
          .isCloseTo(pairs.chosenLogps().get(i), within(1e-4));
      assertThat(json.get("rejected_logp").doubleValue())
          .isCloseTo(pairs.rejectedLogps().get(i), within(1e-4));
      assertThat(json.get("chosen_tokens").intValue())
          .isEqualTo(pairs.rows().get(i).completions().get(0).length);
      assertThat(json.get("rejected_tokens").intValue())
          .isEqualTo(pairs.rows().get(i).completions().get(1).length);
    }
  }

  @Test
  void completionsScoreAsTheSameSideOfAPair() {
    String prompt = "Question: What is 41 + 19?\nAnswer:";
    List<Score> scores =
        scorer.score(
            List.of(
                Map.of("prompt", prompt, "completion", " The answer is 60."),
                Map.of("prompt", prompt, "chosen", " The answer is 60.", "rejected", " No idea.")));

    Score.CompletionScore completion = (Score.CompletionScore) scores.get(0);
    Score.PairScore pair = (Score.PairScore) scores.get(1);
    assertThat(completion.completion()).isEqualTo(" The answer is 60.");
    assertThat(completion.tokens()).endsWith(2);
    assertThat(completion.logps()).hasSameSizeAs(completion.tokens());
    assertThat(completion.logp()).isCloseTo(pair.chosenLogp(), within(1e-4));
    // TRL's own run has this pair first.
    assertThat(completion.logp()).isCloseTo(-42.9038200378418, within(1e-4));
  }

  @Test
  void rowsThatCannotBeScoredAreNamed() {
    assertThatThrownBy(
            () ->
                scorer.score(
                    List.of(Map.of("text", "Two words."), Map.of("question", "what is this?"))))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("Row 2 cannot be scored");
  }
}
