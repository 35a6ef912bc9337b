package io.plumbline.model.architecture;

import io.plumbline.model.architecture.CommonFields.Defaults;
import io.plumbline.model.architecture.CommonFields.HeadWidth;
import io.plumbline.model.architecture.DecoderConfig.Embeddings;
import io.plumbline.model.architecture.LayerShapes.Bias;
import io.plumbline.model.architecture.RopeFields.Scaled;
import java.util.Set;

/**
 * Gemma 3's language model, as transformers' Gemma3TextConfig: Gemma 2 with norms of queries and
 * keys.
 */
final class Gemma3 {
  private Gemma3() {}

  private static final Defaults DEFAULTS =
      new Defaults(4, 256, 131072, 1000000, 1e-6, Embeddings.TIED, 0);

  /** With attn_logit_softcapping, which transformers reads and does not compute. */
  private static final Set<String> COMPUTED =
      Set.of("query_pre_attn_scalar", "final_logit_softcapping", "attn_logit_softcapping");

  static DecoderConfig read(ConfigFields config) {
    Gemma2.requireGelu(config);
    CommonFields common = new CommonFields(config, DEFAULTS, HeadWidth.DIVIDES, COMPUTED);
    Sizes sizes = common.sizes();
    Bias bias = Bias.of(config.flag("attention_bias"));
    LayerShapes layer =
        new LayerShapes(sizes)
            .norm("input_layernorm")
            .queriesKeysValues(bias)
            .add("self_attn.q_norm.weight", sizes.headDim())
            .add("self_attn.k_norm.weight", sizes.headDim())
            .attentionOutput(bias)
            .norm("post_attention_layernorm")
            .norm("pre_feedforward_layernorm")
            .gatedMlp(config.size("intermediate_size"), Bias.ABSENT)
            .norm("post_feedforward_layernorm");
    int pattern = config.sizeOr("sliding_window_pattern", 6);
    RopeFields rope = common.rope();
    return common.decoder(
        sizes,
        common.kinds(
            rope.ofLayers("sliding_attention", "rope_local_base_freq", 10000, Scaled.NO),
            rope.ofLayers("full_attention", "rope_theta", DEFAULTS.ropeTheta(), Scaled.YES),
            common.window(4096),
            i -> (i + 1) % pattern != 0),
        layer.list(),
        Gemma2.kernels(config, sizes, "gemma3", 0));
  }
}
