package io.plumbline.data;

import io.plumbline.data.Example.Judgement;
import io.plumbline.data.TokenizedRow.Desirability;
import io.plumbline.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Reads rows in TRL's data formats: text or lists of messages, with the prompt in a column of its
 * own or at the beginning of both sides. Rows of other formats become rows of these first.
 */
public final class ExampleParser {
  /** Fields of a message by which it says nothing. */
  private static final Set<String> NO_CONTENT = Set.of("role", "content", RowMessages.WEIGHT);

  /** A step's rows lie in memory with their columns. */
  static final int MAX_COLUMNS_BYTES = 1 << 20;

  private final ExampleKind kind;
  private final RowReading reading;
  private final RowLayout layout;
  private final ExampleShape shape;
  private final RowConversion conversion;

  /**
   * Reads rows of one of TRL's formats.
   *
   * @param shape what the data set's rows look like; a row of {@link
   *     ExampleShape#PREFERENCE_IMPLICIT} that has a prompt is read with it
   */
  public ExampleParser(ExampleKind kind, ExampleShape shape) {
    this(RowReading.of(kind), RowLayout.of(shape), RowConversion.Speech.TEXT);
  }

  /**
   * Reads rows of any known format.
   *
   * @param layout what the data set's rows look like
   * @param tokenizer says whether questions and answers can be turns of a conversation
   */
  public ExampleParser(RowReading reading, RowLayout layout, Tokenizer tokenizer) {
    this(
        reading,
        layout,
        tokenizer.chatTemplate().isPresent()
            ? RowConversion.Speech.CHAT
            : RowConversion.Speech.TEXT);
  }

  private ExampleParser(RowReading reading, RowLayout layout, RowConversion.Speech speech) {
    if (!ExampleShape.shapes(reading.kind()).contains(layout.shape())) {
      throw new IllegalArgumentException(reading.kind() + " in the shape " + layout.shape());
    }
    this.kind = reading.kind();
    this.reading = reading;
    this.layout = layout;
    this.shape = layout.shape();
    this.conversion = new RowConversion(layout, speech);
  }

