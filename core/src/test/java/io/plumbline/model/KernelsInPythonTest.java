package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.PythonPeer;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.PackedRows.Reading;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Torch;
import io.plumbline.tensor.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernels' files are Python: PyTorch runs them as they are, and gets what Java gets. */
class KernelsInPythonTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long SEED = Long.getLong("plumbline.seed", 20_261_130L);
  private static final double TEMPERATURE = 0.7;
  private static final int NEW_TOKENS = 5;

  @TempDir Path directory;

  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  @ParameterizedTest
  @CsvSource({"F32, true, 2e-6", "F32, false, 2e-6", "BF16, true, 2e-2"})
  void pythonComputesWhatJavaComputes(ComputeDtype dtype, boolean biased, double tolerance)
      throws Exception {
    compare(
        Models.config(
            Map.of("attention_bias", biased, "mlp_bias", biased, "head_dim", biased ? 8 : 12)),
        dtype,
        tolerance);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gemma3_text", "gpt2", "gpt_neox", "olmo3", "olmoe", "qwen3_moe"})
  void pythonComputesTheFamiliesToo(String name) throws Exception {
    Path config = Fixtures.golden("models/" + name).resolve("config.json");
    compare((ObjectNode) Models.json(config), ComputeDtype.F32, 2e-6);
  }

  private void compare(ObjectNode config, ComputeDtype dtype, double tolerance) throws Exception {
    System.out.println("seed " + SEED);
    Random random = new Random(SEED);
    try (CausalLm model = Models.random(config, Purpose.TRAINING, dtype, SEED)) {
      int vocabulary = model.config().vocabSize();
      // A block with shared prompts and masks, and one that is plain.
      List<TokenizedRow> rows =
          List.of(
              row(random, vocabulary, 9, 3, 5), row(random, vocabulary, 8, 4, 5),
              row(random, vocabulary, 12, 6), row(random, vocabulary, 12, 6));
      List<int[]> prompts =
          List.of(Models.tokens(random, 7, vocabulary), Models.tokens(random, 4, vocabulary));
      PackedRows packed = PackedRows.of(rows, model.config(), Reading.COMPLETIONS);
      try (TrainingPass<TokenLogps, TokenGradients> pass =
              model.forward(
                  rows, ActivationMemory.KEEP, Set.of(TokenStatistic.ENTROPY), TEMPERATURE);
          Generator generator = new Generator(model)) {
        TokenLogps found = pass.values();
        TokenGradients gradients =
            new TokenGradients(
                Models.derivatives(found, random), List.of(), Models.derivatives(found, random));
        pass.backward(gradients, segment -> {});
        List<List<Generation>> generated =
            generator.generate(prompts, SamplingSettings.greedy(NEW_TOKENS, Set.of()));

        KernelFiles.write(directory, Decoder.filling(model.config(), dtype));
        write(model.decoder(), packed, gradients, prompts);
        JsonNode results = PythonPeer.run(directory, "check_kernels.py", directory.toString());
        for (String kind : List.of("python", "archive")) {
          JsonNode result = results.get(kind);
          compare(
              kind + " logps", spread(rows, packed, result.get("logps")), found.logps(), tolerance);
          compare(
              kind + " entropies",
              spread(rows, packed, result.get("entropies")),
              found.entropies(),
              tolerance);
          List<Segment> segments = model.segments();
          for (int i = 0; i < segments.size(); i++) {
            float[] expected = new float[(int) segments.get(i).length()];
            segments.get(i).gradients().get(0, expected);
            float[] own = floats(result.get("gradients").get(i));
            assertThat(Models.relativeDifference(expected, own))
                .as(kind + " gradients of " + segments.get(i))
                .isLessThan(tolerance);
          }
          for (int i = 0; i < prompts.size(); i++) {
            Generation expected = generated.get(i).get(0);
            assertThat(JSON.convertValue(result.get("tokens").get(i), int[].class))
                .as(kind + " tokens")
                .isEqualTo(expected.tokens());
            assertThat(floats(result.get("step_logps").get(i)))
                .as(kind + " logps of tokens")
                .containsExactly(expected.logps(), within((float) (10 * tolerance)));
          }
        }
      }
    }
  }

  private static TokenizedRow row(Random random, int vocabulary, int prompt, int... completions) {
    int[][] drawn = new int[completions.length][];
    for (int i = 0; i < drawn.length; i++) {
      drawn[i] = Models.tokens(random, completions[i], vocabulary);
    }
    return Models.row(Models.tokens(random, prompt, vocabulary), drawn);
  }

  private static void compare(
      String what, List<List<float[]>> own, List<List<float[]>> expected, double tolerance) {
    for (int row = 0; row < expected.size(); row++) {
      for (int c = 0; c < expected.get(row).size(); c++) {
        assertThat(own.get(row).get(c))
            .as("%s of row %d", what, row)
            .containsExactly(expected.get(row).get(c), within((float) (10 * tolerance)));
      }
    }
  }

  private static List<List<float[]>> spread(
      List<TokenizedRow> rows, PackedRows packed, JsonNode values) {
    return PackedRows.spread(rows, packed.read().owners(), floats(values));
  }

  private static float[] floats(JsonNode values) {
    return JSON.convertValue(values, float[].class);
  }

  private void write(
      Decoder decoder, PackedRows packed, TokenGradients gradients, List<int[]> prompts)
      throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.set("embedding", weight(decoder.embedding));
    json.set("norm", weight(decoder.norm));
    json.set("head", weight(decoder.head));
    for (Decoder.LayerWeights layer : decoder.layers) {
      ObjectNode one = json.withArray("layers").addObject();
      layer.weights().forEach((name, value) -> one.set(name, weight(value)));
    }
    for (LayerKinds.Values kind : decoder.kinds.distinct()) {
      ObjectNode one = json.withArray("kinds").addObject();
      one.set("frequencies", JSON.valueToTree(kind.frequencies().floats()));
      one.put("magnitude", kind.magnitude().floats()[0]);
      one.put("window", kind.window());
    }
    json.put("tied", decoder.config.tiedEmbeddings());
    json.set("kind_of_layer", JSON.valueToTree(decoder.kinds.ofLayers()));
    json.set("ids", JSON.valueToTree(packed.ids()));
    json.set("positions", JSON.valueToTree(packed.positions()));
    json.set("parts", JSON.valueToTree(packed.parts()));
    json.set("blocks", JSON.valueToTree(packed.blocks()));
    json.set("plain", JSON.valueToTree(packed.plain()));
    json.set("starts", JSON.valueToTree(packed.starts()));
    json.set("kept", JSON.valueToTree(packed.kept()));
    json.set("predictors", JSON.valueToTree(packed.read().places()));
    json.set("targets", JSON.valueToTree(packed.read().targets()));
    json.set("by_logp", JSON.valueToTree(packed.collect(gradients)));
    json.set("by_entropy", JSON.valueToTree(packed.collectEntropies(gradients)));
    json.put("temperature", TEMPERATURE);
    json.set("prompts", JSON.valueToTree(prompts));
    json.put("new_tokens", NEW_TOKENS);
    Files.writeString(directory.resolve("case.json"), json.toString());
  }

  private static ObjectNode weight(Value value) {
    ObjectNode json = JSON.createObjectNode();
    json.set("shape", JSON.valueToTree(value.shape()));
    json.set("values", JSON.valueToTree(value.floats()));
    return json;
  }
}
