package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.LiveValues;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class ScoreModelTest {
  private static final int VOCAB = 512;
  private static final int HIDDEN = 64;

  /** Small models gain nothing from more threads, and on a busy machine they lose. */
  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  private static ModelDirectory golden(String name) {
    return ModelDirectory.open(Storage.local(), Fixtures.golden("models/" + name).toString());
  }

  /** The head that TRL's reward trainer started from. */
  private static float[] goldenHead() {
    return TensorFile.open(Fixtures.golden("traj/reward/init_score_head.safetensors"))
        .floats("score.weight");
  }

  private static ScoreModel model(String name, ComputeDtype dtype) {
    return ScoreModel.load(golden(name), Purpose.TRAINING, dtype, goldenHead());
  }

  private static int[] ids(JsonNode array) {
    int[] out = new int[array.size()];
    Arrays.setAll(out, i -> array.get(i).asInt());
    return out;
  }

  private static int common(int[] first, int[] second) {
    int n = Arrays.mismatch(first, second);
    return n < 0 ? Math.min(first.length, second.length) : n;
  }

  /** Pairs of texts, behind the prompt that they share or each from its own start. */
  private static List<TokenizedRow> pairs(int from, int count, boolean sharing) throws IOException {
    List<String> lines = Files.readAllLines(Fixtures.golden("traj/reward/tokenized.jsonl"));
    List<TokenizedRow> rows = new ArrayList<>();
    for (String line : lines.subList(from, from + count)) {
      JsonNode json = new ObjectMapper().readTree(line);
      int[] chosen = ids(json.get("chosen_ids"));
      int[] rejected = ids(json.get("rejected_ids"));
      int shared = sharing ? common(chosen, rejected) : 0;
      rows.add(
          Models.row(
              Arrays.copyOf(chosen, shared),
              Arrays.copyOfRange(chosen, shared, chosen.length),
              Arrays.copyOfRange(rejected, shared, rejected.length)));
    }
    return rows;
  }

  /** Bradley and Terry's loss with TRL's centering term; its derivatives go to {@code out}. */
  private static double loss(List<float[]> scores, double centering, List<float[]> out) {
    int n = scores.size();
    double loss = 0;
    for (float[] pair : scores) {
      double margin = (double) pair[0] - pair[1];
      double sum = (double) pair[0] + pair[1];
      loss += (Math.log1p(Math.exp(-margin)) + centering * sum * sum) / n;
      double slope = -1 / (1 + Math.exp(margin)) / n;
      double center = 2 * centering * sum / n;
      out.add(new float[] {(float) (slope + center), (float) (-slope + center)});
    }
    return loss;
  }

  private static double norm(ScoreModel model) {
    return Math.sqrt(
        Models.gradients(model.segments()).values().stream()
            .mapToDouble(g -> Models.norm(g) * Models.norm(g))
            .sum());
  }

  /** The first step's learning rate is 0, so that the second starts from the same weights. */
  @ParameterizedTest
  @CsvSource({
    "reward, 0, 0, KEEP, true",
    "reward, 1, 0, RECOMPUTE, true",
    "reward, 0, 0, RECOMPUTE, false",
    "reward_center, 0, 0.01, KEEP, true",
    "reward_center, 1, 0.01, KEEP, false"
  })
  void givesTheRewardsAndGradientsOfTrl(
      String run, int step, double centering, ActivationMemory memory, boolean sharing)
      throws IOException {
    JsonNode expected =
        Models.json(Fixtures.golden("traj/" + run + "/log.json")).get("steps").get(step);
    try (ScoreModel model = model("llama", ComputeDtype.F32);
        var pass = model.forward(pairs(8 * step, 8, sharing), memory)) {
      List<float[]> scores = pass.values();
      List<float[]> derivatives = new ArrayList<>();
      double loss = loss(scores, centering, derivatives);
      double[] all =
          scores.stream()
              .flatMap(s -> java.util.stream.Stream.of(s[0], s[1]))
              .mapToDouble(Float::doubleValue)
              .toArray();
      assertThat(Arrays.stream(all).min().orElseThrow())
          .isCloseTo(expected.get("min_reward").asDouble(), within(1e-5));
      assertThat(Arrays.stream(all).average().orElseThrow())
          .isCloseTo(expected.get("mean_reward").asDouble(), within(1e-5));
      assertThat(Arrays.stream(all).max().orElseThrow())
          .isCloseTo(expected.get("max_reward").asDouble(), within(1e-5));
      assertThat(loss).isCloseTo(expected.get("loss").asDouble(), within(1e-5));
      pass.backward(derivatives, segment -> {});
      double norm = expected.get("grad_norm").asDouble();
      assertThat(norm(model)).isCloseTo(norm, within(1e-5 * norm));
    }
  }

  @Test
  void microBatchesAddUpToTheBatch() throws IOException {
    List<TokenizedRow> rows = pairs(0, 8, true);
    try (ScoreModel model = model("llama", ComputeDtype.F32)) {
      List<float[]> derivatives = new ArrayList<>();
      try (var pass = model.forward(rows, ActivationMemory.KEEP)) {
        loss(pass.values(), 0, derivatives);
        pass.backward(derivatives, segment -> {});
      }
      Map<String, float[]> whole = Models.gradients(model.segments());
      Models.zeroGradients(model.segments());
      for (int i = 0; i < rows.size(); i++) {
        try (var pass = model.forward(rows.subList(i, i + 1), ActivationMemory.RECOMPUTE)) {
          pass.backward(derivatives.subList(i, i + 1), segment -> {});
        }
      }
      Models.gradients(model.segments())
          .forEach(
              (name, g) ->
                  assertThat(Models.relativeDifference(whole.get(name), g))
                      .as(name)
                      .isLessThan(1e-5));
    }
  }

  /** One or two completions a row, with and without a prompt. */
  private static List<TokenizedRow> rows(Random random) {
    List<TokenizedRow> rows = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      int[][] completions = new int[1 + i % 2][];
      for (int c = 0; c < completions.length; c++) {
        completions[c] = Models.tokens(random, 1 + random.nextInt(12), VOCAB);
      }
      rows.add(
          Models.row(
              Models.tokens(random, i % 3 == 2 ? 0 : 1 + random.nextInt(9), VOCAB), completions));
    }
    return rows;
  }

  @ParameterizedTest
  @MethodSource("io.plumbline.model.Models#families")
  void aScoreDependsOnPromptAndCompletionAlone(String name) {
    long seed = System.nanoTime();
    List<TokenizedRow> rows = rows(new Random(seed));
    try (ScoreModel model = model(name, ComputeDtype.F32)) {
      List<float[]> together = model.infer(rows);
      for (int row = 0; row < rows.size(); row++) {
        TokenizedRow r = rows.get(row);
        assertThat(together.get(row)).hasSize(r.completions().size());
        for (int c = 0; c < r.completions().size(); c++) {
          int[] text = Arrays.copyOf(r.prompt(), r.prompt().length + r.completions().get(c).length);
          System.arraycopy(
              r.completions().get(c), 0, text, r.prompt().length, text.length - r.prompt().length);
          float alone = model.infer(List.of(Models.row(new int[0], text))).get(0)[0];
          assertThat(together.get(row)[c]).isCloseTo(alone, within(2e-5f));
        }
      }
      assertThat(model.infer(List.of())).isEmpty();
    } catch (AssertionError e) {
      throw new AssertionError("seed " + seed, e);
    }
  }

  /** Against the slope of the scores themselves, parameter by parameter. */
  @Test
  void gradientsAreTheSlopesOfTheScores() {
    List<TokenizedRow> rows = rows(new Random(3));
    Random random = new Random(4);
    List<float[]> derivatives =
        rows.stream().map(r -> Models.gaussians(random, r.completions().size())).toList();
    try (ScoreModel model = model("qwen2", ComputeDtype.F32)) {
      List<String> order = new ArrayList<>();
      try (var pass = model.forward(rows, ActivationMemory.KEEP)) {
        pass.backward(derivatives, segment -> order.add(segment.name()));
        assertThatThrownBy(() -> pass.backward(derivatives, segment -> {}))
            .hasMessageContaining("already");
      }
      assertThat(order).containsExactly("head", "layer 1", "layer 0", "embedding");
      Map<String, float[]> gradients = Models.gradients(model.segments());
      assertThat(gradients).containsKey("score.weight").doesNotContainKey("lm_head.weight");
      for (Segment segment : model.segments()) {
        for (Segment.Slice slice : segment.slices()) {
          float[] g = gradients.get(slice.name());
          int best = 0;
          for (int i = 1; i < g.length; i++) {
            best = Math.abs(g[i]) > Math.abs(g[best]) ? i : best;
          }
          int at = Math.toIntExact(slice.offset()) + best;
          float value = segment.values().get(at);
          float step = 1e-3f;
          segment.values().put(at, value + step);
          double up = weighted(model.infer(rows), derivatives);
          segment.values().put(at, value - step);
          double down = weighted(model.infer(rows), derivatives);
          segment.values().put(at, value);
          double slope = (up - down) / (2 * step);
          assertThat((double) g[best])
              .as(slice.name())
              .isCloseTo(slope, within(0.02 * Math.abs(slope) + 5e-3));
        }
      }
    }
  }

  private static double weighted(List<float[]> scores, List<float[]> derivatives) {
    double sum = 0;
    for (int row = 0; row < scores.size(); row++) {
      for (int c = 0; c < scores.get(row).length; c++) {
        sum += (double) scores.get(row)[c] * derivatives.get(row)[c];
      }
    }
    return sum;
  }

  @ParameterizedTest
  @EnumSource(ActivationMemory.class)
  void bf16IsCloseToF32(ActivationMemory memory) throws IOException {
    List<TokenizedRow> rows = pairs(0, 8, true);
    List<float[]> derivatives = rows.stream().map(r -> new float[] {-0.5f, 0.5f}).toList();
    try (ScoreModel exact = model("llama", ComputeDtype.F32);
        ScoreModel rounded = model("llama", ComputeDtype.BF16)) {
      List<float[]> expected;
      try (var pass = exact.forward(rows, ActivationMemory.KEEP)) {
        expected = pass.values();
        pass.backward(derivatives, segment -> {});
      }
      try (var pass = rounded.forward(rows, memory)) {
        for (int row = 0; row < rows.size(); row++) {
          assertThat(Models.relativeDifference(expected.get(row), pass.values().get(row)))
              .isBetween(1e-7, 0.05);
        }
        pass.backward(derivatives, segment -> {});
      }
      Map<String, float[]> found = Models.gradients(rounded.segments());
      Models.gradients(exact.segments())
          .forEach(
              (name, g) ->
                  assertThat(Models.relativeDifference(g, found.get(name)))
                      .as(name)
                      .isBetween(1e-6, 0.15));
    }
  }

  @Test
  void aFreshHeadIsNormalAndFixedByTheSeed() {
    try (ScoreModel model =
            ScoreModel.load(golden("llama"), Purpose.TRAINING, ComputeDtype.F32, 7);
        ScoreModel again =
            ScoreModel.load(golden("llama"), Purpose.INFERENCE, ComputeDtype.F32, 7);
        ScoreModel other =
            ScoreModel.load(golden("llama"), Purpose.INFERENCE, ComputeDtype.F32, 8)) {
      assertThat(head(again)).containsExactly(head(model));
      assertThat(head(other)).isNotEqualTo(head(model));
      // The configuration says 0.2; 64 draws leave a tenth of doubt.
      assertThat(Models.norm(head(model)) / Math.sqrt(HIDDEN)).isCloseTo(0.2, within(0.07));
      // Another platform must draw the same numbers.
      assertThat(Arrays.copyOf(head(model), 3))
          .containsExactly(0.19769487f, -0.37285116f, 7.840414E-4f);
    }
  }

  private static float[] head(ScoreModel model) {
    Segment last = model.segments().get(model.segments().size() - 1);
    Segment.Slice slice = last.slices().get(1);
    assertThat(slice.name()).isEqualTo("score.weight");
    float[] out = new float[Math.toIntExact(slice.length())];
    last.values().get(slice.offset(), out);
    return out;
  }

  @Test
  void inferenceModelsHaveNoGradients() throws IOException {
    List<TokenizedRow> rows = pairs(0, 1, true);
    try (ScoreModel model =
        ScoreModel.load(golden("llama"), Purpose.INFERENCE, ComputeDtype.F32, goldenHead())) {
      assertThatThrownBy(() -> model.forward(rows, ActivationMemory.KEEP))
          .hasMessageContaining("for inference");
    }
  }

  @Test
  void nothingIsLeftBehind() throws IOException {
    List<TokenizedRow> rows = pairs(0, 4, true);
    List<float[]> derivatives = rows.stream().map(r -> new float[] {-0.5f, 0.5f}).toList();
    long before = LiveValues.count();
    try (ScoreModel model = model("llama", ComputeDtype.F32)) {
      long loaded = LiveValues.count();
      for (ActivationMemory memory : ActivationMemory.values()) {
        try (var pass = model.forward(rows, memory)) {
          pass.backward(derivatives, segment -> {});
        }
        try (var unused = model.forward(rows, memory)) {
          model.infer(rows);
        }
        assertThat(LiveValues.count()).isEqualTo(loaded);
      }
    }
    assertThat(LiveValues.count()).isEqualTo(before);
  }

  @Test
  void aHeadOfAnotherWidthIsRefused() {
    assertThatThrownBy(
            () ->
                ScoreModel.load(
                    golden("llama"), Purpose.INFERENCE, ComputeDtype.F32, new float[HIDDEN - 1]))
        .hasMessageContaining("score.weight with shape [1, 63]");
  }
}
