package io.plumbline.model.architecture;

import java.util.Map;
import java.util.Set;

/**
 * The experts of a model's layers.
 *
 * @param count in each layer that has any
 * @param perToken how many of them compute a place
 */
record Experts(int count, int perToken, boolean wholeShares) {
  /** The settings that are refused in families without experts. */
  static final Set<String> COMPUTED = Set.of("num_experts", "num_local_experts");

  /** transformers 5 writes Qwen's count under another name than version 4. */
  static ConfigFields renamed(ConfigFields config) {
    return config.has("num_local_experts")
        ? config.renamed(Map.of("num_local_experts", "num_experts"))
        : config;
  }

  /**
   * @param count where num_experts is left out
   */
  static Experts read(ConfigFields config, int count) {
    if (config.flag("output_router_logits")) {
      throw config.bad(
          "sets output_router_logits, and the loss that balances experts is not computed: set it to"
              + " false in config.json to go without");
    }
    Experts experts =
        new Experts(
            config.countOr("num_experts", count),
            config.sizeOr("num_experts_per_tok", 8),
            config.flag("norm_topk_prob"));
    if (experts.count() > 0 && experts.perToken() > experts.count()) {
      throw config.bad(
          "has num_experts_per_tok "
              + experts.perToken()
              + ", but only "
              + experts.count()
              + " experts to choose from");
    }
    return experts;
  }

  /** The kernels of a family with what they need of these. */
  FamilyKernels kernels(String file) {
    return new FamilyKernels(
        file, Map.of(FamilyKernels.EXPERTS_PER_TOKEN, perToken, "WHOLE_SHARES", wholeShares));
  }
}
