package io.plumbline.model.architecture;

import io.plumbline.model.architecture.CommonFields.Defaults;
import io.plumbline.model.architecture.CommonFields.HeadWidth;
import io.plumbline.model.architecture.DecoderConfig.Embeddings;
import io.plumbline.model.architecture.LayerShapes.Bias;
import java.util.Set;

/**
 * Mistral and Ministral, as transformers' MistralConfig and MinistralConfig: Llama with a window.
 */
final class Mistral {
  private Mistral() {}

  private static final Defaults DEFAULTS =
      new Defaults(8, 0, 131072, 10000, 1e-6, Embeddings.SEPARATE, -1);

  private static final int LEFT_OUT_WINDOW = 4096;

  static DecoderConfig read(ConfigFields config) {
    Llama.requireSilu(config);
    CommonFields common = new CommonFields(config, DEFAULTS, HeadWidth.FREE, Set.of());
    Sizes sizes = common.sizes();
    Rope rope = common.wholeRope();
    return common.decoder(
        sizes,
        common.kinds(rope, rope, common.window(LEFT_OUT_WINDOW), layer -> true),
        Llama.layer(config, sizes, Bias.ABSENT, Bias.ABSENT, Bias.ABSENT),
        "llama");
  }
}
