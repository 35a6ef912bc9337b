package io.plumbline.model.architecture;

import io.plumbline.model.architecture.CommonFields.Defaults;
import io.plumbline.model.architecture.CommonFields.HeadWidth;
import io.plumbline.model.architecture.DecoderConfig.ParameterShape;
import io.plumbline.model.architecture.LayerShapes.Bias;
import java.util.List;
import java.util.Set;

/**
 * Llama, as transformers' LlamaConfig: RMS norms before attention and feed-forward, rotary
 * positions.
 */
final class Llama {
  private Llama() {}

  private static final List<String> SILU = List.of("silu", "swish");

  static DecoderConfig read(ConfigFields config) {
    requireSilu(config);
    CommonFields common = new CommonFields(config, Defaults.LLAMA, HeadWidth.DIVIDES, Set.of());
    Sizes sizes = common.sizes();
    Bias attention = Bias.of(config.flag("attention_bias"));
    return common.decoder(
        sizes,
        common.sameKinds(common.wholeRope()),
        layer(config, sizes, attention, attention, Bias.of(config.flag("mlp_bias"))),
        "llama");
  }

  /** Families with a gate of SiLU, which transformers' ACT2FN knows by two names. */
  static void requireSilu(ConfigFields config) {
    config.requireOneOf("hidden_act", SILU);
  }

  /** A layer of Llama's parameters. */
  static List<ParameterShape> layer(
      ConfigFields config, Sizes sizes, Bias input, Bias output, Bias mlp) {
    return new LayerShapes(sizes)
        .norm("input_layernorm")
        .queriesKeysValues(input)
        .attentionOutput(output)
        .norm("post_attention_layernorm")
        .gatedMlp(config.size("intermediate_size"), mlp)
        .list();
  }
}
