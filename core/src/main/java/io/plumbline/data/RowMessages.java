package io.plumbline.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Messages as data has them, in the form that chat templates take: {@code role} and {@code content}
 * for ShareGPT's {@code from} and {@code value}, its names of roles as the usual ones, and a weight
 * of 0 or 1 whatever it is called.
 */
final class RowMessages {
  /**
   * Whether a message is learned: 0 or 1. It is there only where the data says it, and no template
   * sees it.
   */
  static final String WEIGHT = "weight";

  /** Names of ShareGPT's dumps and of programs that write such data. No template has them. */
  private static final Map<String, String> ROLES =
      Map.ofEntries(
          Map.entry("human", "user"),
          Map.entry("user", "user"),
          Map.entry("gpt", "assistant"),
          Map.entry("chatgpt", "assistant"),
          Map.entry("bing", "assistant"),
          Map.entry("bard", "assistant"),
          Map.entry("claude", "assistant"),
          Map.entry("ai", "assistant"),
          Map.entry("assistant", "assistant"),
          Map.entry("system", "system"),
          Map.entry("tool", "tool"));

  private static final String FUNCTION_CALL = "function_call";

  /** OpenAI has weight, axolotl train and training, ms-swift loss. */
  private static final List<String> WEIGHTS = List.of(WEIGHT, "train", "training", "loss");

  private static final List<String> PARTS_TO_LEARN = List.of("train_detail", "training_detail");

  private RowMessages() {}

  /** What a column holds; refuses what is no list of messages. */
  static List<Map<String, Object>> read(Object value, String column) throws RefusedRowException {
    Object given = value instanceof String text ? parsed(text) : value;
    if (!(given instanceof List<?> list)) {
      throw new RefusedRowException(
          RefusalReason.WRONG_TYPE,
          column + " is " + Values.type(value) + ", not a list of messages");
    }
    List<Map<String, Object>> messages = new ArrayList<>();
    for (Object element : list) {
      if (!(element instanceof Map<?, ?> fields)) {
        throw new RefusedRowException(
            RefusalReason.WRONG_TYPE,
            column + " has " + Values.type(element) + " among its messages");
      }
      messages.add(message(fields, column));
    }
    return messages;
  }

  /** Tables without lists hold them as JSON. */
  private static Object parsed(String text) {
    if (!text.stripLeading().startsWith("[")) {
      return text;
    }
    try {
      return JsonRows.value(text);
    } catch (JsonProcessingException e) {
      return text;
    }
  }

  /** Whether some message of a column says if it is learned. */
  static boolean weighted(Object value) {
    return value instanceof List<?> list
        && list.stream()
            .anyMatch(
                element ->
                    element instanceof Map<?, ?> message
                        && WEIGHTS.stream().anyMatch(name -> message.get(name) != null));
  }

  /** Whether messages are ShareGPT's. */
  static boolean fromAndValue(Object value) {
    return value instanceof List<?> list
        ? !list.isEmpty() && fromAndValue(list.get(0))
        : value instanceof Map<?, ?> message
            && message.containsKey("from")
            && message.containsKey("value");
  }

  private static Map<String, Object> message(Map<?, ?> fields, String column)
      throws RefusedRowException {
    Map<String, Object> message = new LinkedHashMap<>();
    for (Map.Entry<?, ?> field : fields.entrySet()) {
      // As TRL's maybe_convert_to_chatml.
      String name =
          switch (String.valueOf(field.getKey())) {
            case "from" -> "role";
            case "value" -> "content";
            default -> String.valueOf(field.getKey());
          };
      // A field that is null is as good as none, in chat templates too.
      if (field.getValue() != null) {
        message.put(name, field.getValue());
      }
    }
    if (!(message.get("role") instanceof String role)) {
      throw new RefusedRowException(
          RefusalReason.WRONG_TYPE, column + " has a message without a role");
    }
    Values.requireUnbrokenDeeply(message, column);
    weigh(message, column);
    message.put("role", ROLES.getOrDefault(role.strip().toLowerCase(Locale.ROOT), role));
    content(message, column);
    if (FUNCTION_CALL.equals(role)) {
      call(message, column);
    }
    return message;
  }

