package io.plumbline.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/** Folders of tokenizers, drawn at random from what files of tokenizers can say. */
final class TokenizerFolders {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Tokens that a folder may name or add. */
  static final List<String> TOKENS =
      List.of(
          "<s>",
          "</s>",
          "<unk>",
          "<pad>",
          "<|im_start|>",
          "<|im_end|>",
          "<think>",
          "</think>",
          "<|tool|>",
          "wort",
          "Ünï",
          "<mask>",
          "é");

  private static final List<String> PLACES = List.of("bos_token", "eos_token", "unk_token");

  private final Random random;

  TokenizerFolders(long seed) {
    random = new Random(seed);
  }

  private boolean chance(double share) {
    return random.nextDouble() < share;
  }

  private <T> T any(List<T> of) {
    return of.get(random.nextInt(of.size()));
  }

  /** One folder: its files by name, config.json among them. */
  Map<String, String> draw() {
    ObjectNode config = JSON.createObjectNode();
    String modelType = any(List.of("llama", "llama", "mistral", "qwen2", "qwen3"));
    ObjectNode model = JSON.createObjectNode().put("model_type", modelType);
    int kind = random.nextInt(5);
    Set<String> inVocabulary = new LinkedHashSet<>();
    TOKENS.forEach(
        token -> {
          if (chance(0.4)) {
            inVocabulary.add(token);
          }
        });
    ObjectNode definition =
        switch (kind) {
          case 0, 1 -> byteLevel(inVocabulary);
          case 2 -> metaspace(inVocabulary);
          case 3 -> unigram(inVocabulary);
          default -> wordPiece(inVocabulary);
        };
    boolean bytes = kind <= 1;
    boolean named = chance(0.85);
    if (named) {
      List<String> classes =
          bytes
              ? List.of(
                  "PreTrainedTokenizerFast",
                  "TokenizersBackend",
                  "GPT2Tokenizer",
                  "GPT2TokenizerFast",
                  "Qwen2Tokenizer",
                  "Qwen2TokenizerFast",
                  "GPTNeoXTokenizerFast",
                  "LlamaTokenizerFast",
                  "UnheardOfTokenizer",
                  "PreTrainedTokenizer")
              : kind == 2
                  ? List.of(
                      "LlamaTokenizer",
                      "LlamaTokenizerFast",
                      "PreTrainedTokenizerFast",
                      "GemmaTokenizerFast",
                      "TokenizersBackend")
                  : List.of("PreTrainedTokenizerFast", "TokenizersBackend");
      config.put("tokenizer_class", any(classes));
    }
    if ((!bytes && kind != 2) || (kind == 2 && !named)) {
      // These classes are for byte pairs.
      model.put("model_type", any(List.of("llama", "mistral")));
    }
    Map<String, ObjectNode> files = new LinkedHashMap<>();
    addTokens(definition, config, files);
    settings(config, definition);
    files.put("tokenizer.json", definition);
    files.put("config.json", model);
    if (chance(0.95)) {
      files.put("tokenizer_config.json", config);
    }
    Map<String, String> texts = new TreeMap<>();
    files.forEach((name, content) -> texts.put(name, content.toString()));
    return texts;
  }

  private ObjectNode token(String content, boolean typed) {
    ObjectNode token = JSON.createObjectNode();
    if (typed) {
      token.put("__type", "AddedToken");
    }
    boolean special = chance(0.7);
    token.put("content", content);
    token.put("single_word", chance(0.15)).put("lstrip", chance(0.2)).put("rstrip", chance(0.2));
    token.put("normalized", chance(0.3)).put("special", special);
    return token;
  }

