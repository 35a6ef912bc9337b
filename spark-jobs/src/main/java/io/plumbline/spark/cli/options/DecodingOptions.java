package io.plumbline.spark.cli.options;

import io.plumbline.settings.SettingsOf;
import io.plumbline.spark.inference.DecodingSettings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** The options of {@link DecodingSettings} as a command has them. */
public final class DecodingOptions {
  /** As they are declared. */
  public static final DecodingOptions STANDARD = new DecodingOptions(declared());

  private final Map<String, Setting<Object>> settings;

  private DecodingOptions(Map<String, Setting<Object>> settings) {
    this.settings = settings;
  }

  private static Map<String, Setting<Object>> declared() {
    Map<String, Setting<Object>> settings = new LinkedHashMap<>();
    SettingsOf.type(DecodingSettings.class)
        .options()
        .forEach(option -> settings.put(option.name(), Setting.of(option)));
    return settings;
  }

  /** These with another default, help or reader of one option. */
  public DecodingOptions with(String name, UnaryOperator<Setting<Object>> change) {
    Map<String, Setting<Object>> changed = new LinkedHashMap<>(settings);
    changed.put(name, change.apply(settings.get(name)));
    return new DecodingOptions(changed);
  }

  /** All of them, in the order of help. */
  public List<Setting<?>> settings() {
    return List.copyOf(settings.values());
  }

  /** The settings of a command: these between others, in the order of help. */
  public List<Setting<?>> between(List<Setting<?>> before, List<Setting<?>> after) {
    return Stream.of(before, settings(), after).<Setting<?>>flatMap(List::stream).toList();
  }

  /** One of them. */
  public Setting<?> named(String name) {
    return settings.get(name);
  }

  /** What the values say. */
  public DecodingSettings of(SettingValues values, Problems problems) {
    return SettingsOf.type(DecodingSettings.class)
        .read(option -> all(settings.get(option.name()), values), problems::add);
  }

  private static List<Object> all(Setting<Object> setting, SettingValues values) {
    return setting.kind() == Setting.Kind.REPEATED
        ? values.all(setting)
        : List.of(values.of(setting));
  }
}
