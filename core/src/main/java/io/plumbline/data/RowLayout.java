package io.plumbline.data;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How the rows of a data set are laid out: in one of TRL's formats, or in another that is published
 * often, which {@link RowConversion} makes into one of TRL's.
 *
 * @param form what the row holds besides its prompt
 * @param shape TRL's format that rows have or come to have
 * @param prompt the column that asks; empty where TRL's format says it
 * @param answers the columns that answer: one; the better and the worse one; or those of several
 *     responses and of their scores
 * @param label the column that judges an answer; empty where there is none, or where TRL's format
 *     says it
 */
public record RowLayout(
    Form form, ExampleShape shape, String prompt, List<String> answers, String label)
    implements Serializable {
  /** What a row holds. */
  public enum Form {
    /** One of TRL's formats as it is. */
    TRL,
    /** A conversation to learn. */
    WHOLE,
    /** A prompt and an answer. */
    ANSWER,
    /** A conversation whose last turn is the answer. */
    LAST_TURN,
    /** A prompt, a better and a worse answer. */
    PAIR,
    /** A prompt and several answers with scores or ranks. */
    RANKED,
    /** A prompt alone. */
    ASKED
  }

  /** Lists of messages. */
  static final List<String> CONVERSATIONS = List.of("messages", "conversations", "conversation");

  /** What asks, the more telling first. */
  private static final List<String> PROMPTS =
      Stream.concat(
              Stream.of("prompt"),
              Stream.concat(
                  CONVERSATIONS.stream(),
                  Stream.of(
                      "context_messages", "instruction", "question", "query", "problem", "input")))
          .toList();

  private static final List<String> ANSWERS =
      List.of("completion", "output", "response", "answer", "solution");

  private static final List<String> RESPONSES =
      List.of("responses", "completions", "answers", "generations", "candidates", "outputs");

  /** The more the better, but for ranks, of which 1 is the best. */
  private static final List<String> SCORES =
      List.of("scores", "ratings", "rewards", "ranks", "rank", "ranking");

  private static final List<List<String>> PAIRS =
      List.of(List.of("chosen", "rejected"), List.of("response_j", "response_k"));

  private static final List<String> LABELS = List.of("label", "kto_tag", "rating", "score");

  /** Pictures and the like, which no model here reads. */
  static final List<String> MEDIA =
      List.of("images", "image", "videos", "video", "audios", "audio");

  /** What stands beside an instruction. */
  static final List<String> INPUTS = List.of("input", "context");

  static final List<String> SYSTEM = List.of("system", "system_prompt");

  private static final List<String> BESIDE =
      Stream.of(
              INPUTS,
              SYSTEM,
              List.of("history", "tools", "chat_template_kwargs", "margin"),
              List.of("score_chosen", "score_rejected"))
          .flatMap(List::stream)
          .toList();

  /** What some formats read into the prompt from columns of their own. */
  private static final Set<String> BESIDE_PROMPT =
      Stream.of(INPUTS, SYSTEM, List.of("history"))
          .flatMap(List::stream)
          .collect(Collectors.toUnmodifiableSet());

  /** Every column that some format has. */
  public static final Set<String> COLUMNS =
      Stream.of(
              ExampleShape.COLUMNS,
              PROMPTS,
              ANSWERS,
              RESPONSES,
              SCORES,
              LABELS,
              MEDIA,
              BESIDE,
              PAIRS.get(0),
              PAIRS.get(1))
          .flatMap(Collection::stream)
          .collect(Collectors.toUnmodifiableSet());

  public RowLayout {
    answers = List.copyOf(answers);
  }

  /** One of TRL's formats. */
  public static RowLayout of(ExampleShape shape) {
    return new RowLayout(Form.TRL, shape, "", List.of(), "");
  }

  /** How a row is laid out, empty where its columns fit no format. A null is as no column. */
  public static Optional<RowLayout> of(ExampleKind kind, Map<String, Object> row) {
    Optional<RowLayout> ofTrl = ExampleShape.of(kind, row).map(RowLayout::of);
    if (ofTrl.isPresent() && ofTrl.get().shape() != ExampleShape.PREFERENCE_IMPLICIT) {
      return ofTrl;
    }
    return switch (kind) {
      // Both sides begin with their prompt only where no column of another name asks.
      case PREFERENCE, SUPERVISED_FROM_CHOSEN -> compared(row).or(() -> ofTrl);
      case SUPERVISED -> supervised(row);
      case UNPAIRED -> labelled(row);
      case PROMPT ->
          PROMPTS.stream()
              // By itself input may be anything.
              .filter(column -> !column.equals("input") && row.get(column) != null)
              .findFirst()
              .map(column -> new RowLayout(Form.ASKED, ExampleShape.PROMPT, column, List.of(), ""));
    };
  }

  private static Optional<RowLayout> compared(Map<String, Object> row) {
    Optional<String> prompt = first(PROMPTS, row);
    if (prompt.isEmpty()) {
      return Optional.empty();
    }
    for (List<String> pair : PAIRS) {
      if (has(row, pair)) {
        return Optional.of(
            new RowLayout(Form.PAIR, ExampleShape.PREFERENCE, prompt.get(), pair, ""));
      }
    }
    Optional<String> responses = first(RESPONSES, row).filter(c -> row.get(c) instanceof List);
    if (responses.isEmpty()) {
      return Optional.empty();
    }
    Optional<String> scores = first(SCORES, row).filter(c -> row.get(c) instanceof List);
    boolean scored =
        ((List<?>) row.get(responses.get())).stream().anyMatch(RowConversion::isScored);
    List<String> columns = new ArrayList<>(List.of(responses.get()));
    scores.ifPresent(columns::add);
    return scores.isPresent() || scored
        ? Optional.of(
            new RowLayout(Form.RANKED, ExampleShape.PREFERENCE, prompt.get(), columns, ""))
        : Optional.empty();
  }

  private static Optional<RowLayout> supervised(Map<String, Object> row) {
    Optional<String> conversation = first(CONVERSATIONS, row);
    if (conversation.isPresent()) {
      return Optional.of(
          new RowLayout(Form.WHOLE, ExampleShape.MESSAGES, conversation.get(), List.of(), ""));
    }
    return answered(row, ExampleShape.PROMPT_COMPLETION, "");
  }

  private static Optional<RowLayout> labelled(Map<String, Object> row) {
    return first(LABELS, row)
        .flatMap(
            label ->
                answered(row, ExampleShape.UNPAIRED, label)
                    .or(
                        () ->
                            first(CONVERSATIONS, row)
                                .map(
                                    column ->
                                        new RowLayout(
                                            Form.LAST_TURN,
                                            ExampleShape.UNPAIRED,
                                            column,
                                            List.of(),
                                            label))));
  }

  private static Optional<RowLayout> answered(
      Map<String, Object> row, ExampleShape shape, String label) {
    Optional<String> prompt = first(PROMPTS, row);
    // A problem's answer is the last word of its solution.
    Optional<String> answer =
        prompt.equals(Optional.of("problem"))
            ? first(List.of("solution"), row).or(() -> first(ANSWERS, row))
            : first(ANSWERS, row);
    return prompt.isPresent() && answer.isPresent()
        ? Optional.of(new RowLayout(Form.ANSWER, shape, prompt.get(), List.of(answer.get()), label))
        : Optional.empty();
  }

  private static Optional<String> first(List<String> columns, Map<String, Object> row) {
    return columns.stream().filter(column -> row.get(column) != null).findFirst();
  }

  private static boolean has(Map<String, Object> row, List<String> columns) {
    return columns.stream().allMatch(column -> row.get(column) != null);
  }

  /**
   * Which of two layouts counts that rows of one data set have, the least: a row that lacks its
   * prompt must not make a data set of implicit prompts of one that has them.
   */
  public int rank(ExampleKind kind) {
    if (form != Form.TRL) {
      return PROMPTS.size() + 1 + PROMPTS.indexOf(prompt);
    }
    return shape == ExampleShape.PREFERENCE_IMPLICIT
        ? Integer.MAX_VALUE
        : ExampleShape.shapes(kind).indexOf(shape);
  }

  /** The columns that rows of this layout are read by, whatever they are to become. */
  public Set<String> reads() {
    Set<String> reads = new LinkedHashSet<>(MEDIA);
    reads.addAll(shape.columns());
    reads.addAll(List.of("tools", "chat_template_kwargs"));
    if (shape == ExampleShape.PREFERENCE || shape == ExampleShape.PREFERENCE_IMPLICIT) {
      reads.addAll(List.of("prompt", "margin"));
    }
    if (form != Form.TRL) {
      reads.removeAll(shape.columns());
      reads.add(prompt);
      reads.addAll(answers);
      reads.add(label);
      reads.add("history");
      if (prompt.equals("instruction")) {
        reads.addAll(INPUTS);
      }
    }
    if (form != Form.TRL || shape == ExampleShape.MESSAGES || shape == ExampleShape.CONVERSATIONS) {
      reads.addAll(SYSTEM);
    }
    return reads;
  }

  /**
   * Columns of known formats that a row has and this layout does not read. Where rows keep their
   * columns only those count that other formats take for a part of the prompt.
   */
  public Set<String> unread(ExampleKind kind, Map<String, Object> row) {
    Set<String> unread = new TreeSet<>();
    // What asks may be in any column where both sides are taken to begin with it.
    Collection<String> known =
        kind.keepsColumns()
            ? BESIDE_PROMPT
            : shape == ExampleShape.PREFERENCE_IMPLICIT ? row.keySet() : COLUMNS;
    row.forEach(
        (column, value) -> {
          if (value != null && known.contains(column) && !isEmpty(value)) {
            unread.add(column);
          }
        });
    Set<String> reads = reads();
    if (kind == ExampleKind.SUPERVISED_FROM_CHOSEN) {
      reads.remove("margin");
      reads.remove(form == Form.PAIR ? answers.get(1) : "rejected");
    }
    unread.removeAll(reads);
    return unread;
  }

  /** Whether some message of a row says if it is learned. */
  public static boolean weighsMessages(Map<String, Object> row) {
    return row.values().stream().anyMatch(RowMessages::weighted);
  }

  private static boolean isEmpty(Object value) {
    return (value instanceof String text && text.isEmpty())
        || (value instanceof List<?> list && list.isEmpty());
  }

  /**
   * Behind "1,000 rows read as".
   *
   * @param row one that has this layout
   */
  public String words(Map<String, Object> row) {
    List<String> columns =
        form == Form.TRL
            ? shape.columns()
            : Stream.of(
                    List.of(prompt), answers, label.isEmpty() ? List.<String>of() : List.of(label))
                .flatMap(List::stream)
                .toList();
    boolean shareGpt =
        columns.stream().anyMatch(column -> RowMessages.fromAndValue(row.get(column)));
    String maker = shareGpt ? "ShareGPT " : prompt.equals("instruction") ? "alpaca " : "";
    String what =
        switch (form) {
          case PAIR -> "pairs";
          case RANKED -> "ranked responses, the best against the worst";
          case ANSWER -> label.isEmpty() ? "prompts with answers" : "labelled answers";
          case LAST_TURN -> "labelled conversations";
          case WHOLE -> "conversations";
          case ASKED -> "prompts";
          case TRL ->
              switch (shape) {
                case PREFERENCE -> "pairs";
                case PREFERENCE_IMPLICIT -> "pairs that begin with their prompt";
                case PROMPT_COMPLETION -> "prompts with completions";
                case UNPAIRED -> "labelled completions";
                case MESSAGES, CONVERSATIONS -> "conversations";
                case TEXT -> "texts";
                case PROMPT -> "prompts";
              };
        };
    return maker + what + " (" + String.join(", ", columns) + ")";
  }

  /** A format with a name, for those whose data has nearly its columns. */
  private record Known(String name, List<String> columns) {
    Known(String name, String... columns) {
      this(name, List.of(columns));
    }

    List<String> missing(Collection<String> seen) {
      return columns.stream().filter(column -> !seen.contains(column)).toList();
    }
  }

  private static List<Known> known(ExampleKind kind) {
    return switch (kind) {
      case PREFERENCE, SUPERVISED_FROM_CHOSEN ->
          List.of(
              new Known("pairs", "prompt", "chosen", "rejected"),
              new Known("ShareGPT pairs", "conversations", "chosen", "rejected"),
              new Known("alpaca pairs", "instruction", "chosen", "rejected"),
              new Known("pairs of responses", "question", "response_j", "response_k"),
              new Known("ranked responses", "prompt", "responses", "scores"));
      case SUPERVISED ->
          List.of(
              new Known("prompts with completions", "prompt", "completion"),
              new Known("conversations", "messages"),
              new Known("ShareGPT conversations", "conversations"),
              new Known("alpaca rows", "instruction", "output"),
              new Known("questions with answers", "question", "answer"),
              new Known("questions with responses", "query", "response"),
              new Known("rows of input and output", "input", "output"));
      case UNPAIRED ->
          List.of(
              new Known("labelled completions", "prompt", "completion", "label"),
              new Known("labelled conversations", "messages", "label"),
              new Known("labelled ShareGPT conversations", "conversations", "kto_tag"),
              new Known("alpaca rows with labels", "instruction", "output", "kto_tag"));
      case PROMPT ->
          List.of(
              new Known("prompts", "prompt"),
              new Known("questions", "question"),
              new Known("alpaca rows", "instruction"));
    };
  }

  /** The format that columns are nearest to, as a part of a sentence; empty where none is near. */
  public static Optional<String> nearest(ExampleKind kind, Collection<String> seen) {
    Known best = null;
    for (Known one : known(kind)) {
      int missing = one.missing(seen).size();
      boolean near = missing > 0 && missing < one.columns().size();
      if (near && (best == null || missing < best.missing(seen).size())) {
        best = one;
      }
    }
    return Optional.ofNullable(best)
        .map(
            near ->
                "the nearest format is %s (%s), and there is no %s"
                    .formatted(
                        near.name(),
                        String.join(", ", near.columns()),
                        String.join(" and no ", near.missing(seen))));
  }
}
