package io.plumbline.spark.cli.pipeline;

import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.TextSettings;
import io.plumbline.spark.cli.options.TrainingSettings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * A stage whose command, options and references are known to be good.
 *
 * @param written the options as the file has them, references unresolved; without the output
 * @param resolved the same with paths in the place of references
 * @param uses the stages whose outputs it names
 */
public record PipelineStage(
    String name,
    Command command,
    StageParts parts,
    String output,
    Map<String, List<String>> written,
    Map<String, List<String>> resolved,
    Set<String> uses) {
  /** Options that change memory, speed or where things are kept, but not what comes out. */
  public static final Set<String> WITHOUT_EFFECT =
      Set.of(
          "ranks",
          "threads-per-rank",
          "micro-batch-size",
          "micro-batch-tokens",
          "reference-cache",
          "save-steps",
          "keep-checkpoints");

  private static final String DATA = "data";

  boolean has(Setting<?> setting) {
    return command.settings().stream().anyMatch(own -> own.name().equals(setting.name()));
  }

  /** Options that decide what comes out, as the file has them. */
  Map<String, List<String>> deciding() {
    Map<String, List<String>> deciding = new TreeMap<>(written);
    deciding.keySet().removeAll(WITHOUT_EFFECT);
    return deciding;
  }

  /** Whether the command writes to a directory itself; if not, its standard output is kept. */
  boolean writesItself() {
    boolean toOutput = has(TrainingSettings.OUTPUT);
    if (command.name().equals("generate")) {
      return resolved.containsKey(DATA) && !isOn(TextSettings.JSON);
    }
    return toOutput;
  }

  /** The file of its output that keeps what it says on standard output. */
  String standardOutput() {
    return isOn(TextSettings.JSON) ? "output.jsonl" : "output.txt";
  }

  private boolean isOn(Setting<Boolean> flag) {
    return resolved.getOrDefault(flag.name(), List.of()).stream().anyMatch(flag.reader()::apply);
  }

  /** The values for its command, as the command line would give them. */
  Map<String, SettingValues.Given> values() {
    Map<String, SettingValues.Given> values = new LinkedHashMap<>();
    resolved.forEach((option, texts) -> values.put(option, new SettingValues.Given(texts, "")));
    if (writesItself()) {
      values.put(TrainingSettings.OUTPUT.name(), new SettingValues.Given(List.of(output), ""));
    }
    return values;
  }

  /** The tasks that run at once; empty where as many run as there are slots. */
  public Optional<Integer> ranks() {
    if (!has(TrainingSettings.RANKS)) {
      return Optional.empty();
    }
    return Optional.of(new SettingValues(values(), new Problems()).of(TrainingSettings.RANKS));
  }

  /** The call that does the same by itself. */
  String call() {
    StringBuilder call = new StringBuilder("plumbline ").append(command.name());
    values()
        .forEach(
            (option, given) -> {
              Setting<?> setting =
                  command.settings().stream()
                      .filter(own -> own.name().equals(option))
                      .findFirst()
                      .orElseThrow();
              for (String text : given.texts()) {
                if (setting.kind() != Setting.Kind.FLAG) {
                  String shown =
                      PipelineRecord.masked(Map.of(option, List.of(text))).path(option).asText();
                  call.append(' ').append(setting.option()).append(' ').append(quoted(shown));
                } else if (setting.reader().apply(text).equals(true)) {
                  call.append(' ').append(setting.option());
                }
              }
            });
    return call.toString();
  }

  /** A text as a shell takes it for one word. */
  private static String quoted(String text) {
    return text.matches("[A-Za-z0-9_./:=,@%+-]+") ? text : "'" + text.replace("'", "'\\''") + "'";
  }
}
