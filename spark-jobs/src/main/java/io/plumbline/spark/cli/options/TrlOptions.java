package io.plumbline.spark.cli.options;

import io.plumbline.base.NearestName;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What TRL's options are called here: those of TRL 1.16, of transformers' TrainingArguments, and of
 * older versions that scripts still have. The resource {@code trl-options.tsv} is the one place of
 * the map; docs/trl-options.md says the same for reading.
 */
public final class TrlOptions {
  private static final String RESOURCE = "trl-options.tsv";
  private static final String ABSENT = "-";

  /** Shorter names are a letter away from too many. */
  private static final int LEAST_LETTERS = 4;

  private static final Map<String, Entry> ENTRIES = read();

  private TrlOptions() {}

  /**
   * One option of TRL.
   *
   * @param name with underscores
   * @param options what it is here, without dashes before the names; empty where it is not there
   * @param remark a part of a sentence; may be empty
   */
  public record Entry(String name, List<String> options, String remark) {}

  /** Names as TRL has them, those for one command with {@code @} and its name behind. */
  public static Map<String, Entry> all() {
    return ENTRIES;
  }

  /** What a name means to a command; empty where TRL has no such option. */
  public static Optional<Entry> find(String command, String written) {
    String name = name(written);
    Optional<Entry> found =
        Optional.ofNullable(ENTRIES.get(name + "@" + command))
            .or(() -> Optional.ofNullable(ENTRIES.get(name)));
    // transformers' parser gives a flag that is on by default a second one that turns it off.
    return found.isEmpty() && name.startsWith("no_") ? find(command, name.substring(3)) : found;
  }

  /** Finds a name that may have a letter too many, too few or another one. */
  static Optional<Entry> findNear(String command, String written) {
    String name = name(written);
    Optional<Entry> found = find(command, written);
    return found.isPresent() || name.length() < LEAST_LETTERS
        ? found
        : ENTRIES.values().stream()
            .map(Entry::name)
            .filter(other -> NearestName.edits(name, other) == 1)
            .findFirst()
            .flatMap(near -> find(command, near));
  }

  /**
   * A sentence for somebody who mistypes one of TRL's names; empty where an option of the command
   * is at least as near.
   *
   * @param ownEdits how many letters the nearest of the command's options is away
   */
  static Optional<String> answerNear(
      Command command,
      List<Command> all,
      String written,
      String where,
      String prefix,
      Optional<Integer> ownEdits) {
    if (ownEdits.filter(edits -> edits <= 1).isPresent()) {
      return Optional.empty();
    }
    return findNear(command.name(), written)
        .map(
            entry ->
                sentence(
                    command,
                    all,
                    entry,
                    "There is no option %s%s, and nearest is TRL's %s"
                        .formatted(written, where, entry.name()),
                    prefix));
  }

  private static String name(String written) {
    return written.replaceFirst("^--?", "").replace('-', '_').toLowerCase(Locale.ROOT);
  }

  /**
   * A sentence for somebody who writes TRL's name of an option.
   *
   * @param command that was called
   * @param all every command, among which are those that have the option
   * @param written as it was written, and where
   * @param prefix of options where it was written: dashes on the command line
   */
  static Optional<String> answer(
      Command command, List<Command> all, String written, String where, String prefix) {
    return find(command.name(), written)
        .map(
            entry ->
                sentence(command, all, entry, "There is no option " + written + where, prefix));
  }

  private static String sentence(
      Command command, List<Command> all, Entry entry, String before, String prefix) {
    String remark = entry.remark().isEmpty() ? "" : " (" + entry.remark() + ")";
    if (entry.options().isEmpty()) {
      return before
          + ": TRL's "
          + entry.name()
          + " is not there"
          + (entry.remark().isEmpty() ? "." : ", because " + entry.remark() + ".");
    }
    List<String> own = offered(command, entry.options());
    if (!own.isEmpty()) {
      return before
          + ": TRL's "
          + entry.name()
          + " is "
          + joined(own, prefix)
          + " here"
          + remark
          + ".";
    }
    List<String> others = new ArrayList<>();
    for (Command other : all) {
      if (!offered(other, entry.options()).isEmpty()) {
        others.add(other.name());
      }
    }
    return before
        + ": TRL's "
        + entry.name()
        + " is "
        + joined(entry.options(), prefix)
        + " of "
        + String.join(", ", others)
        + remark
        + ", and "
        + command.name()
        + " has no such thing.";
  }

  private static List<String> offered(Command command, List<String> options) {
    return options.stream()
        .filter(
            option ->
                command.settings().stream().anyMatch(setting -> setting.name().equals(option)))
        .toList();
  }

  private static String joined(List<String> options, String prefix) {
    return String.join(" or ", options.stream().map(option -> prefix + option).toList());
  }

  private static Map<String, Entry> read() {
    Map<String, Entry> entries = new LinkedHashMap<>();
    try (InputStream in = TrlOptions.class.getResourceAsStream(RESOURCE);
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("#")) {
          continue;
        }
        String[] parts = line.split("\t", -1);
        List<String> options =
            parts[1].equals(ABSENT) ? List.of() : List.of(parts[1].split(" ", -1));
        String name = parts[0].replaceFirst("@.*", "");
        entries.put(parts[0], new Entry(name, options, parts[2]));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return entries;
  }
}
