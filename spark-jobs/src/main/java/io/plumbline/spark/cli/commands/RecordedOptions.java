package io.plumbline.spark.cli.commands;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.advantage.CostSpec;
import io.plumbline.checkpoint.RunRecord;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.TrackingOptions;
import io.plumbline.spark.cli.options.TrainingSettings;
import io.plumbline.spark.source.SparkSources;
import io.plumbline.spark.training.algorithm.ScoringModels;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * The options of a run as its run.json holds them, as a layer of values.
 *
 * @param path where it was read
 */
public record RecordedOptions(String path, RunRecord record) {
  private static final String MASKED = "***";
  private static final Set<String> PATHS =
      Set.of(
          "model",
          "output",
          "reference-cache",
          "reward-model",
          "critic-model",
          "adapter",
          RunTemplates.TEMPLATE);
  private static final Set<String> SOURCES = Set.of("data", "eval-data", "ptx-data");
  private static final Pattern WITH_SCHEME = Pattern.compile("[a-zA-Z][a-zA-Z0-9+.-]*:/.*");

  /** Reads a record, or the one of an output directory. */
  static RecordedOptions read(Storage storage, String given) {
    String path = storage.isDirectory(given) ? Storage.join(given, "run.json") : given;
    if (!storage.exists(path)) {
      throw new PlumblineException(
          ErrorCode.INPUT_NOT_FOUND,
          path + " is not there: name a run.json that a training run left, or its directory.");
    }
    return new RecordedOptions(path, RunRecord.read(storage, path));
  }

  /** The command that made the run. */
  TrainCommand command() {
    return Commands.all().stream()
        .filter(TrainCommand.class::isInstance)
        .map(TrainCommand.class::cast)
        .filter(command -> command.name().equals(record.command()))
        .findFirst()
        .orElseThrow(
            () ->
                new PlumblineException(
                    ErrorCode.BAD_USAGE,
                    path
                        + " is of "
                        + (record.command().isEmpty() ? "no command" : record.command())
                        + ", and only training commands can be run again: name the run.json of"
                        + " one."));
  }

  /** The values of options whose names begin so, as they were given. */
  Map<String, SettingValues.Given> startingWith(String prefix) {
    Map<String, SettingValues.Given> values = new LinkedHashMap<>();
    record
        .configuration()
        .properties()
        .forEach(
            option -> {
              List<String> texts = texts(option.getValue());
              if (option.getKey().startsWith(prefix) && !texts.isEmpty()) {
                values.put(option.getKey(), new SettingValues.Given(texts, "in " + path));
              }
            });
    return values;
  }

  /** The values that make the run again, from any directory and with as many threads. */
  public Map<String, SettingValues.Given> again(Problems problems) {
    Set<String> offered = new java.util.HashSet<>();
    command().settings().forEach(setting -> offered.add(setting.name()));
    Map<String, SettingValues.Given> values = new LinkedHashMap<>();
    startingWith("")
        .forEach(
            (name, given) -> {
              if (!offered.contains(name)) {
                problems.add(
                    "%s has the option %s, which this version does not know: run it again with the one"
                            .formatted(path, name)
                        + " that wrote it.");
              } else if (given.texts().stream().anyMatch(text -> text.contains(MASKED))) {
                problems.add(
                    "%s has no value of %s, which held a secret: such a run cannot be run again."
                        .formatted(path, name));
              } else {
                List<String> texts =
                    given.texts().stream().map(text -> absolute(name, text)).toList();
                values.put(name, new SettingValues.Given(texts, given.origin()));
              }
            });
    // A server hears of a run that is run again only where one is named for it.
    TrackingOptions.all().forEach(setting -> values.remove(setting.name()));
    Optional.ofNullable(record.environment().get("threads_per_rank"))
        .ifPresent(
            threads ->
                values.put(
                    TrainingSettings.THREADS_PER_RANK.name(),
                    new SettingValues.Given(List.of(threads), "in " + path)));
    return values;
  }

  /** A value whose path does not depend on where the program is started. */
  private String absolute(String name, String text) {
    UnaryOperator<String> path = this::absolute;
    if (PATHS.contains(name)) {
      return path.apply(text);
    }
    if (SOURCES.contains(name)) {
      return SparkSources.mapPath(text, path);
    }
    return switch (name) {
      case "reward" -> ScoringModels.withPath(text, path);
      case "cost" -> {
        CostSpec cost = CostSpec.parse(text);
        yield ScoringModels.withPath(cost.rewardSpec(), path) + "<=" + cost.limit();
      }
      default -> text;
    };
  }

  private String absolute(String file) {
    boolean relative = !file.startsWith("/") && !WITH_SCHEME.matcher(file).matches();
    return relative ? record.directory().map(from -> Storage.join(from, file)).orElse(file) : file;
  }

  private static List<String> texts(JsonNode value) {
    List<String> texts = new ArrayList<>();
    if (value.isArray()) {
      value.forEach(element -> texts.add(element.asText()));
    } else if (!value.isNull()) {
      texts.add(value.asText());
    }
    return texts;
  }
}
