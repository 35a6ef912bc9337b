package io.plumbline.spark.cli.options;

import io.plumbline.spark.evaluate.RowSources;
import java.util.List;

/** What generate and score have in common. */
public final class TextSettings {
  public static final String FILES = "What to read";

  public static final Setting<String> MODEL =
      Setting.text("model", "DIR", FILES, "Hugging Face directory, on any Hadoop path.");
  public static final Setting<String> DATA =
      Setting.repeated(
          "data",
          "PATH",
          FILES,
          "JSONL, JSON or Parquet: a file, a directory or a glob; or table:NAME, sql:SELECT ...,"
              + " csv:PATH, or delta:PATH; may be repeated.");
  public static final Setting<String> PROMPT =
      Setting.repeated("prompt", "TEXT", FILES, "A text instead of --data; may be repeated.");
  public static final Setting<Boolean> JSON =
      Setting.flag(
          "json",
          "What to write",
          "One JSON object a row on standard output, and nothing else there.");

  public static final Setting<String> COLUMNS = ColumnOptions.COLUMNS.withGroup(FILES);

  private TextSettings() {}

  /** The rows of {@code --data}; the values have been checked. */
  public static RowSources rows(SettingValues values) {
    return RowSources.of(values.all(DATA), ColumnOptions.names(values, new Problems()));
  }

  /** Checks that there is exactly one source of rows. */
  public static void checkSource(SettingValues values, Problems problems) {
    List<String> data = values.all(DATA);
    List<String> prompts = values.all(PROMPT);
    if (data.isEmpty() && prompts.isEmpty()) {
      problems.add("--data or --prompt is missing: name rows, or give a text.");
    }
    if (data.isEmpty() && values.has(COLUMNS)) {
      problems.add("--columns is about rows of --data: leave it out, or name some.");
    }
    ColumnOptions.names(values, problems);
    if (!data.isEmpty() && !prompts.isEmpty()) {
      problems.add("--data and --prompt are both given: leave one.");
    }
  }
}
