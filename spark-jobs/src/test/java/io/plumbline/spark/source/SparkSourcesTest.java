package io.plumbline.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.plumbline.data.DataFileReader;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.FileSlice;
import io.plumbline.data.RawRow;
import io.plumbline.data.RowReading;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.source.DataFiles.Purpose;
import io.plumbline.spark.source.SparkSources.Kind;
import io.plumbline.spark.source.SparkSources.Resolved;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.math.BigInteger;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SparkSourcesTest {
  private static DeltaSpark delta;
  private static SparkSession spark;

  private final Storage storage = Storage.local();
  @TempDir Path directory;
  private final List<String> tables = new ArrayList<>();

  /** Rows p1 to p8, of which p2 and p3 are deleted and p5 is changed. */
  @TempDir static Path lakehouse;

  private static String deltaTable;

  @BeforeAll
  static void start() {
    delta = new DeltaSpark();
    spark = delta.session();
    deltaTable = lakehouse.resolve("pairs").toString();
    // With deletion vectors a deleted row stays in its file, and the log says not to read it.
    spark.conf().set("spark.databricks.delta.properties.defaults.enableDeletionVectors", true);
    pairs(1, 2, 3, 4, 5, 6, 7, 8).coalesce(1).write().format("delta").save(deltaTable);
    spark.sql("DELETE FROM delta.`%s` WHERE prompt IN ('p2', 'p3')".formatted(deltaTable));
    spark.sql("UPDATE delta.`%s` SET chosen = 'better' WHERE prompt = 'p5'".formatted(deltaTable));
  }

  @AfterAll
  static void stop() {
    delta.close();
  }

  @BeforeEach
  void activate() {
    // JUnit may run a class's tests on another thread than its beginning.
    SparkSession.setActiveSession(spark);
  }

  @AfterEach
  void dropTables() {
    tables.forEach(table -> spark.sql("DROP TABLE IF EXISTS " + table));
  }

  private String output() {
    return directory.resolve("out").toString();
  }

  private Resolved resolve(String given) {
    return resolve(given, output());
  }

  private Resolved resolve(String given, String output) {
    return SparkSources.resolve(
            spark, storage, List.of(given), Purpose.TRAINING, "train", output, note -> {})
        .get(0);
  }

  private List<String> check(String... data) {
    return SparkSources.check(spark, storage, List.of(data), Purpose.TRAINING, Set.of());
  }

  /** Rows as prepare reads them. */
  private List<Map<String, Object>> rows(Resolved resolved) {
    return rows(resolved, ExampleKind.PREFERENCE);
  }

  private List<Map<String, Object>> rows(Resolved resolved, ExampleKind kind) {
    List<Map<String, Object>> rows = new ArrayList<>();
    for (Storage.Entry file : storage.expand(resolved.path())) {
      try (DataFileReader reader =
          DataFileReader.open(
              storage, FileSlice.whole(file.path()), RowReading.of(kind).columnsThatTell())) {
        for (Optional<RawRow> row = reader.next(); row.isPresent(); row = reader.next()) {
          rows.add(row.get().values().orElseThrow());
        }
      }
    }
    return rows;
  }

  private List<String> prompts(Resolved resolved) {
    return rows(resolved).stream().map(row -> (String) row.get("prompt")).toList();
  }

  private static Dataset<Row> pairs(int... numbers) {
    List<String> lines =
        IntStream.of(numbers)
            .mapToObj(
                i ->
                    "{\"prompt\": \"p%d\", \"chosen\": \"yes %d\", \"rejected\": \"no %d\"}"
                        .formatted(i, i, i))
            .toList();
    return spark.read().json(spark.createDataset(lines, Encoders.STRING()));
  }

  /** A table without a metastore on disk, dropped after the test. */
  private String table(String name, Dataset<Row> rows) {
    tables.add(name);
    rows.write()
        .format("parquet")
        .mode(SaveMode.Overwrite)
        .option("path", directory.resolve("warehouse-" + name).toString())
        .saveAsTable(name);
    return name;
  }

  private PlumblineException failure(String given) {
    return catchThrowableOfType(PlumblineException.class, () -> resolve(given));
  }

  @Test
  void filesPassThrough() throws IOException {
    Path file = Files.writeString(directory.resolve("a.jsonl"), "{\"text\": \"a\"}\n");
    List<String> data = List.of(file.toString(), directory + "/*.jsonl", "not-there.jsonl");

    List<Resolved> resolved =
        SparkSources.resolve(spark, storage, data, Purpose.TRAINING, "train", output(), note -> {});

    assertThat(resolved).extracting(Resolved::path).isEqualTo(data);
    assertThat(resolved)
        .allMatch(one -> one.kind() == Kind.FILES && one.rows() == SparkSources.NOT_COUNTED);
    assertThat(Path.of(output())).doesNotExist();
  }

  @Test
  void deletedAndUpdatedRowsOfDeltaAreRead() throws IOException {
    String path = deltaTable;
    // What reading its files would give: deleted rows, and both forms of the updated one.
    assertThat(spark.read().parquet(path + "/*.parquet").count()).isEqualTo(9);

    Resolved prefixed = resolve("delta:" + path);
    Resolved bare = resolve(path);

    assertThat(prefixed.kind()).isEqualTo(Kind.DELTA);
    assertThat(prefixed.rows()).isEqualTo(6);
    assertThat(prompts(prefixed)).containsExactlyInAnyOrder("p1", "p4", "p5", "p6", "p7", "p8");
    assertThat(rows(prefixed))
        .filteredOn(row -> row.get("prompt").equals("p5"))
        .singleElement()
        .satisfies(row -> assertThat(row).containsEntry("chosen", "better"));
    assertThat(bare.path()).isEqualTo(prefixed.path());
    assertThat(bare.given()).isEqualTo(path);

    String relative = Path.of("").toAbsolutePath().relativize(Path.of(path)).toString();
    for (String given : List.of(relative, "delta:" + relative)) {
      SparkSources.require(spark, storage, given, Purpose.TRAINING, Set.of());
      assertThat(resolve(given).path()).as(given).isEqualTo(prefixed.path());
    }
  }

  @Test
  void aQueryTravelsInTime() {
    String path = deltaTable;

    Resolved first = resolve("sql:SELECT * FROM delta.`%s` VERSION AS OF 0".formatted(path));
    Resolved second = resolve("sql:SELECT * FROM delta.`%s` VERSION AS OF 1".formatted(path));

    assertThat(prompts(first))
        .containsExactlyInAnyOrder("p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8");
    assertThat(second.rows()).isEqualTo(6);
    assertThat(rows(second)).noneMatch(row -> row.get("chosen").equals("better"));
    assertThat(first.path()).isNotEqualTo(second.path());
  }

  @Test
  void tablesAndJoinsAreRead() {
    table("questions", pairs(1, 2, 3).select("prompt"));
    table("answers", pairs(2, 3, 4));

    Resolved named = resolve("table:spark_catalog.default.answers");
    Resolved joined =
        resolve(
            "sql:SELECT a.*, length(a.chosen) / 2.0 AS margin FROM answers a JOIN questions q ON"
                + " a.prompt = q.prompt;");

    assertThat(named.kind()).isEqualTo(Kind.TABLE);
    assertThat(prompts(named)).containsExactlyInAnyOrder("p2", "p3", "p4");
    assertThat(joined.kind()).isEqualTo(Kind.QUERY);
    assertThat(prompts(joined)).containsExactlyInAnyOrder("p2", "p3");
    Dataset<Row> kept = spark.read().parquet(joined.path());
    // As a JSON parser reads a decimal with a fraction.
    assertThat(kept.schema().apply("margin").dataType().typeName()).isEqualTo("double");
    assertThat(kept.select("margin").distinct().collectAsList())
        .singleElement()
        .satisfies(row -> assertThat(row.getDouble(0)).isEqualTo(2.5));
  }

  @Test
  void theOrderIsThatOfTheContent() {
    long seed = new Random().nextLong();
    List<Integer> numbers = new ArrayList<>(IntStream.range(0, 500).boxed().toList());
    numbers.addAll(List.of(7, 7, 8));
    pairs(numbers.stream().mapToInt(i -> i).toArray()).createOrReplaceTempView("some");
    Collections.shuffle(numbers, new Random(seed));
    pairs(numbers.stream().mapToInt(i -> i).toArray())
        .repartition(7)
        .createOrReplaceTempView("shuffled");
    numbers.remove(Integer.valueOf(7));
    numbers.add(8);
    pairs(numbers.stream().mapToInt(i -> i).toArray()).createOrReplaceTempView("others");

    Resolved one = resolve("sql:SELECT * FROM some", directory + "/one");
    Resolved two = resolve("table:shuffled", directory + "/two");
    Resolved other = resolve("table:others", directory + "/two");

    assertThat(rows(two)).as("seed %d", seed).isEqualTo(rows(one));
    assertThat(rows(one)).hasSize(503);
    // Not merely as they came.
    assertThat(prompts(one).subList(0, 3)).isNotEqualTo(List.of("p0", "p1", "p2"));
    assertThat(Path.of(two.path()).getParent().getFileName())
        .isEqualTo(Path.of(one.path()).getParent().getFileName());
    // The same distinct rows, another number of two of them.
    assertThat(other.path()).isNotEqualTo(two.path());
    assertThat(other.rows()).isEqualTo(503);
  }

  @Test
  void orderByIsKept() {
    long seed = new Random().nextLong();
    List<Integer> numbers = new ArrayList<>(IntStream.range(0, 300).boxed().toList());
    Collections.shuffle(numbers, new Random(seed));
    int[] shuffled = numbers.stream().mapToInt(i -> i).toArray();
    pairs(shuffled).repartition(5).createOrReplaceTempView("unordered");
    List<String> expected = IntStream.range(0, 300).mapToObj(i -> "p" + i).toList();
    String number = "int(substring(prompt, 2))";

    Resolved up = resolve("sql:SELECT * FROM unordered ORDER BY " + number);
    Resolved again = resolve("sql:SELECT * FROM unordered ORDER BY " + number + " ASC");
    Resolved down = resolve("sql:SELECT * FROM unordered ORDER BY " + number + " DESC");

    assertThat(prompts(up)).as("seed %d", seed).isEqualTo(expected);
    assertThat(again.path()).isEqualTo(up.path());
    // The same rows in another order are other data.
    assertThat(down.path()).isNotEqualTo(up.path());
    assertThat(prompts(down)).startsWith("p299", "p298").endsWith("p1", "p0");
  }

  @Test
  void nestedColumnsArriveAsFromFiles() throws IOException {
    List<String> lines =
        List.of(
            "{\"messages\": [{\"role\": \"user\", \"content\": \"Zwölf?\"},"
                + " {\"role\": \"assistant\", \"content\": \"12\"}], \"note\": \"a\"}",
            "{\"messages\": [{\"role\": \"user\", \"content\": \"Again\"}], \"note\": \"b\"}");
    Path file = Files.write(directory.resolve("m.jsonl"), lines);
    spark.read().json(file.toString()).createOrReplaceTempView("structs");
    String query =
        "sql:SELECT %s AS messages, note FROM structs UNION ALL SELECT %s, note FROM structs WHERE"
            + " false";

    Resolved structs = resolve("table:structs");
    Resolved maps =
        resolve(
            "sql:SELECT transform(messages, m -> map('role', m.role, 'content', m.content)) AS"
                + " messages, note FROM structs");
    Resolved variants =
        resolve(query.replace("%s", "parse_json(to_json(messages))"), output() + "-variant");

    List<Object> expected = new ArrayList<>();
    try (DataFileReader reader = DataFileReader.open(storage, FileSlice.whole(file.toString()))) {
      for (Optional<RawRow> row = reader.next(); row.isPresent(); row = reader.next()) {
        expected.add(row.get().values().orElseThrow().get("messages"));
      }
    }
    for (Resolved resolved : List.of(structs, maps, variants)) {
      assertThat(rows(resolved))
          .as(resolved.given())
          .extracting(row -> row.get("messages"))
          .containsExactlyInAnyOrderElementsOf(expected);
    }
  }

  @Test
  void promptsKeepTheColumnsOfTheirTable() {
    Resolved resolved =
        resolve(
            "sql:SELECT 'p' AS prompt, CAST(1.50 AS DECIMAL(9, 2)) AS answer, 12L AS level,"
                + " array(named_struct('in', 'a', 'out', CAST(NULL AS STRING))) AS tests,"
                + " map('k', array(1, 2)) AS more, CAST(NULL AS STRING) AS note");
    assertThat(rows(resolved, ExampleKind.PROMPT))
        .singleElement()
        .satisfies(
            row -> {
              assertThat(row).containsEntry("prompt", "p").containsEntry("answer", 1.5);
              assertThat(row).containsEntry("level", 12).containsEntry("note", null);
              assertThat(row).containsEntry("more", Map.of("k", List.of(1, 2)));
              // A field that is null is left out, as of any Parquet file.
              assertThat(row).containsEntry("tests", List.of(Map.of("in", "a")));
            });
  }

  @Test
  void columnsOfEveryTypeAreKeptWhereParquetHasThem() {
    Resolved resolved =
        resolve(
            "sql:SELECT 'a' AS text, 1.5 AS half, 12BD AS dozen, 12345678901234567890BD AS long,"
                + " NULL AS nothing, array() AS none, timestamp'2024-01-01 00:00:00Z' AS at,"
                + " X'00ff' AS raw, interval 1 month AS m, make_interval(1, 2) AS calendar,"
                + " parse_json('[1, \"a\"]') AS mixed, parse_json('{\"x\": {\"OBJECT<\": [1.5]}}')"
                + " AS deep, 'q' AS `a.b``c`");

    Dataset<Row> kept = spark.read().parquet(resolved.path());
    assertThat(kept.columns())
        .containsExactly(
            "text", "half", "dozen", "long", "nothing", "none", "at", "raw", "m", "mixed", "deep",
            "a.b`c");
    Row row = kept.head();
    assertThat(row.getDouble(1)).isEqualTo(1.5);
    assertThat(row.getLong(2)).isEqualTo(12);
    assertThat(row.isNullAt(4)).isTrue();
    assertThat(row.getString(9)).isEqualTo("[1,\"a\"]");
    assertThat(row.getStruct(10).getStruct(0).getList(0)).isEqualTo(List.of(1.5));
    assertThat(rows(resolved, ExampleKind.PROMPT))
        .singleElement()
        .satisfies(
            r -> {
              assertThat(r)
                  .containsEntry("a.b`c", "q")
                  .containsEntry("at", "2024-01-01T00:00:00.000000Z");
              assertThat(r).containsEntry("m", "INTERVAL '1' MONTH");
              assertThat(r).containsEntry("long", new BigInteger("12345678901234567890"));
              assertThat(r.get("raw")).isEqualTo(new byte[] {0, -1});
            });
  }

  @Test
  void aVariantOfSeveralTypesIsRefusedWhereTrainingReadsIt() {
    PlumblineException failure =
        failure("sql:SELECT parse_json(x) AS prompt FROM VALUES ('\"secret\"'), ('[1]') AS t(x)");

    assertThat(failure.code()).isEqualTo(ErrorCode.BAD_DATA);
    assertThat(failure)
        .hasMessageContaining("variant column prompt")
        .hasMessageContaining("CAST")
        .hasMessageNotContaining("[1]\"");
  }

  @Test
  void theSessionsTimeZoneAndCollationsDoNotCount() {
    String query = "sql:SELECT 'a' AS text, timestamp'2024-05-01 12:00:00Z' AS at";
    String collated = "sql:SELECT collate('%s', 'UTF8_LCASE') AS text";

    String utc = inTimeZone("UTC", query);
    String tokyo = inTimeZone("Asia/Tokyo", query);

    assertThat(tokyo).isEqualTo(utc);
    // Equal by the collation, and yet other data.
    assertThat(resolve(collated.formatted("A")).path())
        .isNotEqualTo(resolve(collated.formatted("a")).path());
  }

  private String inTimeZone(String zone, String given) {
    String before = spark.conf().get("spark.sql.session.timeZone");
    spark.conf().set("spark.sql.session.timeZone", zone);
    try {
      return resolve(given).path();
    } finally {
      spark.conf().set("spark.sql.session.timeZone", before);
    }
  }

  @Test
  void snapshotsAreFoundAgainAndChangedDataIsNot() throws IOException {
    table("changing", pairs(1, 2, 3));

    Resolved first = resolve("table:changing");
    Resolved again = resolve("table:changing");
    pairs(4).write().mode("append").saveAsTable("changing");
    Optional<List<Resolved>> before =
        SparkSources.resolvedBefore(storage, List.of("table:changing"), "train", output());
    Resolved changed = resolve("table:changing");

    assertThat(again).isEqualTo(first);
    assertThat(before).contains(List.of(first));
    assertThat(changed.path()).isNotEqualTo(first.path());
    assertThat(changed.rows()).isEqualTo(4);
    assertThat(prompts(first)).hasSize(3);
    assertThat(SparkSources.resolvedBefore(storage, List.of("table:changing"), "train", output()))
        .contains(List.of(changed));
    assertThat(SparkSources.resolvedBefore(storage, List.of("table:other"), "train", output()))
        .isEmpty();
    assertThat(SparkSources.resolvedBefore(storage, List.of("table:changing"), "eval", output()))
        .isEmpty();
    try (Stream<Path> left = Files.list(Path.of(output(), "sources"))) {
      assertThat(left.map(path -> path.getFileName().toString()))
          .hasSize(3)
          .noneMatch(name -> name.startsWith("unfinished"));
    }
  }

  @Test
  void whatAKilledRunLeftIsNeverReadAndIsClearedUp() throws IOException {
    pairs(1, 2, 3).createOrReplaceTempView("kept");
    Resolved first = resolve("table:kept");
    Path key = Path.of(first.path()).getParent();
    String owner = Path.of(first.path()).getFileName().toString();
    // Killed after its files and before its manifest: the process is gone.
    Process process = new ProcessBuilder("true").start();
    long pid = process.pid();
    assertThat(process.onExit().join().exitValue()).isZero();
    Path left = key.resolve(owner.replaceFirst("-[0-9]+-[0-9a-f]{8}$", "-" + pid + "-0a1b2c3d"));
    Files.move(Path.of(first.path()), left);
    Files.delete(key.resolve("manifest.json"));
    Path unfinished = Files.createDirectory(key.resolveSibling("unfinished-" + left.getFileName()));
    // Another host may still be writing.
    Path elsewhere = Files.createDirectory(key.resolve("elsewhere-" + pid + "-0a1b2c3d"));

    Resolved second = resolve("table:kept");

    assertThat(second.path()).isNotEqualTo(left.toString()).isNotEqualTo(first.path());
    assertThat(prompts(second)).hasSize(3);
    assertThat(left).doesNotExist();
    assertThat(unfinished).doesNotExist();
    assertThat(elsewhere).exists();
  }

  @Test
  void aSnapshotThatLostAFileIsTakenAgain() throws IOException {
    pairs(1, 2, 3).createOrReplaceTempView("damaged");
    Resolved first = resolve("table:damaged");
    Files.delete(Path.of(storage.expand(first.path()).get(0).path()));

    assertThat(SparkSources.resolvedBefore(storage, List.of("table:damaged"), "train", output()))
        .isEmpty();
    Resolved second = resolve("table:damaged");

    assertThat(second.path()).isNotEqualTo(first.path());
    assertThat(prompts(second)).hasSize(3);
    assertThat(resolve("table:damaged")).isEqualTo(second);
  }

  @Test
  void twoRunsAtOnceDoNotMeet() throws Exception {
    pairs(IntStream.range(0, 50).toArray()).createOrReplaceTempView("shared");
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      Callable<Resolved> call =
          () -> {
            SparkSession.setActiveSession(spark);
            return resolve("table:shared");
          };
      List<Resolved> both = new ArrayList<>();
      for (Future<Resolved> one : threads.invokeAll(List.of(call, call))) {
        both.add(one.get());
      }

      assertThat(both.get(0)).isEqualTo(both.get(1));
      assertThat(prompts(both.get(0))).hasSize(50).doesNotHaveDuplicates();
      try (Stream<Path> left = Files.list(Path.of(both.get(0).path()).getParent())) {
        assertThat(left.filter(Files::isDirectory)).hasSize(1);
      }
    } finally {
      threads.shutdown();
    }
  }

  @Test
  void anOutputWhosePathLooksLikeAGlobWorks() {
    pairs(1, 2).createOrReplaceTempView("small");

    assertThat(prompts(resolve("table:small", directory + "/out [a]{1}"))).hasSize(2);
  }

  @Test
  void aMissingTableIsToldWithTheNearestNames() {
    table("preferences", pairs(1));

    PlumblineException near = failure("table:default.preferences_");
    PlumblineException far = failure("table:default.xyz");
    PlumblineException schema = failure("table:spark_catalog.nowhere.preferences");

    assertThat(near.code()).isEqualTo(ErrorCode.INPUT_NOT_FOUND);
    assertThat(near)
        .hasMessage(
            "There is no table default.preferences_; did you mean table:default.preferences?");
    assertThat(far)
        .hasMessage("There is no table default.xyz; check the name with SHOW TABLES IN default");
    assertThat(schema.code()).isEqualTo(ErrorCode.INPUT_NOT_FOUND);
    assertThat(schema).hasMessageContaining("nowhere");
  }

  @Test
  void queriesThatFailAreToldInOneSentence() {
    table("facts", pairs(1));

    PlumblineException parse = failure("sql:SELECT * FORM facts");
    PlumblineException column = failure("sql:SELECT promt FROM facts");
    PlumblineException table = failure("sql:SELECT * FROM fact");

    assertThat(parse.code()).isEqualTo(ErrorCode.BAD_USAGE);
    assertThat(parse).hasMessageStartingWith("sql:SELECT * FORM facts cannot be parsed: ");
    assertThat(column.code()).isEqualTo(ErrorCode.BAD_USAGE);
    assertThat(column).hasMessageContaining("promt").hasMessageContaining("`prompt`");
    assertThat(table.code()).isEqualTo(ErrorCode.INPUT_NOT_FOUND);
    assertThat(List.of(parse, column, table))
        .allSatisfy(e -> assertThat(e.getMessage()).doesNotContain("\n", "SQLSTATE", "Project"));
  }

  @Test
  void commandsAreNotRun() {
    table("victim", pairs(1));
    for (String sql :
        List.of(
            "DROP TABLE victim",
            "INSERT INTO victim VALUES ('x', 'y', 'z')",
            "FROM victim INSERT INTO victim SELECT *",
            "WITH x AS (SELECT 1) INSERT INTO victim SELECT '', '', ''",
            "SELECT 1) x; DROP TABLE victim; SELECT * FROM (SELECT 1",
            "SELECT 1; DROP TABLE victim",
            "BEGIN DROP TABLE victim; END",
            "CREATE TABLE other USING parquet AS SELECT 1 AS prompt")) {
      assertThat(failure("sql:" + sql).code()).as(sql).isEqualTo(ErrorCode.BAD_USAGE);
      assertThat(check("sql:" + sql)).as(sql).hasSize(1);
    }

    assertThat(spark.table("victim").count()).isEqualTo(1);
    assertThat(spark.catalog().tableExists("other")).isFalse();
  }

  @Test
  void valuesOfRowsAreNotInMessages() throws IOException {
    table("secrets", spark.sql("SELECT 'hush' AS text"));
    String given = "sql:SELECT text, CAST(text AS INT) AS n FROM secrets";

    PlumblineException failure = failure(given);

    assertThat(failure.code()).isEqualTo(ErrorCode.BAD_DATA);
    assertThat(failure).hasMessageContaining(given).hasMessageContaining("CAST_INVALID_INPUT");
    assertThat(failure.getMessage()).doesNotContain("hush");
    try (Stream<Path> left = Files.list(Path.of(output(), "sources"))) {
      assertThat(left.filter(path -> !path.getFileName().toString().endsWith(".crc"))).isEmpty();
    }
  }

  @Test
  void nothingIsRefused() {
    assertThat(failure("sql:SELECT 'a' AS text WHERE false"))
        .hasMessage("sql:SELECT 'a' AS text WHERE false holds no row; give data with at least one")
        .extracting(PlumblineException::code)
        .isEqualTo(ErrorCode.BAD_DATA);
    assertThat(failure("sql:SELECT 1 AS a, 2 AS A"))
        .hasMessageContaining("column A more than once")
        .extracting(PlumblineException::code)
        .isEqualTo(ErrorCode.BAD_USAGE);
    assertThat(failure("sql:SELECT make_interval(1) AS text"))
        .hasMessageContaining("no column whose type");
  }

  @Test
  void chanceInAQueryChangesNothingWithinASnapshot() {
    String given = "sql:SELECT uuid() AS prompt FROM range(0, 40, 1, 4)";

    Resolved first = resolve(given);
    Resolved second = resolve(given);

    // Read once: rows that were drawn again between counting and writing would not be these.
    assertThat(prompts(first)).hasSize(40).doesNotHaveDuplicates();
    assertThat(prompts(first)).doesNotContainAnyElementsOf(prompts(second));
    assertThat(SparkSources.resolvedBefore(storage, List.of(given), "train", output()))
        .contains(List.of(second));
  }

  @Test
  void keysInPathsAreNotShown() {
    assertThat(SourceFailures.shown("delta:s3a://user:secret@bucket/pairs"))
        .isEqualTo("delta:s3a://user:***@bucket/pairs");
    assertThat(SourceFailures.shown("sql:SELECT *\n  FROM " + "t".repeat(200)))
        .startsWith("sql:SELECT * FROM t")
        .endsWith("...")
        .hasSize(120);
  }

  @ParameterizedTest
  @CsvSource({
    "table:, table:main.chat.votes",
    "sql:, sql:SELECT",
    "delta:, delta:/tables/votes",
    "iceberg:a.b, table:main.chat.votes",
    "delta:/not/there, no Delta table",
    "table:a..b, cannot be parsed",
  })
  void formsThatMakeNoSenseAreTold(String given, String words) {
    assertThat(failure(given).code().exitStatus()).isEqualTo(2);
    assertThat(failure(given)).hasMessageContaining(words);
  }

  @Test
  void deltaWithoutItsExtensionOrJarsIsToldWithWhatToAdd() {
    String path = deltaTable;
    delta.plain().read().format("delta").load(path).createOrReplaceTempView("extensionless");
    String packages = "--packages io.delta:delta-spark_2.13:VERSION";

    for (String given :
        List.of(
            "delta:" + path,
            path,
            "table:extensionless",
            "sql:SELECT * FROM delta.`" + path + "`")) {
      PlumblineException failure =
          catchThrowableOfType(
              PlumblineException.class,
              () ->
                  SparkSources.resolve(
                      delta.plain(),
                      storage,
                      List.of(given),
                      Purpose.TRAINING,
                      "train",
                      output(),
                      note -> {}));
      assertThat(failure).as(given).isNotNull();
      assertThat(failure.code()).isEqualTo(ErrorCode.CLUSTER_UNFIT);
      assertThat(failure)
          .hasMessageStartingWith(given + " needs Delta")
          .hasMessageContaining(packages)
          .hasMessageContaining("spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension");
    }
    List<String> jars = withoutDelta(() -> check(path));

    assertThat(jars).singleElement().asString().contains(packages);
  }

  /** Spark looks for data sources through the thread's class loader. */
  private static <T> T withoutDelta(Callable<T> action) {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(
        new ClassLoader(before) {
          @Override
          protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (name.startsWith("io.delta.") || name.startsWith("org.apache.spark.sql.delta.")) {
              throw new ClassNotFoundException(name);
            }
            return super.loadClass(name, resolve);
          }

          @Override
          public Enumeration<URL> getResources(String name) throws IOException {
            List<URL> others =
                Collections.list(super.getResources(name)).stream()
                    .filter(url -> !url.toString().contains("delta"))
                    .toList();
            return Collections.enumeration(others);
          }
        });
    try {
      return action.call();
    } catch (Exception e) {
      throw new AssertionError(e);
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  @Test
  void filesOfTablesAreRefused() throws IOException {
    String path = deltaTable;
    Path iceberg = directory.resolve("iceberg");
    Files.createDirectories(iceberg.resolve("metadata"));
    Files.createDirectories(iceberg.resolve("data"));
    Files.writeString(iceberg.resolve("metadata/v1.metadata.json"), "{}");
    Path plain = Files.createDirectory(directory.resolve("metadata"));
    Files.writeString(plain.resolve("notes.json"), "{\"text\": \"a\"}");

    assertThat(failure(path + "/part-*.parquet")).hasMessageContaining("delta:" + path);
    assertThat(failure(lakehouse.toString())).hasMessageContaining("files of a Delta table at");
    assertThat(failure(iceberg.toString()))
        .hasMessageContaining("an Iceberg table")
        .hasMessageContaining("table:main.chat.votes");
    assertThat(failure(iceberg + "/data/x.parquet")).hasMessageContaining("an Iceberg table");
    assertThat(resolve(plain.toString()).kind()).isEqualTo(Kind.FILES);
    assertThat(SparkSources.kind(storage, path)).isEqualTo(Kind.DELTA);
  }

  @Test
  void checkReadsNoRow() {
    pairs(1).createOrReplaceTempView("good");
    String boom = "sql:SELECT raise_error('read') AS prompt, 'a' AS chosen, 'b' AS rejected";

    List<String> problems =
        check("table:good", boom, "table:gone", "sql:SELECT 1 AS x", "files.jsonl");

    assertThat(problems).hasSize(2);
    assertThat(problems.get(0)).startsWith("There is no table gone");
    assertThat(problems.get(1)).contains("columns x", "prompt", "--columns prompt=");
    assertThatThrownBy(
            () -> SparkSources.require(spark, storage, "table:gone", Purpose.TRAINING, Set.of()))
        .isInstanceOf(PlumblineException.class);
    assertThat(Path.of(output())).doesNotExist();
  }
}
