package io.plumbline.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.data.Example.ChatSettings;
import io.plumbline.data.Example.Judgement;
import io.plumbline.data.TokenizedRow.Desirability;
import io.plumbline.text.TemplateSettings;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads rows in TRL's data formats: text or lists of messages, with the prompt in a column of its
 * own or at the beginning of both sides.
 */
public final class ExampleParser {
  /** A step's rows lie in memory with their columns. */
  static final int MAX_COLUMNS_BYTES = 1 << 20;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final ExampleKind kind;
  private final ExampleShape shape;

  /**
   * @param shape what the data set's rows look like; a row of {@link
   *     ExampleShape#PREFERENCE_IMPLICIT} that has a prompt is read with it
   */
  public ExampleParser(ExampleKind kind, ExampleShape shape) {
    if (!ExampleShape.shapes(kind).contains(shape)) {
      throw new IllegalArgumentException(kind + " in the shape " + shape);
    }
    this.kind = kind;
    this.shape = shape;
  }

  /**
   * @param row values by column, as JSON has them: maps, lists, strings, numbers, booleans and null
   */
  public Example parse(Map<String, Object> row) throws RefusedRowException {
    for (String column : shape.columns()) {
      if (row.get(column) == null) {
        throw new RefusedRowException(
            RefusalReason.MISSING_FIELD,
            column + " is missing or null: the row " + ExampleShape.mismatch(kind, row.keySet()));
      }
    }
    return switch (shape) {
      case PREFERENCE -> preference(row);
      case PREFERENCE_IMPLICIT -> row.get("prompt") != null ? preference(row) : implicit(row);
      case PROMPT_COMPLETION -> prompted(row, row.get("prompt"), row.get("completion"));
      case UNPAIRED -> unpaired(row);
      case PROMPT -> alone(row);
      case MESSAGES -> whole(row, "messages");
      case CONVERSATIONS -> whole(row, "conversations");
      case TEXT -> {
        String text = text(row.get("text"), "text");
        if (text.isEmpty()) {
          throw new RefusedRowException(RefusalReason.EMPTY_COMPLETION, "text is empty");
        }
        yield new Example.WholeText(text);
      }
    };
  }

  private static Example alone(Map<String, Object> row) throws RefusedRowException {
    for (Map.Entry<String, Object> column : row.entrySet()) {
      requireUnbroken(column.getKey(), "the name of a column");
      requireUnbrokenDeeply(column.getValue(), column.getKey());
    }
    Object prompt = row.get("prompt");
    if (prompt instanceof String text) {
      return new Example.TextPrompt(text, kept(row));
    }
    if (prompt instanceof List) {
      List<Map<String, Object>> messages = messages(prompt, "prompt");
      if (messages.isEmpty()) {
        throw new RefusedRowException(RefusalReason.EMPTY_PROMPT, "prompt has no message");
      }
      return new Example.ChatPrompt(messages, settings(row), kept(row));
    }
    throw new RefusedRowException(
        RefusalReason.WRONG_TYPE,
        "prompt is " + type(prompt) + "; it must be text or a list of messages");
  }

