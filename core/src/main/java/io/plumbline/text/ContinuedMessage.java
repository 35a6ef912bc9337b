package io.plumbline.text;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Renders a conversation whose last message is left open, as transformers does for {@code
 * continue_final_message}: a mark is put after the message's text, and what the template says from
 * the mark on is cut off.
 */
final class ContinuedMessage {
  /** A template that trims the message takes the space away, and with it what stood before. */
  private static final String MARK = "CONTINUE_FINAL_MESSAGE_TAG ";

  private ContinuedMessage() {}

  /**
   * Puts the mark after the text of the last message, which is replaced, not changed.
   *
   * @return the text before the mark
   */
  static String mark(List<Object> messages, String template) {
    int last = messages.size() - 1;
    Map<String, Object> message = new LinkedHashMap<>();
    ((Map<?, ?>) messages.get(last)).forEach((key, value) -> message.put((String) key, value));
    Object content = message.get("content");
    if (content == null || !template.contains("content")) {
      throw failed("the last message has no content, or the chat template does not read it");
    }
    String text;
    if (content instanceof String whole) {
      text = whole;
      message.put("content", text + MARK);
    } else {
      List<Object> parts = new ArrayList<>((List<?>) content);
      int at = lastText(parts);
      Map<String, Object> part = new LinkedHashMap<>();
      ((Map<?, ?>) parts.get(at)).forEach((key, value) -> part.put((String) key, value));
      text = (String) part.get("text");
      part.put("text", text + MARK);
      parts.set(at, part);
      message.put("content", parts);
    }
    messages.set(last, message);
    return text;
  }

  private static int lastText(List<Object> parts) {
    for (int i = parts.size() - 1; i >= 0; i--) {
      if (parts.get(i) instanceof Map<?, ?> part && part.get("text") instanceof String) {
        return i;
      }
    }
    throw failed("the last message has no text");
  }

  /** What stands before the mark. */
  static String cut(String rendered, String text) {
    int at = rendered.lastIndexOf(MARK.strip());
    if (at < 0 || !rendered.contains(text.strip())) {
      throw failed("the chat template leaves the last message out, or changes it");
    }
    String before = rendered.substring(0, at);
    return rendered.startsWith(MARK, at) ? before : before.stripTrailing();
  }

  private static PlumblineException failed(String why) {
    return new PlumblineException(
        ErrorCode.BAD_TEMPLATE,
        "The conversation's last message cannot be continued: "
            + why
            + "; end the prompt with a user's message, or give the model another template.");
  }
}
