package io.plumbline.model.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.model.architecture.DecoderConfig.Embeddings;
import io.plumbline.model.architecture.DecoderConfig.ParameterShape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;

/**
 * The fields that families share, with the defaults of one family's configuration class in
 * transformers.
 */
final class CommonFields {
  /**
   * What a family takes where a field is left out.
   *
   * @param keyValueHeads 0 for one a query head
   * @param headDim 0 for the width of the stream over the heads
   * @param embeddings of tie_word_embeddings
   * @param padToken negative for none
   */
  record Defaults(
      int keyValueHeads,
      int headDim,
      int positions,
      double ropeTheta,
      double epsilon,
      Embeddings embeddings,
      int padToken) {
    /** Of LlamaConfig. */
    static final Defaults LLAMA = new Defaults(0, 0, 2048, 10000, 1e-6, Embeddings.SEPARATE, -1);
  }

  /** Whether heads must divide the width of the stream although they have a width of their own. */
  enum HeadWidth {
    DIVIDES,
    FREE
  }

  /** More than any decoder has; a list of them is made before the weights are looked at. */
  private static final int MOST_LAYERS = 10_000;

  private final ConfigFields config;
  private final Defaults defaults;
  private final int headDim;

  /**
   * @param computed settings of other families that this one has too
   */
  CommonFields(ConfigFields config, Defaults defaults, HeadWidth width, Set<String> computed) {
    this.config = config;
    this.defaults = defaults;
    config.refuseOtherCode(computed);
    headDim = headDim(width);
    if (config.size("num_hidden_layers") > MOST_LAYERS) {
      throw config.bad(
          "has num_hidden_layers "
              + config.size("num_hidden_layers")
              + ", at most "
              + MOST_LAYERS
              + " are supported");
    }
  }

  Sizes sizes() {
    return sizes(
        config.isNull("max_position_embeddings")
            ? Integer.MAX_VALUE
            : config.size("max_position_embeddings"));
  }

  Sizes sizes(int maxPositions) {
    int heads = config.size("num_attention_heads");
    return new Sizes(
        config.size("vocab_size"),
        config.size("hidden_size"),
        config.size("num_hidden_layers"),
        heads,
        keyValueHeads(heads),
        headDim,
        maxPositions);
  }

  RopeFields rope() {
    return new RopeFields(config, headDim, defaults.positions());
  }

  /** One rope for all elements of all heads. */
  Rope wholeRope() {
    for (JsonNode holder :
        List.of(config.field("rope_scaling"), config.field("rope_parameters"), config.object())) {
      JsonNode partial = holder.path("partial_rotary_factor");
      if (!partial.isMissingNode() && !partial.isNull() && partial.asDouble() != 1.0) {
        throw config.bad(
            "uses partial_rotary_factor "
                + partial.asText()
                + ", which no "
                + config.family()
                + " model of transformers computes; only 1 is supported");
      }
    }
    return rope().ofAllLayers(defaults.ropeTheta());
  }

  double epsilon() {
    return config.epsilon("rms_norm_eps", defaults.epsilon());
  }

  /** Every layer with the same rope, and no window. */
  List<LayerKind> sameKinds(Rope rope) {
    requireTypes(false);
    return kinds(rope, rope, 0, layer -> false);
  }

  /**
   * Kinds of layers by layer_types.
   *
   * @param sliding the rope of layers with a window
   * @param full the rope of layers without
   * @param leftOut which layers have a window where layer_types is left out
   */
  List<LayerKind> kinds(Rope sliding, Rope full, int window, IntPredicate leftOut) {
    requireTypes(true);
    JsonNode types = config.field("layer_types");
    List<LayerKind> kinds = new ArrayList<>();
    for (int i = 0; i < config.size("num_hidden_layers"); i++) {
      boolean slides =
          types.isArray() ? types.get(i).asText().equals("sliding_attention") : leftOut.test(i);
      kinds.add(slides ? new LayerKind(sliding, window) : new LayerKind(full, 0));
    }
    return List.copyOf(kinds);
  }

  private void requireTypes(boolean windows) {
    JsonNode types = config.field("layer_types");
    for (JsonNode type : types) {
      String name = type.asText();
      if (!name.equals("full_attention")
          && !name.equals("attention")
          && !(windows && name.equals("sliding_attention"))) {
        throw config.bad(
            "has layer_types with \""
                + name
                + "\", only full_attention"
                + (windows ? " and sliding_attention are" : " is")
                + " supported in a "
                + config.family()
                + " model");
      }
    }
    int layers = config.size("num_hidden_layers");
    if (types.isArray() && types.size() != layers) {
      throw config.bad("has " + types.size() + " layer_types and num_hidden_layers " + layers);
    }
  }

