package io.plumbline.spark.cli.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.spark.cli.commands.Commands;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the stages of a pipeline read from outside of it. */
class StageInputsTest {
  private static final Pattern PATH = Pattern.compile("DIR|PATH|FILE|SOURCE");

  /** Options whose paths are written to, or kept beside a run. */
  private static final Set<String> WRITTEN = Set.of("output", "reference-cache");

  @TempDir Path directory;

  private final Storage storage = Storage.of(new Configuration());
  private final Problems problems = new Problems();

  private PipelineStage stage(String command, String options) {
    String yaml =
        "output: %s\nstages:\n  s:\n    command: %s\n    model: %s\n%s"
            .formatted(directory.resolve("out"), command, directory, options.indent(4));
    PipelineStage stage =
        Pipeline.of(
                PipelineFile.parse(yaml, "p.yaml", problems),
                Optional.empty(),
                Commands.all(),
                problems)
            .stages()
            .get(0);
    assertThat(problems.sentences()).isEmpty();
    return stage;
  }

  private Map<String, String> fingerprints(PipelineStage stage) {
    return StageInputs.fingerprints(stage, storage);
  }

  private String file(String name, String text) throws IOException {
    Path file = directory.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text).toString();
  }

  /** An option that names something read, and is missing here, would let old results stand. */
  @Test
  void everyOptionThatNamesAPathIsReadOrWritten() {
    Set<String> unknown = new TreeSet<>();
    for (Command command : Commands.all()) {
      if (StageParts.of(command.name()).isPresent()) {
        for (Setting<?> setting : command.settings()) {
          boolean names =
              PATH.matcher(setting.label()).find()
                  || setting.name().equals("reward")
                  || setting.name().equals("cost");
          if (names && !WRITTEN.contains(setting.name()) && !StageInputs.isRead(setting.name())) {
            unknown.add(command.name() + " --" + setting.name());
          }
        }
      }
    }
    assertThat(unknown).isEmpty();
  }

  @Test
  void namesWithColonsAreReadAsTheCommandReadsThem() throws IOException {
    String csv = file("2024", "prompt,completion\na,b\n");
    String colon = file("day:2", "{\"prompt\": \"a\"}\n");

    assertThat(fingerprints(stage("sft", "data: csv:" + csv + "\n"))).containsKey(csv);
    assertThat(fingerprints(stage("sft", "data: csv:" + csv + ":2\n"))).containsKey(csv);
    assertThat(fingerprints(stage("sft", "data: {" + csv + ": 2}\n"))).containsKey(csv);
    // A command that weighs no sources takes the name as it is.
    assertThat(fingerprints(stage("generate", "data: " + colon + "\n")))
        .containsKey(colon)
        .doesNotContainValue("");
    assertThat(fingerprints(stage("sft", "data: |-\n  sql:SELECT *\n  FROM t\n")).keySet())
        .containsExactly(directory.toString());
  }

  @Test
  void aModelOfACostIsRead() throws IOException {
    String weights = file("cost/model.safetensors", "1");
    String cost = directory.resolve("cost").toString();
    PipelineStage stage =
        stage(
            "grpo", "data: x.jsonl\nreward: answer\ncost: 'model{\"path\":\"" + cost + "\"}<=3'\n");
    String before = fingerprints(stage).get(cost);
    Files.writeString(Path.of(weights), "2");

    assertThat(before).isNotEmpty();
    assertThat(fingerprints(stage).get(cost)).isNotEqualTo(before);
  }

  @Test
  void ofADirectoryTheFilesOfItsSplitCount() throws IOException {
    file("ds/train.jsonl", "{\"prompt\": \"a\"}\n");
    file("ds/test.jsonl", "{\"prompt\": \"b\"}\n");
    file("ds/README.md", "about");
    String ds = directory.resolve("ds").toString();
    PipelineStage trained = stage("generate", "data: " + ds + "\n");
    String before = fingerprints(trained).get(ds);
    file("ds/README.md", "other words");
    file("ds/test.jsonl", "{\"prompt\": \"c\"}\n");
    assertThat(fingerprints(trained).get(ds)).isEqualTo(before);
    file("ds/train.jsonl", "{\"prompt\": \"d\"}\n");
    assertThat(fingerprints(trained).get(ds)).isNotEqualTo(before);

    file("two/train_sft.jsonl", "{}\n");
    file("two/train_prefs.jsonl", "{}\n");
    StageInputs.requireAll(
        stage("generate", "data: " + directory.resolve("two") + "\n"), storage, problems);
    assertThat(problems.sentences())
        .singleElement()
        .asString()
        .contains("Stage s: ", "train_sft", "train_prefs");
  }
}
