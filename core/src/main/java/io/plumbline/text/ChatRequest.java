package io.plumbline.text;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a chat template is rendered with. Messages and tools are plain JSON values: maps, lists,
 * strings, numbers, booleans and null.
 *
 * @param messages each with {@code role} and usually {@code content}
 * @param tools functions that the template may describe; empty for none
 * @param generationPrompt whether to end with the opening of an assistant turn
 * @param variables further variables by name, as {@code chat_template_kwargs}
 */
public record ChatRequest(
    List<Map<String, Object>> messages,
    Optional<List<Object>> tools,
    GenerationPrompt generationPrompt,
    Map<String, Object> variables) {

  /** Whether the opening of an assistant turn ends the text. */
  public enum GenerationPrompt {
    ADDED,
    ABSENT
  }

  public static ChatRequest of(List<Map<String, Object>> messages) {
    return new ChatRequest(messages, Optional.empty(), GenerationPrompt.ABSENT, Map.of());
  }

  public ChatRequest withGenerationPrompt() {
    return new ChatRequest(messages, tools, GenerationPrompt.ADDED, variables);
  }
}
