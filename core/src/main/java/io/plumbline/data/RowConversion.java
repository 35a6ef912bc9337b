package io.plumbline.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Rows of published formats as rows of TRL's. */
final class RowConversion {
  /** How questions and answers that are texts are put to a model. */
  enum Speech {
    /** As turns of a user and an assistant, by the model's chat template. */
    CHAT,
    /** As text, for models without a template: what is asked, a line end, the answer. */
    TEXT
  }

  /** What holds a response in an object of a list, the more telling first. */
  private static final List<String> TEXTS =
      List.of("response", "answer", "completion", "output", "generation", "text", "content");

  /** What holds its score; of ranks the least is the best. */
  private static final List<String> SCORES =
      List.of("score", "overall_score", "rating", "reward", "rank");

  private final RowLayout layout;
  private final Speech speech;

  RowConversion(RowLayout layout, Speech speech) {
    this.layout = layout;
    this.speech = speech;
  }

  /** The row in TRL's columns; other columns stay where the kind keeps them. */
  Map<String, Object> converted(Map<String, Object> row) throws RefusedRowException {
    if (layout.form() == RowLayout.Form.TRL) {
      return whole(row, layout.shape());
    }
    if (row.get(layout.prompt()) == null) {
      throw missing(layout.prompt(), row);
    }
    Map<String, Object> converted = new LinkedHashMap<>(row);
    switch (layout.form()) {
      case WHOLE -> converted.put("messages", withSystem(messages(row, layout.prompt()), row));
      case ANSWER -> answered(row, converted);
      case LAST_TURN -> lastTurn(row, converted);
      case PAIR -> compared(row, converted, answer(row, 0), answer(row, 1), layout.answers());
      case RANKED -> {
        List<Object> ranked = bestAndWorst(row);
        String column = layout.answers().get(0);
        compared(row, converted, ranked.get(0), ranked.get(1), List.of(column, column));
      }
      case ASKED -> converted.put("prompt", asked(row));
      case TRL -> throw new IllegalStateException("it is one of TRL's already");
    }
    if (!layout.label().isEmpty()) {
      converted.put("label", row.get(layout.label()));
    }
    return converted;
  }

  /** LLaMA-Factory has the system's words in a column beside the conversation. */
  private static Map<String, Object> whole(Map<String, Object> row, ExampleShape shape)
      throws RefusedRowException {
    boolean conversation = shape == ExampleShape.MESSAGES || shape == ExampleShape.CONVERSATIONS;
    if (!conversation || system(row).isEmpty()) {
      return row;
    }
    String column = shape.columns().get(0);
    if (!(row.get(column) instanceof List)) {
      return row;
    }
    Map<String, Object> converted = new LinkedHashMap<>(row);
    converted.put(column, withSystem(messages(row, column), row));
    return converted;
  }

  private void answered(Map<String, Object> row, Map<String, Object> converted)
      throws RefusedRowException {
    Object answer = answer(row, 0);
    if (asText(row, answer, answer)) {
      converted.put("prompt", askedAsText(row));
      converted.put("completion", answer);
    } else {
      converted.put("prompt", askedAsMessages(row));
      converted.put("completion", side(answer, layout.answers().get(0)));
    }
  }

  private void lastTurn(Map<String, Object> row, Map<String, Object> converted)
      throws RefusedRowException {
    List<Map<String, Object>> messages = withSystem(messages(row, layout.prompt()), row);
    int last = messages.size() - 1;
    if (last < 1 || !"assistant".equals(messages.get(last).get("role"))) {
      throw new RefusedRowException(
          RefusalReason.EMPTY_COMPLETION,
          layout.prompt() + " does not end with an assistant's turn, which the label is about");
    }
    converted.put("prompt", messages.subList(0, last));
    converted.put("completion", messages.subList(last, last + 1));
  }

  private void compared(
      Map<String, Object> row,
      Map<String, Object> converted,
      Object better,
      Object worse,
      List<String> columns)
      throws RefusedRowException {
    if (asText(row, better, worse)) {
      converted.put("prompt", askedAsText(row));
      converted.put("chosen", better);
      converted.put("rejected", worse);
      return;
    }
    List<Map<String, Object>> chosen = side(better, columns.get(0));
    List<Map<String, Object>> rejected = side(worse, columns.get(1));
    List<Map<String, Object>> prompt = askedAsMessages(row);
    converted.put("chosen", chosen);
    converted.put("rejected", rejected);
    // UltraFeedback repeats the chosen side as messages; then both sides have their prompt.
    boolean sidesAreWhole = prompt.equals(chosen) || prompt.equals(rejected);
    if (sidesAreWhole) {
      converted.remove("prompt");
    } else {
      converted.put("prompt", prompt);
    }
  }

