package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.data.CanonicalShards;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.ScoreModel;
import io.plumbline.spark.ledger.PlantedRun;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.spark.tracking.MlflowProcess;
import io.plumbline.storage.Storage;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
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
  void inspectPrunesAReferenceCacheAndNothingElse() throws Exception {
    Call refused = Call.plumbline("inspect", model, "--prune");
    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.err()).contains("is no reference cache");

    Path reference = directory.resolve("cache/v1/f00d");
    Path parts = Files.createDirectories(reference.resolve("parts"));
    Files.writeString(reference.resolve("reference.json"), "{\"model\": \"some/model\"}");
    Path old = Files.writeString(parts.resolve("old.parquet"), "abandoned");
    Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofHours(25))));
    Path fresh = Files.writeString(parts.resolve("fresh.parquet"), "of a task that runs");
    Call pruned = Call.plumbline("inspect", directory.resolve("cache").toString(), "--prune");
    assertThat(pruned.status()).as(pruned.err()).isZero();
    assertThat(pruned.err()).contains("1 files without use deleted, 9 bytes");
    assertThat(pruned.out()).contains("some/model");
    assertThat(old).doesNotExist();
    assertThat(fresh).exists();
  }

  @Test
  void inspectTellsHowTheRolloutsOfALedgerWent() {
    String ledger = directory.resolve("planted/ledger").toString();
    PlantedRun.write(ledger);

    Call text = Call.plumbline("inspect", ledger);
    JsonNode found = json(Call.plumbline("inspect", ledger, "--json").out());

    assertThat(text.status()).as(text.err()).isZero();
    assertThat(text.out()).contains("a ledger", "rewards/format", "Question 7");
    assertThat(found.path("rollouts").asLong()).isEqualTo(640);
    assertThat(found.path("phases").asLong()).isEqualTo(40);
    JsonNode steps = found.path("steps");
    assertThat(steps).hasSize(10);
    assertThat(steps.path(0).path("to").asLong()).isEqualTo(4);
    assertThat(steps.path(0).path("completion_tokens").asDouble()).isEqualTo(15);
    assertThat(steps.path(0).path("dropped").asDouble()).isEqualTo(0.0625);
    assertThat(steps.path(1).path("failures").asLong()).isEqualTo(2);
    assertThat(steps.path(9).path("rewards/format").asDouble()).isEqualTo(2);
    assertThat(steps.path(9).path("costs/length").asDouble()).isEqualTo(87);
    assertThat(found.path("highest_rewards").path(0).path("reward").asDouble()).isEqualTo(3);
    assertThat(found.path("lowest_rewards").path(0).path("prompt").asText())
        .isEqualTo("Question 7");
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

    assertThat(call.err()).contains("score: 12 rows in ", "rows/s").doesNotContain("\r");
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
  void aRewardModelScoresTextsAndPairsAndSaysWhatItIs() {
    String reward = directory.resolve("reward").toString();
    ModelDirectory start = ModelDirectory.open(Storage.local(), model);
    try (ScoreModel fresh = ScoreModel.load(start, Purpose.INFERENCE, ComputeDtype.F32, 1)) {
      fresh.write(Storage.local(), reward, start, WeightFormat.F32);
    }

    Call text = Call.plumbline("score", "--model", reward, "--prompt", "Hello", "--json");
    assertThat(text.status()).as(text.err()).isZero();
    assertThat(json(text.out()).path("score").isNumber()).isTrue();
    assertThat(json(text.out()).path("completion").asText()).isEqualTo("Hello");
    assertThat(json(text.out()).has("logps")).isFalse();

    Call asJson = Call.plumbline("score", "--model", reward, "--data", pairs, "--json");
    Call asText = Call.plumbline("score", "--model", reward, "--data", pairs);
    assertThat(asJson.status()).as(asJson.err()).isZero();
    List<String> lines = asText.out().lines().toList();
    assertThat(asJson.out().lines()).hasSize(12);
    for (int i = 0; i < 12; i++) {
      JsonNode pair = json(asJson.out().lines().toList().get(i));
      assertThat(pair.path("chosen_score").isNumber()).isTrue();
      assertThat(pair.path("rejected_score").isNumber()).isTrue();
      assertThat(lines.get(i))
          .contains(
              String.format(Locale.ROOT, "chosen %10.4f", pair.get("chosen_score").asDouble()));
    }

    assertThat(Call.plumbline("inspect", reward).out()).contains("a reward model");
    Call generate = Call.plumbline("generate", "--model", reward, "--prompt", "Hello");
    assertThat(generate.status()).isEqualTo(2);
    assertThat(generate.err()).contains("is a reward model").hasLineCount(1);
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

    JsonNode shards = json(Call.plumbline("inspect", output + "/shards-train", "--json").out());
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

  /** Names of the files in a directory: shards that are written again get other names. */
  private static List<String> files(String directory) throws Exception {
    try (Stream<Path> files = Files.list(Path.of(directory))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void aTrainingCommandFindsWhatPrepareMadeWithTheSameOptions() throws Exception {
    String output = directory.resolve("found").toString();
    String more = directory.resolve("more.parquet-like.jsonl").toString();
    Files.writeString(
        Path.of(more), "{\"prompt\": \"Hm\", \"chosen\": \" Yes.\", \"rejected\": \" No!\"}\n");
    String options =
        " --model %s --data %s:3 --data %s --eval-split 3 --seed 9 --output %s --max-steps 2"
            .formatted(model, pairs, more, output);

    Call prepare = Call.plumbline(("prepare" + options).split(" "));
    assertThat(prepare.status()).as(prepare.err()).isZero();
    assertThat(prepare.out()).contains("shards-train (10 rows", "shards-eval (3 rows)");
    List<String> shards = files(output + "/shards-train");
    List<String> held = files(output + "/shards-eval");
    JsonNode looked = json(Call.plumbline("inspect", output, "--json").out());
    assertThat(looked.path("holds").asText()).isEqualTo("prepared data");
    assertThat(looked.path("shards-train").path("steps").asInt()).isEqualTo(2);

    Call train = Call.plumbline(("simpo" + options).split(" "));
    assertThat(train.status()).as(train.err()).isZero();
    String told = Call.plumbline("inspect", output).out();
    assertThat(told).containsPattern("  learning-rate +0.000001\\R").contains("  loss-type ");
    assertThat(told.lines()).noneMatch(line -> line.matches(".*[0-9]\\.[0-9]{13,}.*"));
    assertThat(train.err()).contains("(found prepared)");
    assertThat(files(output + "/shards-train")).isEqualTo(shards);
    assertThat(files(output + "/shards-eval")).isEqualTo(held);

    String record = Files.readString(Path.of(output, "run.json"));
    // Twice: a refusal must not leave behind what makes the next try pass.
    for (int attempt = 0; attempt < 2; attempt++) {
      Call other =
          Call.plumbline(
              ("simpo" + options + " --resume --loss-type hinge --max-length 64").split(" "));
      assertThat(other.status()).isEqualTo(2);
      assertThat(other.err())
          .contains("holds a run with another --loss-type (simpo there, hinge now), ")
          .contains("--max-length (1024 there, 64 now), which --resume cannot continue with");
      assertThat(Files.readString(Path.of(output, "run.json"))).isEqualTo(record);
    }
  }

  @Test
  void packedRowsThatPrepareMadeAreFoundBySft() throws Exception {
    String output = directory.resolve("packed").toString();
    String options =
        " --model %s --data %s --output %s --max-steps 1 --max-length 64 --packing bfd"
                .formatted(model, pairs, output)
            + " --loss-on all";
    Call prepare = Call.plumbline(("prepare --kind supervised_from_chosen" + options).split(" "));
    assertThat(prepare.status()).as(prepare.err()).isZero();
    assertThat(prepare.err()).contains("12 rows are packed into ");
    List<String> shards = files(output + "/shards-train");

    Call train = Call.plumbline(("sft --supervised-on chosen" + options).split(" "));
    assertThat(train.status()).as(train.err()).isZero();
    assertThat(files(output + "/shards-train")).isEqualTo(shards);
  }

  @Test
  void prepareKeepsTheColumnsOfPrompts() throws Exception {
    Path data = directory.resolve("prompts.jsonl");
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < 10; i++) {
      rows.append("{\"prompt\": \"Say %d.\", \"answer\": %d}\n".formatted(i, i));
    }
    Files.writeString(data, rows);
    Path output = directory.resolve("prompts");
    Call prepare =
        Call.plumbline(
            "prepare --kind prompt --model %s --data %s --eval-split 3 --output %s --max-length 2"
                .formatted(model, data, output)
                .split(" "));
    assertThat(prepare.status()).as(prepare.err()).isZero();
    Storage storage = Storage.local();
    CanonicalShards held = CanonicalShards.open(storage, output.resolve("shards-eval").toString());
    try (CanonicalShards.StepReader reader = held.reader(0, 1, 0)) {
      assertThat(reader.next().get(0).columns())
          .matches("\\{\"answer\":\\d,\"prompt\":\"Say \\d\\.\"}");
    }
  }

  @Test
  void ktoFindsTheValuesThatReferenceComputedForLabelledRows() throws Exception {
    Path data = directory.resolve("labelled.jsonl");
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < 10; i++) {
      rows.append(
          "{\"prompt\": \"Say %d.\", \"completion\": \" %d!\", \"label\": %s}\n"
              .formatted(i, i, i % 2 == 0));
    }
    Files.writeString(data, rows);
    String options =
        " --model %s --data %s --eval-split 3 --output %s --reference-cache %s"
            .formatted(model, data, directory.resolve("kto"), directory.resolve("kto-cache"));

    Call reference = Call.plumbline(("reference --kind unpaired" + options).split(" "));
    assertThat(reference.status()).as(reference.err()).isZero();
    assertThat(reference.out()).contains("reference.computed 10");
    Call kto = Call.plumbline(("kto --max-steps 1" + options).split(" "));
    assertThat(kto.status()).as(kto.err()).isZero();
    assertThat(kto.err()).contains("reference: 0 rows computed, 10 found");
  }

  @Test
  void everythingThatIsNotThereIsToldBeforeAnyRowIsRead() {
    String options =
        "prepare --model %s/none --data %s/no.jsonl --eval-data table:no_such --output %s/x"
            .formatted(directory, directory, directory);
    Call call = Call.plumbline(options.split(" "));

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err())
        .startsWith("plumbline prepare: 3 problems")
        .contains("There is no table no_such", "There is no model directory", "no.jsonl");

    Call unread =
        Call.plumbline("prepare", "--model", model, "--output", "x", "--data", "pairs.jsonl:two");
    assertThat(unread.err())
        .isEqualTo(
            "plumbline prepare: --data: \"pairs.jsonl:two\" is not a path, because what stands"
                + " before its colon is taken for a file system; for a file with a colon in its"
                + " name write ./pairs.jsonl:two.\n");
  }

  private static final String PROMPTS =
      "sql:SELECT concat('Say ', id, '.') AS prompt, id AS n, DATE'2026-01-01' AS day,"
          + " CAST(id AS DECIMAL(6,2)) AS price FROM range(5)";

  private static List<String> completions(String jsonLines) {
    return jsonLines.lines().map(line -> json(line).path("completion").asText()).toList();
  }

  @Test
  void queriesAndTablesAreScoredAndCompletedLikeFiles() throws Exception {
    Path file = directory.resolve("say.jsonl");
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < 5; i++) {
      rows.append("{\"prompt\": \"Say %d.\", \"completion\": \"%d\"}\n".formatted(i, i));
    }
    Files.writeString(file, rows);
    String query =
        "sql:SELECT concat('Say ', id, '.') AS prompt, CAST(id AS STRING) AS completion"
            + " FROM range(5)";

    Call fromFile =
        Call.plumbline("score", "--model", model, "--data", file.toString(), "--json", "--quiet");
    Call fromQuery =
        Call.plumbline("score", "--model", model, "--data", query, "--json", "--quiet");

    assertThat(fromQuery.err()).isEqualTo(fromFile.err()).isEmpty();
    assertThat(fromQuery.status()).isZero();
    assertThat(fromQuery.out()).hasLineCount(5).isEqualTo(fromFile.out());

    String[] options = {"--temperature", "1", "--num-generations", "3", "--max-new-tokens", "6"};
    Call generated = generate(file.toString(), options);
    assertThat(generated.out()).hasLineCount(15);
    assertThat(completions(generate(query, options).out()))
        .containsExactlyElementsOf(completions(generated.out()));

    Call missing = Call.plumbline("score", "--model", model, "--data", "table:no_such");
    assertThat(missing.status()).isEqualTo(2);
    assertThat(missing.err()).contains("There is no table no_such");
  }

  private static Call generate(String data, String... options) {
    return Call.plumbline(
        Stream.concat(
                Stream.of("generate", "--model", model, "--data", data, "--json"),
                Stream.of(options))
            .toArray(String[]::new));
  }

  @Test
  void generateWritesATableWithTheInputsColumns() throws Exception {
    String output = directory.resolve("completions-of-query").toString();
    String[] call = {
      "generate",
      "--model",
      model,
      "--data",
      PROMPTS,
      "--temperature",
      "0.8",
      "--min-p",
      "0.01",
      "--repetition-penalty",
      "1.2",
      "--num-generations",
      "2",
      "--max-new-tokens",
      "5",
      "--output",
      output
    };
    Call written = Call.plumbline(call);

    assertThat(written.err()).contains("generate: 5 rows in ", "rows/s");
    assertThat(written.status()).isZero();
    assertThat(written.out()).contains("10 completions in " + output);
    JsonNode marker = json(Files.readString(Path.of(output, "generate.json")));
    assertThat(marker.path("completions").asInt()).isEqualTo(10);
    assertThat(marker.path("repetition_penalty").asDouble()).isEqualTo(1.2);
    Call again = Call.plumbline(call);
    assertThat(again.status()).isEqualTo(2);
    assertThat(again.err()).contains("is there already and not empty");

    try (SparkSession spark = LocalSpark.session()) {
      Dataset<Row> table = spark.read().parquet(output + "/completions");
      assertThat(table.schema().simpleString())
          .isEqualTo(
              "struct<prompt:string,n:bigint,day:date,price:decimal(6,2),row:bigint,sample:int,"
                  + "prompt_text:string,completion:string,tokens:array<int>,logps:array<float>,"
                  + "logp:double,finish:string>");
      List<Row> rows =
          table
              .withColumn("day", table.col("day").cast("string"))
              .orderBy("row", "sample")
              .collectAsList();
      List<String> expected =
          completions(
              generate(
                      PROMPTS,
                      "--temperature",
                      "0.8",
                      "--min-p",
                      "0.01",
                      "--repetition-penalty",
                      "1.2",
                      "--num-generations",
                      "2",
                      "--max-new-tokens",
                      "5")
                  .out());
      for (int i = 0; i < 10; i++) {
        Row row = rows.get(i);
        String text = "Say %d.".formatted(row.<Long>getAs("n"));
        assertThat(row.<Long>getAs("row")).isEqualTo(i / 2);
        assertThat(row.<Integer>getAs("sample")).isEqualTo(i % 2);
        assertThat(row.<String>getAs("prompt")).isEqualTo(text);
        assertThat(row.<String>getAs("prompt_text")).isEqualTo(text);
        assertThat(row.<String>getAs("day")).isEqualTo("2026-01-01");
        assertThat(row.<String>getAs("completion")).isEqualTo(expected.get(i));
        assertThat(row.<String>getAs("finish")).isIn("eos", "length");
        int tokens = row.getList(row.fieldIndex("tokens")).size();
        List<Float> logps = row.getList(row.fieldIndex("logps"));
        assertThat(logps).hasSize(tokens);
        assertThat(row.<Double>getAs("logp"))
            .isCloseTo(logps.stream().mapToDouble(Float::doubleValue).sum(), within(1e-4));
      }
    }
  }

  @Test
  void aTableOfCompletionsHidesNoColumnOfTheInput() throws Exception {
    Path file = directory.resolve("columns.jsonl");
    Files.writeString(
        file,
        """
        {"prompt": [{"role": "user", "content": "Hi"}], "answer": {"value": 3}, "Tokens": 1}
        """);
    String output = directory.resolve("hidden").toString();
    Call call =
        Call.plumbline(
            "generate", "--model", model, "--data", file.toString(), "--output", output, "--quiet");
    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err()).contains("a column named Tokens").hasLineCount(1);
    assertThat(Path.of(output)).doesNotExist();

    Files.writeString(
        file,
        """
        {"prompt": [{"role": "user", "content": "Hi"}], "answer": {"value": 3}}
        {"prompt": "Hello", "tags": ["a"]}
        """);
    call =
        Call.plumbline(
            "generate",
            "--model",
            model,
            "--data",
            file.toString(),
            "--output",
            output,
            "--max-new-tokens",
            "2",
            "--quiet");
    assertThat(call.err()).isEmpty();
    try (SparkSession spark = LocalSpark.session()) {
      Dataset<Row> table = spark.read().parquet(output + "/completions");
      assertThat(table.filter("answer.value = 3 AND prompt_text LIKE '%user%Hi%'").count())
          .isEqualTo(1);
      assertThat(table.filter("tags[0] = 'a' AND prompt = 'Hello'").count()).isEqualTo(1);
    }
  }

  @Test
  void aTableOfCompletionsThatWasStoppedIsContinued() throws Exception {
    Path file = directory.resolve("many.jsonl");
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      lines.add("{\"prompt\": \"Say %d.\"}".formatted(i));
    }
    // The second slice of 256 rows fails, and the first is finished.
    lines.set(290, "{\"prompt\": null}");
    Files.write(file, lines);
    String output = directory.resolve("stopped").toString();
    List<String> call =
        List.of(
            "generate",
            "--model",
            model,
            "--data",
            file.toString(),
            "--output",
            output,
            "--max-new-tokens",
            "1",
            "--master",
            "local[1]");

    Call failed = Call.plumbline(call.toArray(String[]::new));
    assertThat(failed.status()).isEqualTo(2);
    assertThat(failed.err()).contains("Row 291 cannot be completed");
    Call fresh = Call.plumbline(call.toArray(String[]::new));
    assertThat(fresh.status()).isEqualTo(2);
    assertThat(fresh.err()).contains("had begun that was stopped", "--resume", "--overwrite");
    Call resumed =
        Call.plumbline(Stream.concat(call.stream(), Stream.of("--resume")).toArray(String[]::new));
    assertThat(resumed.status()).isEqualTo(2);
    assertThat(resumed.err())
        .contains("256 of 300 rows were finished before", "Row 291 cannot be completed");

    lines.set(290, "{\"prompt\": \"Say 290.\"}");
    Files.write(file, lines);
    Call other =
        Call.plumbline(Stream.concat(call.stream(), Stream.of("--resume")).toArray(String[]::new));
    assertThat(other.status()).isEqualTo(2);
    assertThat(other.err()).contains("another call (rows_fingerprint)");
    Call whole =
        Call.plumbline(
            Stream.concat(call.stream(), Stream.of("--overwrite")).toArray(String[]::new));
    assertThat(whole.status()).as(whole.err()).isZero();
    assertThat(Path.of(output)).isDirectoryNotContaining("glob:**_unfinished");
    Call done =
        Call.plumbline(Stream.concat(call.stream(), Stream.of("--resume")).toArray(String[]::new));
    assertThat(done.status()).as(done.err()).isZero();
    assertThat(done.out()).contains("is complete already");
    try (SparkSession spark = LocalSpark.session()) {
      assertThat(spark.read().parquet(output + "/completions").select("row").distinct().count())
          .isEqualTo(300);
    }
  }

  @Test
  void aStopStringEndsTheText() {
    Call whole =
        Call.plumbline(
            "generate", "--model", model, "--prompt", "Say 1.", "--max-new-tokens", "12", "--json");
    String text = json(whole.out()).path("completion").asText();
    String stop = text.substring(3, 5);
    Call stopped =
        Call.plumbline(
            "generate",
            "--model",
            model,
            "--prompt",
            "Say 1.",
            "--max-new-tokens",
            "12",
            "--stop",
            "no such text",
            "--stop",
            stop,
            "--json");

    JsonNode sample = json(stopped.out());
    assertThat(sample.path("finish").asText()).isEqualTo("stop");
    assertThat(sample.path("completion").asText())
        .contains(stop)
        .isEqualTo(text.substring(0, text.indexOf(stop) + stop.length()));
  }

  @Test
  void aTrackingServerThatIsNotThereChangesNoResultAndNoPasswordIsWritten() throws Exception {
    Path output = directory.resolve("tracked");
    int port = MlflowProcess.freePort();
    Call call =
        Call.plumbline(
            "sft",
            "--model",
            model,
            "--data",
            pairs,
            "--supervised-on",
            "chosen",
            "--output",
            output.toString(),
            "--max-steps",
            "2",
            "--mlflow-uri",
            "http://ada:open-sesame@127.0.0.1:" + port);

    assertThat(call.status()).as(call.err()).isZero();
    assertThat(call.out()).contains("2 steps done");
    assertThat(call.err().lines().filter(line -> line.contains("plumbline track")))
        .containsExactly(
            ("The MLflow server at http://127.0.0.1:%1$d has nothing of this run (Connection"
                    + " refused): send it by 'plumbline track %2$s --mlflow-uri"
                    + " http://127.0.0.1:%1$d'.")
                .formatted(port, output));
    assertThat(call.out() + call.err()).doesNotContain("sesame");
    try (Stream<Path> files = Files.walk(output)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        assertThat(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1))
            .as(file.toString())
            .doesNotContain("sesame");
      }
    }

    // Without options it goes to the run's own server, which is still not there.
    Call track = Call.plumbline("track", output.toString());
    assertThat(track.status()).isEqualTo(1);
    assertThat(track.err())
        .startsWith("plumbline track: The MLflow server at http://127.0.0.1:" + port)
        .hasLineCount(1);
    assertThat(Call.plumbline("track", model).err()).contains("run.json is not there");
    assertThat(Call.plumbline("track", "o", "--mlflow-uri", "h:1").status()).isEqualTo(2);
  }
}
