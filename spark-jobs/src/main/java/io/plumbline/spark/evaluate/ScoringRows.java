package io.plumbline.spark.evaluate;

import io.plumbline.data.Example;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.ExampleParser;
import io.plumbline.data.ExampleShape;
import io.plumbline.data.ExampleTokenizer;
import io.plumbline.data.LengthLimits;
import io.plumbline.data.RefusedRowException;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.text.Tokenizer;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Tokenizes what is to be scored, as training would, and says what came of it. */
final class ScoringRows {
  /**
   * @param shape what the row is
   * @param text the completion as it was given, if it was given as text
   */
  record Prepared(TokenizedRow row, ExampleShape shape, Optional<String> text) {}

  private final Tokenizer tokenizer;
  private final ExampleTokenizer examples;
  private final Map<ExampleShape, ExampleParser> parsers = new EnumMap<>(ExampleShape.class);

  ScoringRows(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
    this.examples = new ExampleTokenizer(tokenizer, LengthLimits.none());
  }

  /**
   * @param index counts rows from 0
   * @param values by column, as JSON has them
   */
  Prepared prepare(long index, Map<String, Object> values) {
    Optional<ExampleShape> pair = ExampleShape.of(ExampleKind.PREFERENCE, values);
    ExampleKind kind = pair.isPresent() ? ExampleKind.PREFERENCE : ExampleKind.SUPERVISED;
    ExampleShape shape =
        pair.or(() -> ExampleShape.of(ExampleKind.SUPERVISED, values))
            .orElseThrow(
                () ->
                    refused(
                        index,
                        "it needs the columns text, or prompt and completion, or messages, or"
                            + " chosen and rejected",
                        null));
    if (shape == ExampleShape.TEXT && values.get("text") instanceof String text) {
      return new Prepared(wholeText(index, text), shape, Optional.of(text));
    }
    ExampleParser parser = parsers.computeIfAbsent(shape, s -> new ExampleParser(kind, s));
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

  /** A text stands as it is: no EOS token is added, so that a text may break off anywhere. */
  private TokenizedRow wholeText(long index, String text) {
    int[] ids = tokenizer.encode(text);
    if (ids.length < 2) {
      throw refused(
          index,
          "its text has %d tokens, and the first has nothing before it".formatted(ids.length),
          null);
    }
    return TokenizedRow.of(
        index, Arrays.copyOf(ids, 1), List.of(Arrays.copyOfRange(ids, 1, ids.length)), List.of());
  }

  /** What the model's values say about a row. */
  Score score(Prepared prepared, List<float[]> logps) {
    TokenizedRow row = prepared.row();
    if (row.completions().size() == 2) {
      return new Score.PairScore(counted(row, 0, logps), counted(row, 1, logps));
    }
    int[] completion = row.completions().get(0);
    boolean whole = prepared.shape() != ExampleShape.PROMPT_COMPLETION;
    int[] tokens = whole ? concatenated(row.prompt(), completion) : completion;
    String text = prepared.text().orElseGet(() -> tokenizer.decodeSkippingSpecialTokens(tokens));
    return new Score.CompletionScore(text, tokens, counted(row, 0, logps));
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
        "Row %d cannot be scored: %s; mend the row or leave it out.".formatted(index + 1, why),
        cause);
  }
}
