package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.tensor.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against logits, log-probabilities and gradients that transformers wrote. */
class GoldenModelTest {
  /** Small models gain nothing from more threads, and on a busy machine they lose. */
  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  @ParameterizedTest
  @MethodSource("io.plumbline.model.Models#families")
  void givesTheLogitsOfTransformers(String name) {
    givesTheLogits(name, "config.json");
    givesTheLogits(name, "config_v4.json");
  }

  private static void givesTheLogits(String name, String config) {
    try (CausalLm model = Models.golden(name, config, Purpose.INFERENCE, ComputeDtype.F32)) {
      new GoldenTexts(Models.goldenTensors(name)).areGivenLogits(model, "logits");
    }
  }

  @ParameterizedTest
  @MethodSource("io.plumbline.model.Models#families")
  void givesTheTokenLogpsOfTransformers(String name) {
    TensorFile golden = Models.goldenTensors(name);
    float[] expected = golden.floats("token_logprobs");
    try (CausalLm model = Models.golden(name, Purpose.INFERENCE, ComputeDtype.F32)) {
      List<List<float[]>> logps = model.logps(new GoldenTexts(golden).rows()).logps();
      for (int row = 0; row < logps.size(); row++) {
        float[] found = logps.get(row).get(0);
        int from = row * (GoldenTexts.COLUMNS - 1);
        assertThat(found)
            .containsExactly(
                Arrays.copyOfRange(expected, from, from + found.length), within(1e-5f));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.plumbline.model.Models#families")
  void givesTheGradientsOfTransformers(String name) {
    TensorFile golden = Models.goldenTensors(name);
    JsonNode json = Models.goldenJson(name);
    try (CausalLm model = Models.golden(name, Purpose.TRAINING, ComputeDtype.F32);
        TrainingPass<TokenLogps, TokenGradients> pass =
            model.forward(new GoldenTexts(golden).rows())) {
      float derivative = -1f / json.get("n_target_tokens").asInt();
      List<List<float[]>> gradients = new ArrayList<>();
      double nll = 0;
      for (List<float[]> row : pass.values().logps()) {
        float[] g = new float[row.get(0).length];
        Arrays.fill(g, derivative);
        gradients.add(List.of(g));
        for (float logp : row.get(0)) {
          nll += logp * derivative;
        }
      }
      assertThat(nll).isCloseTo(json.get("nll_mean").asDouble(), within(1e-5));
      pass.backward(TokenGradients.of(gradients), segment -> {});
      double total = 0;
      for (Map.Entry<String, float[]> entry : Models.gradients(model).entrySet()) {
        double norm = Models.norm(entry.getValue());
        // In memory transformers 5 calls every token head so; in files GPT-NeoX's has another name.
        String parameter = entry.getKey().replace("embed_out.weight", "lm_head.weight");
        double expected = json.get("grad_l2_norm").get(parameter).asDouble();
        assertThat(norm).as(entry.getKey()).isCloseTo(expected, within(1e-4 * expected));
        total += norm * norm;
      }
      double expected = json.get("grad_total_norm").asDouble();
      assertThat(Math.sqrt(total)).isCloseTo(expected, within(1e-4 * expected));
    }
  }
}