  private static String kept(Map<String, Object> row) throws RefusedRowException {
    String columns = Columns.write(row);
    int bytes = columns.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MAX_COLUMNS_BYTES) {
      throw new RefusedRowException(
          RefusalReason.TOO_LARGE,
          "the row's columns have "
              + bytes
              + " bytes as JSON, more than the "
              + MAX_COLUMNS_BYTES
              + " that are kept for reward functions");
    }
    return columns;
  }

  private Example unpaired(Map<String, Object> row) throws RefusedRowException {
    Judgement judgement = new Judgement(Double.NaN, label(row.get("label")));
    Example example = prompted(row, row.get("prompt"), row.get("completion"));
    return example instanceof Example.PromptedText text
        ? new Example.PromptedText(text.prompt(), text.completions(), judgement)
        : withJudgement((Example.PromptedChat) example, judgement);
  }

  private static Example withJudgement(Example.PromptedChat chat, Judgement judgement) {
    return new Example.PromptedChat(chat.prompt(), chat.completions(), chat.settings(), judgement);
  }

  /** A truth value in the spellings that tables have of it. */
  private static Desirability label(Object value) throws RefusedRowException {
    boolean isTrue =
        Boolean.TRUE.equals(value)
            || (value instanceof Number number && number.doubleValue() == 1)
            || "true".equals(value);
    boolean isFalse =
        Boolean.FALSE.equals(value)
            || (value instanceof Number number && number.doubleValue() == 0)
            || "false".equals(value);
    if (!isTrue && !isFalse) {
      String said = value instanceof Number ? value.toString() : type(value);
      throw new RefusedRowException(
          RefusalReason.BAD_VALUE, "label is " + said + "; it must be true or false, or 1 or 0");
    }
    return isTrue ? Desirability.DESIRABLE : Desirability.UNDESIRABLE;
  }

  private static double margin(Object value) throws RefusedRowException {
    if (value == null) {
      return Double.NaN;
    }
    if (value instanceof Number number && Double.isFinite(number.doubleValue())) {
      return number.doubleValue();
    }
    String said = value instanceof Number ? value.toString() : type(value);
    throw new RefusedRowException(
        RefusalReason.BAD_VALUE, "margin is " + said + "; it must be a finite number");
  }

  private Example preference(Map<String, Object> row) throws RefusedRowException {
    Object prompt = row.get("prompt");
    Object chosen = row.get("chosen");
    Object rejected = row.get("rejected");
    // As TRL: some data sets repeat as text the prompt that both conversations begin with.
    boolean promptIsInSides = prompt instanceof String && chosen instanceof List;
    return promptIsInSides ? implicit(row) : pair(row, prompt, chosen, rejected);
  }

  /** TRL's extract_prompt: the longest common prefix, one short of the end of the shorter side. */
  private Example implicit(Map<String, Object> row) throws RefusedRowException {
    Object chosen = row.get("chosen");
    Object rejected = row.get("rejected");
    if (chosen instanceof String c && rejected instanceof String r) {
      requireText(c, "chosen");
      requireText(r, "rejected");
      requireDifferent(c.equals(r));
      int prefix = 0;
      int end = 0;
      int shorter = Math.min(c.length(), r.length());
      while (prefix < shorter && c.codePointAt(prefix) == r.codePointAt(prefix)) {
        end = prefix;
        prefix += Character.charCount(c.codePointAt(prefix));
      }
      if (prefix >= shorter) {
        // One side begins with all of the other: something must remain of it.
        prefix = end;
      } else if (prefix > 0 && c.charAt(prefix - 1) == ' ') {
        prefix--;
      }
      requirePrompt(prefix > 0);
      return pair(row, c.substring(0, prefix), c.substring(prefix), r.substring(prefix));
    }
    List<Map<String, Object>> c = messages(chosen, "chosen");
    List<Map<String, Object>> r = messages(rejected, "rejected");
    requireMessages(c, "chosen");
    requireMessages(r, "rejected");
    requireDifferent(c.equals(r));
    int shorter = Math.min(c.size(), r.size());
    int prefix = 0;
    while (prefix < shorter && c.get(prefix).equals(r.get(prefix))) {
      prefix++;
    }
    prefix = Math.min(prefix, shorter - 1);
    requirePrompt(prefix > 0);
    return pair(
        row, c.subList(0, prefix), c.subList(prefix, c.size()), r.subList(prefix, r.size()));
  }

  private Example pair(Map<String, Object> row, Object prompt, Object chosen, Object rejected)
      throws RefusedRowException {
    Example first = prompted(row, prompt, chosen, "chosen");
    if (kind == ExampleKind.SUPERVISED_FROM_CHOSEN) {
      return first;
    }
    Example second = prompted(row, prompt, rejected, "rejected");
    Judgement judgement = new Judgement(margin(row.get("margin")), Desirability.UNSTATED);
    requireDifferent(chosen.equals(rejected));
    if (first instanceof Example.PromptedText c && second instanceof Example.PromptedText r) {
      return new Example.PromptedText(
          c.prompt(), List.of(c.completions().get(0), r.completions().get(0)), judgement);
    }
    if (first instanceof Example.PromptedChat c && second instanceof Example.PromptedChat r) {
      requireDifferent(c.completions().equals(r.completions()));
      return new Example.PromptedChat(
          c.prompt(),
          List.of(c.completions().get(0), r.completions().get(0)),
          c.settings(),
          judgement);
    }
    throw new RefusedRowException(
        RefusalReason.WRONG_TYPE, "chosen and rejected must both be text or both be messages");
  }

  private Example prompted(Map<String, Object> row, Object prompt, Object completion)
      throws RefusedRowException {
    return prompted(row, prompt, completion, "completion");
  }

  private Example prompted(Map<String, Object> row, Object prompt, Object completion, String column)
      throws RefusedRowException {
    if (prompt instanceof String promptText && completion instanceof String completionText) {
      requireUnbroken(promptText, "prompt");
      requireText(completionText, column);
      return new Example.PromptedText(promptText, List.of(completionText));
    }
    if (prompt instanceof List && completion instanceof List) {
      List<Map<String, Object>> before = messages(prompt, "prompt");
      List<Map<String, Object>> after = messages(completion, column);
      if (before.isEmpty()) {
        throw new RefusedRowException(RefusalReason.MISSING_FIELD, "prompt has no message");
      }
      requireMessages(after, column);
      return new Example.PromptedChat(before, List.of(after), settings(row));
    }
    throw new RefusedRowException(
        RefusalReason.WRONG_TYPE,
        "prompt is "
            + type(prompt)
            + " and "
            + column
            + " is "
            + type(completion)
            + "; both must be text or both be lists of messages");
  }

  private static Example whole(Map<String, Object> row, String column) throws RefusedRowException {
    List<Map<String, Object>> messages = messages(row.get(column), column);
    requireMessages(messages, column);
    return new Example.WholeChat(messages, settings(row));
  }

  private static void requireDifferent(boolean same) throws RefusedRowException {
    if (same) {
      throw new RefusedRowException(
          RefusalReason.IDENTICAL_SIDES, "chosen and rejected are the same");
    }
  }

  private static void requirePrompt(boolean found) throws RefusedRowException {
    if (!found) {
      throw new RefusedRowException(
          RefusalReason.NO_COMMON_PROMPT,
          "there is no prompt column, and chosen and rejected do not begin alike");
    }
  }

  private static void requireText(String text, String column) throws RefusedRowException {
    requireUnbroken(text, column);
    if (text.isEmpty()) {
      throw new RefusedRowException(RefusalReason.EMPTY_COMPLETION, column + " is empty");
    }
  }

  private static void requireMessages(List<Map<String, Object>> messages, String column)
      throws RefusedRowException {
    for (Map<String, Object> message : messages) {
      Object content = message.get("content");
      boolean empty =
          content == null
              || (content instanceof String text && text.isEmpty())
              || (content instanceof List<?> parts && parts.isEmpty());
      // A message may speak by other fields, such as tool_calls.
      boolean others =
          message.entrySet().stream()
              .anyMatch(
                  field ->
                      !field.getKey().equals("role")
                          && !field.getKey().equals("content")
                          && field.getValue() != null);
      if (!empty || others) {
        return;
      }
    }
    throw new RefusedRowException(
        RefusalReason.EMPTY_COMPLETION, column + " has no message with content");
  }

  private static String text(Object value, String column) throws RefusedRowException {
    if (value instanceof String text) {
      requireUnbroken(text, column);
      return text;
    }
    throw new RefusedRowException(
        RefusalReason.WRONG_TYPE, column + " is " + type(value) + ", not text");
  }

  /** JSON can spell half of a surrogate pair, which no tokenizer can take. */
  private static void requireUnbroken(String text, String where) throws RefusedRowException {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        boolean pair =
            Character.isHighSurrogate(c)
                && i + 1 < text.length()
                && Character.isLowSurrogate(text.charAt(i + 1));
        if (!pair) {
          throw new RefusedRowException(
              RefusalReason.NOT_UTF8, where + " has half of a surrogate pair");
        }
        i++;
      }
    }
  }

  private static void requireUnbrokenDeeply(Object value, String where) throws RefusedRowException {
    if (value instanceof String text) {
      requireUnbroken(text, where);
    } else if (value instanceof List<?> list) {
      for (Object element : list) {
        requireUnbrokenDeeply(element, where);
      }
    } else if (value instanceof Map<?, ?> map) {
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        requireUnbrokenDeeply(entry.getKey(), where);
        requireUnbrokenDeeply(entry.getValue(), where);
      }
    }
  }

  private static List<Map<String, Object>> messages(Object value, String column)
      throws RefusedRowException {
    if (!(value instanceof List<?> list)) {
      throw new RefusedRowException(
          RefusalReason.WRONG_TYPE, column + " is " + type(value) + ", not a list of messages");
    }
    List<Map<String, Object>> messages = new ArrayList<>();
    for (Object element : list) {
      if (!(element instanceof Map<?, ?> fields)) {
        throw new RefusedRowException(
            RefusalReason.WRONG_TYPE, column + " has " + type(element) + " among its messages");
      }
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
      if (!(message.get("role") instanceof String)) {
        throw new RefusedRowException(
            RefusalReason.WRONG_TYPE, column + " has a message without a role");
      }
      Object content = message.get("content");
      if (content != null && !(content instanceof String) && !(content instanceof List)) {
        throw new RefusedRowException(
            RefusalReason.WRONG_TYPE,
            column + " has a message whose content is " + type(content) + ", not text");
      }
      requireUnbrokenDeeply(message, column);
      messages.add(message);
    }
    return messages;
  }

  private static ChatSettings settings(Map<String, Object> row) throws RefusedRowException {
    Object tools = row.get("tools");
    if (tools instanceof String json) {
      // As TRL: a table may carry the tools as JSON text, where they have no common schema.
      try {
        tools = JSON.readValue(json, Object.class);
      } catch (JsonProcessingException e) {
        throw new RefusedRowException(
            RefusalReason.WRONG_TYPE, "tools is text that is not JSON: " + e.getOriginalMessage());
      }
    }
    if (tools != null && !(tools instanceof List)) {
      throw new RefusedRowException(
          RefusalReason.WRONG_TYPE, "tools is " + type(tools) + ", not a list");
    }
    requireUnbrokenDeeply(tools, "tools");
    Map<String, Object> variables = new LinkedHashMap<>();
    Object given = row.get("chat_template_kwargs");
    if (given instanceof Map<?, ?> map) {
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        String name = String.valueOf(entry.getKey());
        if (TemplateSettings.RESERVED.contains(name)) {
          throw new RefusedRowException(
              RefusalReason.WRONG_TYPE, "chat_template_kwargs may not set " + name);
        }
        variables.put(name, entry.getValue());
      }
      requireUnbrokenDeeply(given, "chat_template_kwargs");
    } else if (given != null) {
      throw new RefusedRowException(
          RefusalReason.WRONG_TYPE, "chat_template_kwargs is " + type(given) + ", not an object");
    }
    Optional<List<Object>> toolList = Optional.empty();
    if (tools instanceof List<?> list) {
      toolList = Optional.of(new ArrayList<>(list));
    }
    return new ChatSettings(toolList, variables);
  }

  private static String type(Object value) {
    if (value == null) {
      return "null";
    }
    if (value instanceof String) {
      return "text";
    }
    if (value instanceof Number) {
      return "a number";
    }
    if (value instanceof Boolean) {
      return "true or false";
    }
    if (value instanceof byte[]) {
      return "bytes (a Parquet column of the type binary that does not say that it is text)";
    }
    return value instanceof List ? "a list" : "an object";
  }
}
