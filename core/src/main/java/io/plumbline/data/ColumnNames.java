package io.plumbline.data;

import io.plumbline.base.NearestName;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * The names under which columns are read: {@code prompt=question} reads the column {@code question}
 * as {@code prompt}. What stands right of the sign may be a {@linkplain ColumnPath path}.
 *
 * @param entries in the order in which they were given; no name is given twice
 */
public record ColumnNames(List<Entry> entries) implements Serializable {
  /**
   * One column.
   *
   * @param name under which it is read
   * @param column of the data, or a path within one
   */
  public record Entry(String name, String column) implements Serializable {
    @Override
    public String toString() {
      return name + "=" + column;
    }
  }

  /** All columns keep their names. */
  public static final ColumnNames OWN = new ColumnNames(List.of());

  /** A comma may be part of a column's name where no NAME= follows it. */
  private static final Pattern BETWEEN = Pattern.compile("\\s*,\\s*(?=[A-Za-z_][\\w.-]*\\s*=)");

  public ColumnNames {
    entries = List.copyOf(entries);
  }

  /**
   * Reads texts such as {@code prompt=question,chosen=response_j}.
   *
   * @throws IllegalArgumentException with what such a text must be
   */
  public static ColumnNames parse(List<String> texts) {
    List<Entry> entries = new ArrayList<>();
    Set<String> names = new LinkedHashSet<>();
    for (String text : texts) {
      for (String part : BETWEEN.split(text.strip(), -1)) {
        int sign = part.indexOf('=');
        String name = sign < 0 ? "" : part.substring(0, sign).strip();
        String column = sign < 0 ? "" : part.substring(sign + 1).strip();
        if (name.isEmpty() || column.isEmpty()) {
          throw new IllegalArgumentException(
              "must be a name, = and a column, several with commas between them, such as"
                  + " prompt=question,chosen=response_j");
        }
        if (!names.add(name)) {
          throw new IllegalArgumentException(
              "must not read two columns as " + name + ": leave one of them");
        }
        entries.add(new Entry(name, column));
      }
    }
    return entries.isEmpty() ? OWN : new ColumnNames(entries);
  }

  public boolean isEmpty() {
    return entries.isEmpty();
  }

  /** As {@link #parse} reads them, one column a text. */
  public List<String> texts() {
    return entries.stream().map(Entry::toString).toList();
  }

  /** Columns of the data that are read, besides those that keep their names. */
  public Set<String> columns() {
    Set<String> columns = new LinkedHashSet<>();
    for (Entry entry : entries) {
      String column = entry.column();
      columns.add(column);
      for (int dot = column.indexOf('.'); dot > 0; dot = column.indexOf('.', dot + 1)) {
        columns.add(column.substring(0, dot));
      }
    }
    return columns;
  }

  /** The row with its columns under their new names; a row that lacks one has none of that name. */
  public Map<String, Object> rename(Map<String, Object> row) {
    if (entries.isEmpty()) {
      return row;
    }
    Map<String, Object> renamed = new LinkedHashMap<>(row);
    entries.forEach(entry -> renamed.remove(entry.column()));
    for (Entry entry : entries) {
      Optional<Object> value = ColumnPath.find(row, entry.column());
      renamed.remove(entry.name());
      value.ifPresent(found -> renamed.put(entry.name(), found));
    }
    return renamed;
  }

  /**
   * Fails with BAD_DATA where none of some rows has a column that is to be read, and where a column
   * would be read under the name of another that is there too.
   *
   * @param rows the first ones of what {@code where} names
   */
  public void require(Collection<Map<String, Object>> rows, String where) {
    if (entries.isEmpty() || rows.isEmpty()) {
      return;
    }
    Set<String> seen = new TreeSet<>();
    rows.forEach(row -> seen.addAll(row.keySet()));
    for (Entry entry : entries) {
      if (rows.stream().noneMatch(row -> has(row, entry.column()))) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA,
            "--columns %s: there is no column %s in %s, which has %s%s"
                .formatted(
                    entry,
                    entry.column(),
                    where,
                    seen.isEmpty() ? "none" : String.join(", ", seen),
                    NearestName.among(paths(rows), entry.column())
                        .map(near -> "; did you mean " + near + "?")
                        .orElse("; name one of them")));
      }
      boolean moved = entries.stream().anyMatch(other -> other.column().equals(entry.name()));
      boolean there = rows.stream().anyMatch(row -> row.get(entry.name()) != null);
      if (there && !moved && !entry.column().equals(entry.name())) {
        // As rename_column of the library datasets does.
        throw new PlumblineException(
            ErrorCode.BAD_DATA,
            "--columns %s: %s has a column %s of its own, and two cannot have one name; give that one another, as in --columns %s,other_%s=%s"
                .formatted(entry, where, entry.name(), entry, entry.name(), entry.name()));
      }
    }
  }

  private static boolean has(Map<String, Object> row, String column) {
    return row.containsKey(column) || ColumnPath.find(row, column).isPresent();
  }

  /** Names of columns, and of fields in them. */
  private static Set<String> paths(Collection<Map<String, Object>> rows) {
    Set<String> paths = new TreeSet<>();
    for (Map<String, Object> row : rows) {
      row.forEach(
          (column, value) -> {
            paths.add(column);
            if (value instanceof Map<?, ?> map) {
              map.keySet().forEach(field -> paths.add(column + "." + field));
            }
          });
    }
    return paths;
  }
}
