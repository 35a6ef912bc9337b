package io.plumbline.spark.inference;

import io.plumbline.checkpoint.ModelDirectory.Kind;
import io.plumbline.data.Example;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.ExampleParser;
import io.plumbline.data.ExampleShape;
import io.plumbline.data.ExampleTokenizer;
import io.plumbline.data.LengthLimits;
import io.plumbline.data.RefusedRowException;
import io.plumbline.data.RowLayout;
import io.plumbline.data.RowReading;
import io.plumbline.data.TokenizedRow;
import io.plumbline.data.Values;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Tokenizes what is to be scored, as training would, and says what came of it. */
public final class ScoringRows {
  /**
   * @param shape what the row is
   * @param text the completion as it was given, if it was given as text
   */
  public record Prepared(TokenizedRow row, ExampleShape shape, Optional<String> text) {}

  private final Tokenizer tokenizer;
  private final Kind kind;
  private final ExampleTokenizer examples;
  private final Map<Layout, ExampleParser> parsers = new HashMap<>();

  /**
   * @param kind of the model that scores the rows
   */
  public ScoringRows(Tokenizer tokenizer, Kind kind) {
    this.tokenizer = tokenizer;
    this.kind = kind;
    this.examples = new ExampleTokenizer(tokenizer, LengthLimits.none());
  }

  /**
   * @param index counts rows from 0
   * @param values by column, as JSON has them
   */
  public Prepared prepare(long index, Map<String, Object> values) {
    Layout layout =
        layout(values)
            .orElseThrow(
                () ->
                    refused(
                        index,
                        "it needs the columns text, or prompt and completion, or messages, or"
                            + " chosen and rejected; it has "
                            + Values.columns(values)
                            + ", and --columns says which of them is meant",
                        null));
    ExampleShape shape = layout.rows().shape();
    if (shape == ExampleShape.TEXT && values.get("text") instanceof String text) {
      return new Prepared(wholeText(index, text), shape, Optional.of(text));
    }
    ExampleParser parser =
        parsers.computeIfAbsent(
            layout,
            found -> new ExampleParser(RowReading.of(found.kind()), found.rows(), tokenizer));
    try {
      Example example = parser.parse(values);
      Optional<String> text =
          example instanceof Example.PromptedText prompted && prompted.completions().size() == 1
              ? Optional.of(prompted.completions().get(0))
              : Optional.empty();
      return new Prepared(examples.tokenize(example, index).row(), shape, text);
    } catch (RefusedRowException e) {
      throw refused(index, e.getMessage(), e);
    }
  }

  /** What a row is read as. */
  record Layout(ExampleKind kind, RowLayout rows) {
    /** Columns of known formats that are there and not used. */
    Set<String> unread(Map<String, Object> row) {
      Set<String> unread = new TreeSet<>(rows.unread(kind, row));
      if (row.get("margin") != null) {
        unread.add("margin");
      }
      return unread;
    }
  }

  /** TRL's formats before others; of each, pairs before what has one completion. */
  static Optional<Layout> layout(Map<String, Object> values) {
    List<Layout> found = new ArrayList<>();
    for (ExampleKind kind : List.of(ExampleKind.PREFERENCE, ExampleKind.SUPERVISED)) {
      RowLayout.of(kind, values).ifPresent(rows -> found.add(new Layout(kind, rows)));
    }
    return found.stream()
        .filter(layout -> layout.rows().form() == RowLayout.Form.TRL)
        .findFirst()
        .or(() -> found.stream().findFirst());
  }

  /** A text stands as it is: no EOS token is added, so that a text may break off anywhere. */
  private TokenizedRow wholeText(long index, String text) {
    int[] ids = tokenizer.encode(text);
    if (kind == Kind.REWARD_MODEL) {
      if (ids.length == 0) {
        throw refused(index, "its text has no tokens", null);
      }
      return TokenizedRow.of(index, new int[0], List.of(ids), List.of());
    }
    if (ids.length < 2) {
      throw refused(
          index,
          "its text has %d tokens, and the first has nothing before it".formatted(ids.length),
          null);
    }
    return TokenizedRow.of(
        index, Arrays.copyOf(ids, 1), List.of(Arrays.copyOfRange(ids, 1, ids.length)), List.of());
  }

  /** What a language model's log-probabilities say about a row. */
  Score score(Prepared prepared, List<float[]> logps) {
    TokenizedRow row = prepared.row();
    if (row.completions().size() == 2) {
      return new Score.PairScore(counted(row, 0, logps), counted(row, 1, logps));
    }
    int[] tokens = tokens(prepared);
    return new Score.CompletionScore(text(prepared, tokens), tokens, counted(row, 0, logps));
  }

  /** What a reward model's scores of the completions say about a row. */
  Score reward(Prepared prepared, float[] scores) {
    List<int[]> completions = prepared.row().completions();
    if (completions.size() == 2) {
      return new Score.PairReward(
          scores[0], scores[1], completions.get(0).length, completions.get(1).length);
    }
    int[] tokens = tokens(prepared);
    return new Score.CompletionReward(text(prepared, tokens), tokens, scores[0]);
  }

  private static int[] tokens(Prepared prepared) {
    int[] completion = prepared.row().completions().get(0);
    boolean whole = prepared.shape() != ExampleShape.PROMPT_COMPLETION;
    return whole ? concatenated(prepared.row().prompt(), completion) : completion;
  }

  private String text(Prepared prepared, int[] tokens) {
    return prepared.text().orElseGet(() -> tokenizer.decodeSkippingSpecialTokens(tokens));
  }

  private static float[] counted(TokenizedRow row, int side, List<float[]> logps) {
    float[] values = logps.get(side);
    if (row.lossMasks().isEmpty()) {
      return values;
    }
    byte[] mask = row.lossMasks().get(side);
    float[] counted = new float[values.length];
    int n = 0;
    for (int t = 0; t < values.length; t++) {
      if (mask[t] != 0) {
        counted[n++] = values[t];
      }
    }
    return Arrays.copyOf(counted, n);
  }

  private static int[] concatenated(int[] first, int[] second) {
    int[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }

  private static PlumblineException refused(long index, String why, Throwable cause) {
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        "Row %d cannot be scored: %s; fix the row or leave it out.".formatted(index + 1, why),
        cause);
  }
}
