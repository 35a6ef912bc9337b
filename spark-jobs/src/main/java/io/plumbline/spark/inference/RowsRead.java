package io.plumbline.spark.inference;

import io.plumbline.data.ExampleKind;
import io.plumbline.data.ExampleShape;
import io.plumbline.data.ReadAs;
import io.plumbline.data.RowLayout;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apache.spark.api.java.JavaRDD;

/** What rows are read as that are scored or completed, as their first ones have it. */
public final class RowsRead {
  /** What is made of rows. */
  public enum Use {
    /** Their prompts are completed. */
    PROMPTS,
    /** Texts, completions or pairs get scores. */
    SCORED
  }

  private static final int LOOKED_AT = 100;

  private static final RowLayout ALONE = RowLayout.of(ExampleShape.PROMPT);
  private static final RowLayout MESSAGES =
      new RowLayout(RowLayout.Form.ASKED, ExampleShape.PROMPT, "messages", List.of(), "");

  private RowsRead() {}

  /** The line that is said before work; empty where no row is. */
  public static Optional<String> line(JavaRDD<Map<String, Object>> rows, Use use) {
    return line(rows, SparkFailures.unwrapped(rows::count), use);
  }

  /**
   * The line that says how rows are read, for rows that are counted already.
   *
   * @param count of the rows
   */
  public static Optional<String> line(JavaRDD<Map<String, Object>> rows, long count, Use use) {
    return of(SparkFailures.unwrapped(() -> rows.take(LOOKED_AT)), use).map(as -> as.line(count));
  }

  /** Empty where rows fit nothing; the first of them is refused then. */
  static Optional<ReadAs> of(List<Map<String, Object>> rows, Use use) {
    Set<String> words = new LinkedHashSet<>();
    Set<String> unread = new TreeSet<>();
    for (Map<String, Object> row : rows) {
      if (use == Use.SCORED) {
        ScoringRows.layout(row)
            .ifPresent(
                layout -> {
                  words.add(layout.rows().words(row));
                  unread.addAll(layout.unread(row));
                });
      } else {
        prompt(row)
            .ifPresent(
                layout -> {
                  words.add(layout.words(row));
                  // Nothing that stands beside a prompt is put in front of it, as grpo does it.
                  unread.addAll(ALONE.unread(ExampleKind.PROMPT, row));
                });
      }
    }
    return words.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new ReadAs(String.join(" and ", words), List.copyOf(unread), List.of(), false));
  }

  private static Optional<RowLayout> prompt(Map<String, Object> row) {
    if (row.get("prompt") != null) {
      return Optional.of(ALONE);
    }
    return row.get("messages") != null ? Optional.of(MESSAGES) : Optional.empty();
  }
}
