package io.plumbline.spark.cli.pipeline;

import io.plumbline.base.NearestName;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.CommandLineReader;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.storage.Storage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Stages in the order in which they run, each checked by its own command.
 *
 * @param file where they were read, for messages
 * @param output the directory of the record, the report and, unless a stage says otherwise, of all
 *     that stages write
 */
public record Pipeline(String file, String output, List<PipelineStage> stages) {
  /** What the pipeline itself decides for its stages. */
  private static final Map<String, String> NOT_IN_A_STAGE =
      Map.of(
          "resume", "a pipeline resumes by itself",
          "overwrite", "a pipeline does a stage again by --redo with its name",
          "master", "it stands on the command line of the pipeline, for all stages");

  private static final String STAGE_DIRECTORY = "stages-";

  public Pipeline {
    stages = List.copyOf(stages);
  }

  /**
   * Understands a file and checks all of it; does nothing else.
   *
   * @param givenOutput wins over what the file says
   * @return what could be understood; only to be used if no problem was added
   */
  public static Pipeline of(
      PipelineFile file, Optional<String> givenOutput, List<Command> commands, Problems problems) {
    Optional<String> output = givenOutput.or(file::output);
    if (output.isEmpty()) {
      problems.add(
          "--output is missing: name a directory for the pipeline, there or by 'output:' in the"
              + " file.");
    }
    return new Reading(file, output.orElse("output"), commands, problems).pipeline();
  }

  Optional<PipelineStage> stage(String name) {
    return stages.stream().filter(stage -> stage.name().equals(name)).findFirst();
  }

  public List<String> names() {
    return stages.stream().map(PipelineStage::name).toList();
  }

  /** Stages that use one of these, directly or through others, and these themselves. */
  Set<String> withDependents(Set<String> names) {
    Set<String> all = new LinkedHashSet<>(names);
    for (PipelineStage stage : stages) {
      if (stage.uses().stream().anyMatch(all::contains)) {
        all.add(stage.name());
      }
    }
    return all;
  }

  /** The stages that a stage uses, directly or through others, in order. */
  List<PipelineStage> before(PipelineStage stage) {
    Set<String> wanted = new LinkedHashSet<>(stage.uses());
    List<PipelineStage> found = new ArrayList<>();
    for (int i = stages.indexOf(stage) - 1; i >= 0; i--) {
      if (wanted.contains(stages.get(i).name())) {
        wanted.addAll(stages.get(i).uses());
        found.add(0, stages.get(i));
      }
    }
    return found;
  }

  /** One pass over a file. */
  private static final class Reading {
    private final PipelineFile file;
    private final String output;
    private final List<Command> all;
    private final Map<String, Command> commands = new LinkedHashMap<>();
    private final Problems problems;
    private final References references;
    private final List<PipelineStage> stages = new ArrayList<>();
    private final Set<String> told = new LinkedHashSet<>();

    Reading(PipelineFile file, String output, List<Command> commands, Problems problems) {
      this.file = file;
      this.output = output;
      this.all = List.copyOf(commands);
      this.problems = problems;
      this.references = new References(output, file.stages());
      commands.stream()
          .filter(command -> StageParts.of(command.name()).isPresent())
          .forEach(command -> this.commands.put(command.name(), command));
    }

    Pipeline pipeline() {
      checkDefaults();
      for (PipelineFile.Stage written : file.stages()) {
        Problems own = new Problems();
        Optional<PipelineStage> stage = stage(written, own);
        own.sentences().forEach(sentence -> tell(written, sentence));
        references.done(written.name(), stage);
        stage.ifPresent(stages::add);
      }
      checkOutputs();
      return new Pipeline(file.name(), output, stages);
    }

    /** A default that no command takes is mistyped. */
    private void checkDefaults() {
      Set<String> names = new TreeSet<>();
      commands
          .values()
          .forEach(command -> command.settings().forEach(setting -> names.add(setting.name())));
      file.defaults()
          .forEach(
              (key, given) -> {
                String name = settingName(key);
                if (name.equals("output")) {
                  problems.add(
                      String.format(
                          "%s %s would be the same for all stages: leave it out.",
                          key, given.origin()));
                } else if (NOT_IN_A_STAGE.containsKey(name)) {
                  problems.add(misplaced(key, given));
                } else if (!names.contains(name)) {
                  problems.add(
                      String.format(
                          "The default %s %s is an option of no stage%s",
                          key,
                          given.origin(),
                          NearestName.among(names, name)
                              .map(near -> ": did you mean " + near + "?")
                              .orElse(": leave it out.")));
                }
              });
    }

