package io.plumbline.text;

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
import java.util.Set;
import java.util.TreeMap;

/**
 * The tokens that a tokenizer's files name and describe, read as transformers 5.23's {@code
 * _from_pretrained} and the constructor behind it read them.
 *
 * <p>Where tokenizer_config.json has {@code added_tokens_decoder}, special_tokens_map.json and
 * added_tokens.json are not read. Where it has none, what special_tokens_map.json names goes before
 * tokenizer_config.json, and tokens are described by added_tokens.json and then tokenizer.json.
 */
final class NamedTokens {
  static final List<String> STANDARD =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  private static final String EXTRA = "extra_special_tokens";
  private static final String ADDITIONAL = "additional_special_tokens";
  private static final String SPECIFIC = "model_specific_special_tokens";
  private static final String DECODER = "added_tokens_decoder";
  private static final String CONTENT = "content";

  /** Marks a token that special_tokens_map.json describes. */
  private static final String FROM_MAP = "__from_map";

  private final ObjectNode settings;
  private final TreeMap<Integer, AddedToken> described = new TreeMap<>();
  private final Map<String, AddedToken> byText = new LinkedHashMap<>();

  /** By name, a token as text or with its flags. */
  private final Map<String, Object> named = new LinkedHashMap<>();

  private final List<Object> extra = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();

  /**
   * @param definition tokenizer.json
   * @param defaults the named tokens where the files say nothing
   */
  NamedTokens(
      JsonNode definition,
      JsonNode config,
      Optional<JsonNode> map,
      Optional<JsonNode> added,
      Map<String, String> defaults) {
    settings = (ObjectNode) config.deepCopy();
    if (settings.has(ADDITIONAL) && isEmpty(settings.path(EXTRA))) {
      settings.set(EXTRA, settings.remove(ADDITIONAL));
    }
    collectSpecific();
    if (settings.has(DECODER)) {
      settings.get(DECODER).properties().forEach(e -> describe(DECODER, e.getKey(), e.getValue()));
    } else {
      map.ifPresent(this::merge);
      added.ifPresent(this::describeAll);
      for (JsonNode token : definition.path("added_tokens")) {
        describe("tokenizer.json", token.path("id").asText(), token);
      }
    }
    name(defaults, definition.path("padding").path("pad_token"));
  }

  private static boolean isEmpty(JsonNode value) {
    return value.isMissingNode() || value.isNull() || (value.isContainerNode() && value.isEmpty());
  }

  /** Named tokens that a model has besides the standard ones, such as image_token. */
  private void collectSpecific() {
    ObjectNode specific = Json.MAPPER.createObjectNode();
    List<String> keys = new ArrayList<>();
    settings.fieldNames().forEachRemaining(keys::add);
    for (String key : keys) {
      if (key.endsWith("_token") && !STANDARD.contains(key) && settings.get(key).isTextual()) {
        specific.set(key, settings.remove(key));
      }
    }
    if (settings.path(EXTRA).isObject()) {
      specific.setAll((ObjectNode) settings.remove(EXTRA));
    }
    if (!specific.isEmpty()) {
      settings.set(SPECIFIC, specific);
    }
  }

  private void describe(String file, String id, JsonNode token) {
    AddedToken description = AddedToken.of(token);
    if (!token.isObject() || !token.path(CONTENT).isTextual()) {
      throw bad(file + " has no content for the token " + id + ": copy the file again.");
    }
    try {
      described.put(Integer.parseInt(id), description);
    } catch (NumberFormatException e) {
      throw bad(file + " has a token with the id '" + id + "', which is no number: correct it.");
    }
    byText.put(description.content(), description);
  }

  /** special_tokens_map.json goes before tokenizer_config.json. */
  private void merge(JsonNode map) {
    map.properties()
        .forEach(
            entry -> {
              String key = entry.getKey();
              JsonNode value = entry.getValue();
              if (value.isObject() && !key.equals(EXTRA)) {
                value = fromMap(value);
              } else if (key.equals(EXTRA) && value.isArray()) {
                ArrayNode all = Json.MAPPER.createArrayNode();
                settings.path(EXTRA).forEach(all::add);
                value.forEach(token -> all.add(token.isObject() ? fromMap(token) : token));
                value = all;
              }
              noteOther(key, settings.path(key), value);
              settings.set(key, value);
            });
    if (settings.path(EXTRA).isObject()) {
      ObjectNode specific =
          settings.path(SPECIFIC).isObject()
              ? (ObjectNode) settings.get(SPECIFIC)
              : settings.putObject(SPECIFIC);
      specific.setAll((ObjectNode) settings.remove(EXTRA));
    }
  }

  private static JsonNode fromMap(JsonNode token) {
    return ((ObjectNode) token.deepCopy()).put("special", true).put(FROM_MAP, true);
  }