  /** Whether all of it is text and stays so. */
  private boolean asText(Map<String, Object> row, Object one, Object other) {
    boolean texts =
        row.get(layout.prompt()) instanceof String
            && one instanceof String
            && other instanceof String;
    boolean conversation = RowLayout.CONVERSATIONS.contains(layout.prompt());
    // TRL takes what a column prompt holds for text as it is.
    return texts && !conversation && (speech == Speech.TEXT || layout.prompt().equals("prompt"));
  }

  private Object answer(Map<String, Object> row, int place) throws RefusedRowException {
    String column = layout.answers().get(place);
    Object answer = row.get(column);
    if (answer == null) {
      throw missing(column, row);
    }
    return answer;
  }

  private RefusedRowException missing(String column, Map<String, Object> row) {
    return new RefusedRowException(
        RefusalReason.MISSING_FIELD,
        column
            + " is missing or null; the row has "
            + String.join(", ", row.keySet().stream().sorted().toList()));
  }

  /** A text, a message or several as messages of the assistant. */
  private static List<Map<String, Object>> side(Object answer, String column)
      throws RefusedRowException {
    if (answer instanceof String text) {
      return List.of(Map.of("role", "assistant", "content", text));
    }
    return RowMessages.read(answer instanceof Map ? List.of(answer) : answer, column);
  }

  private Object asked(Map<String, Object> row) throws RefusedRowException {
    boolean conversation = RowLayout.CONVERSATIONS.contains(layout.prompt());
    if (!conversation && row.get(layout.prompt()) instanceof String && speech == Speech.TEXT) {
      return askedAsText(row);
    }
    List<Map<String, Object>> messages = askedAsMessages(row);
    Map<String, Object> last = messages.isEmpty() ? Map.of() : messages.get(messages.size() - 1);
    if ("assistant".equals(last.get("role"))) {
      throw new RefusedRowException(
          RefusalReason.WRONG_TYPE,
          layout.prompt()
              + " ends with an assistant's turn, so what is to be answered cannot be told: give a"
              + " column prompt, or --columns prompt="
              + layout.prompt()
              + " to let the model continue that turn");
    }
    return messages;
  }

  private List<Map<String, Object>> askedAsMessages(Map<String, Object> row)
      throws RefusedRowException {
    Object given = row.get(layout.prompt());
    if (RowLayout.CONVERSATIONS.contains(layout.prompt()) || given instanceof List) {
      return withSystem(messages(row, layout.prompt()), row);
    }
    List<Map<String, Object>> messages = new ArrayList<>();
    for (List<String> turn : history(row)) {
      messages.add(Map.of("role", "user", "content", turn.get(0)));
      messages.add(Map.of("role", "assistant", "content", turn.get(1)));
    }
    messages.add(Map.of("role", "user", "content", question(row)));
    return withSystem(messages, row);
  }

  private String askedAsText(Map<String, Object> row) throws RefusedRowException {
    if (layout.prompt().equals("prompt")) {
      return question(row);
    }
    List<String> lines = new ArrayList<>();
    system(row).ifPresent(lines::add);
    history(row).forEach(lines::addAll);
    lines.add(question(row));
    return String.join("\n", lines) + "\n";
  }

  /** What alpaca's builders ask: the instruction, and its input on the next line. */
  private String question(Map<String, Object> row) throws RefusedRowException {
    if (!(row.get(layout.prompt()) instanceof String text)) {
      throw new RefusedRowException(
          RefusalReason.WRONG_TYPE,
          layout.prompt() + " is " + Values.type(row.get(layout.prompt())) + ", not text");
    }
    if (layout.prompt().equals("instruction")) {
      for (String column : RowLayout.INPUTS) {
        String more = textOrNothing(row, column);
        if (!more.isEmpty()) {
          return text + "\n" + more;
        }
      }
    }
    return text;
  }

  private static List<List<String>> history(Map<String, Object> row) throws RefusedRowException {
    List<List<String>> turns = new ArrayList<>();
    Object history = row.get("history");
    if (history == null || "".equals(history)) {
      return turns;
    }
    for (Object turn : history instanceof List<?> list ? list : List.of(history)) {
      if (turn instanceof List<?> pair
          && pair.size() == 2
          && pair.get(0) instanceof String question
          && pair.get(1) instanceof String answer) {
        turns.add(List.of(question, answer));
      } else {
        throw new RefusedRowException(
            RefusalReason.WRONG_TYPE,
            "history has " + Values.type(turn) + " that is no pair of a question and an answer");
      }
    }
    return turns;
  }

  private static Optional<String> system(Map<String, Object> row) throws RefusedRowException {
    for (String column : RowLayout.SYSTEM) {
      String system = textOrNothing(row, column);
      if (!system.isBlank()) {
        return Optional.of(system);
      }
    }
    return Optional.empty();
  }

