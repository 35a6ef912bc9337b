package io.plumbline.text;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The class by which transformers 5.23's AutoTokenizer loads a model's tokenizer. Most take the
 * pipeline of tokenizer.json; some build their own and take only vocabulary, merges and
 * post-processor from there.
 */
enum TokenizerClass {
  /** Takes tokenizer.json as it is. */
  BACKEND,
  LLAMA,
  QWEN2,
  QWEN3_5,
  GPT2,
  GPT_NEOX,
  GEMMA;

  private static final String END_OF_TEXT = "<|endoftext|>";
  private static final String GENERIC = "TokenizersBackend";
  private static final Map<String, TokenizerClass> BUILT =
      Map.of(
          "LlamaTokenizer", LLAMA,
          "Qwen2Tokenizer", QWEN2,
          "Qwen3_5Tokenizer", QWEN3_5,
          "GPT2Tokenizer", GPT2,
          "GPTNeoXTokenizer", GPT_NEOX,
          "GemmaTokenizer", GEMMA);

  /** The named tokens that the class has where its files name none. */
  Map<String, String> defaults() {
    return switch (this) {
      case BACKEND -> Map.of();
      case LLAMA -> Map.of("unk_token", "<unk>", "bos_token", "<s>", "eos_token", "</s>");
      case QWEN2, QWEN3_5 ->
          Map.of("unk_token", END_OF_TEXT, "eos_token", END_OF_TEXT, "pad_token", END_OF_TEXT);
      case GPT2 ->
          Map.of("unk_token", END_OF_TEXT, "bos_token", END_OF_TEXT, "eos_token", END_OF_TEXT);
      case GPT_NEOX ->
          Map.of(
              "unk_token",
              END_OF_TEXT,
              "bos_token",
              END_OF_TEXT,
              "eos_token",
              END_OF_TEXT,
              "pad_token",
              "<|padding|>");
      case GEMMA ->
          Map.of(
              "unk_token",
              "<unk>",
              "bos_token",
              "<bos>",
              "eos_token",
              "<eos>",
              "pad_token",
              "<pad>",
              "mask_token",
              "<mask>");
    };
  }

  /** What transformers knows of its classes. */
  private record Known(
      Map<String, String> byModelType,
      Set<String> generic,
      Set<String> corrected,
      Set<String> classes) {
    static final Known TRANSFORMERS = read();

    private static Known read() {
      Known known = new Known(new HashMap<>(), new HashSet<>(), new HashSet<>(), new HashSet<>());
      try (InputStream in = TokenizerClass.class.getResourceAsStream("tokenizer-classes.txt")) {
        new String(in.readAllBytes(), StandardCharsets.UTF_8)
            .lines()
            .map(line -> line.split(" ", -1))
            .forEach(
                words -> {
                  switch (words[0]) {
                    case "model" -> known.byModelType.put(words[1], words[2]);
                    case "generic" -> known.generic.add(words[1]);
                    case "corrected" -> known.corrected.add(words[1]);
                    default -> known.classes.add(words[1]);
                  }
                });
      } catch (IOException e) {
        throw new PlumblineException(
            ErrorCode.INTERNAL, "The jar lacks its list of tokenizers; build it again.", e);
      }
      return known;
    }
  }

  /**
   * The class for a model.
   *
   * @param model what config.json says of it
   * @param named tokenizer_config.json's tokenizer_class
   * @param byteLevel whether tokenizer.json works on bytes anywhere
   * @throws PlumblineException BAD_CHECKPOINT where it is a class that is not known here, whose ids
   *     might be others than those of tokenizer.json
   */
  static TokenizerClass of(ModelNames model, Optional<String> named, boolean byteLevel) {
    String name = name(model, named.or(model::tokenizerClass), byteLevel);
    if (name.equals(GENERIC) || !Known.TRANSFORMERS.classes.contains(name)) {
      return BACKEND;
    }
    TokenizerClass built = BUILT.get(name);
    if (built == null) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          "The tokenizer is a "
              + name
              + ", which transformers builds in a way of its own that is not supported here: save"
              + " it as a plain one, by setting tokenizer_class to TokenizersBackend in"
              + " tokenizer_config.json, and check that it gives the same ids.");
    }
    return built;
  }

  private static String name(ModelNames model, Optional<String> given, boolean byteLevel) {
    Optional<String> named = given.map(TokenizerClass::withoutFast);
    String type = model.type();
    boolean corrected = Known.TRANSFORMERS.corrected.contains(type);
    Optional<String> registered =
        Optional.ofNullable(Known.TRANSFORMERS.byModelType.get(type))
            .map(TokenizerClass::withoutFast);
    if (named.isEmpty()) {
      return registered.orElse(GENERIC);
    }
    if (named.get().equals("LlamaTokenizer") && byteLevel && !corrected) {
      return GENERIC;
    }
    if (Known.TRANSFORMERS.generic.contains(type)) {
      return GENERIC;
    }
    return corrected ? registered.orElse(GENERIC) : named.get();
  }

  private static String withoutFast(String name) {
    return name.endsWith("Fast") ? name.substring(0, name.length() - "Fast".length()) : name;
  }
}
