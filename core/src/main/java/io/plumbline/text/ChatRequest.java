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
 * @param generationPrompt whether to end with the opening of an assistant turn, or within one
 * @param variables further variables by name, as {@code chat_template_kwargs}
 */
public record ChatRequest(
    List<Map<String, Object>> messages,
    Optional<List<Object>> tools,
    GenerationPrompt generationPrompt,
    Map<String, Object> variables) {

  /** How the text ends. */
  public enum GenerationPrompt {
    /** With the opening of an assistant turn: {@code add_generation_prompt}. */
    ADDED,
    /** As the template ends the last message. */
    ABSENT,
    /** With the last message's content, left open for more: {@code continue_final_message}. */
    CONTINUED
  }

  public static ChatRequest of(List<Map<String, Object>> messages) {
    return new ChatRequest(messages, Optional.empty(), GenerationPrompt.ABSENT, Map.of());
  }

  public ChatRequest withGenerationPrompt() {
    return new ChatRequest(messages, tools, GenerationPrompt.ADDED, variables);
  }
}
