package io.plumbline.model.architecture;

import io.plumbline.model.architecture.CommonFields.Defaults;
import io.plumbline.model.architecture.CommonFields.HeadWidth;
import io.plumbline.model.architecture.DecoderConfig.Embeddings;
import io.plumbline.model.architecture.LayerShapes.Bias;
import java.util.List;
import java.util.Set;

/** Qwen 2 and 2.5, as transformers' Qwen2Config: Llama with biases of queries, keys and values. */
final class Qwen2 {
  private Qwen2() {}

  private static final Defaults DEFAULTS =
      new Defaults(32, 0, 32768, 10000, 1e-6, Embeddings.SEPARATE, -1);

  private static final int LEFT_OUT_WINDOW = 4096;
  private static final int LEFT_OUT_WINDOW_LAYERS = 28;

  static DecoderConfig read(ConfigFields config) {
    Llama.requireSilu(config);
    CommonFields common = new CommonFields(config, DEFAULTS, HeadWidth.FREE, Set.of());
    Sizes sizes = common.sizes();
    return common.decoder(
        sizes,
        kinds(config, common),
        Llama.layer(config, sizes, Bias.PRESENT, Bias.ABSENT, Bias.ABSENT),
        "llama");
  }

  /** The upper layers have a window, if any does. */
  static List<LayerKind> kinds(ConfigFields config, CommonFields common) {
    Rope rope = common.wholeRope();
    int window = config.flag("use_sliding_window") ? common.window(LEFT_OUT_WINDOW) : 0;
    int from = config.countOr("max_window_layers", LEFT_OUT_WINDOW_LAYERS);
    return common.kinds(rope, rope, window, layer -> layer >= from);
  }
}
