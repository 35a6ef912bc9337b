package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.checkpoint.RunRecord;
import io.plumbline.spark.cli.commands.RecordedOptions;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code rerun} as a user calls it, on fresh models. */
class RerunTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path shared;
  private static String model;

  @TempDir Path directory;

  @BeforeAll
  static void makeModel() {
    model = shared.resolve("model").toString();
    makeModel(model, 1);
  }

  private static void makeModel(String path, int seed) {
    Call init =
        Call.plumbline(
            ("init-model --output "
                    + path
                    + " --hidden-size 32 --layers 2 --heads 2 --kv-heads 1"
                    + " --intermediate-size 64 --max-positions 128 --overwrite --seed "
                    + seed)
                .split(" "));
    assertThat(init.status()).as(init.err()).isZero();
  }

  private Path data(int rows) throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < rows; i++) {
      text.append(
          ("{\"prompt\": \"Say %d.\", \"chosen\": \" %d, gladly.\", \"rejected\": \" No %d.\","
                  + " \"answer\": \"%d\"}\n")
              .formatted(i, i, i, i));
    }
    return Files.writeString(directory.resolve("pairs.jsonl"), text);
  }

  private Path prompts(int rows) throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < rows; i++) {
      text.append("{\"prompt\": \"Say %d.\", \"answer\": \"%d\"}\n".formatted(i, i));
    }
    return Files.writeString(directory.resolve("prompts.jsonl"), text);
  }

  private Call train(String command, String... more) throws IOException {
    Path data = command.equals("grpo") ? prompts(12) : data(12);
    List<String> args =
        new ArrayList<>(
            List.of(command, "--model", model, "--data", data.toString(), "--output", run()));
    args.addAll(List.of("--global-batch-size", "4", "--max-steps", "3"));
    args.addAll(List.of("--learning-rate", "1e-3"));
    args.addAll(List.of(more));
    Call call = Call.plumbline(args.toArray(String[]::new));
    assertThat(call.status()).as(call.err()).isZero();
    return call;
  }

  private String run() {
    return directory.resolve("run").toString();
  }

  private ObjectNode record() throws IOException {
    return (ObjectNode) JSON.readTree(directory.resolve("run/run.json").toFile());
  }

  private void write(ObjectNode record) throws IOException {
    JSON.writeValue(directory.resolve("run/run.json").toFile(), record);
  }

  @ParameterizedTest
  @CsvSource({
    "dpo, --ranks 2 --eval-split 3 --eval-steps 1",
    "sft, --supervised-on chosen --packing bfd --max-length 40",
    "grpo, --reward answer --num-generations 4 --max-completion-length 8 --beta 0.04"
  })
  void givesTheSameBitsAndMetrics(String command, String options) throws Exception {
    train(command, options.split(" "));

    Call again = Call.plumbline("rerun", directory.resolve("run/run.json").toString());

    assertThat(again.status()).as(again.err()).isZero();
    assertThat(again.out()).contains("The checkpoint is bit for bit that of " + run());
    assertThat(again.err()).doesNotContain("last bits may differ");
    assertThat(directory.resolve("run-rerun/checkpoint/model.safetensors"))
        .hasSameBinaryContentAs(directory.resolve("run/checkpoint/model.safetensors"));
    assertThat(metrics("run-rerun")).isEqualTo(metrics("run")).isNotEmpty();
  }

  private List<JsonNode> metrics(String output) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String text : Files.readAllLines(directory.resolve(output + "/metrics.jsonl"))) {
      ObjectNode line = (ObjectNode) JSON.readTree(text);
      line.properties().removeIf(field -> field.getKey().matches(".*(time|per_second).*"));
      lines.add(line);
    }
    return lines;
  }

  @Test
  void changedDataIsRefusedByNameUnlessItIsAllowed() throws Exception {
    train("dpo");
    data(13);

    Call refused = Call.plumbline("rerun", run());
    assertThat(directory.resolve("run-rerun/checkpoint")).doesNotExist();
    Call allowed = Call.plumbline("rerun", run(), "--overwrite", "--allow-changes");

    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.err().lines().reduce((a, b) -> b).orElseThrow())
        .startsWith(
            "plumbline rerun: The training data is not what it was in " + run() + "/run.json:")
        .endsWith("continue with what it is by --allow-changes.");
    assertThat(allowed.status()).as(allowed.err()).isZero();
    assertThat(allowed.err()).containsOnlyOnce("The training data is not what it was");
    assertThat(allowed.out()).contains("The checkpoint is not bit for bit that of");
  }

  @Test
  void anotherModelIsRefusedAndAnotherMachineIsSaid() throws Exception {
    String ownModel = directory.resolve("model").toString();
    makeModel(ownModel, 1);
    train("sft", "--supervised-on", "chosen");
    ObjectNode record = record();
    ((ObjectNode) record.path("configuration")).put("model", "model");
    record.put("directory", directory.toString());
    ((ObjectNode) record.path("environment")).put("processor", "Abacus 3");
    ((ObjectNode) record.path("versions")).put("spark", "9.9");
    write(record);

    Call elsewhere = Call.plumbline("rerun", run(), "--output", directory.resolve("b").toString());
    makeModel(ownModel, 2);
    Call refused = Call.plumbline("rerun", run(), "--output", directory.resolve("c").toString());

    assertThat(elsewhere.status()).as(elsewhere.err()).isZero();
    assertThat(elsewhere.err())
        .contains("The last bits may differ from those of")
        .contains("spark was 9.9 and is", "processor was Abacus 3 and is");
    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.err()).contains("The model is not what it was in " + run());
  }

  @Test
  void pathsGoFromWhereTheRunWasStarted() {
    RunRecord record =
        RunRecord.started("grpo", java.time.Instant.EPOCH)
            .withDirectory("/home/ada")
            .withConfiguration(
                Map.ofEntries(
                    Map.entry("model", "models/a"),
                    Map.entry("data", List.of("d.jsonl:2.0", "table:main.d", "delta:lake/d")),
                    Map.entry("eval-data", List.of("s3a://b/e", "/abs/e")),
                    Map.entry("output", "runs/a"),
                    Map.entry("seed", 7),
                    Map.entry("reward", List.of("answer", "model{\"path\":\"runs/r\"}")),
                    Map.entry("cost", List.of("model{\"path\":\"/r\",\"name\":\"harm\"}<=0.5")),
                    Map.entry("mlflow-uri", "http://h:5000")));
    Problems problems = new Problems();

    Map<String, SettingValues.Given> again =
        new RecordedOptions("run.json", record).again(problems);

    assertThat(problems.sentences()).isEmpty();
    assertThat(again.get("model").texts()).containsExactly("/home/ada/models/a");
    assertThat(again.get("output").texts()).containsExactly("/home/ada/runs/a");
    assertThat(again.get("data").texts())
        .containsExactly("/home/ada/d.jsonl:2.0", "table:main.d", "delta:/home/ada/lake/d");
    assertThat(again.get("eval-data").texts()).containsExactly("s3a://b/e", "/abs/e");
    assertThat(again.get("seed").texts()).containsExactly("7");
    assertThat(again.get("reward").texts())
        .containsExactly("answer", "model{\"path\":\"/home/ada/runs/r\"}");
    assertThat(again.get("cost").texts())
        .containsExactly("model{\"path\":\"/r\",\"name\":\"harm\"}<=0.5");
    assertThat(again).doesNotContainKey("mlflow-uri");
  }

  @Test
  void whatCannotBeRunAgainIsTold() {
    RunRecord masked =
        RunRecord.started("dpo", java.time.Instant.EPOCH)
            .withConfiguration(
                Map.of("data", List.of("jdbc://u:hush@h/d"), "gone-option", 1, "model", "m"));
    Problems problems = new Problems();

    new RecordedOptions("run.json", masked).again(problems);
    RunRecord.started("prepare", java.time.Instant.EPOCH)
        .write(Storage.local(), directory.resolve("p/run.json").toString());
    Call other = Call.plumbline("rerun", directory.resolve("p").toString());
    Call absent = Call.plumbline("rerun", directory.resolve("none").toString());

    assertThat(problems.sentences())
        .containsExactlyInAnyOrder(
            "run.json has no value of data, which held a secret: such a run cannot be run again.",
            "run.json has the option gone-option, which this version does not know: run it again"
                + " with the one that wrote it.");
    assertThat(other.status()).isEqualTo(2);
    assertThat(other.err()).contains("is of prepare, and only training commands can be run again");
    assertThat(absent.status()).isEqualTo(2);
    assertThat(absent.err()).contains("is not there: name a run.json").hasLineCount(1);
  }
}
