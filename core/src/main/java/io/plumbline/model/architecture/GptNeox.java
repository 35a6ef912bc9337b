package io.plumbline.model.architecture;

import io.plumbline.model.architecture.CommonFields.Defaults;
import io.plumbline.model.architecture.CommonFields.HeadWidth;
import io.plumbline.model.architecture.DecoderConfig.Embeddings;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** GPT-NeoX and Pythia, as transformers' GPTNeoXConfig: attention and feed-forward side by side. */
final class GptNeox {
  private GptNeox() {}

  private static final Defaults DEFAULTS =
      new Defaults(0, 0, 2048, 10000, 1e-5, Embeddings.SEPARATE, -1);

  private static final double LEFT_OUT_ROTATED = 0.25;

  /** Fields by the names of other families; the first two stand in configurations of version 4. */
  private static final Map<String, String> NAMES =
      Map.of(
          "rotary_emb_base", "rope_theta",
          "rotary_pct", "partial_rotary_factor",
          "layer_norm_eps", "rms_norm_eps");

  static DecoderConfig read(ConfigFields own) {
    ConfigFields config = own.renamed(NAMES);
    config.requireOneOf("hidden_act", List.of("gelu"));
    CommonFields common =
        new CommonFields(config, DEFAULTS, HeadWidth.DIVIDES, Set.of("use_parallel_residual"));
    Sizes sizes = common.sizes();
    long hidden = sizes.hidden();
    long inner = config.size("intermediate_size");
    boolean bias = config.flagOr("attention_bias", true);
    LayerShapes layer =
        new LayerShapes(sizes)
            .add("input_layernorm.weight", hidden)
            .add("input_layernorm.bias", hidden)
            .add("post_attention_layernorm.weight", hidden)
            .add("post_attention_layernorm.bias", hidden)
            .add("attention.query_key_value.weight", 3 * hidden, hidden);
    if (bias) {
      layer.add("attention.query_key_value.bias", 3 * hidden);
    }
    layer.add("attention.dense.weight", hidden, hidden);
    if (bias) {
      layer.add("attention.dense.bias", hidden);
    }
    layer
        .add("mlp.dense_h_to_4h.weight", inner, hidden)
        .add("mlp.dense_h_to_4h.bias", inner)
        .add("mlp.dense_4h_to_h.weight", hidden, inner)
        .add("mlp.dense_4h_to_h.bias", hidden);
    FamilyKernels kernels =
        new FamilyKernels(
            "gpt_neox",
            // The embedding has no padding_idx in transformers.
            Map.of(
                "PAD_TOKEN",
                -1,
                "PARALLEL_RESIDUAL",
                config.flagOr("use_parallel_residual", true)));
    Rope rope = common.rope().ofAllLayers(DEFAULTS.ropeTheta(), LEFT_OUT_ROTATED);
    return common
        .decoder(sizes, common.sameKinds(rope), layer.list(), kernels)
        .named(TensorNames.GPT_NEOX);
  }
}