  private void noteOther(String key, JsonNode before, JsonNode now) {
    Optional<String> one = text(before);
    Optional<String> other = text(now);
    if (one.isPresent() && other.isPresent() && !one.equals(other)) {
      notes.add(
          "%s is %s in tokenizer_config.json and %s in special_tokens_map.json: %s is taken"
              .formatted(key, one.get(), other.get(), other.get()));
    }
  }

  /** added_tokens.json: texts and their ids. */
  private void describeAll(JsonNode added) {
    Set<String> special = new HashSet<>();
    for (String name : STANDARD) {
      JsonNode token = settings.path(name);
      if (token.isTextual() || token.path(FROM_MAP).asBoolean()) {
        text(token).ifPresent(special::add);
      }
    }
    for (JsonNode token : settings.path(EXTRA)) {
      if (token.isTextual() || token.path(FROM_MAP).asBoolean()) {
        text(token).ifPresent(special::add);
      }
    }
    added
        .properties()
        .forEach(
            entry -> {
              boolean named = special.contains(entry.getKey());
              ObjectNode token = Json.MAPPER.createObjectNode().put(CONTENT, entry.getKey());
              token.put("normalized", !named).put("special", named);
              describe("added_tokens.json", entry.getValue().asText(), token);
            });
  }

  private void name(Map<String, String> defaults, JsonNode padding) {
    for (String name : STANDARD) {
      Object token = settings.has(name) ? token(settings.get(name)) : defaults.get(name);
      if (name.equals("pad_token") && !settings.has(name) && token == null) {
        token = padding.isTextual() ? padding.asText() : null;
      }
      if (token != null) {
        AddedToken known = settings.has(name) ? byText.get(text(token)) : null;
        named.put(name, known == null ? token : known);
      }
    }
    settings
        .properties()
        .forEach(
            entry -> {
              String key = entry.getKey();
              if (key.endsWith("_token") && !STANDARD.contains(key)) {
                putToken(key, entry.getValue());
              }
            });
    settings.path(SPECIFIC).properties().forEach(e -> putToken(e.getKey(), e.getValue()));
    JsonNode tokens = settings.has(EXTRA) ? settings.get(EXTRA) : settings.path(ADDITIONAL);
    if (tokens.isArray()) {
      for (JsonNode element : tokens) {
        Object token = token(element);
        if (token != null) {
          extra.add(token);
        }
      }
    } else {
      tokens.properties().forEach(e -> putToken(e.getKey(), e.getValue()));
    }
  }

  private void putToken(String name, JsonNode value) {
    Object token = token(value);
    if (token != null) {
      named.put(name, token);
    }
  }

  /** A token as text or with flags; null for what is none. */
  private static Object token(JsonNode value) {
    if (value.isTextual()) {
      return value.asText();
    }
    return value.path(CONTENT).isTextual() ? AddedToken.of(value) : null;
  }

  private static Optional<String> text(JsonNode value) {
    return Optional.ofNullable(token(value)).map(NamedTokens::text);
  }

  private static String text(Object token) {
    return token instanceof AddedToken added ? added.content() : (String) token;
  }

  private static PlumblineException bad(String sentence) {
    return new PlumblineException(ErrorCode.BAD_CHECKPOINT, sentence);
  }

  /** Named tokens by name, such as bos_token; special_tokens_map of transformers. */
  Map<String, String> texts() {
    Map<String, String> texts = new LinkedHashMap<>();
    named.forEach((name, token) -> texts.put(name, text(token)));
    return texts;
  }

  /** Every special token that is named, once each. */
  List<String> all() {
    Set<String> all = new java.util.LinkedHashSet<>(texts().values());
    extra.forEach(token -> all.add(text(token)));
    return new ArrayList<>(all);
  }

  /** Ids as the files give them, by text. */
  Map<String, Integer> describedIds() {
    Map<String, Integer> ids = new LinkedHashMap<>();
    described.forEach((id, token) -> ids.put(token.content(), id));
    return ids;
  }

  /** How the files describe a token. */
  Optional<AddedToken> described(String text) {
    return Optional.ofNullable(byText.get(text));
  }

  List<String> notes() {
    return notes;
  }

  /**
   * What {@code TokenizersBackend.__init__} adds.
   *
   * @param there the texts that are added already
   */
  List<AddedToken> toAdd(Set<String> there) {
    List<Object> tokens = new ArrayList<>(described.values());
    Set<String> known = new HashSet<>(there);
    described.values().forEach(token -> known.add(token.content()));
    List<Object> candidates = new ArrayList<>(named.values());
    candidates.addAll(extra);
    for (Object token : candidates) {
      if (!known.contains(text(token)) && !tokens.contains(token)) {
        tokens.add(token);
      }
    }
    Set<String> names = new HashSet<>(texts().values());
    List<AddedToken> result = new ArrayList<>();
    for (Object token : tokens) {
      if (token instanceof AddedToken added) {
        result.add(names.contains(added.content()) ? added.asSpecial() : added);
      } else {
        result.add(AddedToken.special((String) token));
      }
    }
    return result;
  }
}
