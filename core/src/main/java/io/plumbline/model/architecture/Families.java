package io.plumbline.model.architecture;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** The model families that are computed, by the model_type of their config.json. */
public final class Families {
  private static final Map<String, Function<ConfigFields, DecoderConfig>> ALL =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("gemma2", Gemma2::read),
              Map.entry("gemma3_text", Gemma3::read),
              Map.entry("gpt2", Gpt2::read),
              Map.entry("gpt_neox", GptNeox::read),
              Map.entry("granite", Granite::read),
              Map.entry("llama", Llama::read),
              Map.entry("ministral", Mistral::read),
              Map.entry("mistral", Mistral::read),
              Map.entry("olmo2", Olmo2::read),
              Map.entry("olmo3", Olmo3::read),
              Map.entry("olmoe", Olmoe::read),
              Map.entry("phi3", Phi3::read),
              Map.entry("qwen2", Qwen2::read),
              Map.entry("qwen3", Qwen3::read),
              Map.entry("qwen3_moe", Qwen3Moe::read),
              Map.entry("smollm3", SmolLm3::read)));

  private Families() {}

  /** Their model types, in the order of the alphabet. */
  public static Iterable<String> names() {
    return ALL.keySet();
  }

  static DecoderConfig read(ConfigFields config) {
    String family = config.family();
    Function<ConfigFields, DecoderConfig> reader = ALL.get(family);
    if (reader == null) {
      throw config.bad(
          "has the architecture \""
              + family
              + "\", which is not supported; supported are "
              + String.join(", ", names())
              + (config.isComposite()
                  ? " (of a model of images and text, save its language model alone)"
                  : ""));
    }
    config.refuseOtherNumbers();
    return reader.apply(config);
  }
}
