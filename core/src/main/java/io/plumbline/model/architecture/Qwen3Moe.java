package io.plumbline.model.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.model.architecture.CommonFields.Defaults;
import io.plumbline.model.architecture.CommonFields.HeadWidth;
import io.plumbline.model.architecture.DecoderConfig.Embeddings;
import io.plumbline.model.architecture.DecoderConfig.ParameterShape;
import io.plumbline.model.architecture.LayerShapes.Bias;
import java.util.ArrayList;
import java.util.List;

/**
 * Qwen 3 with experts, as transformers' Qwen3MoeConfig: Qwen 3 whose layers, or some of them, have
 * a mixture of experts as feed-forward network.
 */
final class Qwen3Moe {
  private Qwen3Moe() {}

  private static final Defaults DEFAULTS =
      new Defaults(4, 0, 32768, 10000, 1e-6, Embeddings.SEPARATE, -1);

  private static final int LEFT_OUT_WINDOW = 4096;

  static DecoderConfig read(ConfigFields file) {
    ConfigFields config = Experts.renamed(file);
    Llama.requireSilu(config);
    CommonFields common = new CommonFields(config, DEFAULTS, HeadWidth.FREE, Experts.COMPUTED);
    Sizes sizes = common.sizes();
    Experts experts = Experts.read(config, 128);
    List<List<ParameterShape>> layers = new ArrayList<>();
    for (int i = 0; i < sizes.layers(); i++) {
      LayerShapes layer = attention(config, sizes);
      layers.add(
          isSparse(config, experts, i)
              ? layer.experts(experts.count(), config.sizeOr("moe_intermediate_size", 768)).list()
              : layer.gatedMlp(config.sizeOr("intermediate_size", 6144), Bias.ABSENT).list());
    }
    return common.decoderOf(
        sizes,
        kinds(config, common),
        List.copyOf(layers),
        experts.kernels("qwen3_moe").with("HEAD_NORMS", true));
  }

  private static LayerShapes attention(ConfigFields config, Sizes sizes) {
    Bias bias = Bias.of(config.flag("attention_bias"));
    return new LayerShapes(sizes)
        .norm("input_layernorm")
        .queriesKeysValues(bias)
        .headNorms()
        .attentionOutput(bias)
        .norm("post_attention_layernorm");
  }

  /** All layers have the window, if any has. */
  private static List<LayerKind> kinds(ConfigFields config, CommonFields common) {
    Rope rope = common.wholeRope();
    int window = config.flag("use_sliding_window") ? common.window(LEFT_OUT_WINDOW) : 0;
    return common.sameKinds(rope).stream().map(kind -> new LayerKind(rope, window)).toList();
  }

  private static boolean isSparse(ConfigFields config, Experts experts, int layer) {
    if (experts.count() == 0 || (layer + 1) % config.sizeOr("decoder_sparse_step", 1) != 0) {
      return false;
    }
    JsonNode dense = config.field("mlp_only_layers");
    if (!config.isNull("mlp_only_layers") && !dense.isArray()) {
      throw config.bad(
          "needs a list of layers as mlp_only_layers in its config.json, not " + dense);
    }
    for (JsonNode number : dense) {
      if (number.asInt(-1) == layer) {
        return false;
      }
    }
    return true;
  }
}