  /**
   * @param given values by column of the data, as JSON has them: maps, lists, strings, numbers,
   *     booleans and null
   */
  public Example parse(Map<String, Object> given) throws RefusedRowException {
    Map<String, Object> renamed = reading.renamed(given);
    if (kind.keepsColumns()) {
      requireReadable(renamed);
    }
    if (layout.form() == RowLayout.Form.TRL) {
      requireColumns(renamed);
    }
    if (!kind.keepsColumns()) {
      requireNoMedia(renamed);
    }
    Map<String, Object> row = conversion.converted(renamed);
    return switch (shape) {
      case PREFERENCE, PREFERENCE_IMPLICIT ->
          row.get("prompt") != null ? preference(row) : implicit(row);
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

  private void requireColumns(Map<String, Object> row) throws RefusedRowException {
    for (String column : shape.columns()) {
      if (row.get(column) == null) {
        throw new RefusedRowException(
            RefusalReason.MISSING_FIELD,
            column + " is missing or null: the row " + ExampleShape.mismatch(kind, row.keySet()));
      }
    }
  }

  /**
   * What holds of every row whose prompt is completed: no text is broken, and none speaks of a
   * picture, which it would be completed without.
   */
  public static void requireReadable(Map<String, Object> row) throws RefusedRowException {
    requireUnbroken(row);
    requireNoMedia(row);
  }

  /** Text that speaks of a picture is not learned without it. */
  private static void requireNoMedia(Map<String, Object> row) throws RefusedRowException {
    for (String column : RowLayout.MEDIA) {
      Object value = row.get(column);
      boolean none =
          value == null
              || "".equals(value)
              || (value instanceof List<?> list && list.stream().allMatch(Objects::isNull));
      if (!none) {
        throw new RefusedRowException(
            RefusalReason.WRONG_TYPE,
            column + " is " + Values.type(value) + ", and no model here takes anything but text");
      }
    }
  }

  private static void requireUnbroken(Map<String, Object> row) throws RefusedRowException {
    for (Map.Entry<String, Object> column : row.entrySet()) {
      Values.requireUnbroken(column.getKey(), "the name of a column");
      Values.requireUnbrokenDeeply(column.getValue(), column.getKey());
    }
  }

  private Example alone(Map<String, Object> row) throws RefusedRowException {
    Object prompt = listed(row.get("prompt"));
    if (prompt instanceof String text) {
      return new Example.TextPrompt(text, kept(row));
    }
    if (prompt instanceof List) {
      List<Map<String, Object>> messages = messages(prompt, "prompt");
      if (messages.isEmpty()) {
        throw new RefusedRowException(RefusalReason.EMPTY_PROMPT, "prompt has no message");
      }
      return new Example.ChatPrompt(messages, RowSettings.of(row), kept(row));
    }
    throw new RefusedRowException(
        RefusalReason.WRONG_TYPE,
        "prompt is " + Values.type(prompt) + "; it must be text or a list of messages");
  }

  /** One message stands for a list of it, as in LLaMA-Factory's pairs. */
  private static Object listed(Object value) {
    return value instanceof Map ? List.of(value) : value;
  }

  /** Messages, with weights where what is learned of a conversation can depend on them. */
  private List<Map<String, Object>> messages(Object value, String column)
      throws RefusedRowException {
    List<Map<String, Object>> messages = RowMessages.read(value, column);
    if (kind != ExampleKind.SUPERVISED && kind != ExampleKind.SUPERVISED_FROM_CHOSEN) {
      messages.forEach(message -> message.remove(RowMessages.WEIGHT));
    }
    return messages;
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
    String column = layout.label().isEmpty() ? "label" : layout.label();
    Judgement judgement =
        new Judgement(
            Double.NaN, RowLabels.read(row.get("label"), column, reading.desirableFrom()));
    Example example = prompted(row, row.get("prompt"), row.get("completion"));
    return example instanceof Example.PromptedText text
        ? new Example.PromptedText(text.prompt(), text.completions(), judgement)
        : withJudgement((Example.PromptedChat) example, judgement);
  }

  private static Example withJudgement(Example.PromptedChat chat, Judgement judgement) {
    return new Example.PromptedChat(chat.prompt(), chat.completions(), chat.settings(), judgement);
  }

  private static double margin(Object value) throws RefusedRowException {
    if (value == null) {
      return Double.NaN;
    }
    if (value instanceof Number number && Double.isFinite(number.doubleValue())) {
      return number.doubleValue();
    }
    throw new RefusedRowException(
        RefusalReason.BAD_VALUE,
        "margin is " + Values.said(value) + "; it must be a finite number");
  }

  private Example preference(Map<String, Object> row) throws RefusedRowException {
    Object prompt = listed(row.get("prompt"));
    Object chosen = listed(row.get("chosen"));
    Object rejected = listed(row.get("rejected"));
    if (prompt instanceof String && chosen instanceof List && rejected instanceof List) {
      // As TRL: some data sets repeat as text the prompt that both conversations begin with.
      boolean answersAlone = beginsWithAnswer(chosen) && beginsWithAnswer(rejected);
      return answersAlone ? pair(row, prompt, chosen, rejected) : implicit(row);
    }
    return pair(row, prompt, chosen, rejected);
  }

  private static boolean beginsWithAnswer(Object side) throws RefusedRowException {
    List<Map<String, Object>> messages = RowMessages.read(side, "a side");
    return !messages.isEmpty() && "assistant".equals(messages.get(0).get("role"));
  }

  /** Whether a completion repeats the conversation that it answers, as in UltraFeedback. */
  private static boolean repeats(
      List<Map<String, Object>> completion, List<Map<String, Object>> prompt) {
    return !prompt.isEmpty()
        && completion.size() > prompt.size()
        && completion.subList(0, prompt.size()).equals(prompt);
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
    return prompted(row, listed(prompt), listed(completion), "completion");
  }

  private Example prompted(Map<String, Object> row, Object prompt, Object completion, String column)
      throws RefusedRowException {
    if (prompt instanceof String promptText && completion instanceof String completionText) {
      Values.requireUnbroken(promptText, "prompt");
      requireText(completionText, column);
      return new Example.PromptedText(promptText, List.of(completionText));
    }
    boolean chat = prompt instanceof List || completion instanceof List;
    if (chat && isTextOrList(prompt) && isTextOrList(completion)) {
      List<Map<String, Object>> before = turns("user", prompt, "prompt");
      List<Map<String, Object>> after = turns("assistant", completion, column);
      if (before.isEmpty()) {
        throw new RefusedRowException(RefusalReason.MISSING_FIELD, "prompt has no message");
      }
      after = repeats(after, before) ? after.subList(before.size(), after.size()) : after;
      requireMessages(after, column);
      return new Example.PromptedChat(before, List.of(after), RowSettings.of(row));
    }
    throw new RefusedRowException(
        RefusalReason.WRONG_TYPE,
        "prompt is "
            + Values.type(prompt)
            + " and "
            + column
            + " is "
            + Values.type(completion)
            + "; both must be text or both be lists of messages");
  }

  /** Messages, or a text as one of a role. */
  private List<Map<String, Object>> turns(String role, Object value, String column)
      throws RefusedRowException {
    if (value instanceof String text) {
      Values.requireUnbroken(text, column);
      return List.of(Map.of("role", role, "content", text));
    }
    return messages(value, column);
  }

  private static boolean isTextOrList(Object value) {
    return value instanceof String || value instanceof List;
  }

  private Example whole(Map<String, Object> row, String column) throws RefusedRowException {
    List<Map<String, Object>> messages = messages(row.get(column), column);
    requireMessages(messages, column);
    return new Example.WholeChat(messages, RowSettings.of(row));
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
          "chosen and rejected do not begin alike, and no column says what they answer");
    }
  }

  private static void requireText(String text, String column) throws RefusedRowException {
    Values.requireUnbroken(text, column);
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
              .anyMatch(field -> !NO_CONTENT.contains(field.getKey()) && field.getValue() != null);
      if (!empty || others) {
        return;
      }
    }
    throw new RefusedRowException(
        RefusalReason.EMPTY_COMPLETION, column + " has no message with content");
  }

  private static String text(Object value, String column) throws RefusedRowException {
    if (value instanceof String text) {
      Values.requireUnbroken(text, column);
      return text;
    }
    throw new RefusedRowException(
        RefusalReason.WRONG_TYPE, column + " is " + Values.type(value) + ", not text");
  }
}