  private static void content(Map<String, Object> message, String column)
      throws RefusedRowException {
    Object content = message.get("content");
    if (content == null || content instanceof String) {
      return;
    }
    if (!(content instanceof List<?> parts)) {
      throw new RefusedRowException(
          RefusalReason.WRONG_TYPE,
          column + " has a message whose content is " + Values.type(content) + ", not text");
    }
    List<Object> texts = new ArrayList<>();
    for (Object part : parts) {
      texts.add(Map.of("type", "text", "text", text(part, column)));
    }
    message.put("content", texts);
  }

  /** A part of a content that comes in parts, as OpenAI has it: only text can be read. */
  private static String text(Object part, String column) throws RefusedRowException {
    if (part instanceof String text) {
      return text;
    }
    if (part instanceof Map<?, ?> fields) {
      Object type = fields.get("type");
      boolean isText = type == null || String.valueOf(type).endsWith("text");
      if (isText && fields.get("text") instanceof String text) {
        return text;
      }
      if (type != null) {
        throw new RefusedRowException(
            RefusalReason.WRONG_TYPE,
            column + " has content of the type " + type + ", and only text can be read");
      }
    }
    throw new RefusedRowException(
        RefusalReason.WRONG_TYPE,
        column + " has " + Values.type(part) + " among the parts of a content, not text");
  }

  private static void weigh(Map<String, Object> message, String column) throws RefusedRowException {
    for (String parts : PARTS_TO_LEARN) {
      if (message.remove(parts) != null) {
        throw new RefusedRowException(
            RefusalReason.BAD_VALUE,
            column + " has a message with " + parts + ", and only whole messages can be left out");
      }
    }
    Optional<Integer> weight = Optional.empty();
    for (String name : WEIGHTS) {
      Object given = message.get(name);
      if (name.equals("loss") && !(given instanceof Boolean)) {
        continue;
      }
      message.remove(name);
      if (given == null) {
        continue;
      }
      int one;
      if (given instanceof Boolean learned && !name.equals(WEIGHT)) {
        one = learned ? 1 : 0;
      } else if (given instanceof Number number
          && (number.doubleValue() == 0 || number.doubleValue() == 1)) {
        one = number.intValue();
      } else {
        throw new RefusedRowException(
            RefusalReason.BAD_VALUE,
            "%s has a message with %s %s; it must be %s"
                .formatted(
                    column,
                    name,
                    Values.said(given),
                    name.equals(WEIGHT) ? "0 or 1" : "true or false"));
      }
      weight = Optional.of(Math.min(one, weight.orElse(1)));
    }
    weight.ifPresent(one -> message.put(WEIGHT, one));
  }

  /** An assistant's call of a function, as LLaMA-Factory writes it. */
  private static void call(Map<String, Object> message, String column) throws RefusedRowException {
    Object called = null;
    if (message.get("content") instanceof String text) {
      try {
        called = JsonRows.value(text);
      } catch (JsonProcessingException e) {
        called = null;
      }
    }
    List<Object> calls = new ArrayList<>();
    for (Object one :
        called instanceof List<?> list ? list : called == null ? List.of() : List.of(called)) {
      if (!(one instanceof Map<?, ?> function) || !(function.get("name") instanceof String name)) {
        calls.clear();
        break;
      }
      Object arguments = function.get("arguments");
      Map<String, Object> described = new LinkedHashMap<>();
      described.put("name", name);
      described.put("arguments", arguments == null ? Map.of() : arguments);
      calls.add(Map.of("type", "function", "function", described));
    }
    if (calls.isEmpty()) {
      throw new RefusedRowException(
          RefusalReason.WRONG_TYPE,
          column
              + " has a message of the role function_call that is not JSON with name and arguments");
    }
    message.put("role", "assistant");
    message.put("content", "");
    message.put("tool_calls", calls);
  }

  /** Whether a message says itself that it is not to be learned. */
  static boolean leftOut(Map<String, Object> message) {
    return Integer.valueOf(0).equals(message.get(WEIGHT));
  }

  /** Whether some message is {@link #leftOut}. */
  static boolean anyLeftOut(List<Map<String, Object>> messages) {
    return messages.stream().anyMatch(RowMessages::leftOut);
  }
}
