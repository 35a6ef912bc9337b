package io.plumbline.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * The tokens beside a model's vocabulary and the ids they get, as {@code AddedVocabulary} of the
 * tokenizers library 0.23 counts them: a token that the vocabulary has keeps its id, another gets
 * the next free one, and one that is added again takes the flags of the later one.
 */
final class AddedVocabulary {
  private final Map<String, Integer> model;
  private final int modelSize;
  private final Map<String, Integer> ids = new HashMap<>();
  private final TreeMap<Integer, AddedToken> byId = new TreeMap<>();
  private final Set<String> special = new HashSet<>();

  /** In an order that gives the same ids to a library which counts the next id anew each time. */
  private final List<String> order = new ArrayList<>();

  /**
   * @param model tokenizer.json's {@code model}
   */
  AddedVocabulary(JsonNode model) {
    this.model = vocabulary(model);
    JsonNode vocab = model.path("vocab");
    this.modelSize = vocab.size();
  }

  private static Map<String, Integer> vocabulary(JsonNode model) {
    Map<String, Integer> ids = new HashMap<>();
    JsonNode vocab = model.path("vocab");
    vocab.properties().forEach(entry -> ids.put(entry.getKey(), entry.getValue().asInt()));
    if (vocab.isArray()) {
      for (int i = 0; i < vocab.size(); i++) {
        ids.put(vocab.get(i).path(0).asText(), i);
      }
    }
    return ids;
  }

  /** Adds tokens as one call of {@code add_tokens} does. */
  void add(List<AddedToken> tokens) {
    int next = modelSize;
    if (!byId.isEmpty() && (byId.lastKey() >= modelSize || modelSize == 0)) {
      next = byId.lastKey() + 1;
    }
    List<String> found = new ArrayList<>();
    for (AddedToken given : tokens) {
      AddedToken token = given.resolved();
      if (token.content().isEmpty()) {
        continue;
      }
      Integer known = ids.get(token.content());
      if (known != null && token.equals(byId.get(known))) {
        continue;
      }
      Integer id = known != null ? known : model.get(token.content());
      if (known == null) {
        if (id == null) {
          id = next++;
          order.add(token.content());
        } else {
          found.add(token.content());
        }
      }
      ids.put(token.content(), id);
      byId.put(id, token);
      if (token.special()) {
        special.add(token.content());
      }
    }
    order.addAll(found);
  }

  /** The id of a token of either vocabulary. */
  OptionalInt id(String token) {
    Integer id = ids.getOrDefault(token, model.get(token));
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /** Ids of the added tokens, by their text. */
  Map<String, Integer> ids() {
    return ids;
  }

  /** The flags of an added token, as they came out. */
  AddedToken token(String content) {
    return byId.get(ids.get(content));
  }

  /** The texts of the tokens that decoding may leave out. */
  Set<String> special() {
    return special;
  }

  boolean isInModel(String token) {
    return model.containsKey(token);
  }

  /** Ids by text, of the whole vocabulary. */
  Map<String, Integer> all() {
    Map<String, Integer> all = new HashMap<>(model);
    all.putAll(ids);
    return all;
  }

  /** What tokenizer.json's added_tokens must say for these tokens to come out. */
  ArrayNode json(ArrayNode target) {
    List<String> contents = new ArrayList<>(order);
    if (withoutHoles()) {
      // Any order gives these ids then; that of the ids is what transformers writes.
      contents.sort((a, b) -> Integer.compare(ids.get(a), ids.get(b)));
    }
    for (String content : contents) {
      token(content).write(target.addObject(), ids.get(content), special.contains(content));
    }
    return target;
  }

  private boolean withoutHoles() {
    for (int id : model.values()) {
      if (id >= modelSize) {
        return false;
      }
    }
    return true;
  }

  /** Which of the given ids are not what came out, as texts with both. */
  Map<String, int[]> otherThan(Map<String, Integer> wanted) {
    Map<String, int[]> other = new LinkedHashMap<>();
    wanted.forEach(
        (content, id) -> {
          Integer own = ids.get(content);
          if (own != null && !own.equals(id)) {
            other.put(content, new int[] {id, own});
          }
        });
    return other;
  }
}
