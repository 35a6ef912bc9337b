package io.plumbline.spark.cli.options;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.storage.Storage;
import io.plumbline.text.TemplateVariables;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;

/** What the options say about chat templates, for every command that renders conversations. */
public final class TemplateOptions {
  private static final String GROUP = "Chat template";

  public static final Setting<String> CHAT_TEMPLATE =
      Setting.text(
          RunTemplates.TEMPLATE,
          "FILE",
          GROUP,
          "A Jinja file that takes the place of the model's chat template, on any Hadoop path, or a"
              + " model directory that has one. A checkpoint that is trained has it too. (TRL:"
              + " chat_template_path.)");
  public static final Setting<SortedMap<String, Object>> CHAT_TEMPLATE_KWARGS =
      Setting.value(
          RunTemplates.VARIABLES,
          "JSON",
          GROUP,
          "Variables for the chat template, such as {\"enable_thinking\": false}. A row's own"
              + " chat_template_kwargs go before them, and no checkpoint keeps them.",
          TemplateVariables::parse);
  public static final Setting<String> CHAT_TEMPLATE_DATE =
      Setting.value(
          RunTemplates.DATE,
          "TIME",
          GROUP,
          "What strftime_now says in the chat template, such as 2026-05-04T12:00:00Z. Without it,"
              + " the time at which the run began, also where it is resumed.",
          TemplateOptions::date);

  private TemplateOptions() {}

  static List<Setting<?>> all() {
    return List.of(CHAT_TEMPLATE, CHAT_TEMPLATE_KWARGS, CHAT_TEMPLATE_DATE);
  }

  public static RunTemplates of(SettingValues values) {
    return new RunTemplates(
        values.find(CHAT_TEMPLATE).orElse(""),
        new TreeMap<>(values.find(CHAT_TEMPLATE_KWARGS).orElseGet(TreeMap::new)),
        values.find(CHAT_TEMPLATE_DATE).orElse(""));
  }

  /**
   * A model as the values have its conversations rendered, with one date for all of them.
   *
   * @param before the date of the run that is gone on with
   * @param note told of what a user should know
   */
  public static ModelDirectory open(
      SettingValues values,
      Storage storage,
      String model,
      Optional<String> before,
      Consumer<String> note) {
    RunTemplates templates = of(values).dated(storage, List.of(model), List.of(), before);
    ModelDirectory opened = templates.open(storage, model);
    RunTemplates.unread(opened).ifPresent(note);
    return opened;
  }

  /** How another command finds what is made now, where that depends on the date. */
  public static Optional<String> shareable(ModelDirectory model) {
    String date = model.tokenizerFiles().rendering().date();
    return date.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "The chat template of %s reads the date. To find these rows, give a training command --%s %s."
                .formatted(model.path(), RunTemplates.DATE, date));
  }

  private static String date(String text) {
    try {
      String time = text.strip();
      return RunTemplates.text(
          time.matches("\\d{4}-\\d{2}-\\d{2}")
              ? LocalDate.parse(time).atStartOfDay().atOffset(ZoneOffset.UTC)
              : OffsetDateTime.parse(time));
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(
          "must be a day, or a time with an offset such as 2026-05-04T12:00:00Z", e);
    }
  }
}
