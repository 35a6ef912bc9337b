package io.plumbline.model.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.model.architecture.CommonFields.Defaults;
import io.plumbline.model.architecture.CommonFields.HeadWidth;
import io.plumbline.model.architecture.DecoderConfig.Embeddings;
import io.plumbline.model.architecture.LayerShapes.Bias;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** SmolLM 3, as transformers' SmolLM3Config: Llama with layers that know no positions. */
final class SmolLm3 {
  private SmolLm3() {}

  private static final Defaults DEFAULTS =
      new Defaults(4, 0, 32768, 2000000, 1e-6, Embeddings.TIED, 128004);

  static DecoderConfig read(ConfigFields config) {
    Llama.requireSilu(config);
    CommonFields common =
        new CommonFields(
            config, DEFAULTS, HeadWidth.FREE, Set.of("no_rope_layers", "no_rope_layer_interval"));
    Sizes sizes = common.sizes();
    Bias attention = Bias.of(config.flag("attention_bias"));
    return common.decoder(
        sizes,
        kinds(config, common, sizes),
        Llama.layer(config, sizes, attention, attention, Bias.of(config.flag("mlp_bias"))),
        "llama");
  }

  private static List<LayerKind> kinds(ConfigFields config, CommonFields common, Sizes sizes) {
    JsonNode rotated = config.field("no_rope_layers");
    if (rotated.isArray() && rotated.size() < sizes.layers()) {
      throw config.bad(
          "has " + rotated.size() + " no_rope_layers and num_hidden_layers " + sizes.layers());
    }
    int interval = config.sizeOr("no_rope_layer_interval", 4);
    IntPredicate rotates =
        i -> rotated.isArray() ? rotated.get(i).asInt() != 0 : (i + 1) % interval != 0;
    Rope rope = common.wholeRope();
    int window = config.flag("use_sliding_window") ? common.window(0) : 0;
    List<LayerKind> kinds = common.kinds(rope, rope, window, i -> !rotates.test(i));
    return IntStream.range(0, kinds.size())
        .mapToObj(
            i ->
                rotates.test(i)
                    ? kinds.get(i)
                    : new LayerKind(Rope.none(sizes.headDim()), kinds.get(i).window()))
        .toList();
  }
}
