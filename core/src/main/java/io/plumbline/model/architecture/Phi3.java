package io.plumbline.model.architecture;

import io.plumbline.model.architecture.CommonFields.Defaults;
import io.plumbline.model.architecture.CommonFields.HeadWidth;
import io.plumbline.model.architecture.DecoderConfig.Embeddings;
import io.plumbline.model.architecture.LayerShapes.Bias;
import java.util.Set;

/**
 * Phi 3 and 4, as transformers' Phi3Config: Llama with fused projections and partly rotated heads.
 */
final class Phi3 {
  private Phi3() {}

  private static final Defaults DEFAULTS =
      new Defaults(0, 0, 4096, 10000, 1e-5, Embeddings.SEPARATE, 32000);

  static DecoderConfig read(ConfigFields config) {
    Llama.requireSilu(config);
    CommonFields common = new CommonFields(config, DEFAULTS, HeadWidth.FREE, Set.of());
    Rope rope = common.rope().ofAllLayers(DEFAULTS.ropeTheta());
    Sizes sizes = common.sizes();
    long intermediate = config.size("intermediate_size");
    LayerShapes layer = new LayerShapes(sizes);
    layer
        .norm("input_layernorm")
        .add("self_attn.qkv_proj.weight", layer.queryWidth() + 2 * layer.keyWidth(), sizes.hidden())
        .attentionOutput(Bias.ABSENT)
        .norm("post_attention_layernorm")
        .add("mlp.gate_up_proj.weight", 2 * intermediate, sizes.hidden())
        .add("mlp.down_proj.weight", sizes.hidden(), intermediate);
    return common.decoder(
        sizes,
        common.kinds(rope, rope, common.window(0), i -> true),
        layer.list(),
        FamilyKernels.FUSED);
  }
}
