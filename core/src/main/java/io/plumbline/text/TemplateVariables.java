package io.plumbline.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Variables that a run gives to chat templates: {@code chat_template_kwargs} of transformers. */
public final class TemplateVariables {
  /** Strict: what a user mistyped must not pass as something else. */
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** What the tokenizer says, and the functions that transformers gives to templates. */
  private static final Set<String> OF_THE_TOKENIZER =
      Stream.concat(
              NamedTokens.STANDARD.stream(),
              Stream.of("additional_special_tokens", "raise_exception", ChatTemplate.CLOCK))
          .collect(Collectors.toUnmodifiableSet());

  private static final String EXAMPLE = "{\"enable_thinking\": false}";

  private TemplateVariables() {}

  /**
   * Reads a JSON object.
   *
   * @throws IllegalArgumentException where it is none, or sets what no run may set; the message
   *     continues from "X is TEXT and "
   */
  public static SortedMap<String, Object> parse(String json) {
    JsonNode read;
    try {
      read = JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "must be a JSON object such as "
              + EXAMPLE
              + ", in single quotes for the shell ("
              + e.getOriginalMessage()
              + ")",
          e);
    }
    if (!(read instanceof ObjectNode object)) {
      throw new IllegalArgumentException(
          "must be a JSON object such as " + EXAMPLE + ", in single quotes for the shell");
    }
    return of(object);
  }

  private static SortedMap<String, Object> of(ObjectNode object) {
    SortedMap<String, Object> variables = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : object.properties()) {
      String name = entry.getKey();
      if (TemplateSettings.RESERVED.contains(name) || OF_THE_TOKENIZER.contains(name)) {
        throw new IllegalArgumentException(
            "must not set "
                + name
                + ", which the conversation, the tokenizer or this program says");
      }
      if (!name.matches("[A-Za-z_][A-Za-z0-9_]*")) {
        throw new IllegalArgumentException(
            "must have names that a template can read (letters, digits and _), not '" + name + "'");
      }
      variables.put(name, JSON.convertValue(entry.getValue(), Object.class));
    }
    return variables;
  }

  /** The same variables as the same text. */
  public static String json(Map<String, Object> variables) {
    try {
      return JSON.writeValueAsString(variables);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("values that were read as JSON", e);
    }
  }
}
