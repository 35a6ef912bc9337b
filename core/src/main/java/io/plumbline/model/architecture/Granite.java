package io.plumbline.model.architecture;

import io.plumbline.model.architecture.CommonFields.Defaults;
import io.plumbline.model.architecture.CommonFields.HeadWidth;
import io.plumbline.model.architecture.LayerShapes.Bias;
import java.util.Map;
import java.util.Set;

/** Granite, as transformers' GraniteConfig: Llama with multipliers. */
final class Granite {
  private Granite() {}

  private static final Set<String> COMPUTED =
      Set.of(
          "embedding_multiplier", "residual_multiplier", "attention_multiplier", "logits_scaling");

  static DecoderConfig read(ConfigFields config) {
    Llama.requireSilu(config);
    CommonFields common = new CommonFields(config, Defaults.LLAMA, HeadWidth.FREE, COMPUTED);
    Sizes sizes = common.sizes();
    Bias attention = Bias.of(config.flag("attention_bias"));
    Map<String, Object> constants =
        Map.of(
            "EMBEDDING_SCALE", config.positiveOr("embedding_multiplier", 1),
            "RESIDUAL_SCALE", config.positiveOr("residual_multiplier", 1),
            "ATTENTION_SCALE", config.positiveOr("attention_multiplier", 1),
            "LOGITS_SCALE", 1 / config.positiveOr("logits_scaling", 1));
    return common.decoder(
        sizes,
        common.sameKinds(common.wholeRope()),
        Llama.layer(config, sizes, attention, attention, Bias.of(config.flag("mlp_bias"))),
        new FamilyKernels("granite", constants));
  }
}
