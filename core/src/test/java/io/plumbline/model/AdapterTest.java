package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.Fixtures;
import io.plumbline.checkpoint.Adapter;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Torch;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Models with adapters, against logits, gradients and merged weights that PEFT wrote. */
class AdapterTest {
  private static final long SEED = Long.getLong("plumbline.seed", 20_261_201L);
  private static final Storage STORAGE = Storage.local();
  private static final int VOCAB = GoldenTexts.VOCAB;

  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  static Stream<String> adapters() {
    return Stream.of(
        "qv_r8",
        "all_r4_rslora",
        "dora_r4",
        "patterns",
        "saved_head",
        "phi3_dora",
        "gpt2_dora",
        "gpt_neox",
        "gemma2");
  }

  private static String path(String name) {
    return Fixtures.golden("lora/" + name).toString();
  }

  private static JsonNode summary(String name) {
    return Models.json(Fixtures.golden("lora/" + name).resolve("golden.json"));
  }

  /** What a test does with the model below and the one with the adapter. */
  private static void with(
      String name, Purpose purpose, ComputeDtype dtype, BiConsumer<CausalLm, CausalLm> test) {
    String base = summary(name).get("base").asText();
    try (CausalLm below = Models.golden(base, Purpose.INFERENCE, dtype);
        CausalLm adapted = CausalLm.adapted(below, Adapter.open(STORAGE, path(name)), purpose)) {
      test.accept(below, adapted);
    }
  }

  private static GoldenTexts golden(String name) {
    return new GoldenTexts(
        TensorFile.open(Fixtures.golden("lora/" + name).resolve("golden.safetensors")));
  }

  @ParameterizedTest
  @MethodSource("adapters")
  void givesTheLogitsOfPeft(String name) {
    with(
        name,
        Purpose.INFERENCE,
        ComputeDtype.F32,
        (below, adapted) -> golden(name).areGivenLogits(adapted, "logits_adapter"));
  }

  @ParameterizedTest
  @MethodSource("adapters")
  void givesTheGradientsOfPeft(String name) {
    with(
        name,
        Purpose.TRAINING,
        ComputeDtype.F32,
        (below, adapted) -> givesTheGradients(adapted, golden(name), summary(name)));
  }

  private static void givesTheGradients(CausalLm model, GoldenTexts golden, JsonNode json) {
    List<TokenizedRow> rows = golden.rows();
    for (ActivationMemory memory : ActivationMemory.values()) {
      Models.zeroGradients(model);
      try (TrainingPass<TokenLogps, TokenGradients> pass = model.forward(rows, memory, Set.of())) {
        int tokens = rows.stream().mapToInt(row -> row.completions().get(0).length).sum();
        double nll = 0;
        List<List<float[]>> derivatives = new ArrayList<>();
        for (List<float[]> row : pass.values().logps()) {
          float[] g = new float[row.get(0).length];
          Arrays.fill(g, -1f / tokens);
          derivatives.add(List.of(g));
          for (float logp : row.get(0)) {
            nll -= logp / tokens;
          }
        }
        assertThat(nll).isCloseTo(json.get("nll").asDouble(), within(1e-5));
        List<Segment> seen = new ArrayList<>();
        pass.backward(TokenGradients.of(derivatives), seen::add);
        List<Segment> backwards = new ArrayList<>(model.segments());
        java.util.Collections.reverse(backwards);
        assertThat(seen).isEqualTo(backwards);
      }
      Map<String, float[]> gradients = Models.gradients(model);
      assertThat(gradients).hasSameSizeAs(json.get("grad_l2_norm"));
      json.get("grad_l2_norm")
          .properties()
          .forEach(
              entry -> {
                double expected = entry.getValue().asDouble();
                float[] found = gradients.get(inFile(entry.getKey()));
                assertThat(found).as(entry.getKey()).isNotNull();
                assertThat(Models.norm(found))
                    .as(entry.getKey())
                    .isCloseTo(expected, within(1e-4 * expected));
              });
    }
  }

  /** PEFT's name of a parameter in files, by that in memory. */
  private static String inFile(String name) {
    return name.replace(".lora_magnitude_vector.default.weight", ".lora_magnitude_vector")
        .replace(".modules_to_save.default", "")
        .replace(".default", "");
  }

