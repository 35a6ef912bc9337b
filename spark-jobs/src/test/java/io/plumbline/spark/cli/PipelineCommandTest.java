package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * A pipeline of small models, run as a user runs it; each test continues where the last one ended.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class PipelineCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path directory;

  private static Path file;
  private static Path output;
  private static String yaml;

  @BeforeAll
  static void write() throws IOException {
    StringBuilder pairs = new StringBuilder();
    StringBuilder demonstrations = new StringBuilder();
    for (int i = 0; i < 12; i++) {
      pairs.append(
          "{\"prompt\": \"Say %d.\", \"chosen\": \" %d, gladly.\", \"rejected\": \" No %d.\"}\n"
              .formatted(i, i, i));
      demonstrations.append("{\"prompt\": \"Say %d.\", \"completion\": \" %d\"}\n".formatted(i, i));
    }
    Files.writeString(directory.resolve("pairs.jsonl"), pairs);
    Files.writeString(directory.resolve("sft.jsonl"), demonstrations);
    output = directory.resolve("run");
    file = directory.resolve("small.yaml");
    yaml =
        """
        output: %1$s/run
        defaults:
          max-steps: 3
          global-batch-size: 4
          max-length: 64
          save-steps: 1
          seed: 5
        stages:
          base:
            command: init-model
            hidden-size: 32
            layers: 1
            heads: 2
            kv-heads: 1
            intermediate-size: 64
          sft:
            model: ${base.checkpoint}
            data: %1$s/sft.jsonl
            learning-rate: 1e-3
          dpo:
            model: ${sft.checkpoint}
            data: %1$s/pairs.jsonl
            learning-rate: 1e-4
          said:
            command: score
            model: ${dpo.checkpoint}
            data: %1$s/pairs.jsonl
            json: true
        """
            .formatted(directory);
    Files.writeString(file, yaml);
  }

  private static Call pipeline(String... more) {
    return Call.plumbline(
        Stream.concat(Stream.of("pipeline", file.toString()), Stream.of(more))
            .toArray(String[]::new));
  }

  private static JsonNode stage(String name) throws IOException {
    for (JsonNode stage :
        JSON.readTree(Files.readString(output.resolve("pipeline.json"))).path("stages")) {
      if (stage.path("name").asText().equals(name)) {
        return stage;
      }
    }
    throw new AssertionError("no stage " + name);
  }

  private static void delete(Path root) throws IOException {
    try (Stream<Path> all = Files.walk(root)) {
      all.sorted(Comparator.reverseOrder())
          .forEach(
              path -> {
                try {
                  Files.delete(path);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    }
  }

  @Test
  @Order(1)
  void aDryRunShowsThePlanAndWritesNothing() {
    Call call = pipeline("--dry-run");

    assertThat(call.status()).as(call.err()).isZero();
    assertThat(call.out())
        .contains("1/4  base: to do", "plumbline init-model --hidden-size 32", "4/4  said: to do")
        .contains("plumbline dpo --model " + output + "/stages-sft/checkpoint")
        .contains("     uses sft");
    assertThat(output).doesNotExist();
  }

  @Test
  @Order(2)
  void inputsThatAreNotThereAreToldBeforeAnyWork() throws IOException {
    Files.writeString(
        file, yaml.replace("sft.jsonl", "stf.jsonl").replace("pairs.jsonl", "pears.jsonl"));

    Call call = pipeline();

    Files.writeString(file, yaml);
    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err())
        .contains("3 problems", "Stage sft: There is no", "stf.jsonl", "Stage dpo: ", "Stage said");
    assertThat(output.resolve("stages-base")).doesNotExist();
    assertThat(output.resolve("pipeline.json")).doesNotExist();
  }

  /** A model that a late stage needs is looked at before the first stage. */
  @Test
  @Order(2)
  void modelsThatCannotBeLoadedAreToldBeforeAnyWork() throws IOException {
    Path adapter = Files.createDirectories(file.getParent().resolve("adapter"));
    Files.writeString(
        adapter.resolve("adapter_config.json"), "{\"base_model_name_or_path\": \"someone/base\"}");
    Files.writeString(file, yaml.replace("${dpo.checkpoint}", adapter.toString()));

    Call call = pipeline();

    Files.writeString(file, yaml);
    assertThat(call.status()).isNotZero();
    assertThat(call.err())
        .contains("Stage said: ", "holds an adapter", "without its adapter_model.safetensors");
    assertThat(output.resolve("stages-base")).doesNotExist();
  }

  @Test
  @Order(3)
  void untilEndsAfterAStage() throws IOException {
    Call call = pipeline("--until", "sft");

    assertThat(call.status()).as(call.err()).isZero();
    assertThat(call.err())
        .contains("[2/4] sft: plumbline sft --model ", "[2/4] sft: done in", "said: left out");
    assertThat(output.resolve("stages-sft/checkpoint/config.json")).exists();
    assertThat(output.resolve("stages-dpo")).doesNotExist();
    assertThat(stage("sft").path("status").asText()).isEqualTo("completed");
    assertThat(pipeline("--until", "spt").err()).contains("no such stage: did you mean sft?");
    assertThat(pipeline("--only", "said").err())
        .contains("Stage said uses dpo, which is not done and not part of this call");
  }

  @Test
  @Order(4)
  void whatIsDoneIsSkippedAndTheRestIsDone() throws IOException {
    JsonNode sft = stage("sft");

    Call call = pipeline("--resume");

    assertThat(call.status()).as(call.err()).isZero();
    assertThat(call.err())
        .contains("[1/4] base: done before", "[2/4] sft: done before", "[3/4] dpo: plumbline dpo");
    assertThat(stage("sft")).isEqualTo(sft);
    assertThat(Files.readAllLines(output.resolve("stages-said/output.jsonl")))
        .hasSize(12)
        .allMatch(line -> line.contains("chosen_logp"));
    String report = Files.readString(output.resolve("report.html"));
    assertThat(report)
        .contains(
            "4 of 4 stages are done", "href=\"stages-dpo/report.html\"", "\"metric\":\"loss\"");
    assertThat(call.out()).contains("report", "pipeline.json");
  }

  @Test
  @Order(5)
  void theSameCallAgainDoesNothing() throws IOException {
    JsonNode dpo = stage("dpo");

    Call call = pipeline();

    assertThat(call.status()).as(call.err()).isZero();
    assertThat(call.out()).startsWith("Nothing was left to do");
    assertThat(call.err()).contains("[4/4] said: done before").doesNotContain("plumbline");
    assertThat(stage("dpo")).isEqualTo(dpo);
    assertThat(pipeline("--dry-run").out()).contains("3/4  dpo: done");
  }

  @Test
  @Order(6)
  void inspectTellsOfAPipeline() throws IOException {
    Call text = Call.plumbline("inspect", output.toString());
    JsonNode json = JSON.readTree(Call.plumbline("inspect", output.toString(), "--json").out());

    assertThat(text.out()).contains("a pipeline", "completed", "stages-dpo");
    assertThat(json.path("stages")).hasSize(4);
    assertThat(json.path("stages").path(2).path("command").asText()).isEqualTo("dpo");
  }

  @Test
  @Order(7)
  void aStageThatWasStoppedMidwayGoesOnFromItsNewestState() throws IOException {
    // What a driver that was killed after the second step leaves behind.
    Path run = output.resolve("stages-dpo");
    delete(run.resolve("checkpoint"));
    delete(run.resolve("checkpoints/step-00000003"));
    ObjectNode record =
        (ObjectNode) JSON.readTree(Files.readString(output.resolve("pipeline.json")));
    ((ObjectNode) record.path("stages").path(2)).put("status", "running").remove("ended");
    Files.writeString(output.resolve("pipeline.json"), record.toString());

    assertThat(pipeline("--dry-run").out()).contains("3/4  dpo: begun, resumes");
    Call call = pipeline();

    assertThat(call.status()).as(call.err()).isZero();
    assertThat(call.err()).contains("[3/4] dpo: resumes: ", "[4/4] said: done before");
    assertThat(run.resolve("checkpoint/config.json")).exists();
    JsonNode steps = JSON.readTree(Files.readString(run.resolve("run.json"))).path("counts");
    assertThat(steps.path("steps").asInt()).isEqualTo(3);
  }

  @Test
  @Order(8)
  void aChangedOptionIsRefusedUntilItMayBeDoneAgain() throws IOException {
    Files.writeString(file, yaml.replace("learning-rate: 1e-4", "learning-rate: 2e-4"));

    Call refused = pipeline();
    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.err())
        .contains(
            "Stage dpo was done, but learning-rate was 1e-4 and is now 2e-4: put that back, do it"
                + " again by --redo dpo (and with it said), or give another --output.");
    assertThat(pipeline("--dry-run").out())
        .contains("dpo: changed (learning-rate was 1e-4 and is now 2e-4)");

    // Only the stage itself for now: what uses it is done in the next call, without being told.
    Call once = pipeline("--redo", "dpo", "--until", "dpo");
    assertThat(once.status()).as(once.err()).isZero();
    assertThat(once.err()).contains("[3/4] dpo: is done again", "[4/4] said: left out");
    assertThat(stage("said").path("status").asText()).isEqualTo("outdated");
    Call again = pipeline();
    assertThat(again.status()).as(again.err()).isZero();
    assertThat(again.err()).contains("[3/4] dpo: done before", "[4/4] said: is done again");
    assertThat(pipeline().out()).startsWith("Nothing was left to do");

    // Ranks and the like change nothing that comes out.
    Files.writeString(
        file,
        yaml.replace("learning-rate: 1e-4", "learning-rate: 2e-4\n    micro-batch-tokens: 512"));
    assertThat(pipeline().out()).startsWith("Nothing was left to do");
  }

  @Test
  @Order(9)
  void changedDataIsNoticed() throws IOException {
    Path pairs = directory.resolve("pairs.jsonl");
    String before = Files.readString(pairs);
    Files.writeString(pairs, before.replace("gladly", "glad"));

    Call call = pipeline();

    Files.writeString(pairs, before);
    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err())
        .contains("Stage dpo was done, but " + pairs + " has another content")
        .contains("Stage said was done, but " + pairs + " has another content");
  }

  @Test
  @Order(10)
  void aStageThatFailsEndsThePipelineAndSaysHowToGoOn() throws IOException {
    String worse =
        yaml.replace("learning-rate: 1e-4", "learning-rate: 2e-4")
            + "  broken:\n    command: sft\n    model: ${base.checkpoint}\n    data: "
            + directory
            + "/bad.jsonl\n";
    Files.writeString(directory.resolve("bad.jsonl"), "{\"a\": 1}\n{\"b\": 1}\n");
    Files.writeString(file, worse);

    Call failed = pipeline();
    assertThat(failed.status()).isEqualTo(2);
    assertThat(failed.err())
        .contains("plumbline pipeline: Stage broken (sft) failed: ", "the same call resumes");
    assertThat(stage("broken").path("status").asText()).isEqualTo("failed");
    assertThat(Files.readString(output.resolve("report.html")))
        .contains("Stage broken failed.", "4 of 5 stages are done");

    // Nothing of worth was made yet, so a fixed file needs no further word.
    Files.writeString(file, worse.replace("bad.jsonl", "sft.jsonl"));
    Call fixed = pipeline();
    assertThat(fixed.status()).as(fixed.err()).isZero();
    assertThat(fixed.err())
        .contains("[4/5] said: done before", "[5/5] broken: begins again (data was ");
  }

  @Test
  @Order(11)
  void anOutputWithOtherThingsInItIsLeftAlone() throws IOException {
    Path other = directory.resolve("other");
    Files.createDirectories(other.resolve("stages-base"));
    Path precious = Files.writeString(other.resolve("stages-base/thesis.txt"), "years of work");

    Call call = pipeline("--output", other.toString());

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err()).contains("Stage base would write to", "did not write");
    assertThat(precious).exists();
  }
}
