package io.plumbline.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Puts a tokenizer together from its files, as transformers 5.23's AutoTokenizer does: the pipeline
 * by its class, then the tokens that the files add to it. The outcome is one definition that the
 * tokenizers library loads.
 */
final class TokenizerAssembly {
  static final String TOKENIZER = "tokenizer.json";
  static final String CONFIG = "tokenizer_config.json";
  private static final String SPECIAL_TOKENS = "special_tokens_map.json";
  private static final String ADDED_TOKENS = "added_tokens.json";
  private static final String ADDED = "added_tokens";
  private static final int NAMED_AT_MOST = 3;
  private final ObjectNode file;
  private final JsonNode config;
  private final ObjectNode definition;
  private final NamedTokens named;
  private final AddedVocabulary vocabulary;
  private final Set<String> ownTokens = new HashSet<>();
  private final List<String> notes = new ArrayList<>();

  /** Fails with BAD_CHECKPOINT where a file is none, or the class is not supported. */
  TokenizerAssembly(TokenizerFiles files) {
    String text =
        files
            .content(TOKENIZER)
            .orElseThrow(
                () ->
                    new PlumblineException(
                        ErrorCode.BAD_CHECKPOINT,
                        "The model directory has no tokenizer.json; save the tokenizer with"
                            + " transformers' save_pretrained, which writes one, or copy it there"
                            + " from the model it belongs to."));
    file = (ObjectNode) parse(TOKENIZER, text);
    if (!file.path("model").isObject()) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          "tokenizer.json has no model in it; save the tokenizer again with transformers'"
              + " save_pretrained.");
    }
    config =
        files.content(CONFIG).map(c -> parse(CONFIG, c)).orElse(Json.MAPPER.createObjectNode());
    Optional<String> className =
        config.path("tokenizer_class").isTextual()
            ? Optional.of(config.path("tokenizer_class").asText())
            : Optional.empty();
    TokenizerClass kind =
        TokenizerClass.of(files.model(), className, text.contains("\"ByteLevel\""));
    named =
        new NamedTokens(
            file,
            config,
            files.content(SPECIAL_TOKENS).map(c -> parse(SPECIAL_TOKENS, c)),
            files.content(ADDED_TOKENS).map(c -> parse(ADDED_TOKENS, c)),
            kind.defaults());
    definition = definition(kind);
    vocabulary = new AddedVocabulary(definition.path("model"));
    addTokens(kind);
    ArrayNode tokens = vocabulary.json(Json.MAPPER.createArrayNode());
    // What is the same stays as it is written, and with it the fingerprint.
    definition.set(ADDED, tokens.equals(file.path(ADDED)) ? file.get(ADDED) : tokens);
    definition.putNull("truncation").putNull("padding");
    note(kind, className);
  }

  private ObjectNode definition(TokenizerClass kind) {
    ObjectNode result = Json.MAPPER.createObjectNode();
    if (kind == TokenizerClass.BACKEND) {
      result.setAll(file);
      return result;
    }
    String unknown = named.texts().getOrDefault("unk_token", "None");
    result.setAll(Pipelines.of(kind, file, config, unknown));
    // Equal parts stay as they are written, in their order.
    file.properties()
        .forEach(
            entry -> {
              if (entry.getValue().equals(result.path(entry.getKey()))) {
                result.set(entry.getKey(), entry.getValue());
              }
            });
    return result;
  }

  private void addTokens(TokenizerClass kind) {
    if (kind == TokenizerClass.BACKEND) {
      List<AddedToken> own = new ArrayList<>();
      file.path(ADDED).forEach(token -> own.add(AddedToken.of(token)));
      vocabulary.add(own);
      own.forEach(token -> ownTokens.add(token.content()));
    }
    vocabulary.add(named.toAdd(vocabulary.ids().keySet()));
    if (kind == TokenizerClass.QWEN2) {
      vocabulary.add(named.all().stream().map(AddedToken::special).toList());
    }
  }

  static JsonNode parse(String name, String text) {
    try {
      JsonNode node = Json.MAPPER.readTree(text);
      if (node == null || !node.isObject()) {
        throw new PlumblineException(
            ErrorCode.BAD_CHECKPOINT, name + " holds no JSON object; copy the file again.");
      }
      return node;
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          name
              + " is no valid JSON at line "
              + e.getLocation().getLineNr()
              + "; copy the file again.",
          e);
    }
  }

  /** Where the files say two things, which of them was taken. */
  private void note(TokenizerClass kind, Optional<String> className) {
    notes.addAll(named.notes());
    Map<String, Integer> wanted = new LinkedHashMap<>();
    file.path(ADDED).forEach(t -> wanted.put(t.path("content").asText(), t.path("id").asInt()));
    wanted.putAll(named.describedIds());
    Map<String, int[]> moved = vocabulary.otherThan(wanted);
    if (!moved.isEmpty()) {
      notes.add(
          "the files give "
              + listed(
                  moved.entrySet().stream()
                      .map(e -> e.getKey() + " the id " + e.getValue()[0])
                      .toList())
              + ", and the place in the vocabulary "
              + listed(moved.values().stream().map(ids -> String.valueOf(ids[1])).toList())
              + ": the latter is taken");
    }
    List<String> reflagged = new ArrayList<>();
    List<String> lost = new ArrayList<>();
    for (JsonNode token : file.path(ADDED)) {
      String content = token.path("content").asText();
      if (!vocabulary.ids().containsKey(content)) {
        lost.add(content);
      } else if (config.has("added_tokens_decoder")
          && named
              .described(content)
              .filter(other -> !other.resolved().equals(AddedToken.of(token).resolved()))
              .isPresent()) {
        reflagged.add(content);
      }
    }
    if (!reflagged.isEmpty()) {
      notes.add(
          "tokenizer_config.json and tokenizer.json describe "
              + listed(reflagged)
              + " with other flags: those of tokenizer_config.json are taken");
    }
    if (!lost.isEmpty()) {
      notes.add(
          "tokenizer.json adds "
              + listed(lost)
              + ", which the added_tokens_decoder of tokenizer_config.json lacks: they are left"
              + " out, as "
              + className.orElse("the tokenizer's class")
              + " reads the latter alone");
    }
    if (kind != TokenizerClass.BACKEND && !samePipeline()) {
      notes.add(
          "tokenizer.json has another pipeline than "
              + className.orElse("the model's tokenizer class")
              + " builds: that of the class is taken");
    }
  }

  private boolean samePipeline() {
    for (String part : List.of("normalizer", "pre_tokenizer")) {
      JsonNode own = file.path(part);
      JsonNode built = definition.path(part);
      boolean neither = (own.isMissingNode() || own.isNull()) && built.isNull();
      if (!neither && !own.equals(built)) {
        return false;
      }
    }
    return true;
  }

  private static String listed(List<String> texts) {
    String shown = String.join(", ", texts.subList(0, Math.min(texts.size(), NAMED_AT_MOST)));
    int more = texts.size() - NAMED_AT_MOST;
    return more > 0 ? shown + " and " + more + " more" : shown;
  }

  /** What the tokenizers library loads. */
  ObjectNode definition() {
    return definition;
  }

  /**
   * The definition for encoding where the texts of special tokens are text like any other ({@code
   * split_special_tokens}): a special token that the vocabulary lacks keeps its place under a text
   * that none has.
   */
  ObjectNode definitionThatSplits() {
    ObjectNode result = Json.MAPPER.createObjectNode();
    result.setAll(definition);
    ArrayNode tokens = result.putArray(ADDED);
    for (JsonNode token : definition.path(ADDED)) {
      String content = token.path("content").asText();
      if (!vocabulary.special().contains(content)) {
        tokens.add(token);
      } else if (!vocabulary.isInModel(content)) {
        ObjectNode unused = tokens.addObject();
        unused.setAll((ObjectNode) token);
        unused.put("content", "\uE000\uE001" + token.path("id").asInt() + "\uE001\uE000");
        unused.put("special", false).put("normalized", false);
      }
    }
    return result;
  }

  boolean splitsSpecialTokens() {
    return config.path("split_special_tokens").asBoolean(false);
  }

  /** Whether decoding takes blanks away before punctuation, which it never does for byte pairs. */
  boolean cleansUp() {
    JsonNode model = definition.path("model");
    boolean bytePairs =
        model.has("type") ? model.path("type").asText().equals("BPE") : model.has("merges");
    return config.path("clean_up_tokenization_spaces").asBoolean(false)
        && (!bytePairs
            || config
                .path("clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output")
                .asBoolean(false));
  }

  JsonNode config() {
    return config;
  }

  NamedTokens named() {
    return named;
  }

  AddedVocabulary vocabulary() {
    return vocabulary;
  }

  /** The texts of tokens that come from tokenizer.json's list, whatever other files say. */
  Set<String> ownTokens() {
    return ownTokens;
  }

  /** The id of a named token; that of unk_token where it is not in any vocabulary. */
  OptionalInt id(String name) {
    String token = named.texts().get(name);
    if (token == null) {
      return OptionalInt.empty();
    }
    OptionalInt id = vocabulary.id(token);
    return id.isPresent() || name.equals("unk_token") ? id : id("unk_token");
  }

  List<String> notes() {
    return notes;
  }
}
