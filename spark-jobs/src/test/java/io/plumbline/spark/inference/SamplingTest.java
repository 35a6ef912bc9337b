package io.plumbline.spark.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.Generation.Finish;
import io.plumbline.model.TokenFilter;
import io.plumbline.spark.evaluate.GoldenLlama;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SamplingTest {
  @TempDir static Path temp;
  private static String model;
  private static GoldenLlama golden;
  private static Sampler sampler;

  @BeforeAll
  static void open() throws IOException {
    golden = GoldenLlama.read();
    model = GoldenLlama.directory(temp);
    sampler = Sampler.open(ModelDirectory.open(Storage.local(), model), ComputeDtype.F32);
  }

  @AfterAll
  static void close() {
    sampler.close();
  }

  @Test
  void greedyTextIsThatOfTransformersUpToTheEos() throws IOException {
    int[][] expected = golden.ints("generated_ids");

    List<Sample> samples = sampler.complete(golden.prompts, DecodingSettings.greedy(24));

    for (int i = 0; i < 3; i++) {
      Sample sample = samples.get(i);
      // The golden run continued behind an EOS.
      int end = 24;
      for (int t = 0; t < 24; t++) {
        if (expected[i][t] == 2) {
          end = t + 1;
          break;
        }
      }
      assertThat(sample.tokens()).isEqualTo(Arrays.copyOf(expected[i], end));
      JsonNode json = new ObjectMapper().readTree(sample.toJson());
      assertThat(json.get("prompt").textValue()).isEqualTo(golden.prompts.get(i));
      assertThat(json.get("tokens")).hasSize(end);
      assertThat(json.get("logps")).hasSize(end);
      assertThat(json.get("logp").doubleValue()).isCloseTo(sample.logp(), within(1e-9));
    }
  }

  @Test
  void logpsAreThoseOfTheScorerAtAnyTemperature() {
    for (double temperature : List.of(0.0, 0.7, 1.0)) {
      List<Sample> samples =
          sampler.complete(
              List.of("What is 5 + 7?"),
              new DecodingSettings(
                  12, temperature, new TokenFilter(0.9, 20, 0, 1), List.of(), 1, 5));
      int[] prompt = tokens("What is 5 + 7?");
      Sample sample = samples.get(0);
      try (CausalLm lm =
          CausalLm.load(
              ModelDirectory.open(Storage.local(), model),
              CausalLm.Purpose.INFERENCE,
              ComputeDtype.F32)) {
        float[] expected =
            lm.logps(List.of(TokenizedRow.of(0, prompt, List.of(sample.tokens()), List.of())))
                .logps()
                .get(0)
                .get(0);
        for (int t = 0; t < expected.length; t++) {
          assertThat(sample.logps()[t])
              .as("temperature %s", temperature)
              .isCloseTo(expected[t], within(1e-4f));
        }
      }
    }
  }

  @Test
  void aTableGivesTheSameAsOneProcess() {
    List<Map<String, Object>> rows = new ArrayList<>();
    for (int i = 0; i < 11; i++) {
      rows.add(Map.of("prompt", "What is " + i + " + 7?"));
    }
    DecodingSettings settings = new DecodingSettings(8, 1.0, TokenFilter.NONE, List.of(), 1, 42);
    List<Sample> expected = sampler.sample(rows, settings);

    JavaRDD<Map<String, Object>> table = LocalSpark.context().parallelize(rows, 3);
    List<Sample> samples = new ArrayList<>();
    try (StageResults<Sample> results =
        Sampling.run(
            Storage.local(),
            table,
            ModelDirectory.open(Storage.local(), model),
            ComputeDtype.F32,
            settings,
            1,
            ProgressListener.NONE)) {
      results.iterator().forEachRemaining(samples::add);
    }

    assertThat(samples)
        .extracting(Sample::prompt)
        .containsExactlyElementsOf(rows.stream().map(row -> row.get("prompt")).toList());
    assertThat(samples)
        .extracting(sample -> List.of(sample.completion()))
        .containsExactlyElementsOf(
            expected.stream().map(sample -> List.of(sample.completion())).toList());
  }

  @Test
  void aRowHasSoManyCompletionsWithTheLogpsOfTheScorer() {
    DecodingSettings three =
        new DecodingSettings(9, 0.7, new TokenFilter(0.95, 0, 0.01, 1.1), List.of("\n"), 3, 7);
    List<Sample> samples = sampler.complete(golden.prompts, three);

    assertThat(samples).hasSize(3 * golden.prompts.size());
    assertThat(samples.stream().map(Sample::completion).distinct().count()).isGreaterThan(3);
    try (CausalLm lm =
        CausalLm.load(
            ModelDirectory.open(Storage.local(), model),
            CausalLm.Purpose.INFERENCE,
            ComputeDtype.F32)) {
      for (int i = 0; i < samples.size(); i++) {
        Sample sample = samples.get(i);
        String prompt = golden.prompts.get(i / 3);
        assertThat(sample.prompt()).isEqualTo(prompt);
        assertThat(sample.completion().contains("\n")).isEqualTo(sample.finish() == Finish.STOP);
        TokenizedRow row = TokenizedRow.of(0, tokens(prompt), List.of(sample.tokens()), List.of());
        assertThat(sample.logps())
            .containsExactly(lm.logps(List.of(row)).logps().get(0).get(0), within(1e-4f));
      }
    }
    assertThat(sampler.complete(golden.prompts, three))
        .usingRecursiveComparison()
        .isEqualTo(samples);
  }

  @Test
  void aTaskThatIsToStopBlamesNoRow() {
    Map<String, Object> row =
        Map.of(
            "prompt",
            Collections.nCopies(2_000, Map.of("role", "user", "content", "What is 41 + 19?")));
    assertThat(sampler.promptTokens(row, 0)).isNotEmpty();
    Thread.currentThread().interrupt();
    try {
      assertThatThrownBy(() -> sampler.promptTokens(row, 0))
          .isInstanceOfSatisfying(
              PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INTERRUPTED));
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void messagesBecomeAnAssistantTurn() throws IOException {
    Map<String, Object> row =
        Map.of("prompt", List.of(Map.of("role", "user", "content", "What is 41 + 19?")));

    Sample sample = sampler.sample(List.of(row), DecodingSettings.greedy(4)).get(0);
    Sample asText =
        sampler
            .complete(
                List.of("<|im_start|>user\nWhat is 41 + 19?<|im_end|>\n<|im_start|>assistant\n"),
                DecodingSettings.greedy(4))
            .get(0);

    assertThat(sample.tokens()).isEqualTo(asText.tokens());
    assertThat(new ObjectMapper().readTree(sample.toJson()).get("prompt").get(0).get("content"))
        .hasToString("\"What is 41 + 19?\"");
  }

  @Test
  void everyEosIdEndsACompletion() throws IOException {
    Path directory = Path.of(GoldenLlama.directory(temp.resolve("eos")));
    Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\": [2, 7, 9]}");

    ModelDirectory opened = ModelDirectory.open(Storage.local(), directory.toString());
    try (Tokenizer tokenizer = Tokenizer.of(opened.tokenizerFiles())) {
      assertThat(Sampler.eosIds(opened, tokenizer)).containsExactly(2, 7, 9);
    }
  }

  @Test
  void rowsWithoutPromptAreNamed() {
    assertThatThrownBy(
            () -> sampler.sample(List.of(Map.of("text", "x")), DecodingSettings.greedy(4)))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("Row 1 cannot be completed");
  }

  private static int[] tokens(String text) {
    ModelDirectory opened = ModelDirectory.open(Storage.local(), model);
    try (Tokenizer tokenizer = Tokenizer.of(opened.tokenizerFiles())) {
      return tokenizer.encode(text);
    }
  }
}
