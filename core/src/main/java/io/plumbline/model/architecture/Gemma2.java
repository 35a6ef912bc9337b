package io.plumbline.model.architecture;

import io.plumbline.model.architecture.CommonFields.Defaults;
import io.plumbline.model.architecture.CommonFields.HeadWidth;
import io.plumbline.model.architecture.DecoderConfig.Embeddings;
import io.plumbline.model.architecture.DecoderConfig.ParameterShape;
import io.plumbline.model.architecture.LayerShapes.Bias;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Gemma 2, as transformers' Gemma2Config: norms before and after, soft caps, local and global
 * layers.
 */
final class Gemma2 {
  private Gemma2() {}

  private static final Defaults DEFAULTS =
      new Defaults(4, 256, 8192, 10000, 1e-6, Embeddings.TIED, 0);

  static final int LEFT_OUT_WINDOW = 4096;

  /** Gemma 3 has attn_logit_softcapping too, which transformers reads and does not compute. */
  private static final Set<String> COMPUTED =
      Set.of("query_pre_attn_scalar", "final_logit_softcapping", "attn_logit_softcapping");

  static DecoderConfig read(ConfigFields config) {
    CommonFields common = common(config, DEFAULTS);
    Sizes sizes = common.sizes();
    Rope rope = common.wholeRope();
    LayerShapes attention = attentionInput(config, sizes);
    return common.decoder(
        sizes,
        common.kinds(rope, rope, common.window(LEFT_OUT_WINDOW), i -> i % 2 == 0),
        withRest(attention, config),
        kernels(config, sizes, 30)
            .with("ATTENTION_SOFT_CAP", cap(config, "attn_logit_softcapping", 50)));
  }

  /** What Gemma 2 and 3 refuse and read alike. */
  static CommonFields common(ConfigFields config, Defaults defaults) {
    requireGelu(config);
    return new CommonFields(config, defaults, HeadWidth.DIVIDES, COMPUTED);
  }

  /** The first parameters of a layer. */
  static LayerShapes attentionInput(ConfigFields config, Sizes sizes) {
    return new LayerShapes(sizes).norm("input_layernorm").queriesKeysValues(bias(config));
  }

  /** All parameters of a layer, of which the first are there. */
  static List<ParameterShape> withRest(LayerShapes first, ConfigFields config) {
    return first
        .attentionOutput(bias(config))
        .norm("post_attention_layernorm")
        .norm("pre_feedforward_layernorm")
        .gatedMlp(config.size("intermediate_size"), Bias.ABSENT)
        .norm("post_feedforward_layernorm")
        .list();
  }

  private static Bias bias(ConfigFields config) {
    return Bias.of(config.flag("attention_bias"));
  }

  /** GELU by its tanh approximation, under the names that Gemma's checkpoints have for it. */
  private static void requireGelu(ConfigFields config) {
    config.requireOneOf("hidden_activation", List.of("gelu_pytorch_tanh", "gelu_new"));
  }

  /**
   * Constants of the kernels that Gemma 2 and 3 set.
   *
   * @param logitsCap bound of the logits where final_logit_softcapping is left out; 0 for none
   */
  static FamilyKernels kernels(ConfigFields config, Sizes sizes, double logitsCap) {
    return new FamilyKernels(
        "gemma",
        Map.of(
            "GELU_GATE",
            true,
            "EMBEDDING_SCALE",
            Math.sqrt(sizes.hidden()),
            "ATTENTION_SCALE",
            1 / Math.sqrt(config.positiveOr("query_pre_attn_scalar", 256)),
            "LOGITS_SOFT_CAP",
            cap(config, "final_logit_softcapping", logitsCap)));
  }

  private static double cap(ConfigFields config, String key, double leftOut) {
    return config.field(key).isNull() ? 0 : config.positiveOr(key, leftOut);
  }
}
