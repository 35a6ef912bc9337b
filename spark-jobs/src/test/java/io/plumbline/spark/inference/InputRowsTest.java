package io.plumbline.spark.inference;

import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.to_json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.PythonPeer;
import io.plumbline.base.Json;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.spark.source.DataFiles.Purpose;
import io.plumbline.spark.source.SparkSources;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InputRowsTest {
  private static final Storage STORAGE = Storage.local();

  /** Files of scripts/make_parquet.py whose types and encodings Spark's reader has too. */
  private static final List<String> SPARKS_TOO =
      List.of(
          "names",
          "types",
          "special_numbers",
          "int96",
          "decimal_integers",
          "dictionaries",
          "codec_none",
          "codec_snappy",
          "codec_gzip",
          "codec_zstd",
          "codec_lz4",
          "no_rows",
          "chats",
          "pandas",
          "hugging_face",
          "hugging_face_text");

  /** Columns that Spark reads as text: JSON, which datasets decodes. */
  private static final Map<String, Set<String>> OTHERS_THAN_SPARKS =
      Map.of("hugging_face", Set.of("a", "b", "c", "e"));

  private static final Map<String, String> JSON_WITH_NULLS = Map.of("ignoreNullFields", "false");

  @TempDir static Path directory;

  private static SparkSession spark;

  @BeforeAll
  static void start() {
    spark = LocalSpark.session();
  }

  private static List<JsonNode> rows(String data) throws IOException {
    return rows(data, Purpose.TRAINING);
  }

  private static List<JsonNode> rows(String data, Purpose purpose) throws IOException {
    List<JsonNode> rows = new ArrayList<>();
    for (Map<String, Object> row :
        InputRows.read(spark, STORAGE, List.of(data), purpose, note -> {}).collect()) {
      rows.add(Json.MAPPER.readTree(Json.MAPPER.writeValueAsString(row)));
    }
    return rows;
  }

  @Test
  void largeFilesAreReadInSlicesWithTheSameRowsAndLineNumbers() throws IOException {
    Path file = directory.resolve("large.jsonl");
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      lines.add("{\"prompt\": \"" + "é".repeat(i % 37) + i + "\"}" + (i % 50 == 7 ? "\n" : ""));
    }
    Files.write(file, lines);
    List<String> whole =
        InputRows.read(spark, STORAGE, List.of(file.toString()))
            .map(row -> (String) row.get("prompt"))
            .collect();
    assertThat(whole).hasSize(500);

    JavaRDD<Map<String, Object>> sliced =
        InputRows.read(
            spark, STORAGE, List.of(file.toString()), Purpose.TRAINING, 1000, note -> {});
    assertThat(sliced.getNumPartitions()).isGreaterThan(10);
    assertThat(sliced.map(row -> (String) row.get("prompt")).collect()).isEqualTo(whole);

    lines.set(433, "no JSON");
    Files.write(file, lines);
    int line = Files.readAllLines(file).indexOf("no JSON") + 1;
    for (long bytes : new long[] {1000, 1L << 30}) {
      assertThatThrownBy(
              () ->
                  SparkFailures.unwrapped(
                      () ->
                          InputRows.read(
                                  spark,
                                  STORAGE,
                                  List.of(file.toString()),
                                  Purpose.TRAINING,
                                  bytes,
                                  note -> {})
                              .count()))
          .hasMessageContaining("large.jsonl:" + line + " cannot be read");
    }
  }

  @Test
  void theSplitIsTheOneThatIsWantedInEveryFormat() throws IOException {
    Path splits = Files.createDirectory(directory.resolve("splits"));
    for (String split : List.of("train", "test")) {
      Files.writeString(splits.resolve(split + ".csv"), "prompt\n" + split + "\n");
    }
    assertThat(rows("csv:" + splits).get(0).path("prompt").asText()).isEqualTo("train");
    assertThat(rows("csv:" + splits, Purpose.HELD_OUT).get(0).path("prompt").asText())
        .isEqualTo("test");
    List<String> notes = new ArrayList<>();
    InputRows.read(spark, STORAGE, List.of("csv:" + splits), Purpose.HELD_OUT, notes::add);
    assertThat(notes).singleElement().asString().contains("test is read");
  }

  /** What Spark reads and writes as JSON; fields of structs that are null are left out. */
  private static List<JsonNode> bySpark(String file) throws IOException {
    Dataset<Row> read = spark.read().parquet(file);
    if (read.columns().length == 0) {
      return List.of();
    }
    Column[] columns =
        Arrays.stream(read.columns())
            .map(name -> read.col("`" + name.replace("`", "``") + "`"))
            .toArray(Column[]::new);
    List<JsonNode> rows = new ArrayList<>();
    Map<String, String> options = new HashMap<>(SparkSources.JSON_OPTIONS);
    options.put("ignoreNullFields", "true");
    for (String json :
        read.select(to_json(struct(columns), options)).as(Encoders.STRING()).collectAsList()) {
      ObjectNode row = (ObjectNode) Json.MAPPER.readTree(json);
      // A column that is null is there.
      for (String column : read.columns()) {
        if (!row.has(column)) {
          row.putNull(column);
        }
      }
      rows.add(row);
    }
    return rows;
  }

  private static List<JsonNode> without(List<JsonNode> rows, Set<String> columns) {
    rows.forEach(row -> ((ObjectNode) row).remove(columns));
    return rows;
  }

  private static void requireSame(Path files, String name) throws IOException {
    String parquet = files.resolve(name + ".parquet").toString();
    Set<String> others = OTHERS_THAN_SPARKS.getOrDefault(name, Set.of());
    assertThat(rows(parquet)).as(name).isEqualTo(rows(files.resolve(name + ".jsonl").toString()));
    assertThat(without(rows(parquet), others))
        .as(name)
        .isEqualTo(without(bySpark(parquet), others));
  }

  @Test
  void parquetJsonLinesAndSparkGiveTheSameRowsWithAllColumns() throws Exception {
    List<Path> written = new ArrayList<>(List.of(Fixtures.golden("parquet")));
    if (System.getenv("PLUMBLINE_PYTHON") != null) {
      PythonPeer.run(directory, "make_parquet.py", directory.toString());
      written.add(directory);
    }
    // Names that differ in case are two columns of Parquet and JSON, and one of Spark's.
    spark.conf().set("spark.sql.caseSensitive", true);
    try {
      for (Path files : written) {
        for (String name : SPARKS_TOO) {
          requireSame(files, name);
        }
      }
    } finally {
      spark.conf().unset("spark.sql.caseSensitive");
    }
  }

  /** As Spark, which has written them, reads them. */
  @Test
  void theNamesOfFoldersAreColumns() throws Exception {
    String rows =
        "SELECT * FROM VALUES ('a', 'de', 1, 0.5, 'x%/=: y'), ('b', 'de', 2, 1, NULL),"
            + " ('c', 'en', -3, 2, '+7') AS t(prompt, lang, n, share, odd)";
    for (String format : List.of("parquet", "json", "csv")) {
      String path = directory.resolve("folders-" + format).toString();
      spark
          .sql(rows)
          .coalesce(1)
          .write()
          .partitionBy("lang", "n", "share", "odd")
          .option("header", true)
          .format(format)
          .save(path);
      List<JsonNode> expected = new ArrayList<>();
      for (String json :
          spark
              .read()
              .option("header", true)
              .format(format)
              .load(path)
              .select(to_json(struct("prompt", "lang", "n", "share", "odd"), JSON_WITH_NULLS))
              .as(Encoders.STRING())
              .collectAsList()) {
        expected.add(Json.MAPPER.readTree(json));
      }
      assertThat(expected.get(0).has("odd")).isTrue();
      assertThat(rows(format.equals("csv") ? "csv:" + path : path))
          .as(format)
          .containsExactlyInAnyOrderElementsOf(expected);
    }
    // The folder's value counts where a row has one of its own.
    Path own = Files.createDirectories(directory.resolve("own/lang=en"));
    Files.writeString(own.resolve("a.jsonl"), "{\"prompt\": \"a\", \"lang\": \"fr\"}\n");
    assertThat(rows(directory.resolve("own").toString()).get(0).path("lang").asText())
        .isEqualTo("en");
    assertThat(rows(own.toString()).get(0).path("lang").asText()).isEqualTo("fr");
  }

  @Test
  void aQueryGivesTheRowsThatTheFilesGive() throws Exception {
    for (String name : List.of("types", "special_numbers", "chats", "int96", "decimal_integers")) {
      Path file = Fixtures.golden("parquet").resolve(name + ".parquet");
      assertThat(rows("sql:SELECT * FROM parquet.`%s`".formatted(file)))
          .as(name)
          .containsExactlyInAnyOrderElementsOf(rows(file.toString()));
    }
  }

  @Test
  void aSnapshotGivesTheRowsThatTheFilesGive() throws Exception {
    for (String name : List.of("types", "special_numbers", "chats", "int96", "decimal_integers")) {
      Path file = Fixtures.golden("parquet").resolve(name + ".parquet");
      String snapshot =
          SparkSources.resolve(
                  spark,
                  STORAGE,
                  List.of("sql:SELECT * FROM parquet.`%s`".formatted(file)),
                  Purpose.TRAINING,
                  "train",
                  Files.createTempDirectory(directory, name).toString(),
                  note -> {})
              .get(0)
              .path();
      assertThat(rows(snapshot))
          .as(name)
          .containsExactlyInAnyOrderElementsOf(rows(file.toString()));
    }
  }

  @Test
  void spansOfTimeAreTheTextThatSparkWrites() throws Exception {
    String query =
        "sql:SELECT 'p' AS prompt, INTERVAL '1-2' YEAR TO MONTH AS years,"
            + " INTERVAL '1 02:03:04' DAY TO SECOND AS days, TIME'12:00:01.5' AS at";
    String snapshot =
        SparkSources.resolve(
                spark,
                STORAGE,
                List.of(query),
                Purpose.TRAINING,
                "train",
                Files.createTempDirectory(directory, "spans").toString(),
                note -> {})
            .get(0)
            .path();
    assertThat(rows(snapshot)).isEqualTo(rows(query));
    assertThat(rows(query).get(0).path("at").asText()).isEqualTo("12:00:01.5");
  }
}