  private void addTokens(ObjectNode definition, ObjectNode config, Map<String, ObjectNode> files) {
    Map<String, Integer> vocabulary = new LinkedHashMap<>();
    JsonNode vocab = definition.path("model").path("vocab");
    vocab.properties().forEach(e -> vocabulary.put(e.getKey(), e.getValue().asInt()));
    for (int i = 0; vocab.isArray() && i < vocab.size(); i++) {
      vocabulary.put(vocab.get(i).get(0).asText(), i);
    }
    int next = vocabulary.size();
    List<ObjectNode> added = new ArrayList<>();
    Map<String, Integer> ids = new LinkedHashMap<>(vocabulary);
    for (String content : TOKENS) {
      if (chance(0.4)) {
        if (!ids.containsKey(content)) {
          ids.put(content, next++);
        }
        added.add(token(content, false).put("id", ids.get(content)));
      }
    }
    if (chance(0.8)) {
      added.sort((a, b) -> Integer.compare(a.get("id").asInt(), b.get("id").asInt()));
    }
    ArrayNode target = definition.putArray("added_tokens");
    added.forEach(target::add);
    if (chance(0.4)) {
      ObjectNode decoder = config.putObject("added_tokens_decoder");
      for (ObjectNode token : added) {
        if (chance(0.9)) {
          ObjectNode copy =
              chance(0.7) ? token.deepCopy() : token(token.get("content").asText(), false);
          copy.remove("id");
          decoder.set(token.get("id").asText(), copy);
        }
      }
      if (chance(0.4)) {
        decoder.set(String.valueOf(next), token(any(TOKENS), false));
      }
    }
    for (String place : List.of("bos_token", "eos_token", "unk_token", "pad_token", "mask_token")) {
      if (chance(0.6)) {
        put(config, place);
      }
    }
    if (chance(0.15)) {
      config.put("image_token", any(TOKENS));
    }
    if (chance(0.3)) {
      list(config, any(List.of("additional_special_tokens", "extra_special_tokens")), true);
    } else if (chance(0.15)) {
      config.putObject("extra_special_tokens").put("tool_token", any(TOKENS));
    }
    if (chance(0.35)) {
      ObjectNode map = JSON.createObjectNode();
      PLACES.forEach(
          place -> {
            if (chance(0.5)) {
              if (chance(0.5)) {
                map.put(place, any(TOKENS));
              } else {
                ObjectNode token = token(any(TOKENS), false);
                token.remove("special");
                map.set(place, token);
              }
            }
          });
      if (chance(0.3)) {
        list(map, any(List.of("additional_special_tokens", "extra_special_tokens")), false);
      }
      files.put("special_tokens_map.json", map);
    }
    if (chance(0.25)) {
      ObjectNode json = JSON.createObjectNode();
      int id = next;
      for (String content : TOKENS) {
        if (!ids.containsKey(content) && chance(0.3)) {
          json.put(content, id++);
        }
      }
      files.put("added_tokens.json", json);
    }
    if (chance(0.2)) {
      definition
          .putObject("padding")
          .put("direction", "Right")
          .put("pad_id", 0)
          .put("pad_type_id", 0)
          .put("pad_token", any(TOKENS))
          .putNull("pad_to_multiple_of")
          .put("strategy", "BatchLongest");
    }
    List<String> present = ids.keySet().stream().filter(TOKENS::contains).toList();
    if (chance(0.4) && !present.isEmpty()) {
      String start = any(present);
      ObjectNode post = definition.putObject("post_processor").put("type", "TemplateProcessing");
      ArrayNode single = post.putArray("single");
      single.addObject().putObject("SpecialToken").put("id", start).put("type_id", 0);
      single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
      ArrayNode pair = post.putArray("pair");
      pair.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
      pair.addObject().putObject("Sequence").put("id", "B").put("type_id", 1);
      ObjectNode inserted = post.putObject("special_tokens").putObject(start).put("id", start);
      inserted.putArray("ids").add(ids.get(start));
      inserted.putArray("tokens").add(start);
    }
  }

  private void put(ObjectNode target, String place) {
    switch (random.nextInt(5)) {
      case 0 -> target.set(place, token(any(TOKENS), true));
      case 1 -> target.putNull(place);
      default -> target.put(place, any(TOKENS));
    }
  }

  private void list(ObjectNode target, String name, boolean objects) {
    ArrayNode list = target.putArray(name);
    for (int i = random.nextInt(4); i > 0; i--) {
      if (objects && chance(0.3)) {
        list.add(token(any(TOKENS), true));
      } else {
        list.add(any(TOKENS));
      }
    }
  }

  private void settings(ObjectNode config, ObjectNode definition) {
    if (chance(0.2)) {
      config.put("split_special_tokens", true);
    }
    for (String flag : List.of("add_bos_token", "add_eos_token", "clean_up_tokenization_spaces")) {
      if (chance(0.4)) {
        config.put(flag, chance(0.6));
      }
    }
    if (chance(0.4)) {
      config.put("legacy", chance(0.5));
    }
    if (chance(0.3)) {
      config.put("add_prefix_space", chance(0.5));
    }
    if (!definition.has("post_processor")) {
      definition.putNull("post_processor");
    }
  }

