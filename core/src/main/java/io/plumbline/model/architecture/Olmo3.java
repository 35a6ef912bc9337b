package io.plumbline.model.architecture;

import io.plumbline.model.architecture.CommonFields.Defaults;
import io.plumbline.model.architecture.CommonFields.HeadWidth;
import io.plumbline.model.architecture.DecoderConfig.Embeddings;
import io.plumbline.model.architecture.RopeFields.Scaled;
import java.util.Set;

/** OLMo 3, as transformers' Olmo3Config: OLMo 2 with local and global layers. */
final class Olmo3 {
  private Olmo3() {}

  private static final Defaults DEFAULTS =
      new Defaults(0, 0, 2048, 500000, 1e-5, Embeddings.SEPARATE, 1);

  static DecoderConfig read(ConfigFields config) {
    Llama.requireSilu(config);
    CommonFields common = new CommonFields(config, DEFAULTS, HeadWidth.FREE, Set.of());
    Sizes sizes = common.sizes();
    RopeFields rope = common.rope();
    return common.decoder(
        sizes,
        common.kinds(
            rope.ofLayers("sliding_attention", "", DEFAULTS.ropeTheta(), Scaled.NO),
            rope.ofLayers("full_attention", "rope_theta", DEFAULTS.ropeTheta(), Scaled.YES),
            common.window(4096),
            i -> (i + 1) % 4 != 0),
        Olmo2.layer(config, sizes),
        "olmo2");
  }
}
