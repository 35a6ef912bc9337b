package io.plumbline.data;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Which columns the rows of a data set have: TRL's formats. */
public enum ExampleShape {
  /** {@code prompt}, {@code chosen}, {@code rejected}. */
  PREFERENCE(List.of("prompt", "chosen", "rejected")),
  /** {@code chosen} and {@code rejected}, which begin with the prompt. */
  PREFERENCE_IMPLICIT(List.of("chosen", "rejected")),
  /** {@code prompt} and {@code completion}. */
  PROMPT_COMPLETION(List.of("prompt", "completion")),
  /** {@code prompt}, {@code completion} and {@code label}. */
  UNPAIRED(List.of("prompt", "completion", "label")),
  /** {@code messages}, learnt as a whole. */
  MESSAGES(List.of("messages")),
  /** {@code text}, learnt as a whole. */
  TEXT(List.of("text")),
  /** {@code conversations} of {@code from} and {@code value}, learnt as a whole. */
  CONVERSATIONS(List.of("conversations")),
  /** {@code prompt}, whatever stands beside it. */
  PROMPT(List.of("prompt"));

  /** Every column that any shape reads. */
  public static final Set<String> COLUMNS =
      Set.of(
          "prompt",
          "chosen",
          "rejected",
          "completion",
          "messages",
          "text",
          "conversations",
          "label",
          "margin",
          "tools",
          "chat_template_kwargs");

  @SuppressWarnings("ImmutableEnumChecker") // List.of makes lists that cannot change
  private final List<String> columns;

  ExampleShape(List<String> columns) {
    this.columns = columns;
  }

  /** The columns that a row must have. */
  public List<String> columns() {
    return columns;
  }

  /** The shape of a row, empty where its columns fit none. A null is as good as no column. */
  public static Optional<ExampleShape> of(ExampleKind kind, Map<String, Object> row) {
    return shapes(kind).stream()
        .filter(shape -> shape.columns.stream().allMatch(column -> row.get(column) != null))
        .findFirst();
  }

  /** What a row of a kind may look like, the more telling first. */
  public static List<ExampleShape> shapes(ExampleKind kind) {
    return switch (kind) {
      case PREFERENCE, SUPERVISED_FROM_CHOSEN -> List.of(PREFERENCE, PREFERENCE_IMPLICIT);
      case SUPERVISED -> List.of(PROMPT_COMPLETION, MESSAGES, TEXT, CONVERSATIONS);
      case UNPAIRED -> List.of(UNPAIRED);
      case PROMPT -> List.of(PROMPT);
    };
  }

  /**
   * A part of a sentence: which columns a kind needs, which there are, and which commands take rows
   * with such columns.
   */
  public static String mismatch(ExampleKind kind, Collection<String> seen) {
    String needed =
        switch (kind) {
          case PREFERENCE, SUPERVISED_FROM_CHOSEN ->
              "needs the columns chosen and rejected, with or without prompt";
          case SUPERVISED ->
              "needs the columns prompt and completion, or messages, or text, or conversations";
          case UNPAIRED -> "needs the columns prompt, completion and label";
          case PROMPT -> "needs the column prompt";
        };
    String found =
        seen.isEmpty()
            ? "it has none"
            : "it has " + String.join(", ", seen.stream().sorted().toList());
    return needed + "; " + found + (fits(kind, seen) ? "" : takersOrNearest(kind, seen));
  }

  /** Which commands take rows with these columns; where none does, what they are nearest to. */
  private static String takersOrNearest(ExampleKind kind, Collection<String> seen) {
    String takers = takers(seen);
    return takers.isEmpty()
        ? RowLayout.nearest(kind, seen).map(near -> "; " + near).orElse("")
        : takers;
  }

  /** Which commands take rows with these columns; none where no kind does. */
  private static String takers(Collection<String> seen) {
    List<String> takers = new ArrayList<>();
    if (fits(ExampleKind.PREFERENCE, seen)) {
      takers.addAll(List.of("reward", "dpo", "orpo", "simpo", "sft --supervised-on chosen"));
    }
    if (fits(ExampleKind.UNPAIRED, seen)) {
      takers.add("kto");
    }
    if (fits(ExampleKind.SUPERVISED, seen)) {
      takers.add("sft");
    }
    // Where a prompt has completions beside it, what reads them is likelier meant.
    if (takers.isEmpty() && fits(ExampleKind.PROMPT, seen)) {
      takers.add("grpo");
    }
    if (takers.isEmpty()) {
      return "";
    }
    int last = takers.size() - 1;
    return last == 0
        ? ", which " + takers.get(0) + " takes"
        : ", which "
            + String.join(", ", takers.subList(0, last))
            + " and "
            + takers.get(last)
            + " take";
  }

  private static boolean fits(ExampleKind kind, Collection<String> seen) {
    return shapes(kind).stream().anyMatch(shape -> seen.containsAll(shape.columns));
  }
}
