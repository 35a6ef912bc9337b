package io.plumbline.text;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The chat templates of a tokenizer by name, chosen among as transformers 5.23 does: files go
 * before all that tokenizer_config.json has, and one named "tool_use" is for conversations with
 * tools.
 */
final class ChatTemplates {
  static final String DEFAULT = "default";

  /** In tokenizer_config.json. */
  static final String KEY = "chat_template";

  private static final String TOOL_USE = "tool_use";
  private static final String JINJA = ".jinja";

  /** Read by transformers for processors, not for tokenizers. */
  static final String PROCESSORS = "chat_template.json";

  private final Map<String, String> sources;
  private final Map<String, ChatTemplate> templates = new LinkedHashMap<>();
  private final boolean forProcessors;

  ChatTemplates(TokenizerFiles files, JsonNode config, Map<String, String> specialTokens) {
    sources = sources(files, config);
    forProcessors = files.content(PROCESSORS).isPresent();
    sources.forEach(
        (name, source) ->
            templates.put(
                name,
                ChatTemplate.parse(source, new TreeMap<>(specialTokens)).with(files.rendering())));
  }

  static Map<String, String> sources(TokenizerFiles files, JsonNode config) {
    Map<String, String> sources = new LinkedHashMap<>();
    files.content(TokenizerFiles.TEMPLATE).ifPresent(text -> sources.put(DEFAULT, text));
    files
        .contents()
        .forEach(
            (name, content) -> {
              if (name.startsWith(TokenizerFiles.MORE_TEMPLATES) && name.endsWith(JINJA)) {
                sources.put(
                    name.substring(
                        TokenizerFiles.MORE_TEMPLATES.length(), name.length() - JINJA.length()),
                    content);
              }
            });
    if (!sources.isEmpty()) {
      return sources;
    }
    JsonNode template = config.path(KEY);
    if (template.isTextual()) {
      sources.put(DEFAULT, template.asText());
    } else if (template.isArray()) {
      for (JsonNode named : template) {
        sources.put(named.path("name").asText(), named.path("template").asText());
      }
    } else if (template.isObject()) {
      template.properties().forEach(e -> sources.put(e.getKey(), e.getValue().asText()));
    }
    return sources;
  }

  Map<String, String> sources() {
    return sources;
  }

  /** Whether what one of them says depends on the date. */
  boolean readDate() {
    return templates.values().stream().anyMatch(ChatTemplate::readsDate);
  }

  Optional<ChatTemplate> standard() {
    return Optional.ofNullable(templates.get(DEFAULT));
  }

  /** The template for a conversation: "tool_use" where there is one and tools are given. */
  ChatTemplate of(ChatRequest request) {
    if (request.tools().isPresent() && templates.containsKey(TOOL_USE)) {
      return templates.get(TOOL_USE);
    }
    return standard().orElseThrow(this::missing);
  }

  private PlumblineException missing() {
    String sentence =
        !templates.isEmpty()
            ? "The data holds conversations, and none of the model's chat templates ("
                + String.join(", ", templates.keySet())
                + ") is named default: save the one that is wanted as chat_template.jinja."
            : "The data holds conversations and the model directory has no chat template"
                + (forProcessors ? " of its tokenizer (chat_template.json is a processor's)" : "")
                + "; add a chat_template.jinja, or give prompts and completions as text.";
    return new PlumblineException(ErrorCode.BAD_CHECKPOINT, sentence);
  }
}
