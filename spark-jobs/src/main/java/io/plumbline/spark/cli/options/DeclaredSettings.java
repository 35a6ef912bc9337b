package io.plumbline.spark.cli.options;

import io.plumbline.settings.DeclaredOption;
import io.plumbline.settings.SettingsOf;
import io.plumbline.spark.training.Algorithm;
import io.plumbline.spark.training.TrainingOptions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes the records of a training request of the values that its command was given. */
final class DeclaredSettings {
  private final Map<String, Setting<Object>> offered = new LinkedHashMap<>();
  private final Map<String, DeclaredOption> all = new LinkedHashMap<>();
  private final SettingValues values;
  private final Problems problems;

  DeclaredSettings(Algorithm algorithm, SettingValues values, Problems problems) {
    TrainingOptions.all(algorithm).forEach(option -> all.put(option.name(), option));
    TrainingOptions.of(algorithm).forEach(option -> offered.put(option.name(), Setting.of(option)));
    this.values = values;
    this.problems = problems;
  }

  /** A record of the values, those that are not given at their standard ones. */
  <T extends Record> T read(Class<T> type) {
    return read(type, Map.of());
  }

  /**
   * A record of the values, with standard values of the caller's.
   *
   * @param usual texts of options that have no standard value of their own, where they are not
   *     given
   */
  <T extends Record> T read(Class<T> type, Map<String, String> usual) {
    return SettingsOf.type(type)
        .read(
            option -> values(all.getOrDefault(option.name(), option), usual),
            sentence -> problems.add(inOptions(sentence)));
  }

  private List<Object> values(DeclaredOption option, Map<String, String> usual) {
    Setting<Object> setting = offered.get(option.name());
    if (setting != null && setting.kind() == Setting.Kind.REPEATED) {
      return values.all(setting);
    }
    if (setting != null && values.has(setting)) {
      List<Object> given = values.find(setting).stream().toList();
      if (!given.isEmpty()) {
        return given;
      }
    }
    return usual.containsKey(option.name())
        ? List.of(option.reader().apply(usual.get(option.name())))
        : option.standardValues();
  }

  /** A sentence with the options as they are written here, where it has them as TRL does. */
  String inOptions(String sentence) {
    String text = sentence;
    for (Setting<?> setting : offered.values()) {
      if (setting.name().contains("-")) {
        text =
            text.replaceAll(
                "(?<![\\w-])" + setting.name().replace('-', '_') + "(?![\\w])", setting.option());
      }
    }
    return text;
  }
}
