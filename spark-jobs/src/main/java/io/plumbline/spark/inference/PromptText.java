package io.plumbline.spark.inference;

import java.util.List;
import java.util.Map;

/** A prompt, text or messages, on a line for people. */
public final class PromptText {
  private PromptText() {}

  /** The text, or what the last message says. */
  public static String of(Object prompt) {
    if (prompt instanceof List<?> messages && !messages.isEmpty()) {
      Object last = messages.get(messages.size() - 1);
      if (last instanceof Map<?, ?> message && message.get("content") != null) {
        return String.valueOf(message.get("content"));
      }
    }
    return String.valueOf(prompt);
  }
}
