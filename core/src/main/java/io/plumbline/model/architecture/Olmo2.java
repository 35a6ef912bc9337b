package io.plumbline.model.architecture;

import io.plumbline.model.architecture.CommonFields.Defaults;
import io.plumbline.model.architecture.CommonFields.HeadWidth;
import io.plumbline.model.architecture.DecoderConfig.Embeddings;
import io.plumbline.model.architecture.DecoderConfig.ParameterShape;
import io.plumbline.model.architecture.LayerShapes.Bias;
import java.util.List;
import java.util.Set;

/**
 * OLMo 2, as transformers' Olmo2Config: norms after attention and feed-forward, and of queries and
 * keys.
 */
final class Olmo2 {
  private Olmo2() {}

  private static final Defaults DEFAULTS =
      new Defaults(0, 0, 2048, 10000, 1e-5, Embeddings.SEPARATE, 1);

  static DecoderConfig read(ConfigFields config) {
    Llama.requireSilu(config);
    CommonFields common = new CommonFields(config, DEFAULTS, HeadWidth.FREE, Set.of());
    Sizes sizes = common.sizes();
    return common.decoder(
        sizes, common.sameKinds(common.wholeRope()), layer(config, sizes), "olmo2");
  }

  /** A layer of OLMo 2's parameters. */
  static List<ParameterShape> layer(ConfigFields config, Sizes sizes) {
    Bias bias = Bias.of(config.flag("attention_bias"));
    LayerShapes layer = new LayerShapes(sizes);
    return layer
        .queriesKeysValues(bias)
        .add("self_attn.q_norm.weight", layer.queryWidth())
        .add("self_attn.k_norm.weight", layer.keyWidth())
        .attentionOutput(bias)
        .norm("post_attention_layernorm")
        .gatedMlp(config.size("intermediate_size"), Bias.ABSENT)
        .norm("post_feedforward_layernorm")
        .list();
  }
}
