package io.plumbline.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * Tokens that a tokenizer gets beside its vocabulary, as transformers' {@code add_tokens} gives
 * them and {@code save_pretrained} writes them. A token that the vocabulary has already keeps its
 * id; others get the next free ones, in this order.
 *
 * @param plain tokens of text, which decoding shows
 * @param special tokens that decoding may leave out
 * @param eos the token that becomes the tokenizer's {@code eos_token}; empty to leave it as it is
 */
public record AddedTokens(List<String> plain, List<String> special, Optional<String> eos) {
  private static final String ADDED = "added_tokens";
  private static final String DECODER = "added_tokens_decoder";
  private static final String EXTRA = "extra_special_tokens";
  private static final String ADDITIONAL = "additional_special_tokens";
  private static final String SPECIAL_TOKENS = "special_tokens_map.json";
  private static final String IDS = "added_tokens.json";
  private static final String EOS = "eos_token";

  /**
   * Checks the tokens.
   *
   * @throws PlumblineException BAD_USAGE where one is empty or named twice
   */
  public AddedTokens {
    plain = List.copyOf(plain);
    special = List.copyOf(special);
    Set<String> seen = new HashSet<>();
    for (List<String> tokens : List.of(plain, special)) {
      for (String token : tokens) {
        if (token.isBlank()) {
          throw bad("A token to add is empty or blank: leave it out.");
        }
        if (!seen.add(token)) {
          throw bad("The token " + token + " is to be added twice: leave one.");
        }
      }
    }
  }

  private static PlumblineException bad(String sentence) {
    return new PlumblineException(ErrorCode.BAD_USAGE, sentence);
  }

  /** A tokenizer's files with these tokens in them, and the ids that these have. */
  public record Outcome(TokenizerFiles files, Map<String, Integer> ids) {}

  /**
   * Adds the tokens to a tokenizer.
   *
   * @throws PlumblineException BAD_USAGE where the token that is to end texts is in no vocabulary;
   *     BAD_CHECKPOINT where the files give no tokenizer
   */
  public Outcome to(TokenizerFiles files) {
    TokenizerAssembly before = new TokenizerAssembly(files);
    AddedVocabulary vocabulary = before.vocabulary();
    vocabulary.add(all());
    if (eos.isPresent() && vocabulary.id(eos.get()).isEmpty()) {
      throw bad(
          "The token "
              + eos.get()
              + " is to end texts and is neither in the vocabulary nor added: add it as a special"
              + " token.");
    }
    TreeMap<String, String> contents = new TreeMap<>(files.contents());
    contents.putIfAbsent(TokenizerAssembly.CONFIG, "{}");
    change(contents, TokenizerAssembly.TOKENIZER, json -> addToDefinition(json, vocabulary));
    boolean mapHasSpecial =
        Optional.ofNullable(contents.get(SPECIAL_TOKENS))
            .map(text -> TokenizerAssembly.parse(SPECIAL_TOKENS, text).path(ADDITIONAL).isArray())
            .orElse(false);
    change(
        contents,
        TokenizerAssembly.CONFIG,
        json -> {
          addToDecoder(json, vocabulary, before.ownTokens());
          nameSpecial(json, mapHasSpecial ? Optional.empty() : Optional.of(newList(json)));
          eos.ifPresent(token -> json.put(EOS, token));
        });
    change(
        contents,
        SPECIAL_TOKENS,
        json -> {
          nameSpecial(json, Optional.empty());
          eos.filter(token -> json.has(EOS)).ifPresent(token -> json.put(EOS, token));
        });
    change(
        contents,
        IDS,
        json -> {
          json.removeAll();
          byId(vocabulary)
              .forEach(token -> json.set(token.path("content").asText(), token.get("id")));
        });
    return checked(files.with(contents), vocabulary);
  }

  private List<AddedToken> all() {
    List<AddedToken> all = new ArrayList<>();
    plain.forEach(
        token -> all.add(new AddedToken(token, false, false, false, Optional.of(true), false)));
    special.forEach(token -> all.add(AddedToken.special(token)));
    return all;
  }