  private static ObjectNode base(ObjectNode model) {
    ObjectNode definition = JSON.createObjectNode().put("version", "1.0");
    definition.putNull("truncation").putNull("padding");
    definition.putArray("added_tokens");
    definition.putNull("normalizer").putNull("pre_tokenizer").putNull("post_processor");
    definition.putNull("decoder");
    definition.set("model", model);
    return definition;
  }

  private static JsonNode json(String text) {
    try {
      return JSON.readTree(text.replace('\'', '"'));
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private ObjectNode byteLevel(Set<String> extra) {
    ObjectNode model = bytePairs();
    ObjectNode vocab = model.putObject("vocab");
    for (int b = 0; b < 256; b++) {
      vocab.put(letter(b), b);
    }
    for (String[] merge :
        new String[][] {{"h", "e"}, {"l", "l"}, {"he", "ll"}, {"Ġ", "a"}, {"Ã", "©"}}) {
      ((ArrayNode) model.get("merges")).add(merge[0] + " " + merge[1]);
      vocab.put(merge[0] + merge[1], vocab.size());
    }
    // A letter that stands for a byte as well would leave a hole among the ids.
    extra.remove("é");
    extra.forEach(token -> vocab.put(token, vocab.size()));
    ObjectNode definition = base(model);
    if (chance(0.3)) {
      definition.set("normalizer", json("{'type':'NFC'}"));
    }
    definition.set(
        "pre_tokenizer",
        json(
            "{'type':'ByteLevel','add_prefix_space':"
                + chance(0.2)
                + ",'trim_offsets':true,'use_regex':true}"));
    definition.set(
        "decoder",
        json("{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true,'use_regex':true}"));
    if (chance(0.5)) {
      definition.set(
          "post_processor",
          json(
              "{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':false,'use_regex':true}"));
    }
    return definition;
  }

  private static ObjectNode bytePairs() {
    ObjectNode model = JSON.createObjectNode().put("type", "BPE");
    model.putNull("dropout").putNull("unk_token").putNull("continuing_subword_prefix");
    model.putNull("end_of_word_suffix").put("fuse_unk", false).put("byte_fallback", false);
    model.put("ignore_merges", false);
    model.putArray("merges");
    return model;
  }

  private ObjectNode metaspace(Set<String> extra) {
    ObjectNode model = bytePairs().put("byte_fallback", true).put("fuse_unk", true);
    ObjectNode vocab = model.putObject("vocab");
    model.put("unk_token", "<unk>");
    for (String token : List.of("<unk>", "<s>", "</s>")) {
      vocab.put(token, vocab.size());
    }
    for (int b = 0; b < 256; b++) {
      vocab.put("<0x%02X>".formatted(b), vocab.size());
    }
    "▁abcdehlorstwxyzA.,é"
        .codePoints()
        .forEach(c -> vocab.put(Character.toString(c), vocab.size()));
    for (String[] merge :
        new String[][] {{"h", "e"}, {"l", "l"}, {"▁", "he"}, {"▁he", "ll"}, {"▁", "▁"}}) {
      ((ArrayNode) model.get("merges")).add(merge[0] + " " + merge[1]);
      vocab.put(merge[0] + merge[1], vocab.size());
    }
    extra.forEach(
        token -> {
          if (!vocab.has(token)) {
            vocab.put(token, vocab.size());
          }
        });
    ObjectNode definition = base(model);
    if (chance(0.5)) {
      definition.set(
          "normalizer",
          json(
              "{'type':'Sequence','normalizers':[{'type':'Prepend','prepend':'▁'},"
                  + "{'type':'Replace','pattern':{'String':' '},'content':'▁'}]}"));
    } else {
      definition.set(
          "pre_tokenizer",
          json(
              "{'type':'Metaspace','replacement':'▁','prepend_scheme':'"
                  + any(List.of("first", "always", "never"))
                  + "','split':"
                  + chance(0.5)
                  + "}"));
    }
    definition.set(
        "decoder",
        json(
            "{'type':'Sequence','decoders':[{'type':'Replace','pattern':{'String':'▁'},'content':'"
                + " '},{'type':'ByteFallback'},{'type':'Fuse'},{'type':'Strip','content':'"
                + " ','start':1,'stop':0}]}"));
    return definition;
  }

  private ObjectNode unigram(Set<String> extra) {
    ObjectNode model = JSON.createObjectNode().put("type", "Unigram").put("unk_id", 0);
    ArrayNode vocab = model.putArray("vocab");
    vocab.addArray().add("<unk>").add(0.0);
    "▁abcdehlorstwxyz.,é"
        .codePoints()
        .forEach(c -> vocab.addArray().add(Character.toString(c)).add(-5.0 - vocab.size() / 100.0));
    for (String piece : List.of("▁he", "▁hell", "ll", "▁▁")) {
      vocab.addArray().add(piece).add(-3.0 - vocab.size() / 100.0);
    }
    extra.forEach(
        token -> {
          if (!token.equals("<unk>") && !token.equals("é")) {
            vocab.addArray().add(token).add(-6.0 - vocab.size() / 100.0);
          }
        });
    model.put("byte_fallback", false);
    ObjectNode definition = base(model);
    if (chance(0.5)) {
      definition.set("normalizer", json("{'type':'NFKC'}"));
    }
    definition.set(
        "pre_tokenizer",
        json("{'type':'Metaspace','replacement':'▁','prepend_scheme':'always','split':true}"));
    definition.set(
        "decoder",
        json("{'type':'Metaspace','replacement':'▁','prepend_scheme':'always','split':true}"));
    return definition;
  }

  private ObjectNode wordPiece(Set<String> extra) {
    ObjectNode model = JSON.createObjectNode().put("type", "WordPiece").put("unk_token", "<unk>");
    model.put("continuing_subword_prefix", "##").put("max_input_chars_per_word", 100);
    ObjectNode vocab = model.putObject("vocab");
    vocab.put("<unk>", 0);
    "abcdehlorstwxyz.,!?'"
        .codePoints()
        .forEach(
            c -> {
              vocab.put(Character.toString(c), vocab.size());
              vocab.put("##" + Character.toString(c), vocab.size());
            });
    vocab.put("hell", vocab.size()).put("##ll", vocab.size());
    extra.forEach(
        token -> {
          if (!vocab.has(token)) {
            vocab.put(token, vocab.size());
          }
        });
    ObjectNode definition = base(model);
    definition.set(
        "normalizer",
        json(
            "{'type':'BertNormalizer','clean_text':true,'handle_chinese_chars':true,"
                + "'strip_accents':null,'lowercase':"
                + chance(0.6)
                + "}"));
    definition.set("pre_tokenizer", json("{'type':'BertPreTokenizer'}"));
    definition.set("decoder", json("{'type':'WordPiece','prefix':'##','cleanup':true}"));
    return definition;
  }

  private static boolean plain(int b) {
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  }

  /** The letter by which byte-level files spell a byte. */
  private static String letter(int b) {
    if (plain(b)) {
      return Character.toString(b);
    }
    int extra = 0;
    for (int i = 0; i < b; i++) {
      if (!plain(i)) {
        extra++;
      }
    }
    return Character.toString(256 + extra);
  }

  /** Texts with the tokens in every neighbourhood. */
  List<String> texts() {
    List<String> texts =
        new ArrayList<>(
            List.of(
                "",
                " ",
                "hello",
                " hello  world ",
                "a\n\nb\r\n\tc",
                "hello.  don't , x !",
                "🎉 👩‍👩‍👧 北京",
                "e\u0301 é \u0301",
                "<|im_start|>user\nhello<|im_end|>\n",
                "</s></s><s>",
                "  <|im_end|>  hello <think> ",
                "wort wortx Wort xwort wort.",
                "Ünï ünï x",
                "<think>hell</think>\n\nhello<|im_end|>",
                "<0x0A>▁a ▁"));
    for (int i = 0; i < 6; i++) {
      StringBuilder text = new StringBuilder();
      for (int j = 0; j < 8; j++) {
        text.append(
            chance(0.5)
                ? any(TOKENS)
                : any(List.of(" ", "  ", "\n", "hello", "x", "é", "🎉", ".")));
      }
      texts.add(text.toString());
    }
    return texts;
  }
}