    private Optional<PipelineStage> stage(PipelineFile.Stage written, Problems own) {
      Command command = commands.get(written.command());
      if (command == null) {
        own.add(
            String.format(
                "There is no command %s that a stage could run, %s%s",
                written.command(),
                written.origin(),
                NearestName.among(commands.keySet(), written.command())
                    .map(near -> ": did you mean " + near + "?")
                    .orElse(": there is " + String.join(", ", commands.keySet()) + ".")));
        return Optional.empty();
      }
      Map<String, SettingValues.Given> given = options(command, written, own);
      SettingValues.Given where = given.remove("output");
      Set<String> uses = new LinkedHashSet<>();
      Map<String, List<String>> texts = new LinkedHashMap<>();
      Map<String, SettingValues.Given> resolved = new LinkedHashMap<>();
      given.forEach(
          (option, value) -> {
            texts.put(option, value.texts());
            resolved.put(option, resolved(value, written.name(), uses, own));
          });
      String stageOutput = Storage.join(output, STAGE_DIRECTORY + written.name());
      if (where != null) {
        stageOutput = resolved(where, written.name(), uses, own).texts().get(0);
      }
      Map<String, List<String>> paths = new LinkedHashMap<>();
      resolved.forEach((option, value) -> paths.put(option, value.texts()));
      PipelineStage stage =
          new PipelineStage(
              written.name(),
              command,
              StageParts.of(command.name()).orElseThrow(),
              stageOutput,
              texts,
              paths,
              Set.copyOf(uses));
      if (stage.writesItself()) {
        resolved.put("output", new SettingValues.Given(List.of(stageOutput), ""));
      }
      command.check(new SettingValues(resolved, own), own);
      return Optional.of(stage);
    }

    private SettingValues.Given resolved(
        SettingValues.Given given, String stage, Set<String> uses, Problems own) {
      return new SettingValues.Given(
          given.texts().stream()
              .map(text -> references.resolve(text, stage, given.origin(), uses::add, own))
              .toList(),
          given.origin());
    }

    /** The stage's own options, and those of the defaults that its command has. */
    private Map<String, SettingValues.Given> options(
        Command command, PipelineFile.Stage written, Problems own) {
      Map<String, SettingValues.Given> entries = new LinkedHashMap<>(written.options());
      Map<String, SettingValues.Given> outputs = new LinkedHashMap<>();
      entries
          .entrySet()
          .removeIf(
              entry -> {
                String name = settingName(entry.getKey());
                if (NOT_IN_A_STAGE.containsKey(name)) {
                  own.add(misplaced(entry.getKey(), entry.getValue()));
                } else if (name.equals("output")) {
                  // Also of commands that write to no directory: what they print is kept there.
                  outputs.put(name, entry.getValue());
                } else {
                  return false;
                }
                return true;
              });
      Map<String, SettingValues.Given> named =
          new LinkedHashMap<>(new CommandLineReader(command, all).named(entries, own));
      Set<String> has = new TreeSet<>();
      command.settings().forEach(setting -> has.add(setting.name()));
      Map<String, SettingValues.Given> defaults = new LinkedHashMap<>();
      file.defaults()
          .forEach(
              (key, given) -> {
                String name = settingName(key);
                if (has.contains(name)
                    && !named.containsKey(name)
                    && !name.equals("output")
                    && !NOT_IN_A_STAGE.containsKey(name)) {
                  defaults.put(key, given);
                }
              });
      named.putAll(new CommandLineReader(command, all).named(defaults, own));
      named.putAll(outputs);
      return named;
    }

    private void checkOutputs() {
      Map<String, PipelineStage> seen = new LinkedHashMap<>();
      for (PipelineStage stage : stages) {
        String own = plain(stage.output());
        if (plain(output).equals(own) || isBelow(plain(output), own)) {
          problems.add(
              String.format(
                  "Stage %s would write to %s, where the pipeline keeps its record: give the stage"
                      + " another output, or none.",
                  stage.name(), stage.output()));
        }
        seen.forEach(
            (other, earlier) -> {
              boolean same = own.equals(other);
              boolean shares =
                  stage.parts().remains() == StageParts.Remains.FOUND
                      || earlier.parts().remains() == StageParts.Remains.FOUND;
              if ((same && !shares) || isBelow(own, other) || isBelow(other, own)) {
                problems.add(
                    String.format(
                        "Stages %s and %s would write to %s and %s: give each a directory of its"
                            + " own.",
                        earlier.name(), stage.name(), earlier.output(), stage.output()));
              }
            });
        seen.putIfAbsent(own, stage);
      }
    }

    private static boolean isBelow(String path, String directory) {
      return path.startsWith(directory.endsWith("/") ? directory : directory + "/");
    }

    /** A path without what makes two writings of one path differ. */
    private static String plain(String path) {
      if (path.contains("://")) {
        return path.replaceAll("/+$", "");
      }
      return Path.of(path.replaceFirst("^file:", "")).toAbsolutePath().normalize().toString();
    }

    private void tell(PipelineFile.Stage stage, String sentence) {
      if (!sentence.contains("in " + file.name() + ", line ")) {
        problems.add(String.format("Stage %s (%s): %s", stage.name(), stage.origin(), sentence));
      } else if (told.add(sentence)) {
        // A default that cannot be read is one problem, not one of every stage.
        problems.add(String.format("Stage %s: %s", stage.name(), sentence));
      }
    }

    private static String misplaced(String key, SettingValues.Given given) {
      return String.format(
          "%s %s is not for stages, for %s: leave it out.",
          key, given.origin(), NOT_IN_A_STAGE.get(settingName(key)));
    }

    private static String settingName(String key) {
      return key.replace('_', '-').toLowerCase(Locale.ROOT);
    }
  }
}
