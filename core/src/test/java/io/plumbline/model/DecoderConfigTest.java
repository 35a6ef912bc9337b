package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.Fixtures;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.LayerKind;
import io.plumbline.model.architecture.Rope;
import io.plumbline.model.architecture.RopeScaling;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class DecoderConfigTest {
  private static DecoderConfig parse(Map<String, Object> changes) {
    return DecoderConfig.parse(Models.config(changes), "/models/m");
  }

  private static void assertRefused(Map<String, Object> changes, String... words) {
    assertThatThrownBy(() -> parse(changes))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_CHECKPOINT))
        .hasMessageStartingWith("/models/m ")
        .hasMessageContainingAll(words);
  }

  @Test
  void namesWhatIsNotSupported() {
    assertRefused(Map.of("model_type", "bloom"), "\"bloom\"", "llama, ministral, mistral", "qwen2");
    assertRefused(Map.of("hidden_act", "gelu"), "\"gelu\"", "silu");
    assertRefused(Map.of("rope_scaling", Map.of("type", "mrope", "factor", 2)), "\"mrope\"");
    assertRefused(Map.of("rope_scaling", Map.of("rope_type", "llama3")), "positive factor");
    assertRefused(Map.of("num_key_value_heads", 3), "4 attention heads", "3 key/value heads");
    assertRefused(Map.of("hidden_size", 33), "hidden_size 33", "head_dim");
    assertRefused(Map.of("vocab_size", "many"), "vocab_size", "many");
    assertRefused(Map.of("partial_rotary_factor", 0.5), "partial_rotary_factor 0.5");
  }

  @ParameterizedTest
  @MethodSource("io.plumbline.model.Models#families")
  void bothFormsOfTheConfigMeanTheSame(String name) {
    DecoderConfig v5 = read(name, "config.json");
    assertThat(read(name, "config_v4.json")).isEqualTo(v5);
    assertThat(v5.parameterShapes().stream().mapToLong(shape -> shape.elements()).sum())
        .isEqualTo(Models.goldenJson(name).get("n_params").asLong());
  }

  @Test
  void expertsAreRefusedWhereTheyAreNotComputed() {
    assertRefused(Map.of("num_local_experts", 4), "num_local_experts", "llama");
    Map<String, Object> experts = Map.of("model_type", "olmoe", "num_experts", 4);
    assertRefused(experts, "num_experts_per_tok 8", "only 4 experts");
    Map<String, Object> balanced = Map.of("model_type", "qwen3_moe", "output_router_logits", true);
    assertRefused(balanced, "output_router_logits", "not computed");
    assertRefused(Map.of("model_type", "olmoe", "head_dim", 4), "head_dim 4", "hidden_size 32");
    assertRefused(Map.of("model_type", "olmoe", "clip_qkv", 0), "positive clip_qkv");
    assertRefused(
        Map.of("model_type", "qwen3_moe", "clip_qkv", 2), "clip_qkv", "no qwen3_moe model");
  }

  /** As in Qwen3MoeDecoderLayer. */
  @Test
  void layersWithoutExpertsAreThoseThatTheSettingsName() {
    DecoderConfig config =
        parse(
            Map.of(
                "model_type", "qwen3_moe",
                "num_hidden_layers", 6,
                "decoder_sparse_step", 2,
                "mlp_only_layers", List.of(3),
                "num_experts", 4,
                "num_experts_per_tok", 2));
    for (int i = 0; i < 6; i++) {
      List<String> names =
          config.layerShapes().get(i).stream().map(DecoderConfig.ParameterShape::name).toList();
      boolean sparse = i == 1 || i == 5;
      assertThat(names.contains("mlp.experts.3.down_proj.weight")).isEqualTo(sparse);
      assertThat(names.contains("mlp.down_proj.weight")).isEqualTo(!sparse);
    }
  }

  /** LlamaConfig has no such field, and transformers does not read it. */
  @Test
  void theEpsilonOfOtherFamiliesIsNotRead() {
    assertThat(parse(Map.of("layer_norm_eps", 0.5, "layer_norm_epsilon", 0.5)))
        .isEqualTo(parse(Map.of()));
  }

  @Test
  void fieldsAreNamedAsInTheFile() {
    assertRefused(Map.of("model_type", "gpt2", "n_embd", "wide"), "n_embd", "wide");
    assertRefused(
        Map.of("model_type", "gpt_neox", "hidden_act", "gelu", "layer_norm_eps", 7),
        "layer_norm_eps",
        "7");
  }

  private static List<String> names(DecoderConfig config) {
    return config.layerShapes().get(0).stream().map(DecoderConfig.ParameterShape::name).toList();
  }

  private static DecoderConfig read(String name, String file) {
    return DecoderConfig.parse(
        (com.fasterxml.jackson.databind.node.ObjectNode)
            Models.json(Fixtures.golden("models/" + name).resolve(file)),
        name);
  }

  @Test
  void fillsInWhatAConfigLeavesOut() {
    DecoderConfig config = parse(Map.of());
    assertThat(config.headDim()).isEqualTo(8);
    assertThat(config.kinds())
        .containsOnly(new LayerKind(new Rope(10000, new RopeScaling.None(), 8), 0));
    assertThat(names(parse(Map.of("model_type", "qwen2", "num_key_value_heads", 4))))
        .contains("self_attn.q_proj.bias")
        .doesNotContain("self_attn.o_proj.bias");
  }

  /** Weights of zeros in given shapes. */
  private record Zeros(Map<String, long[]> shapes) implements WeightSource {
    @Override
    public String description() {
      return "/models/m";
    }

    @Override
    public Set<String> names() {
      return shapes.keySet();
    }

    @Override
    public long[] shape(String name) {
      return shapes.get(name);
    }

    @Override
    public void read(String name, long from, FloatBuffer target) {
      target.position(target.limit());
    }
  }

  private static void assertMisfit(Map<String, long[]> shapes, String... words) {
    assertThatThrownBy(
            () ->
                CausalLm.load(
                    parse(Map.of()), new Zeros(shapes), Purpose.INFERENCE, ComputeDtype.F32))
        .isInstanceOf(PlumblineException.class)
        .hasMessageStartingWith("/models/m ")
        .hasMessageContainingAll(words);
  }

  @Test
  void saysWhichWeightsDoNotFit() {
    Map<String, long[]> right = new LinkedHashMap<>();
    parse(Map.of()).parameterShapes().forEach(p -> right.put(p.name(), p.shape()));
    Map<String, long[]> missing = new LinkedHashMap<>(right);
    missing.remove("model.norm.weight");
    missing.remove("lm_head.weight");
    assertMisfit(missing, "lacks", "model.norm.weight", "1 more");
    Map<String, long[]> extra = new LinkedHashMap<>(right);
    extra.put("model.layers.0.self_attn.q_norm.weight", new long[] {8});
    assertMisfit(extra, "q_norm.weight", "llama");
    Map<String, long[]> misshapen = new LinkedHashMap<>(right);
    misshapen.put("model.layers.1.mlp.up_proj.weight", new long[] {32, 48});
    assertMisfit(misshapen, "up_proj", "[32, 48]", "[48, 32]");
    right.put("model.layers.0.self_attn.rotary_emb.inv_freq", new long[] {4});
    CausalLm.load(parse(Map.of()), new Zeros(right), Purpose.INFERENCE, ComputeDtype.F32).close();
  }
}