  /**
   * The window of layers that have one; 0 for none, which is also what a window is that no token of
   * the promised context falls out of.
   *
   * @param leftOut what the family takes where the field is left out, 0 for none
   */
  int window(int leftOut) {
    if (config.field("sliding_window").isNull()) {
      return 0;
    }
    int width = config.has("sliding_window") ? config.size("sliding_window") : leftOut;
    return width >= config.sizeOr("max_position_embeddings", defaults.positions()) ? 0 : width;
  }

  DecoderConfig decoder(
      Sizes sizes, List<LayerKind> kinds, List<ParameterShape> layer, String kernels) {
    return decoder(sizes, kinds, layer, new FamilyKernels(kernels, Map.of()));
  }

  DecoderConfig decoder(
      Sizes sizes, List<LayerKind> kinds, List<ParameterShape> layer, FamilyKernels kernels) {
    return decoderOf(sizes, kinds, Collections.nCopies(sizes.layers(), layer), kernels);
  }

  /**
   * @param layers the parameters of each layer
   */
  DecoderConfig decoderOf(
      Sizes sizes,
      List<LayerKind> kinds,
      List<List<ParameterShape>> layers,
      FamilyKernels kernels) {
    requireOneOriginal(kinds);
    boolean tied = config.flagOr("tie_word_embeddings", defaults.embeddings() == Embeddings.TIED);
    return new DecoderConfig(
        config.family(),
        sizes,
        kinds,
        layers,
        kernels.with("NORM_EPS", epsilon()),
        tied ? Embeddings.TIED : Embeddings.SEPARATE,
        padding(sizes.vocabulary()),
        TensorNames.LLAMA);
  }

  private void requireOneOriginal(List<LayerKind> kinds) {
    long lengths =
        kinds.stream()
            .mapToInt(kind -> kind.rope().scaling().originalPositions())
            .filter(length -> length < Integer.MAX_VALUE)
            .distinct()
            .count();
    if (lengths > 1) {
      throw config.bad(
          "has layers of longrope with different original_max_position_embeddings, which is not"
              + " supported");
    }
  }

  private int keyValueHeads(int heads) {
    int kvHeads = heads;
    if (!config.has("num_key_value_heads")) {
      kvHeads = defaults.keyValueHeads() == 0 ? heads : defaults.keyValueHeads();
    } else if (!config.isNull("num_key_value_heads")) {
      kvHeads = config.size("num_key_value_heads");
    }
    if (heads % kvHeads != 0) {
      throw config.bad(
          "has "
              + heads
              + " attention heads, which "
              + kvHeads
              + " key/value heads do not divide"
              + (config.has("num_key_value_heads")
                  ? ""
                  : " (what transformers takes where num_key_value_heads is left out)"));
    }
    return kvHeads;
  }

  private int headDim(HeadWidth width) {
    int hidden = config.size("hidden_size");
    int heads = config.size("num_attention_heads");
    boolean own = !config.isNull("head_dim") || defaults.headDim() > 0;
    if (hidden % heads != 0 && (width == HeadWidth.DIVIDES || !own)) {
      throw config.bad(
          "has hidden_size "
              + hidden
              + ", which "
              + heads
              + " heads do not divide"
              + (own ? ", as transformers asks of a " + config.family() : ", and no head_dim"));
    }
    int found =
        config.sizeOr("head_dim", defaults.headDim() > 0 ? defaults.headDim() : hidden / heads);
    if (found % 2 != 0) {
      throw config.bad("has the odd head_dim " + found + ", which rotary positions cannot split");
    }
    return found;
  }

  /** torch.nn.Embedding takes no padding index outside of its rows, so transformers fails too. */
  private int padding(int vocabulary) {
    JsonNode pad = config.field("pad_token_id");
    if (!config.isNull("pad_token_id") && !pad.isIntegralNumber()) {
      throw config.bad("needs a token's id or null as pad_token_id in its config.json, not " + pad);
    }
    int found = pad.isMissingNode() ? defaults.padToken() : pad.asInt(-1);
    if (found >= vocabulary) {
      throw config.bad(
          "has pad_token_id "
              + found
              + ", but its embedding has only the rows of vocab_size "
              + vocabulary
              + ": resize the embedding (resize_token_embeddings) or name another padding token");
    }
    return found;
  }
}
