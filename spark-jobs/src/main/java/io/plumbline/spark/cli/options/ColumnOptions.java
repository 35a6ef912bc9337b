package io.plumbline.spark.cli.options;

import io.plumbline.base.NearestName;
import io.plumbline.data.ColumnNames;
import io.plumbline.data.ExampleShape;
import io.plumbline.data.RowLayout;
import io.plumbline.spark.training.FileSettings;

/** The options that say which columns are read as what. */
public final class ColumnOptions {
  public static final Setting<String> COLUMNS = Setting.declared(FileSettings.class, "columns");
  public static final Setting<Double> DESIRABLE_FROM =
      Setting.declared(FileSettings.class, "desirable-from");

  private ColumnOptions() {}

  /** Names for commands that keep all columns of a row. */
  public static ColumnNames names(SettingValues values, Problems problems) {
    try {
      return ColumnNames.parse(values.all(COLUMNS));
    } catch (IllegalArgumentException e) {
      problems.add(
          String.format(
              "--columns is '%s' and %s.", String.join(",", values.all(COLUMNS)), e.getMessage()));
      return ColumnNames.OWN;
    }
  }

  /** Names for commands that read the columns of known formats alone. */
  static ColumnNames namesOfFormats(SettingValues values, Problems problems) {
    ColumnNames names = names(values, problems);
    for (ColumnNames.Entry entry : names.entries()) {
      // Another column may only be put out of the way, for one that takes its name.
      boolean moved =
          names.entries().stream().anyMatch(other -> other.name().equals(entry.column()));
      if (!RowLayout.COLUMNS.contains(entry.name()) && !moved) {
        problems.add(
            String.format(
                "--columns %s names a column %s that no format has%s.",
                entry, entry.name(), remedy(entry)));
      }
    }
    return names;
  }

  private static String remedy(ColumnNames.Entry entry) {
    if (ExampleShape.COLUMNS.contains(entry.column())) {
      return ": it is the other way round, --columns %s=%s".formatted(entry.column(), entry.name());
    }
    return NearestName.among(RowLayout.COLUMNS, entry.name())
        .map(near -> ": did you mean " + near + "?")
        .orElse(": docs/data-formats.md lists them");
  }
}
