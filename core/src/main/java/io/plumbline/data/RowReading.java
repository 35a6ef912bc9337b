package io.plumbline.data;

import java.io.Serializable;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * How rows of data are to be read.
 *
 * @param kind what they are to become
 * @param columns under which names columns are read
 * @param desirableFrom the least rating of a completion that counts as good, for labels that are
 *     numbers other than 0 and 1; NaN where labels say it themselves
 * @param margins what becomes of the margins of pairs
 */
public record RowReading(
    ExampleKind kind, ColumnNames columns, double desirableFrom, Margins margins)
    implements Serializable {
  /** What becomes of the margins that rows say. */
  public enum Margins {
    LEARNED,
    /** They are kept, and what is trained does not look at them. */
    NOT_USED
  }

  public RowReading(ExampleKind kind, ColumnNames columns, double desirableFrom) {
    this(kind, columns, desirableFrom, Margins.LEARNED);
  }

  /** Columns keep their names and labels say true or false. */
  public static RowReading of(ExampleKind kind) {
    return new RowReading(kind, ColumnNames.OWN, Double.NaN);
  }

  /** The row with the names under which its columns are read. */
  public Map<String, Object> renamed(Map<String, Object> row) {
    return columns.rename(row);
  }

  /** What is said of rows that are read so. */
  public ReadAs shown(ReadAs rows) {
    return margins == Margins.NOT_USED ? rows.withoutMargins() : rows;
  }

  /** Columns of the data by which its format is told: all of them where rows keep them. */
  public Predicate<String> columnsThatTell() {
    return wanted(RowLayout.COLUMNS);
  }

  /** Columns of the data that rows of a format need. */
  public Predicate<String> columnsOf(RowLayout layout) {
    return wanted(layout.reads());
  }

  private Predicate<String> wanted(Set<String> names) {
    if (kind.keepsColumns()) {
      return column -> true;
    }
    Set<String> wanted = new HashSet<>(names);
    wanted.addAll(columns.columns());
    return wanted::contains;
  }
}
