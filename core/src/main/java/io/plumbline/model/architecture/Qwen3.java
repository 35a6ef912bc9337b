package io.plumbline.model.architecture;

import io.plumbline.model.architecture.CommonFields.Defaults;
import io.plumbline.model.architecture.CommonFields.HeadWidth;
import io.plumbline.model.architecture.DecoderConfig.Embeddings;
import io.plumbline.model.architecture.LayerShapes.Bias;
import java.util.Set;

/**
 * Qwen 3, as transformers' Qwen3Config: norms of queries and keys, by head, before they are
 * rotated.
 */
final class Qwen3 {
  private Qwen3() {}

  private static final Defaults DEFAULTS =
      new Defaults(32, 128, 32768, 10000, 1e-6, Embeddings.SEPARATE, -1);

  static DecoderConfig read(ConfigFields config) {
    Llama.requireSilu(config);
    CommonFields common = new CommonFields(config, DEFAULTS, HeadWidth.FREE, Set.of());
    Sizes sizes = common.sizes();
    Bias bias = Bias.of(config.flag("attention_bias"));
    LayerShapes layer =
        new LayerShapes(sizes)
            .norm("input_layernorm")
            .queriesKeysValues(bias)
            .headNorms()
            .attentionOutput(bias)
            .norm("post_attention_layernorm")
            .gatedMlp(config.size("intermediate_size"), Bias.ABSENT);
    return common.decoder(
        sizes, Qwen2.kinds(config, common), layer.list(), FamilyKernels.WITH_HEAD_NORMS);
  }
}