  private interface Change {
    void apply(ObjectNode json);
  }

  /** Changes a file where there is one. */
  private static void change(TreeMap<String, String> contents, String name, Change change) {
    contents.computeIfPresent(
        name,
        (n, text) -> {
          ObjectNode json = (ObjectNode) TokenizerAssembly.parse(name, text);
          ObjectNode before = json.deepCopy();
          change.apply(json);
          return json.equals(before) ? text : json.toPrettyString() + "\n";
        });
  }

  /** All tokens, as they come out: some may have been named by other files alone. */
  private static void addToDefinition(ObjectNode json, AddedVocabulary vocabulary) {
    json.set(ADDED, vocabulary.json(Json.MAPPER.createArrayNode()));
  }

  /**
   * What the classes of transformers 4 read in the place of tokenizer.json's list.
   *
   * @param own tokens that come from tokenizer.json; those that the decoder left out stay out
   */
  private void addToDecoder(ObjectNode json, AddedVocabulary vocabulary, Set<String> own) {
    if (!(json.get(DECODER) instanceof ObjectNode decoder)) {
      return;
    }
    Set<String> leftOut = new HashSet<>(own);
    decoder.forEach(token -> leftOut.remove(text(token)));
    all().forEach(token -> leftOut.remove(token.content()));
    decoder.removeAll();
    for (JsonNode token : byId(vocabulary)) {
      if (!leftOut.contains(text(token))) {
        ObjectNode entry = decoder.putObject(token.path("id").asText());
        entry.setAll((ObjectNode) token);
        entry.remove("id");
      }
    }
  }

  private static List<JsonNode> byId(AddedVocabulary vocabulary) {
    List<JsonNode> tokens = new ArrayList<>();
    vocabulary.json(Json.MAPPER.createArrayNode()).forEach(tokens::add);
    tokens.sort(Comparator.comparingInt(token -> token.path("id").asInt()));
    return tokens;
  }

  /** Transformers 5 writes "backend" and another name for the list. */
  private static String newList(ObjectNode config) {
    return config.has("backend") ? EXTRA : ADDITIONAL;
  }

  /**
   * Adds the special tokens to the list of those that have no name of their own.
   *
   * @param otherwise the list to make where there is none
   */
  private void nameSpecial(ObjectNode json, Optional<String> otherwise) {
    List<String> missing = new ArrayList<>(special);
    json.properties()
        .forEach(
            entry -> {
              if (entry.getKey().endsWith("_token")) {
                missing.remove(text(entry.getValue()));
              }
            });
    ArrayNode list = null;
    for (String name : List.of(EXTRA, ADDITIONAL)) {
      if (list == null && json.get(name) instanceof ArrayNode found) {
        list = found;
      }
    }
    if (list != null) {
      list.forEach(token -> missing.remove(text(token)));
    }
    if (missing.isEmpty() || (list == null && otherwise.isEmpty())) {
      return;
    }
    if (list == null) {
      list = json.putArray(json.has(otherwise.get()) ? ADDITIONAL : otherwise.get());
    }
    missing.forEach(list::add);
  }

  private static String text(JsonNode token) {
    return token.isObject() ? token.path("content").asText() : token.asText();
  }

  /** Files of which one says something else than the others could give a token another id. */
  private Outcome checked(TokenizerFiles files, AddedVocabulary wanted) {
    AddedVocabulary found = new TokenizerAssembly(files).vocabulary();
    Map<String, Integer> ids = new LinkedHashMap<>();
    for (AddedToken token : all()) {
      OptionalInt id = found.id(token.content());
      if (!id.equals(wanted.id(token.content()))
          || !found.ids().containsKey(token.content())
          || (token.special() && !found.special().contains(token.content()))) {
        throw new PlumblineException(
            ErrorCode.BAD_CHECKPOINT,
            "The token "
                + token.content()
                + " cannot be added, because the tokenizer's files contradict one another: save the"
                + " tokenizer again with transformers' save_pretrained.");
      }
      ids.put(token.content(), id.getAsInt());
    }
    return new Outcome(files, ids);
  }
}
