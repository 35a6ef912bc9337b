package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands run as a user runs them, on a fresh model. */
class CommandsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path directory;

  private static String model;
  private static String pairs;

  @BeforeAll
  static void makeModelAndData() throws Exception {
    model = directory.resolve("model").toString();
    Call init =
        Call.plumbline(
            ("init-model --output "
                    + model
                    + " --hidden-size 32 --layers 2 --heads 2 --kv-heads 1"
                    + " --intermediate-size 64")
                .split(" "));
    assertThat(init.err()).isEmpty();
    assertThat(init.status()).isZero();
    assertThat(init.out()).contains("parameters, 260 tokens");
    pairs = directory.resolve("pairs.jsonl").toString();
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < 12; i++) {
      rows.append(
          "{\"prompt\": \"Say %d.\", \"chosen\": \" %d, gladly.\", \"rejected\": \" No %d.\"}\n"
              .formatted(i, i, i));
    }
    Files.writeString(Path.of(pairs), rows);
  }

  private static JsonNode json(String text) {
    try {
      return JSON.readTree(text);
    } catch (java.io.IOException e) {
      throw new AssertionError("not JSON: " + text, e);
    }
  }

  @Test
  void initModelRefusesADirectoryWithSomethingInIt() {
    Call call = Call.plumbline("init-model", "--output", model);

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err()).contains("is not empty", "--overwrite").hasLineCount(1);
  }

  @Test
  void sizesThatDoNotFitAreProblemsOfTheCall() {
    Call call =
        Call.plumbline("init-model", "--hidden-size", "30", "--heads", "4", "--vocab-size", "9");

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err()).contains("2 problems", "--output is missing", "multiple of twice");
  }

  @Test
  void inspectTellsAModelAsTextAndAsJson() {
    Call text = Call.plumbline("inspect", model);
    Call asJson = Call.plumbline("inspect", model, "--json");

    assertThat(text.out()).contains("a model", "llama", "fingerprint");
    JsonNode found = json(asJson.out());
    assertThat(found.path("hidden_size").asInt()).isEqualTo(32);
    assertThat(found.path("parameters").asLong()).isPositive();
    assertThat(found.path("fingerprint").asText()).hasSize(64);
    assertThat(Call.plumbline("inspect", directory + "/none").status()).isEqualTo(2);
    assertThat(Call.plumbline("inspect").err()).contains("PATH is missing");
    assertThat(Call.plumbline("inspect", "a", "b").err()).contains("'b' is one too many");
  }

  @Test
  void generateWritesJsonLinesThatScoreAgreesWith() throws Exception {
    Call generate =
        Call.plumbline(
            "generate", "--model", model, "--prompt", "Say 1.", "--max-new-tokens", "8", "--json");

    assertThat(generate.status()).isZero();
    JsonNode sample = json(generate.out());
    assertThat(generate.out()).hasLineCount(1);
    assertThat(sample.path("tokens")).hasSameSizeAs(sample.path("logps"));
    double sum = 0;
    for (JsonNode logp : sample.path("logps")) {
      sum += logp.asDouble();
    }
    assertThat(sample.path("logp").asDouble()).isCloseTo(sum, within(1e-4));

    Call again =
        Call.plumbline(
            "generate", "--model", model, "--prompt", "Say 1.", "--max-new-tokens", "8", "--json");
    assertThat(again.out()).isEqualTo(generate.out());
  }

  private static org.assertj.core.data.Offset<Double> within(double offset) {
    return org.assertj.core.data.Offset.offset(offset);
  }

  @Test
  void scoreOfATextHasAValueForEveryTokenButTheFirst() {
    Call call = Call.plumbline("score", "--model", model, "--prompt", "Hello", "--json");

    assertThat(call.status()).isZero();
    JsonNode score = json(call.out());
    assertThat(score.path("completion").asText()).isEqualTo("Hello");
    assertThat(score.path("logps").size()).isEqualTo(score.path("tokens").size() - 1);
    assertThat(score.path("logp").asDouble()).isNegative();
  }

  @Test
  void scoreOfPairsRunsOnSparkAndWritesALineEach() {
    Call call = Call.plumbline("score", "--model", model, "--data", pairs, "--json");

    assertThat(call.err()).isEmpty();
    assertThat(call.status()).isZero();
    List<String> lines = call.out().lines().toList();
    assertThat(lines).hasSize(12);
    for (String line : lines) {
      JsonNode score = json(line);
      assertThat(score.path("chosen_logp").asDouble()).isNegative();
      assertThat(score.path("rejected_tokens").asInt()).isPositive();
    }
  }

  @Test
  void prepareAndReferenceFillWhatASecondCallFinds() {
    String output = directory.resolve("run").toString();
    String cache = directory.resolve("cache").toString();
    Call prepare =
        Call.plumbline(
            ("prepare --model "
                    + model
                    + " --data "
                    + pairs
                    + " --output "
                    + output
                    + " --global-batch-size 4 --max-steps 6")
                .split(" "));
    assertThat(prepare.err()).contains("12 rows read, 12 accepted, 0 refused");
    assertThat(prepare.status()).isZero();
    assertThat(prepare.out()).contains("6 steps of 4");

    String[] reference =
        ("reference --model "
                + model
                + " --data "
                + pairs
                + " --output "
                + output
                + " --reference-cache "
                + cache
                + " --ranks 2")
            .split(" ");
    Call first = Call.plumbline(reference);
    assertThat(first.status()).as(first.err()).isZero();
    assertThat(first.err()).contains("found prepared");
    assertThat(first.out()).contains("reference.computed 12", "reference.found 0");
    Call second = Call.plumbline(reference);
    assertThat(second.out()).contains("reference.computed 0", "reference.found 12");

    JsonNode shards = json(Call.plumbline("inspect", output + "/shards", "--json").out());
    assertThat(shards.path("steps").asInt()).isEqualTo(6);
    JsonNode held = json(Call.plumbline("inspect", cache, "--json").out());
    assertThat(held.path("rows").asLong()).isEqualTo(12);
  }

  @Test
  void badRowsPastTheLimitEndPrepareWithStatusTwo() throws Exception {
    Path data = directory.resolve("bad.jsonl");
    Files.writeString(
        data,
        """
        {"prompt": "a", "chosen": "b", "rejected": "b"}
        {"prompt": "a", "chosen": "b", "rejected": "c"}
        """);

    Call call =
        Call.plumbline(
            ("prepare --model "
                    + model
                    + " --data "
                    + data
                    + " --output "
                    + directory
                    + "/bad"
                    + " --max-bad-rows 0")
                .split(" "));

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err()).contains("plumbline prepare: ");
  }

  @Test
  void sourcesOfRowsAreChecked() {
    assertThat(Call.plumbline("generate", "--model", model).err())
        .contains("--data or --prompt is missing");
    assertThat(Call.plumbline("score", "--model", model, "--data", "d", "--prompt", "p").err())
        .contains("--data and --prompt are both given");
    Call unread = Call.plumbline("score", "--model", directory + "/none", "--prompt", "p");
    assertThat(unread.status()).isEqualTo(2);
    assertThat(unread.err()).contains("There is no model directory").hasLineCount(1);
  }
}
