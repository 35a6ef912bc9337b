package io.plumbline.model.architecture;

import io.plumbline.model.architecture.CommonFields.Defaults;
import io.plumbline.model.architecture.CommonFields.HeadWidth;
import io.plumbline.model.architecture.DecoderConfig.Embeddings;
import io.plumbline.model.architecture.LayerShapes.Bias;
import java.util.HashSet;
import java.util.Set;

/**
 * OLMoE, as transformers' OlmoeConfig: norms of all queries and all keys, bounds of queries, keys
 * and values, a mixture of experts in each layer.
 */
final class Olmoe {
  private Olmoe() {}

  private static final Defaults DEFAULTS =
      new Defaults(0, 0, 4096, 10000, 1e-5, Embeddings.SEPARATE, 1);

  private static final String BOUND = "clip_qkv";

  static DecoderConfig read(ConfigFields file) {
    ConfigFields config = Experts.renamed(file);
    Llama.requireSilu(config);
    Set<String> computed = new HashSet<>(Experts.COMPUTED);
    computed.add(BOUND);
    CommonFields common = new CommonFields(config, DEFAULTS, HeadWidth.DIVIDES, computed);
    Sizes sizes = common.sizes();
    Experts experts = Experts.read(config, 64);
    Bias bias = Bias.of(config.flag("attention_bias"));
    LayerShapes layer = new LayerShapes(sizes);
    if (layer.queryWidth() != sizes.hidden()) {
      throw config.bad(
          "has head_dim "
              + sizes.headDim()
              + ", but the norm of an olmoe's queries has the width of hidden_size "
              + sizes.hidden());
    }
    if (experts.count() == 0) {
      throw config.bad("has num_experts 0, and every layer of an olmoe has experts");
    }
    layer
        .norm("input_layernorm")
        .queriesKeysValues(bias)
        .add("self_attn.q_norm.weight", layer.queryWidth())
        .add("self_attn.k_norm.weight", layer.keyWidth())
        .attentionOutput(bias)
        .norm("post_attention_layernorm")
        .experts(experts.count(), config.sizeOr("intermediate_size", 2048));
    return common.decoder(
        sizes,
        common.sameKinds(common.wholeRope()),
        layer.list(),
        experts.kernels("olmoe").with("QKV_BOUND", config.positiveOr(BOUND, 0)));
  }
}
