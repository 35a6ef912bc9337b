package io.plumbline.model.architecture;

import io.plumbline.model.architecture.CommonFields.Defaults;
import io.plumbline.model.architecture.CommonFields.HeadWidth;
import io.plumbline.model.architecture.DecoderConfig.Embeddings;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** GPT-2, as transformers' GPT2Config: learned positions, layer norms, transposed matrices. */
final class Gpt2 {
  private Gpt2() {}

  private static final Defaults DEFAULTS =
      new Defaults(0, 0, 1024, 10000, 1e-5, Embeddings.TIED, -1);

  /** GPT2Config's attribute_map. */
  private static final Map<String, String> NAMES =
      Map.of(
          "n_embd", "hidden_size",
          "n_positions", "max_position_embeddings",
          "n_head", "num_attention_heads",
          "n_layer", "num_hidden_layers",
          "n_inner", "intermediate_size",
          "layer_norm_epsilon", "rms_norm_eps");

  static DecoderConfig read(ConfigFields own) {
    ConfigFields config = own.renamed(NAMES);
    config.requireOneOf("activation_function", List.of("gelu_new", "gelu_pytorch_tanh"));
    config.requireOff("scale_attn_by_inverse_layer_idx");
    config.requireOff("add_cross_attention");
    if (!config.flagOr("scale_attn_weights", true)) {
      throw config.bad("sets scale_attn_weights to false, which is not supported");
    }
    CommonFields common = new CommonFields(config, DEFAULTS, HeadWidth.DIVIDES, Set.of());
    Sizes sizes = common.sizes(config.sizeOr("max_position_embeddings", DEFAULTS.positions()));
    long hidden = sizes.hidden();
    long inner = config.sizeOr("intermediate_size", 4 * sizes.hidden());
    LayerShapes layer =
        new LayerShapes(sizes)
            .add("ln_1.weight", hidden)
            .add("ln_1.bias", hidden)
            .add("attn.c_attn.weight", hidden, 3 * hidden)
            .add("attn.c_attn.bias", 3 * hidden)
            .add("attn.c_proj.weight", hidden, hidden)
            .add("attn.c_proj.bias", hidden)
            .add("ln_2.weight", hidden)
            .add("ln_2.bias", hidden)
            .add("mlp.c_fc.weight", hidden, inner)
            .add("mlp.c_fc.bias", inner)
            .add("mlp.c_proj.weight", inner, hidden)
            .add("mlp.c_proj.bias", hidden);
    // The embedding has no padding_idx in transformers: what reads padding teaches it, too.
    FamilyKernels kernels =
        new FamilyKernels("gpt2", Map.of("PAD_TOKEN", -1, FamilyKernels.TRANSPOSED, true));
    return common
        .decoder(sizes, common.sameKinds(Rope.none(sizes.headDim())), layer.list(), kernels)
        .named(TensorNames.GPT2);
  }
}
