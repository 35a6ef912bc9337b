package io.plumbline.spark.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.inference.DecodingSettings;
import io.plumbline.spark.inference.Sample;
import io.plumbline.spark.inference.Sampler;
import io.plumbline.spark.inference.Score;
import io.plumbline.spark.inference.Scorer;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A real chat model of 135 million parameters against what transformers said about it. */
class SmolLmTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static JsonNode golden;
  private static String model;

  @BeforeAll
  static void findModel() throws IOException {
    Optional<Path> values = Fixtures.shared("golden/smollm2.json");
    assumeTrue(values.isPresent(), "skipped: there is no ../shared/golden/smollm2.json");
    model = System.getenv("PLUMBLINE_SMOLLM2");
    assumeTrue(
        model != null && Files.exists(Path.of(model, "config.json")),
        "skipped: PLUMBLINE_SMOLLM2 does not name the directory of the built SmolLM2 model");
    golden = JSON.readTree(values.get().toFile());
  }

  @Test
  void textsAndPairsScoreAsInTransformers() {
    try (Scorer scorer =
        Scorer.open(ModelDirectory.open(Storage.local(), model), ComputeDtype.F32)) {
      for (JsonNode text : golden.get("texts")) {
        Score.CompletionScore score =
            (Score.CompletionScore) scorer.texts(List.of(text.get("text").textValue())).get(0);
        assertThat(score.tokens()).isEqualTo(ints(text.get("ids")));
        assertThat(score.logps()).hasSize(text.get("logps").size());
        for (int t = 0; t < score.logps().length; t++) {
          assertThat((double) score.logps()[t])
              .isCloseTo(text.get("logps").get(t).doubleValue(), within(1e-4));
        }
      }
      for (JsonNode pair : golden.get("pairs")) {
        Map<String, Object> row =
            JSON.convertValue(pair, new TypeReference<Map<String, Object>>() {});
        row.keySet().retainAll(List.of("prompt", "chosen", "rejected"));
        Score.PairScore score = (Score.PairScore) scorer.score(List.of(row)).get(0);
        assertThat(score.chosenLogps()).hasSize(pair.get("chosen_tokens").intValue());
        assertThat(score.rejectedLogps()).hasSize(pair.get("rejected_tokens").intValue());
        assertThat(score.chosenLogp())
            .isCloseTo(pair.get("chosen_logp").doubleValue(), within(1e-2));
        assertThat(score.rejectedLogp())
            .isCloseTo(pair.get("rejected_logp").doubleValue(), within(1e-2));
      }
    }
  }

  @Test
  void greedyTextIsThatOfTransformers() {
    try (Sampler sampler =
        Sampler.open(ModelDirectory.open(Storage.local(), model), ComputeDtype.F32)) {
      for (JsonNode chat : golden.get("chats")) {
        int[] expected = ints(chat.get("greedy_ids"));
        Map<String, Object> row =
            Map.of("prompt", JSON.convertValue(chat.get("messages"), Object.class));
        Sample sample =
            sampler.sample(List.of(row), DecodingSettings.greedy(expected.length)).get(0);
        assertThat(sample.tokens()).isEqualTo(expected);
      }
    }
  }

  private static int[] ints(JsonNode array) {
    List<Integer> values = new ArrayList<>();
    array.forEach(value -> values.add(value.intValue()));
    return values.stream().mapToInt(Integer::intValue).toArray();
  }
}
