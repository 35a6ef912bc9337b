package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.checkpoint.AdapterConfig;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.tensor.Torch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What mixtures of experts do that other feed-forward networks do not. */
class ExpertsTest {
  private static final int EXPERTS = 16;
  private static final int VOCAB = 97;

  @AfterEach
  void useOneThread() {
    Torch.useThreads(1);
  }

  private static ObjectNode config(String family) {
    return Models.config(
        Map.of(
            "model_type",
            family,
            "hidden_size",
            64,
            "num_experts",
            EXPERTS,
            "num_experts_per_tok",
            4,
            "moe_intermediate_size",
            24,
            "norm_topk_prob",
            true));
  }

  private static CausalLm model(String family, ComputeDtype dtype) {
    return Models.random(config(family), Purpose.TRAINING, dtype, 3);
  }

  private static List<TokenizedRow> rows(Random random, int count) {
    List<TokenizedRow> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      rows.add(
          Models.row(
              Models.tokens(random, 5 + random.nextInt(20), VOCAB),
              Models.tokens(random, 30, VOCAB),
              Models.tokens(random, 1 + random.nextInt(30), VOCAB)));
    }
    return rows;
  }

  private static Map<String, float[]> gradients(
      CausalLm model, List<TokenizedRow> rows, ActivationMemory memory) {
    Models.zeroGradients(model);
    try (var pass = model.forward(rows, memory, Set.of())) {
      TokenLogps found = pass.values();
      pass.backward(TokenGradients.of(Models.derivatives(found, new Random(1))), segment -> {});
    }
    return Models.gradients(model);
  }

  /** Places are added up in the order of experts, whichever thread comes first. */
  @ParameterizedTest
  @CsvSource({"qwen3_moe, F32", "qwen3_moe, BF16", "olmoe, F32"})
  void givesTheSameBitsAgainOnAnyNumberOfThreads(String family, ComputeDtype dtype) {
    List<TokenizedRow> rows = rows(new Random(2), 5);
    try (CausalLm model = model(family, dtype)) {
      for (int threads : new int[] {1, 2, 4}) {
        Torch.useThreads(threads);
        Map<String, float[]> first = gradients(model, rows, ActivationMemory.KEEP);
        for (int again = 0; again < 2; again++) {
          gradients(model, rows, ActivationMemory.RECOMPUTE)
              .forEach(
                  (name, g) ->
                      assertThat(g)
                          .as("%s with %d threads", name, threads)
                          .isEqualTo(first.get(name)));
        }
      }
    }
  }

  /** With three tokens and four experts a token, four of 16 have none at least. */
  @ParameterizedTest
  @ValueSource(strings = {"qwen3_moe", "olmoe"})
  void expertsWithoutTokensLearnNothing(String family) {
    int[] two = {7, 8};
    try (CausalLm model = model(family, ComputeDtype.F32)) {
      Map<String, float[]> gradients =
          gradients(model, List.of(Models.row(new int[] {5}, two)), ActivationMemory.KEEP);
      int used = 0;
      for (int i = 0; i < EXPERTS; i++) {
        double down = Models.norm(gradients.get(expert(i, "down_proj")));
        for (String other : List.of("gate_proj", "up_proj")) {
          assertThat(Models.norm(gradients.get(expert(i, other))) > 0).isEqualTo(down > 0);
        }
        used += down > 0 ? 1 : 0;
      }
      assertThat(used).isBetween(4, 12);
    }
  }

  private static String expert(int number, String module) {
    return "model.layers.0.mlp.experts." + number + "." + module + ".weight";
  }

  /** Sampling chooses the experts that training chooses, also where matrices are cast. */
  @ParameterizedTest
  @CsvSource({"qwen3_moe, F32, 2e-5", "qwen3_moe, BF16, 0.03", "olmoe, F32, 2e-5"})
  void samplesWithTheExpertsOfTraining(String family, ComputeDtype dtype, float tolerance) {
    Random random = new Random(4);
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      prompts.add(Models.tokens(random, 1 + random.nextInt(12), VOCAB));
    }
    SamplingSettings settings = SamplingSettings.sampling(40, 1, 2, 11, Set.of());
    double sum = 0;
    int count = 0;
    try (CausalLm model = model(family, dtype);
        Generator generator = new Generator(model)) {
      List<List<Generation>> all = generator.generate(prompts, settings);
      for (int p = 0; p < prompts.size(); p++) {
        for (Generation one : all.get(p)) {
          float[] expected =
              model.logps(List.of(Models.row(prompts.get(p), one.tokens()))).logps().get(0).get(0);
          for (int t = 0; t < expected.length; t++) {
            sum += Math.abs(expected[t] - one.logps()[t]);
            count++;
          }
        }
      }
    }
    assertThat(sum / count).as("mean difference of log-probabilities").isLessThan(tolerance);
  }

  private static AdapterConfig adapter(String... targets) {
    return AdapterConfig.lora(2, 4, 0, List.of(targets), List.of(), AdapterConfig.Task.CAUSAL_LM);
  }

  /** PEFT gives experts adapters of another kind, by these same names. */
  @Test
  void expertsHaveNoAdapters() {
    try (CausalLm base =
        Models.random(config("qwen3_moe"), Purpose.INFERENCE, ComputeDtype.F32, 3)) {
      for (String target : List.of("all-linear", "down_proj", "gate", ".*experts.*")) {
        assertThatThrownBy(() -> CausalLm.adapted(base, adapter("q_proj", target), 1))
            .as(target)
            .isInstanceOf(PlumblineException.class);
        assertThatThrownBy(() -> CausalLm.adapted(base, adapter(target), 1))
            .isInstanceOf(PlumblineException.class)
            .hasMessageContaining("model.layers.0.mlp.")
            .hasMessageContaining("--lora-target-modules");
      }
    }
  }

  /**
   * The slope of the loss along B of one module, which is 0 at first. The step is small, for the
   * loss jumps where a place gets other experts.
   */
  @Test
  void adaptersOfAttentionLearnBelowExperts() {
    List<TokenizedRow> rows = rows(new Random(6), 2);
    try (CausalLm base =
            Models.random(config("qwen3_moe"), Purpose.INFERENCE, ComputeDtype.F32, 3);
        CausalLm model = CausalLm.adapted(base, adapter("q_proj", "o_proj"), 1)) {
      Map<String, float[]> slopes = gradients(model, rows, ActivationMemory.KEEP);
      assertThat(slopes.keySet()).allMatch(name -> name.contains("self_attn."));
      String name = "base_model.model.model.layers.0.self_attn.o_proj.lora_B.weight";
      float[] slope = slopes.get(name);
      double squared = Models.norm(slope) * Models.norm(slope);
      float step = (float) (0.001 / Math.sqrt(squared));
      double before = loss(model, rows, slope, 0, name);
      double up = loss(model, rows, slope, step, name);
      double down = loss(model, rows, slope, -step, name);
      assertThat((up - down) / (2 * step)).isCloseTo(squared, within(0.02 * squared));
      assertThat(before).isBetween(Math.min(up, down), Math.max(up, down));
    }
  }

  /** The loss whose derivatives {@link #gradients} passes on, with B a step along its slope. */
  private static double loss(
      CausalLm model, List<TokenizedRow> rows, float[] slope, float step, String name) {
    var segment = model.segments().get(0);
    var slice =
        segment.slices().stream().filter(s -> s.name().equals(name)).findFirst().orElseThrow();
    float[] moved = new float[slope.length];
    for (int i = 0; i < slope.length; i++) {
      moved[i] = step * slope[i];
    }
    segment.values().put(slice.offset(), moved);
    TokenLogps found = model.logps(rows);
    List<List<float[]>> derivatives = Models.derivatives(found, new Random(1));
    double loss = 0;
    for (int row = 0; row < rows.size(); row++) {
      for (int c = 0; c < derivatives.get(row).size(); c++) {
        for (int t = 0; t < derivatives.get(row).get(c).length; t++) {
          loss += (double) derivatives.get(row).get(c)[t] * found.logps().get(row).get(c)[t];
        }
      }
    }
    segment.values().put(slice.offset(), new float[slope.length]);
    return loss;
  }
}