  /** The text of a column; empty where it is not there. */
  private static String textOrNothing(Map<String, Object> row, String column)
      throws RefusedRowException {
    Object value = row.get(column);
    if (value == null) {
      return "";
    }
    if (value instanceof String text) {
      return text;
    }
    throw new RefusedRowException(
        RefusalReason.WRONG_TYPE, column + " is " + Values.type(value) + ", not text");
  }

  private static List<Map<String, Object>> messages(Map<String, Object> row, String column)
      throws RefusedRowException {
    return RowMessages.read(row.get(column), column);
  }

  private static List<Map<String, Object>> withSystem(
      List<Map<String, Object>> messages, Map<String, Object> row) throws RefusedRowException {
    Optional<String> system = system(row);
    boolean has = !messages.isEmpty() && "system".equals(messages.get(0).get("role"));
    if (system.isEmpty() || has) {
      return messages;
    }
    List<Map<String, Object>> all = new ArrayList<>();
    all.add(Map.of("role", "system", "content", system.get()));
    all.addAll(messages);
    return Collections.unmodifiableList(all);
  }

  /** Whether an element of a list of responses has its own score. */
  static boolean isScored(Object response) {
    return response instanceof Map<?, ?> fields
        && TEXTS.stream().anyMatch(name -> fields.get(name) != null)
        && SCORES.stream().anyMatch(name -> fields.get(name) instanceof Number);
  }

  private record Scored(Object response, double score) {}

  /** The first of the best and the last of the worst. */
  private List<Object> bestAndWorst(Map<String, Object> row) throws RefusedRowException {
    String column = layout.answers().get(0);
    List<Scored> scored =
        layout.answers().size() > 1
            ? beside(row, column, layout.answers().get(1))
            : within(row, column);
    if (scored.size() < 2) {
      throw new RefusedRowException(
          RefusalReason.MISSING_FIELD,
          column + " has " + scored.size() + " responses with a score, and a pair takes two");
    }
    Scored best = scored.get(0);
    Scored worst = best;
    for (Scored one : scored) {
      best = one.score() > best.score() ? one : best;
      worst = one.score() <= worst.score() ? one : worst;
    }
    if (best.score() == worst.score()) {
      throw new RefusedRowException(
          RefusalReason.NO_PREFERENCE, "all responses in " + column + " have the same score");
    }
    return List.of(best.response(), worst.response());
  }

  private static List<Scored> beside(Map<String, Object> row, String column, String scores)
      throws RefusedRowException {
    List<?> responses = list(row, column);
    List<?> values = list(row, scores);
    if (responses.size() != values.size()) {
      throw new RefusedRowException(
          RefusalReason.WRONG_TYPE,
          "%s has %d elements and %s has %d"
              .formatted(column, responses.size(), scores, values.size()));
    }
    List<Scored> scored = new ArrayList<>();
    for (int i = 0; i < responses.size(); i++) {
      if (values.get(i) != null && responses.get(i) != null) {
        double score = score(values.get(i), scores);
        scored.add(
            new Scored(response(responses.get(i)), scores.startsWith("rank") ? -score : score));
      }
    }
    return scored;
  }

  private static List<Scored> within(Map<String, Object> row, String column)
      throws RefusedRowException {
    List<Scored> scored = new ArrayList<>();
    String name =
        SCORES.stream()
            .filter(
                field ->
                    row.get(column) instanceof List<?> list
                        && list.stream()
                            .anyMatch(one -> one instanceof Map<?, ?> m && m.get(field) != null))
            .findFirst()
            .orElse(SCORES.get(0));
    for (Object element : list(row, column)) {
      if (element instanceof Map<?, ?> fields && fields.get(name) != null) {
        double score = score(fields.get(name), name);
        scored.add(new Scored(response(element), name.equals("rank") ? -score : score));
      }
    }
    return scored;
  }

  private static List<?> list(Map<String, Object> row, String column) throws RefusedRowException {
    if (row.get(column) instanceof List<?> list) {
      return list;
    }
    throw new RefusedRowException(
        RefusalReason.WRONG_TYPE, column + " is " + Values.type(row.get(column)) + ", not a list");
  }

  private static Object response(Object element) {
    if (element instanceof Map<?, ?> fields
        && !fields.containsKey("role")
        && !fields.containsKey("from")) {
      for (String name : TEXTS) {
        if (fields.get(name) != null) {
          return fields.get(name);
        }
      }
    }
    return element;
  }

  private static double score(Object value, String column) throws RefusedRowException {
    try {
      double score =
          value instanceof Number number
              ? number.doubleValue()
              : Double.parseDouble(String.valueOf(value));
      if (Double.isFinite(score)) {
        return score;
      }
    } catch (NumberFormatException e) {
      // Told below, as any other value that is no score.
    }
    throw new RefusedRowException(
        RefusalReason.BAD_VALUE, column + " has " + Values.said(value) + ", not a finite number");
  }
}
