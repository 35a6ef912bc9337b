package io.plumbline.spark.prepare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.Records;
import io.plumbline.base.CountOrShare;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.data.CanonicalShards.StepReader;
import io.plumbline.data.DataFileReader;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.FileSlice;
import io.plumbline.data.LengthLimits;
import io.plumbline.data.LengthLimits.Truncation;
import io.plumbline.data.LossOn;
import io.plumbline.data.TokenizedRow;
import io.plumbline.data.TokenizedRow.Desirability;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.storage.Storage;
import io.plumbline.text.TokenizerFiles;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrepareTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static SparkSession spark;
  private static TokenizerFiles tokenizer;

  private final Storage storage = Storage.local();
  @TempDir Path directory;

  @BeforeAll
  static void start() throws IOException {
    spark = LocalSpark.session();
    tokenizer = Fixtures.tokenizerFiles();
  }

  private PrepareSettings pairs(Path... paths) {
    return PrepareSettings.of(
        Arrays.stream(paths).map(Path::toString).toList(),
        ExampleKind.PREFERENCE,
        directory.resolve("out").toString());
  }

  private Prepared run(PrepareSettings settings) {
    return Prepare.run(spark, storage, settings, tokenizer, PrepareListener.NONE);
  }

  private static List<TokenizedRow> rows(Prepared prepared) {
    List<TokenizedRow> rows = new ArrayList<>(prepared.rows(spark).collect());
    rows.sort(Comparator.comparingLong(TokenizedRow::index));
    return rows;
  }

  private static List<String> fingerprints(Prepared prepared) {
    return rows(prepared).stream().map(TokenizedRow::fingerprint).toList();
  }

  private static List<Map<String, Object>> quarantine(Prepared prepared) throws IOException {
    List<Map<String, Object>> refused = new ArrayList<>();
    try (var files = Files.list(Path.of(prepared.quarantine().orElseThrow()))) {
      for (Path file : files.sorted().toList()) {
        for (String line : Files.readAllLines(file)) {
          refused.add(JSON.readValue(line, new TypeReference<Map<String, Object>>() {}));
        }
      }
    }
    return refused;
  }

  private static String pair(int i) {
    return "{\"prompt\": \"Question %d?\", \"chosen\": \" Answer %d.\", \"rejected\": \" No %d.\"}"
        .formatted(i, i, i);
  }

  private Path write(String name, String text) throws IOException {
    Path file = directory.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
    return file;
  }

  private Path gzip(String name, String text) throws IOException {
    Path file = directory.resolve(name);
    try (OutputStream output = new GZIPOutputStream(Files.newOutputStream(file))) {
      output.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return file;
  }

  @Test
  void trlsRowsComeOutInOrderAndAreFoundAgain() throws IOException {
    Path data = Fixtures.golden("traj/preference.jsonl");
    PrepareSettings settings =
        pairs(data).withLimits(new LengthLimits(128, 0, Truncation.KEEP_START));
    Prepared prepared = run(settings);
    assertThat(prepared.origin()).isEqualTo(Prepared.Origin.COMPUTED);
    assertThat(prepared.counts().accepted()).isEqualTo(64);
    assertThat(prepared.quarantine()).isEmpty();
    List<TokenizedRow> rows = rows(prepared);
    List<String> golden = Files.readAllLines(Fixtures.golden("traj/dpo/tokenized.jsonl"));
    for (int i = 0; i < 64; i++) {
      var expected = JSON.readTree(golden.get(i));
      assertThat(rows.get(i).index()).isEqualTo(i);
      assertThat(rows.get(i).prompt())
          .isEqualTo(JSON.convertValue(expected.get("prompt_ids"), int[].class));
      assertThat(rows.get(i).completions().get(0))
          .isEqualTo(JSON.convertValue(expected.get("chosen_ids"), int[].class));
      assertThat(rows.get(i).completions().get(1))
          .isEqualTo(JSON.convertValue(expected.get("rejected_ids"), int[].class));
    }
    Prepared again = run(settings);
    assertThat(again.origin()).isEqualTo(Prepared.Origin.FOUND);
    assertThat(again.fingerprint()).isEqualTo(prepared.fingerprint());
    assertThat(again.counts()).isEqualTo(prepared.counts());
    Prepared shorter = run(settings.withLimits(new LengthLimits(28, 0, Truncation.KEEP_START)));
    assertThat(shorter.origin()).isEqualTo(Prepared.Origin.COMPUTED);
    assertThat(shorter.counts().truncated()).isPositive();
    assertThat(shorter.counts().sequenceTokens().max()).isEqualTo(28);
    // Fingerprints are of the rows as they are read.
    assertThat(
            prepared.rows(spark).collect().stream()
                .map(
                    row ->
                        TokenizedRow.fingerprint(row.prompt(), row.completions(), row.lossMasks()))
                .toList())
        .containsExactlyElementsOf(fingerprints(prepared));
  }

  @Test
  void everyFileFormatGivesTheSameRows() throws IOException {
    List<String> lines = IntStream.range(0, 40).mapToObj(PrepareTest::pair).toList();
    Path jsonl = write("a/rows.jsonl", String.join("\n", lines));
    String array = "\n [" + String.join(",\n", lines) + "]\n";
    Path json = write("b/rows.json", array);
    Path bom = write("c/rows.ndjson", "\ufeff" + String.join("\r\n", lines) + "\r\n");
    Path zipped = gzip("rows.jsonl.gz", String.join("\n", lines));
    Path zippedArray = gzip("rows.json.gz", array);
    Path parquet = directory.resolve("parquet");
    spark.read().json(jsonl.toString()).coalesce(1).write().parquet(parquet.toString());
    Path unnamed = write("d/rows.txt", String.join("\n", lines));
    List<String> expected = fingerprints(run(pairs(jsonl)));
    assertThat(expected).hasSize(40).doesNotHaveDuplicates();
    for (Path path : List.of(json, bom, zipped, zippedArray, parquet, unnamed)) {
      assertThat(fingerprints(run(pairs(path)))).as("%s", path).isEqualTo(expected);
    }
  }

  @Test
  void conversationsComeThroughParquet() throws IOException {
    Path jsonl = Fixtures.golden("traj/preference_conversational.jsonl");
    Path parquet = directory.resolve("chat");
    spark.read().json(jsonl.toString()).coalesce(1).write().parquet(parquet.toString());
    assertThat(fingerprints(run(pairs(parquet))))
        .isEqualTo(fingerprints(run(pairs(jsonl))))
        .hasSize(16);
  }

  @Test
  void directoriesAndGlobsAreReadInTheOrderOfTheirPaths() throws IOException {
    write("in/b.jsonl", pair(2) + "\n" + pair(3) + "\n");
    write("in/a/x.jsonl", pair(0) + "\n");
    write("in/a/y.jsonl", "\n\n" + pair(1) + "\n");
    write("in/_SUCCESS", "");
    write("in/README.md", "not data");
    Path expected =
        write("all.jsonl", String.join("\n", pair(0), pair(1), pair(2), pair(3)) + "\n");
    List<String> rows = fingerprints(run(pairs(expected)));
    Prepared fromDirectory = run(pairs(directory.resolve("in")));
    assertThat(fingerprints(fromDirectory)).isEqualTo(rows);
    assertThat(fromDirectory.fingerprint()).isEqualTo(run(pairs(expected)).fingerprint());
    assertThat(
            fingerprints(run(pairs(directory.resolve("in/a/*.jsonl"), directory.resolve("in/b*")))))
        .isEqualTo(rows);
    write("none/README.md", "not data");
    assertThatThrownBy(() -> run(pairs(directory.resolve("none"))))
        .hasMessageContaining("names no data file")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.INPUT_NOT_FOUND);
  }

  @Test
  void refusedRowsAreNamedByFileAndLine() throws IOException {
    String text =
        String.join(
            "\n",
            pair(1),
            "{\"prompt\": \"a\", \"chosen\": \"b\"",
            "{\"prompt\": \"a\", \"chosen\": \"b\"}",
            "",
            "{\"prompt\": \"a\", \"chosen\": \"\", \"rejected\": \"c\"}",
            "{\"prompt\": \"a\", \"chosen\": \"c\", \"rejected\": \"c\"}",
            "{\"prompt\": \"a\", \"chosen\": 5, \"rejected\": \"c\"}",
            "[1, 2]",
            "{\"prompt\": \"\\ud800\", \"chosen\": \"b\", \"rejected\": \"c\"}",
            "{\"prompt\": \"" + "word ".repeat(60) + "\", \"chosen\": \"b\", \"rejected\": \"c\"}",
            pair(2));
    Path file = write("bad.jsonl", text + "\n");
    Files.write(
        file,
        new byte[] {'{', '"', (byte) 0xff, '"', '}', '\n'},
        java.nio.file.StandardOpenOption.APPEND);
    PrepareSettings settings =
        pairs(file)
            .withLimits(new LengthLimits(32, 0, Truncation.KEEP_START))
            .withBadRows(CountOrShare.parse("90%"));
    Prepared prepared = run(settings);
    assertThat(prepared.counts().accepted()).isEqualTo(2);
    List<Map<String, Object>> refused = quarantine(prepared);
    assertThat(refused.stream().map(row -> row.get("line") + " " + row.get("reason")))
        .containsExactly(
            "2 broken_json",
            "3 missing_field",
            "5 empty_completion",
            "6 identical_sides",
            "7 wrong_type",
            "8 broken_json",
            "9 not_utf8",
            "10 completion_truncated",
            "12 not_utf8");
    assertThat(refused).allMatch(row -> row.get("file").toString().endsWith("bad.jsonl"));
    assertThat(refused.get(1).get("row")).isEqualTo("{\"prompt\": \"a\", \"chosen\": \"b\"}");
    // The same rows, found again, are still too many for another limit.
    assertThatThrownBy(() -> run(settings.withBadRows(CountOrShare.ofShare(0.05))))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("9 of 11 rows were refused")
        .hasMessageContaining("2 broken JSON (")
        .hasMessageContaining("bad.jsonl:2: Unexpected end-of-input")
        .hasMessageContaining("--max-bad-rows 5% allows")
        .hasMessageNotContaining("raise --max-bad-rows")
        .hasMessageContaining("quarantine")
        .hasMessageNotContaining("chosen\"");
    assertThat(
            run(settings.withLimits(new LengthLimits(32, 0, Truncation.REFUSE))).counts().refused())
        .containsEntry("too_long", 1L);
  }

  @Test
  void rowsOfArraysAndParquetAreNumberedToo() throws IOException {
    Path array = write("rows.json", "[" + pair(0) + ", {\"prompt\": 1}, 7, " + pair(1) + "]");
    PrepareSettings lenient = pairs(array).withBadRows(CountOrShare.ofCount(10));
    assertThat(quarantine(run(lenient)).stream().map(row -> row.get("line"))).containsExactly(2, 3);
    Path cut = write("cut.json", "[" + pair(0) + ", " + pair(1) + ", {\"prompt\": ");
    // Nobody knows how many rows are lost behind it, so no limit of bad rows lets it pass.
    assertThatThrownBy(() -> run(pairs(cut).withBadRows(CountOrShare.ofCount(10))))
        .hasMessageContaining("cut.json cannot be read from element 3 of its JSON array on")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_DATA);
    Path jsonl =
        write("p.jsonl", pair(0) + "\n" + pair(1).replace("No 1.", "Answer 1.") + "\n" + pair(2));
    Path parquet = directory.resolve("numbered");
    spark.read().json(jsonl.toString()).coalesce(1).write().parquet(parquet.toString());
    assertThat(quarantine(run(pairs(parquet).withBadRows(CountOrShare.ofCount(1)))))
        .singleElement()
        .satisfies(row -> assertThat(row.get("line")).isEqualTo(2))
        .satisfies(row -> assertThat(row.get("reason")).isEqualTo("identical_sides"));
  }

  @Test
  void linesKeepTheirNumbersHoweverAFileIsSplit() throws IOException {
    StringBuilder text = new StringBuilder();
    List<Integer> bad = new ArrayList<>();
    for (int line = 1; line <= 60; line++) {
      boolean broken = line % 7 == 3;
      if (broken) {
        bad.add(line);
      }
      text.append(broken ? "{" : line % 10 == 0 ? "" : pair(line))
          .append(line % 2 == 0 ? "\r\n" : "\n");
    }
    Path file = write("split.jsonl", text.toString());
    PrepareSettings whole = pairs(file).withBadRows(CountOrShare.parse("50%"));
    Prepared once = run(whole);
    List<String> expected = fingerprints(once);
    for (long bytes : new long[] {389, 1000}) {
      Prepared split = run(Records.with(whole, "name", "split-" + bytes, "splitBytes", bytes));
      assertThat(split.origin()).isEqualTo(Prepared.Origin.COMPUTED);
      assertThat(fingerprints(split)).as("%d bytes", bytes).isEqualTo(expected);
      assertThat(split.fingerprint()).isEqualTo(once.fingerprint());
      assertThat(split.counts()).isEqualTo(once.counts());
      assertThat(quarantine(split).stream().map(row -> row.get("line")).toList()).isEqualTo(bad);
    }
  }

  @Test
  void columnsThatDoNotFitAreSaid() throws IOException {
    Path file = write("odd.jsonl", "{\"question\": \"a\", \"answer\": \"b\"}\n");
    assertThatThrownBy(() -> run(pairs(file)))
        .hasMessageContaining("needs the columns chosen and rejected")
        .hasMessageContaining("it has answer, question")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_DATA);
    Path empty = write("empty.jsonl", "\n\n");
    assertThatThrownBy(() -> run(pairs(empty))).hasMessageContaining("holds no row");
  }

  @Test
  void aMissingPromptIsNotTakenForAnImplicitOne() throws IOException {
    String noPrompt = "{\"chosen\": \" The answer is 6.\", \"rejected\": \" The answer is 7.\"}";
    Path explicit = write("explicit.jsonl", noPrompt + "\n" + pair(1) + "\n");
    Prepared prepared = run(pairs(explicit).withBadRows(CountOrShare.ofCount(1)));
    assertThat(prepared.counts().refused()).containsEntry("missing_field", 1L);
    Path implicit =
        write("implicit.jsonl", noPrompt + "\n" + "{\"chosen\": \"yes\", \"rejected\": \"no\"}\n");
    Prepared common = run(pairs(implicit).withBadRows(CountOrShare.ofCount(1)));
    assertThat(common.counts().accepted()).isOne();
    assertThat(common.counts().refused()).containsEntry("no_common_prompt", 1L);
  }

  @Test
  void shardsHoldTheRunsRowsInTheOrderOfTheirSteps() {
    Prepared prepared =
        run(Records.with(pairs(Fixtures.golden("traj/preference.jsonl")), "splitBytes", 2000));
    Plan plan = Records.with(Plan.forEpochs(10, prepared.counts().accepted(), 2.5, 3), "shards", 4);
    String shards = directory.resolve("out/shards").toString();
    CanonicalShards written =
        ShardWriting.write(
            storage,
            shards,
            prepared.rows(spark),
            plan,
            Order.INPUT,
            Optional.empty(),
            prepared.fingerprint());
    List<String> expected = fingerprints(prepared);
    try (StepReader reader = written.reader(0, 1, 0)) {
      for (int step = 0; step < plan.steps(); step++) {
        int at = step % 7 * 10;
        assertThat(reader.next().stream().map(TokenizedRow::fingerprint))
            .containsExactlyElementsOf(expected.subList(at, Math.min(64, at + 10)));
      }
    }
    CanonicalShards found =
        ShardWriting.write(
            storage,
            shards,
            prepared.rows(spark),
            plan,
            Order.INPUT,
            Optional.empty(),
            prepared.fingerprint());
    assertThat(found.fingerprint()).isEqualTo(written.fingerprint());
    CanonicalShards shuffled =
        ShardWriting.write(
            storage,
            shards,
            prepared.rows(spark).map(row -> row.withReferenceLogps(List.of(new float[] {-1.5f}))),
            plan,
            Order.SHUFFLED,
            Optional.empty(),
            prepared.fingerprint() + "+reference");
    List<List<Long>> epochs = List.of(new ArrayList<>(), new ArrayList<>());
    try (StepReader reader = shuffled.reader(0, 1, 0)) {
      for (int step = 0; step < 14; step++) {
        for (TokenizedRow row : reader.next()) {
          assertThat(row.referenceLogps().get(0)).containsExactly(-1.5f);
          epochs.get(step / 7).add(row.index());
        }
      }
    }
    Long[] all = IntStream.range(0, 64).mapToObj(i -> (long) i).toArray(Long[]::new);
    assertThat(epochs.get(0)).containsExactlyInAnyOrder(all);
    assertThat(epochs.get(1)).containsExactlyInAnyOrder(all).isNotEqualTo(epochs.get(0));
    assertThat(directory.resolve("out/shards").toFile().list()).hasSize(5);
  }

  private PrepareSettings settings(ExampleKind kind, Path... paths) {
    return PrepareSettings.of(
        Arrays.stream(paths).map(Path::toString).toList(),
        kind,
        directory.resolve("out").toString());
  }

  @Test
  void labelledRowsComeThroughEveryStore() throws IOException {
    String rows =
        """
        {"prompt": "Is it?", "completion": " It is.", "label": true}
        {"prompt": "Is it?", "completion": " It is.", "label": 0}
        {"prompt": "Is it?", "completion": " It is.", "label": "maybe"}
        {"prompt": "Is it?", "completion": " It is.", "label": null}
        """;
    Path labelled = write("kto.jsonl", rows);
    PrepareSettings settings =
        settings(ExampleKind.UNPAIRED, labelled).withBadRows(CountOrShare.ofCount(2));
    Prepared prepared = run(settings);
    assertThat(quarantine(prepared).stream().map(row -> row.get("line") + " " + row.get("reason")))
        .containsExactly("3 bad_value", "4 missing_field");
    assertThat(rows(prepared).stream().map(TokenizedRow::desirability))
        .containsExactly(Desirability.DESIRABLE, Desirability.UNDESIRABLE);
    Plan plan = Plan.forEpochs(2, 2, 1, 0);
    CanonicalShards shards =
        ShardWriting.write(
            storage,
            directory.resolve("shards").toString(),
            prepared.rows(spark),
            plan,
            Order.INPUT,
            Optional.empty(),
            prepared.fingerprint());
    try (StepReader reader = shards.reader(0, 1, 0)) {
      assertThat(reader.next().stream().map(TokenizedRow::desirability))
          .containsExactly(Desirability.DESIRABLE, Desirability.UNDESIRABLE);
    }
    // The same tokens with another label are other data.
    Path turned = write("turned.jsonl", rows.replace("true", "false"));
    Prepared other =
        run(settings(ExampleKind.UNPAIRED, turned).withBadRows(CountOrShare.ofCount(2)));
    assertThat(other.fingerprint()).isNotEqualTo(prepared.fingerprint());
    assertThat(fingerprints(other)).isEqualTo(fingerprints(prepared));
    Path parquet = directory.resolve("labels");
    spark
        .read()
        .json(write("two.jsonl", String.join("\n", rows.lines().limit(1).toList())).toString())
        .coalesce(1)
        .write()
        .parquet(parquet.toString());
    assertThat(rows(run(settings(ExampleKind.UNPAIRED, parquet))))
        .singleElement()
        .satisfies(row -> assertThat(row.desirability()).isEqualTo(Desirability.DESIRABLE));
  }

  @Test
  void columnsOfPromptsComeThroughEveryStore() throws IOException {
    String rows =
        """
        {"prompt": "1 + 2 =", "answer": 3, "tests": [{"in": "é", "out": 0.5}], "note": null}
        {"prompt": "1 + 2 =", "answer": 4, "tests": [{"in": "a", "out": 2.0}], "note": "x"}
        {"prompt": "", "answer": 5, "tests": [], "note": null}
        {"question": "1 + 2 =", "answer": 5}
        {"prompt": 7, "answer": 5}
        """;
    Path lines = write("prompts.jsonl", rows);
    PrepareSettings settings =
        settings(ExampleKind.PROMPT, lines)
            .withLimits(new LengthLimits(2, 3, Truncation.REFUSE))
            .withBadRows(CountOrShare.ofCount(3));
    Prepared prepared = run(settings);
    assertThat(quarantine(prepared).stream().map(row -> row.get("line") + " " + row.get("reason")))
        .containsExactly("3 empty_prompt", "4 missing_field", "5 wrong_type");
    PreparedCounts counts = prepared.counts();
    assertThat(counts.accepted()).isEqualTo(2);
    assertThat(counts.truncated()).isEqualTo(2);
    assertThat(counts.promptTokens().max()).isEqualTo(3);
    assertThat(counts.completionTokens().count()).isZero();
    assertThat(counts.tokens()).isEqualTo(6);
    List<String> columns =
        List.of(
            "{\"answer\":3,\"prompt\":\"1 + 2 =\",\"tests\":[{\"in\":\"é\",\"out\":0.5}]}",
            "{\"answer\":4,\"note\":\"x\",\"prompt\":\"1 + 2 =\","
                + "\"tests\":[{\"in\":\"a\",\"out\":2}]}");
    assertThat(rows(prepared).stream().map(TokenizedRow::columns)).isEqualTo(columns);
    Plan plan = Plan.forEpochs(2, 2, 2, 0);
    CanonicalShards shards =
        ShardWriting.write(
            storage,
            directory.resolve("shards").toString(),
            prepared.rows(spark),
            plan,
            Order.INPUT,
            Optional.empty(),
            prepared.fingerprint());
    try (StepReader reader = shards.reader(0, 1, 1)) {
      List<TokenizedRow> step = reader.next();
      assertThat(step.stream().map(TokenizedRow::columns)).isEqualTo(columns);
      assertThat(step.get(0).completions()).isEmpty();
    }
    // The same prompts with another answer are other data.
    Path turned = write("turned.jsonl", rows.replace("\"answer\": 3", "\"answer\": 2"));
    Prepared other = run(settings(ExampleKind.PROMPT, turned).withBadRows(CountOrShare.ofCount(3)));
    Prepared whole = run(settings(ExampleKind.PROMPT, lines).withBadRows(CountOrShare.ofCount(3)));
    assertThat(fingerprints(other)).isEqualTo(fingerprints(whole));
    assertThat(other.fingerprint()).isNotEqualTo(whole.fingerprint());
    // By way of a table, which has a null where a row of JSON has nothing.
    Path two = write("two.jsonl", String.join("\n", rows.lines().limit(2).toList()));
    Path parquet = directory.resolve("columns");
    spark.read().json(two.toString()).coalesce(1).write().parquet(parquet.toString());
    assertThat(run(settings(ExampleKind.PROMPT, parquet)).fingerprint())
        .isEqualTo(whole.fingerprint());
  }

  @Test
  void promptsHaveNoCompletionToLearn() {
    assertThatThrownBy(
            () -> settings(ExampleKind.PROMPT, Path.of("p.jsonl")).withLossOn(LossOn.ALL))
        .hasMessageContaining("prompts have none")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_USAGE);
  }

  @Test
  void marginsOfPairsAreKept() throws IOException {
    Path file =
        write(
            "margins.jsonl",
            pair(1).replace("}", ", \"margin\": 0.5}")
                + "\n"
                + pair(2)
                + "\n"
                + pair(3).replace("}", ", \"margin\": \"wide\"}")
                + "\n"
                + pair(4).replace("}", ", \"margin\": Infinity}"));
    Prepared prepared = run(pairs(file).withBadRows(CountOrShare.ofCount(2)));
    assertThat(rows(prepared).stream().map(TokenizedRow::margin)).containsExactly(0.5, Double.NaN);
    assertThat(prepared.counts().refused()).containsEntry("bad_value", 2L);
    assertThat(prepared.rows(spark).collect().stream().map(TokenizedRow::margin))
        .containsExactly(0.5, Double.NaN);
  }

  @Test
  void dataOfAnotherObjectiveSaysWhatIsMissing() throws IOException {
    Path pairs = write("pairs.jsonl", pair(1) + "\n");
    Path answers = write("answers.jsonl", "{\"prompt\": \"a\", \"completion\": \" b\"}\n");
    Path parquet = directory.resolve("answers");
    spark.read().json(answers.toString()).coalesce(1).write().parquet(parquet.toString());
    assertThatThrownBy(() -> run(settings(ExampleKind.UNPAIRED, pairs)))
        .hasMessageContaining("needs the columns prompt, completion and label")
        .hasMessageContaining("it has chosen, prompt, rejected, which reward, dpo")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_DATA);
    for (Path path : List.of(answers, parquet)) {
      assertThatThrownBy(() -> run(settings(ExampleKind.PREFERENCE, path)))
          .hasMessageContaining("needs the columns chosen and rejected")
          .hasMessageContaining("it has completion, prompt, which sft takes");
    }
    assertThatThrownBy(() -> run(settings(ExampleKind.SUPERVISED, pairs)))
        .hasMessageContaining("supervised data needs the columns prompt and completion, or")
        .hasMessageContaining("it has chosen, prompt, rejected, which reward, dpo");
  }

  @Test
  void lossOnTheAssistantsTurnsNeedsConversations() throws IOException {
    Path text = write("text.jsonl", "{\"prompt\": \"a\", \"completion\": \" b\"}\n");
    assertThatThrownBy(
            () -> run(settings(ExampleKind.SUPERVISED, text).withLossOn(LossOn.ASSISTANT)))
        .hasMessageContaining("--loss-on assistant needs conversations")
        .hasMessageContaining("text.jsonl are text")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_USAGE);
    assertThatThrownBy(() -> pairs(text).withLossOn(LossOn.ALL))
        .hasMessageContaining("--loss-on all is for sft");
    Path chat =
        write(
            "chat.jsonl",
            "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"},"
                + " {\"role\": \"assistant\", \"content\": \"Yo\"},"
                + " {\"role\": \"user\", \"content\": \"So?\"}]}\n");
    Prepared turns = run(settings(ExampleKind.SUPERVISED, chat).withLossOn(LossOn.ASSISTANT));
    assertThat(rows(turns).get(0).lossMasks()).hasSize(1);
    // The same data with another part of it learned is prepared anew.
    Prepared all = run(settings(ExampleKind.SUPERVISED, chat));
    assertThat(all.origin()).isEqualTo(Prepared.Origin.COMPUTED);
    assertThat(rows(all).get(0).lossMasks()).isEmpty();
    assertThat(run(settings(ExampleKind.SUPERVISED, chat)).origin())
        .isEqualTo(Prepared.Origin.FOUND);
  }

  @Test
  void rowsAreCountedByPath() throws IOException {
    Path first = write("first.jsonl", pair(0) + "\n{\n" + pair(1) + "\n");
    Path second = write("second.jsonl", "{}\n");
    Path third = write("third.jsonl", pair(2) + "\n" + pair(3) + "\n" + pair(4) + "\n");
    PrepareSettings settings =
        pairs(first, second, third, first).withBadRows(CountOrShare.ofCount(3));
    assertThatThrownBy(() -> run(settings)).hasMessageContaining("second.jsonl:1 does not fit");
    Files.writeString(second, pair(5).replace("No 5", "Answer 5") + "\n");
    for (long bytes : new long[] {0, 90}) {
      Prepared prepared = run(Records.with(settings.named("by-" + bytes), "splitBytes", bytes));
      assertThat(prepared.sourceCounts()).containsExactly(2L, 0L, 3L, 2L);
      assertThat(run(settings.named("by-" + bytes)).sourceCounts())
          .isEqualTo(prepared.sourceCounts());
    }
  }

  @Test
  void limitsOfBadRowsAreReadAsNumbersOrFractions() {
    assertThat(CountOrShare.parse("100")).isEqualTo(CountOrShare.ofCount(100));
    assertThat(CountOrShare.parse("10%").allows(10, 100)).isTrue();
    assertThat(CountOrShare.parse("10%").allows(11, 100)).isFalse();
    assertThat(CountOrShare.parse("0").allows(0, 10)).isTrue();
    assertThat(CountOrShare.parse("0").allows(1, 10)).isFalse();
    for (String wrong : List.of("many", "-1", "1.5", "120%", "NaN", "")) {
      assertThatThrownBy(() -> CountOrShare.parse(wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("must be a whole number such as 10 or a share such as 1%");
    }
  }

  @Test
  void decimalColumnsAreNumbers() {
    String path = directory.resolve("decimals").toString();
    spark
        .sql(
            "SELECT CAST(1.25 AS DECIMAL(9, 2)) AS few, CAST(-3 AS DECIMAL(18, 4)) AS whole,"
                + " CAST('1e20' AS DECIMAL(38, 3)) AS many")
        .coalesce(1)
        .write()
        .parquet(path);
    String file =
        storage.list(path).stream()
            .map(Storage.Entry::path)
            .filter(name -> name.endsWith(".parquet"))
            .findFirst()
            .orElseThrow();
    try (DataFileReader reader = DataFileReader.open(storage, FileSlice.whole(file))) {
      assertThat(reader.next().orElseThrow().values().orElseThrow())
          .containsEntry("few", 1.25)
          // Spark's to_json writes -3.0000.
          .containsEntry("whole", -3.0)
          .containsEntry("many", 1e20);
    }
  }
}
