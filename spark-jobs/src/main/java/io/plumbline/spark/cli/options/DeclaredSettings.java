package io.plumbline.spark.cli.options;

import io.plumbline.error.PlumblineException;
import io.plumbline.settings.DeclaredOption;
import io.plumbline.settings.SettingsOf;
import io.plumbline.spark.training.TrainingOptions;
import io.plumbline.spark.training.algorithm.Algorithm;
import io.plumbline.spark.training.algorithm.GivenOptions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Makes the records of a training request of the values that its command was given. */
final class DeclaredSettings implements GivenOptions {
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

  /** Whether the command has an option. */
  boolean offers(Setting<?> setting) {
    return offered.containsKey(setting.name());
  }

  @Override
  public boolean has(String option) {
    return offered.containsKey(option) && values.has(offered.get(option));
  }

  @Override
  public boolean changes(String option) {
    return offered.containsKey(option) && values.changes(offered.get(option));
  }

  @Override
  public <T> Optional<T> value(Class<T> type, String option) {
    return Optional.ofNullable(offered.get(option))
        .flatMap(setting -> values.find(setting).or(() -> setting.initial().map(setting.reader())))
        .map(type::cast);
  }

  @Override
  public void refuse(String sentence) {
    problems.add(sentence);
  }

  @Override
  public void refuse(PlumblineException failure) {
    problems.add(inOptions(failure.getMessage()));
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
  private String inOptions(String sentence) {
    String text = sentence;
    for (Setting<?> setting : offered.values()) {
      // A name of one word may be a word of the sentence, but not where it stands first.
      if (text.startsWith(setting.name() + " ")) {
        text = "--" + text;
      } else if (setting.name().contains("-")) {
        text =
            text.replaceAll(
                "(?<![\\w-])" + setting.name().replace('-', '_') + "(?![\\w])", setting.option());
      }
    }
    return text;
  }
}
