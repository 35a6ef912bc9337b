package io.plumbline.model.architecture;

import io.plumbline.model.architecture.CommonFields.Defaults;
import io.plumbline.model.architecture.DecoderConfig.Embeddings;
import io.plumbline.model.architecture.RopeFields.Scaled;

/**
 * Gemma 3's language model, as transformers' Gemma3TextConfig: Gemma 2 with norms of queries and
 * keys.
 */
final class Gemma3 {
  private Gemma3() {}

  private static final Defaults DEFAULTS =
      new Defaults(4, 256, 131072, 1000000, 1e-6, Embeddings.TIED, 0);

  static DecoderConfig read(ConfigFields config) {
    CommonFields common = Gemma2.common(config, DEFAULTS);
    Sizes sizes = common.sizes();
    LayerShapes attention = Gemma2.attentionInput(config, sizes).headNorms();
    int pattern = config.sizeOr("sliding_window_pattern", 6);
    RopeFields rope = common.rope();
    return common.decoder(
        sizes,
        common.kinds(
            rope.ofLayers("sliding_attention", "rope_local_base_freq", 10000, Scaled.NO),
            rope.ofLayers("full_attention", "rope_theta", DEFAULTS.ropeTheta(), Scaled.YES),
            common.window(Gemma2.LEFT_OUT_WINDOW),
            i -> (i + 1) % pattern != 0),
        Gemma2.withRest(attention, config),
        Gemma2.kernels(config, sizes, 0).with("HEAD_NORMS", true));
  }
}
