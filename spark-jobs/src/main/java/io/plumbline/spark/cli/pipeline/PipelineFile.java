package io.plumbline.spark.cli.pipeline;

import io.plumbline.base.NearestName;
import io.plumbline.spark.cli.options.ConfigFile;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * What a pipeline's file says, read and not yet understood: commands and options are looked up by
 * {@link Pipeline}.
 *
 * @param name the file, for messages
 * @param output the directory that the file names, as it is written
 * @param defaults options for every stage that has them
 * @param stages in order
 */
public record PipelineFile(
    String name,
    Optional<String> output,
    Map<String, SettingValues.Given> defaults,
    List<Stage> stages) {
  private static final String OUTPUT = "output";
  private static final String DEFAULTS = "defaults";
  private static final String STAGES = "stages";
  private static final String NAME = "name";
  private static final String COMMAND = "command";

  /** What is safe in a path and in a reference. */
  private static final Pattern STAGE_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_-]*");

  /**
   * A stage as it is written.
   *
   * @param command what it runs; the stage's own name where it says nothing else
   * @param origin where it stands, for messages
   */
  record Stage(
      String name, String command, String origin, Map<String, SettingValues.Given> options) {}

  /** This file with another default. */
  public PipelineFile withDefault(Setting<?> setting, String value) {
    Map<String, SettingValues.Given> changed = new LinkedHashMap<>(defaults);
    changed.put(setting.name(), new SettingValues.Given(List.of(value), name));
    return new PipelineFile(name, output, changed, stages);
  }

  /** This file with every value of an option as the operator has it. */
  public PipelineFile withTexts(UnaryOperator<String> operator) {
    return new PipelineFile(
        name,
        output,
        changed(defaults, operator),
        stages.stream()
            .map(
                stage ->
                    new Stage(
                        stage.name(),
                        stage.command(),
                        stage.origin(),
                        changed(stage.options(), operator)))
            .toList());
  }

  private static Map<String, SettingValues.Given> changed(
      Map<String, SettingValues.Given> options, UnaryOperator<String> operator) {
    Map<String, SettingValues.Given> changed = new LinkedHashMap<>();
    options.forEach(
        (option, given) ->
            changed.put(
                option,
                new SettingValues.Given(
                    given.texts().stream().map(operator).toList(), given.origin())));
    return changed;
  }

  /** Reads a file; whatever is wrong with its form is a problem. */
  public static PipelineFile read(Path file, Problems problems) {
    String name = file.toString();
    return ConfigFile.source(file, "FILE", problems)
        .map(source -> parse(source, name, problems))
        .orElseGet(() -> new PipelineFile(name, Optional.empty(), Map.of(), List.of()));
  }

  static PipelineFile parse(String source, String name, Problems problems) {
    boolean soundBefore = problems.none();
    Optional<MappingNode> root = ConfigFile.mapping(source, name, problems);
    Map<String, ConfigFile.Value> keys =
        root.map(mapping -> ConfigFile.keys(mapping, name, problems)).orElse(Map.of());
    keys.forEach(
        (key, value) -> {
          List<String> known = List.of(OUTPUT, DEFAULTS, STAGES);
          if (!known.contains(key)) {
            problems.add(
                String.format(
                    "%s %s is no part of a pipeline%s",
                    key,
                    ConfigFile.where(name, value.key()),
                    NearestName.among(known, key)
                        .map(near -> ": did you mean " + near + "?")
                        .orElse(": it has output, defaults and stages.")));
          }
        });
    Optional<String> output = Optional.empty();
    if (keys.containsKey(OUTPUT)) {
      output = text(keys.get(OUTPUT).node());
      if (output.isEmpty()) {
        problems.add(
            String.format(
                "output %s must be a directory.", ConfigFile.where(name, keys.get(OUTPUT).key())));
      }
    }
    Map<String, SettingValues.Given> defaults = Map.of();
    if (keys.containsKey(DEFAULTS) && !isNull(keys.get(DEFAULTS).node())) {
      if (keys.get(DEFAULTS).node() instanceof MappingNode mapping) {
        defaults = ConfigFile.entries(mapping, name, problems);
      } else {
        problems.add(
            String.format(
                "defaults %s must be a map of option names to values.",
                ConfigFile.where(name, keys.get(DEFAULTS).key())));
      }
    }
    List<Stage> stages = new ArrayList<>();
    if (keys.containsKey(STAGES)) {
      stages(keys.get(STAGES), name, problems).forEach(stages::add);
    } else if (root.isPresent() || (problems.none() && soundBefore)) {
      problems.add(String.format("%s has no stages: list them under 'stages:'.", name));
    }
    return new PipelineFile(name, output, defaults, List.copyOf(stages));
  }

  private static List<Stage> stages(ConfigFile.Value value, String name, Problems problems) {
    Map<String, Stage> stages = new LinkedHashMap<>();
    if (value.node() instanceof MappingNode mapping) {
      ConfigFile.keys(mapping, name, problems)
          .forEach(
              (key, stage) ->
                  stage(Optional.of(key), stage.key(), stage.node(), name, problems)
                      .ifPresent(read -> stages.put(read.name(), read)));
    } else if (value.node() instanceof SequenceNode sequence) {
      for (Node item : sequence.getValue()) {
        Optional<Stage> read = stage(Optional.empty(), item, item, name, problems);
        if (read.isPresent() && stages.putIfAbsent(read.get().name(), read.get()) != null) {
          problems.add(
              String.format(
                  "A stage %s is there already, and another comes %s: give it a 'name:' of its own.",
                  read.get().name(), read.get().origin()));
        }
      }
    } else {
      problems.add(
          String.format(
              "stages %s must be a list of stages, or a map of names to stages.",
              ConfigFile.where(name, value.key())));
      return List.of();
    }
    if (stages.isEmpty() && problems.none()) {
      problems.add(
          String.format(
              "stages %s holds none: write one at least.", ConfigFile.where(name, value.key())));
    }
    return List.copyOf(stages.values());
  }

  private static Optional<Stage> stage(
      Optional<String> key, Node at, Node node, String file, Problems problems) {
    String where = ConfigFile.where(file, at);
    MappingNode mapping;
    if (node instanceof MappingNode found) {
      mapping = found;
    } else {
      problems.add(
          String.format(
              "The stage %s must be a map of 'command:' and options.",
              key.map(name -> name + " " + where).orElse(where)));
      return Optional.empty();
    }
    Map<String, SettingValues.Given> options =
        new LinkedHashMap<>(ConfigFile.entries(mapping, file, problems));
    Optional<String> command = only(options.remove(COMMAND), COMMAND, problems);
    Optional<String> name = key;
    if (key.isEmpty()) {
      name = only(options.remove(NAME), NAME, problems).or(() -> command);
      if (name.isEmpty()) {
        problems.add(String.format("The stage %s lacks a 'command:'.", where));
        return Optional.empty();
      }
    }
    if (!STAGE_NAME.matcher(name.get()).matches()) {
      problems.add(
          String.format(
              "A stage %s is called '%s': take letters, digits, - and _.", where, name.get()));
      return Optional.empty();
    }
    return Optional.of(new Stage(name.get(), command.orElse(name.get()), where, options));
  }

  private static Optional<String> only(SettingValues.Given given, String what, Problems problems) {
    if (given == null) {
      return Optional.empty();
    }
    if (given.texts().size() > 1) {
      problems.add(
          String.format("%s is given more than once %s: leave one.", what, given.origin()));
    }
    return Optional.of(given.texts().get(0));
  }

  private static Optional<String> text(Node node) {
    return node instanceof ScalarNode scalar && !isNull(node) && !scalar.getValue().isBlank()
        ? Optional.of(scalar.getValue())
        : Optional.empty();
  }

  private static boolean isNull(Node node) {
    return node.getTag().equals(Tag.NULL);
  }
}