  @ParameterizedTest
  @MethodSource("adapters")
  void readsTheMergedWeightsOfPeft(String name) {
    ModelDirectory merged = ModelDirectory.open(STORAGE, path(name));
    TensorFile expected =
        TensorFile.open(Fixtures.golden("lora/" + name).resolve("merged_weights.safetensors"));
    assertThat(expected.names()).isNotEmpty();
    for (String tensor : expected.names()) {
      String inFile = merged.has(tensor) ? tensor : tensor.replace("lm_head", "embed_out");
      float[] values = expected.floats(tensor);
      FloatBuffer found = FloatBuffer.allocate(values.length);
      merged.read(inFile, found);
      assertThat(found.array()).as(tensor).containsExactly(values, within(2e-6f));
      // In pieces that begin and end within rows.
      int from = values.length / 3 + 1;
      FloatBuffer piece = FloatBuffer.allocate(values.length / 2);
      merged.read(inFile, from, piece);
      assertThat(piece.array())
          .isEqualTo(Arrays.copyOfRange(found.array(), from, from + piece.capacity()));
    }
    try (CausalLm model = CausalLm.load(merged, Purpose.INFERENCE, ComputeDtype.F32)) {
      golden(name).areGivenLogits(model, "logits_merged");
    }
  }

  /** Packed rows, shared prompts and the cache go through the same projections. */
  @ParameterizedTest
  @MethodSource("adapters")
  void computesWhatTheMergedModelComputes(String name) {
    System.out.println("seed " + SEED);
    Random random = new Random(SEED);
    List<TokenizedRow> rows =
        List.of(
            Models.row(
                Models.tokens(random, 9, VOCAB),
                Models.tokens(random, 5, VOCAB),
                Models.tokens(random, 3, VOCAB)),
            Models.row(Models.tokens(random, 4, VOCAB), Models.tokens(random, 12, VOCAB)));
    List<int[]> prompts =
        List.of(Models.tokens(random, 7, VOCAB), Models.tokens(random, 12, VOCAB));
    with(
        name,
        Purpose.INFERENCE,
        ComputeDtype.F32,
        (below, adapted) -> {
          try (CausalLm merged =
                  CausalLm.load(
                      ModelDirectory.open(STORAGE, path(name)),
                      Purpose.INFERENCE,
                      ComputeDtype.F32);
              Generator one = new Generator(adapted);
              Generator other = new Generator(merged)) {
            List<List<float[]>> expected = merged.logps(rows).logps();
            List<List<float[]>> found = adapted.logps(rows).logps();
            for (int r = 0; r < rows.size(); r++) {
              for (int c = 0; c < expected.get(r).size(); c++) {
                assertThat(found.get(r).get(c))
                    .containsExactly(expected.get(r).get(c), within(2e-4f));
              }
            }
            SamplingSettings greedy = SamplingSettings.greedy(8, Set.of());
            assertThat(texts(one.generate(prompts, greedy)))
                .isEqualTo(texts(other.generate(prompts, greedy)));
          }
        });
  }

  private static List<List<Integer>> texts(List<List<Generation>> generated) {
    return generated.stream()
        .map(all -> Arrays.stream(all.get(0).tokens()).boxed().toList())
        .toList();
  }

  @ParameterizedTest
  @MethodSource("adapters")
  void multipliesInBf16(String name) {
    double exact = meanLogp(name, ComputeDtype.F32);
    double rounded = meanLogp(name, ComputeDtype.BF16);
    assertThat(rounded).isNotEqualTo(exact).isCloseTo(exact, within(0.1));
  }

  private static double meanLogp(String name, ComputeDtype dtype) {
    List<TokenizedRow> rows = golden(name).rows();
    List<Double> logps = new ArrayList<>();
    with(
        name,
        Purpose.INFERENCE,
        dtype,
        (below, adapted) -> {
          for (List<float[]> row : adapted.logps(rows).logps()) {
            for (float logp : row.get(0)) {
              logps.add((double) logp);
            }
          }
        });
    return logps.stream().mapToDouble(x -> x).average().orElseThrow();
  }
}
