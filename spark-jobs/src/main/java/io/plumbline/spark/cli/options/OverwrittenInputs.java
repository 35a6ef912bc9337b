package io.plumbline.spark.cli.options;

import io.plumbline.spark.source.SparkSources;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Finds what a command would read and {@code --overwrite} would delete before it does. */
public final class OverwrittenInputs {
  private OverwrittenInputs() {}

  /** Adds a problem for each value of an option with a path in the output directory. */
  public static void refuse(
      List<Setting<?>> settings, String output, SettingValues values, Problems problems) {
    if (output.isEmpty()) {
      return;
    }
    for (Setting<?> setting : settings) {
      if (!setting.takesPath() || setting.name().equals(TrainingSettings.OUTPUT.name())) {
        continue;
      }
      for (String text : values.texts(setting)) {
        if (lies(text, output)) {
          problems.add(
              String.format(
                  "%s is '%s', which --overwrite would delete with what is in --output: name"
                      + " another --output.",
                  setting.option(), text));
        }
      }
    }
  }

  private static boolean lies(String path, String directory) {
    List<String> parts = parts(SparkSources.pathIn(path));
    List<String> outer = parts(directory);
    return parts.size() >= outer.size() && parts.subList(0, outer.size()).equals(outer);
  }

  /** The names on the way to a path: absolute on this machine, as it is written elsewhere. */
  private static List<String> parts(String text) {
    if (text.matches("[a-zA-Z][a-zA-Z0-9+.-]*:.*") && !text.startsWith("file:")) {
      return List.of(text.replaceFirst("/+$", "").split("/+", -1));
    }
    List<String> parts = new ArrayList<>();
    Path.of(text.replaceFirst("^file:/*", "/"))
        .toAbsolutePath()
        .normalize()
        .forEach(part -> parts.add(part.toString()));
    return parts;
  }
}
