package io.plumbline.spark.cli.options;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a command was given, layer over layer: command line, {@code --set}, configuration file,
 * defaults. A text that cannot be read becomes a problem and counts as not given.
 */
public final class SettingValues {
  /**
   * @param texts as they were written; several only for settings that repeat
   * @param origin where, for messages, such as {@code "in run.yaml, line 3"}; empty for the command
   *     line
   */
  public record Given(List<String> texts, String origin) {
    public Given {
      texts = List.copyOf(texts);
    }
  }

  private final Map<String, Given> given;
  private final Problems problems;

  public SettingValues(Map<String, Given> given, Problems problems) {
    this.given = Map.copyOf(given);
    this.problems = problems;
  }

  /** These values, and beneath them those of a lower layer. */
  public SettingValues over(Map<String, Given> lower, Problems into) {
    Map<String, Given> all = new LinkedHashMap<>(lower);
    all.putAll(given);
    return new SettingValues(all, into);
  }

  /** Whether it was set anywhere above its default. */
  public boolean has(Setting<?> setting) {
    return given.containsKey(setting.name());
  }

  /** Whether it was set to something else than its default; a run's record sets all. */
  <T> boolean changes(Setting<T> setting) {
    return has(setting) && !find(setting).equals(setting.initial().map(setting.reader()));
  }

  /** As it was written, above its default. */
  public List<String> texts(Setting<?> setting) {
    Given found = given.get(setting.name());
    return found == null ? List.of() : found.texts();
  }

  /** The value given or the default; empty where there is neither, or where it cannot be read. */
  public <T> Optional<T> find(Setting<T> setting) {
    Given found = given.get(setting.name());
    if (found == null) {
      return setting.initial().map(setting.reader());
    }
    return read(setting, found.texts().get(found.texts().size() - 1), found.origin());
  }

  /** The value of a setting that must be there; where it is not, that is a problem. */
  public <T> Optional<T> require(Setting<T> setting, String fix) {
    if (!has(setting) && setting.initial().isEmpty()) {
      problems.add(String.format("%s is missing: %s.", setting.option(), fix));
    }
    return find(setting);
  }

  /**
   * The value given or the default. For a setting with a default only; a text that cannot be read
   * is a problem and yields the default, so that checking can continue.
   */
  public <T> T of(Setting<T> setting) {
    return find(setting).orElseGet(() -> setting.reader().apply(setting.initial().orElseThrow()));
  }

  /** All values of a setting that repeats. */
  public <T> List<T> all(Setting<T> setting) {
    Given found = given.get(setting.name());
    List<T> values = new ArrayList<>();
    if (found != null) {
      found.texts().forEach(text -> read(setting, text, found.origin()).ifPresent(values::add));
    }
    return values;
  }

  private <T> Optional<T> read(Setting<T> setting, String text, String origin) {
    try {
      return Optional.of(setting.reader().apply(text));
    } catch (IllegalArgumentException e) {
      problems.add(
          String.format(
              "%s is '%s'%s and %s.",
              setting.option(), text, origin.isEmpty() ? "" : " " + origin, e.getMessage()));
      return Optional.empty();
    }
  }
}
