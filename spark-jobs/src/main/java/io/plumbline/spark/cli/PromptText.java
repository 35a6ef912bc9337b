package io.plumbline.spark.cli;

import java.util.List;
import java.util.Map;

/** A prompt, text or messages, on a line for people. */
final class PromptText {
  private PromptText() {}

  static String of(Object prompt) {
    if (prompt instanceof List<?> messages && !messages.isEmpty()) {
      Object last = messages.get(messages.size() - 1);
      if (last instanceof Map<?, ?> message && message.get("content") != null) {
        return String.valueOf(message.get("content"));
      }
    }
    return String.valueOf(prompt);
  }
}
