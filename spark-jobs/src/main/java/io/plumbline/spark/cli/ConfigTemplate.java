package io.plumbline.spark.cli;

import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.CommandLineReader;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A file for {@code --config} with every option of a command: its help, and its default behind a
 * comment sign. What is given already stands without the sign.
 */
final class ConfigTemplate {
  private static final int COLUMNS = 100;

  /** What YAML takes for text as it stands, of the texts that are usual here. */
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_./][A-Za-z0-9_./@%+*-]*");

  /** What YAML would take for nothing. */
  private static final Pattern NOTHING = Pattern.compile("(?i)null");

  private ConfigTemplate() {}

  static String of(Command command, SettingValues values) {
    StringBuilder text = new StringBuilder();
    comment(text, "plumbline " + command.name() + ": " + command.summary());
    comment(
        text,
        "Options behind a # have the value that stands there, or none. Take the # away to set one,"
            + " and start by: plumbline "
            + command.name()
            + " --config FILE.yaml");
    Map<String, List<Setting<?>>> groups = new LinkedHashMap<>();
    for (Setting<?> setting : command.settings()) {
      if (setting.kind() != Setting.Kind.ARGUMENT) {
        groups.computeIfAbsent(setting.group(), group -> new ArrayList<>()).add(setting);
      }
    }
    groups
        .computeIfAbsent(Setting.GENERAL, group -> new ArrayList<>())
        .add(CommandLineReader.QUIET);
    groups.forEach(
        (heading, settings) -> {
          text.append('\n').append("# ---- ").append(heading).append(" ----\n");
          settings.forEach(setting -> option(text, setting, values.texts(setting)));
        });
    return text.toString();
  }

  private static void option(StringBuilder text, Setting<?> setting, List<String> given) {
    text.append('\n');
    comment(text, setting.help());
    String sign = given.isEmpty() ? "#" : "";
    List<String> shown =
        given.isEmpty() ? List.of(setting.initial().orElse(setting.label())) : given;
    text.append(sign).append(setting.name()).append(':');
    if (setting.kind() == Setting.Kind.REPEATED) {
      text.append('\n');
      shown.forEach(one -> text.append(sign).append("  - ").append(scalar(one)).append('\n'));
    } else {
      text.append(' ').append(scalar(shown.get(0))).append('\n');
    }
  }

  private static void comment(StringBuilder text, String sentence) {
    StringBuilder line = new StringBuilder("#");
    for (String word : sentence.split("\\s+", -1)) {
      if (line.length() + 1 + word.length() > COLUMNS) {
        text.append(line).append('\n');
        line = new StringBuilder("#");
      }
      line.append(' ').append(word);
    }
    text.append(line).append('\n');
  }

  /** Not what ends a line to YAML, which single quotes would fold. */
  private static boolean isPrintable(int c) {
    return (c >= ' ' && c < 0x7f) || (c > 0xa0 && c != '\u2028' && c != '\u2029');
  }

  /** A text as a YAML scalar that means exactly it. */
  static String scalar(String text) {
    if (PLAIN.matcher(text).matches() && !NOTHING.matcher(text).matches()) {
      return text;
    }
    boolean printable = text.codePoints().allMatch(ConfigTemplate::isPrintable);
    if (printable) {
      return "'" + text.replace("'", "''") + "'";
    }
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"', '\\' -> quoted.append('\\').append(c);
        default -> {
          if (c >= ' ' && c < 0x7f) {
            quoted.append(c);
          } else {
            quoted.append(String.format("\\u%04x", (int) c));
          }
        }
      }
    }
    return quoted.append('"').toString();
  }
}
