package io.plumbline.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.data.DataFileReader;
import io.plumbline.data.FileSlice;
import io.plumbline.data.RawRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.spark.source.DataFiles.Purpose;
import io.plumbline.spark.source.SparkSources.Resolved;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** CSV and TSV as spreadsheets, pandas and data portals write them. */
class DelimitedFilesTest {
  private static SparkSession spark;

  private final Storage storage = Storage.local();
  @TempDir Path directory;

  @BeforeAll
  static void start() {
    spark = LocalSpark.session();
  }

  private Path write(String name, String text) throws IOException {
    Path file = directory.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  private Resolved resolve(String given) {
    return resolve(given, Purpose.TRAINING, "train", note -> {});
  }

  private Resolved resolve(String given, Purpose purpose, String name, Consumer<String> notes) {
    String output = directory.resolve("out").toString();
    return SparkSources.resolve(spark, storage, List.of(given), purpose, name, output, notes)
        .get(0);
  }

  private List<Map<String, Object>> rows(String given) {
    return rows(resolve(given));
  }

  private List<Map<String, Object>> rows(Resolved resolved) {
    List<Map<String, Object>> rows = new ArrayList<>();
    for (Storage.Entry file : storage.expand(resolved.path())) {
      try (DataFileReader reader = DataFileReader.open(storage, FileSlice.whole(file.path()))) {
        for (Optional<RawRow> row = reader.next(); row.isPresent(); row = reader.next()) {
          Map<String, Object> values = new HashMap<>(row.get().values().orElseThrow());
          values.values().removeIf(java.util.Objects::isNull);
          rows.add(values);
        }
      }
    }
    return rows;
  }

  private void refused(String given, ErrorCode code, String... words) {
    assertThatThrownBy(() -> resolve(given))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContainingAll(words)
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(code);
  }

  /** As Python's csv module and pandas write, and read, it (RFC 4180). */
  @Test
  void whatPythonWritesComesBack() throws IOException {
    Path file =
        write(
            "pairs.csv",
            "\ufeffprompt,chosen,rejected,score\r\n"
                + "z,\"say \"\"hi\"\", twice\",\"two\nlines\",007\r\n"
                + "a,\" blanks \",\\n,1.50\r\n"
                + "\u00fc,\"\",,\r\n");
    assertThat(rows("csv:" + file))
        .containsExactly(
            Map.of(
                "prompt",
                "z",
                "chosen",
                "say \"hi\", twice",
                "rejected",
                "two\nlines",
                "score",
                "007"),
            Map.of("prompt", "a", "chosen", " blanks ", "rejected", "\\n", "score", "1.50"),
            // An empty field is no value, in quotes too, as pandas has it.
            Map.of("prompt", "\u00fc"));
    // The same rows are found again, and in the file's order.
    assertThat(resolve("csv:" + file).path()).isEqualTo(resolve("csv:" + file).path());
  }

  @Test
  void optionsOfSparksReaderAreTaken() throws IOException {
    Path semicolons = write("a.csv", "prompt;chosen\n'x;1';y\n");
    assertThat(rows("csv{\"sep\": \";\", \"quote\": \"'\"}:" + semicolons))
        .containsExactly(Map.of("prompt", "x;1", "chosen", "y"));
    assertThat(rows("tsv:" + write("a.tsv", "prompt\tchosen\nx, y\t\"z\tz\"\n")))
        .containsExactly(Map.of("prompt", "x, y", "chosen", "z\tz"));
    assertThat(rows("csv{\"inferSchema\": true}:" + write("n.csv", "prompt,margin\nx,1\n")))
        .containsExactly(Map.of("prompt", "x", "margin", 1));
    Path latin = directory.resolve("latin.csv");
    Files.write(latin, "prompt,chosen\ncaf\u00e9,x\n".getBytes(StandardCharsets.ISO_8859_1));
    refused("csv:" + latin, ErrorCode.BAD_DATA, "latin.csv is not UTF-8", "\"encoding\"");
    assertThat(rows("csv{\"encoding\": \"ISO-8859-1\"}:" + latin))
        .containsExactly(Map.of("prompt", "caf\u00e9", "chosen", "x"));
    refused("csv{\"seperator\": \";\"}:" + latin, ErrorCode.BAD_USAGE, "seperator", "quote");
    refused("csv{\"sep\": \";\"" + latin, ErrorCode.BAD_USAGE, "csv:PATH");
    refused("csv:", ErrorCode.BAD_USAGE, "csv:PATH");
    refused("csv:" + directory.resolve("gone.csv"), ErrorCode.INPUT_NOT_FOUND, "gone.csv");
  }

  /** Spark fills up and cuts off without a word where it is not told to fail. */
  @Test
  void linesThatDoNotFitTheHeaderAreRefused() throws IOException {
    refused(
        "csv:" + write("short.csv", "prompt,chosen,rejected\na,b,c\na,b\n"),
        ErrorCode.BAD_DATA,
        "short.csv",
        "more or fewer fields than its header");
    refused(
        "csv:" + write("long.csv", "prompt,chosen\na,b\na,b,c\n"),
        ErrorCode.BAD_DATA,
        "long.csv",
        "more or fewer fields");
    refused("csv:" + write("empty.csv", ""), ErrorCode.BAD_DATA, "empty");
    refused("csv:" + write("header.csv", "prompt,chosen\n"), ErrorCode.BAD_DATA, "holds no row");
  }

  @Test
  void filesOfADirectoryAreReadInTheirOrder() throws IOException {
    // Spark would read the largest first.
    write("d/a.csv", "prompt,chosen\n1,x\n");
    write("d/b.csv", "prompt,chosen\n2," + "long ".repeat(100) + "\n3,x\n");
    write("d/README.md", "no data");
    assertThat(rows("csv:" + directory.resolve("d")).stream().map(row -> row.get("prompt")))
        .containsExactly("1", "2", "3");
    assertThat(rows("csv:" + directory + "/d/[ab].csv")).hasSize(3);
    write("d/c.csv", "chosen,prompt\nx,4\n");
    refused(
        "csv:" + directory.resolve("d"),
        ErrorCode.BAD_DATA,
        "a.csv has the columns prompt, chosen",
        "c.csv");
    write("e/train.csv", "prompt\ntrain\n");
    write("e/test.csv", "prompt\ntest\n");
    assertThat(rows("csv:" + directory.resolve("e"))).containsExactly(Map.of("prompt", "train"));
    List<String> notes = new ArrayList<>();
    resolve("csv:" + directory.resolve("e"), Purpose.TRAINING, "train", notes::add);
    assertThat(notes).singleElement().asString().contains("train is read");
    notes.clear();
    assertThat(rows(resolve("csv:" + directory.resolve("e"), Purpose.HELD_OUT, "eval", notes::add)))
        .containsExactly(Map.of("prompt", "test"));
    assertThat(notes).singleElement().asString().contains("test is read");
    // Columns differ between splits too.
    write("e/test.csv", "prompt,extra\ntest,x\n");
    assertThat(
            SparkSources.schema(spark, storage, "csv:" + directory.resolve("e"), Purpose.HELD_OUT)
                .fieldNames())
        .containsExactly("prompt", "extra");
  }

  @Test
  void columnsThatAreReadUnderOtherNamesAreKnown() throws IOException {
    List<String> data = List.of("csv:" + write("q.csv", "frage\nWarum?\n"));
    assertThat(SparkSources.check(spark, storage, data, Purpose.TRAINING, Set.of()))
        .singleElement()
        .asString()
        .contains("none that training reads", "--columns");
    assertThat(SparkSources.check(spark, storage, data, Purpose.TRAINING, Set.of("frage")))
        .isEmpty();
  }

  @Test
  void namesOfManyKindsAreRead() throws IOException {
    for (String name : List.of("a b.csv", "50%+#\u00fc.csv")) {
      Path file = write(name, "prompt\nx\n");
      assertThat(rows("csv:" + file)).as(name).containsExactly(Map.of("prompt", "x"));
    }
    String text = "prompt,chosen\r\n\"x\ny\",\"say \"\"z\"\"\"\r\n,w\r\n";
    for (String name :
        List.of("a[1].csv", "10:15.csv", "{b}*?:\\.csv", "d[2]/c.csv", "d[2]/e{.csv")) {
      assertThat(rows("csv:" + write(name, text)))
          .as(name)
          .containsExactlyInAnyOrder(
              Map.of("prompt", "x\ny", "chosen", "say \"z\""), Map.of("chosen", "w"));
    }
    write("b1.csv", "prompt,chosen\nno,no\n");
    refused(
        "csv:" + write("[f].csv", "\"prompt\nof all\",chosen\nx,y\n"),
        ErrorCode.BAD_USAGE,
        "[f].csv",
        "header goes over more than a line",
        "another name");
    refused(
        "csv:" + write("[g].csv", "prompt,chosen\nx\n"),
        ErrorCode.BAD_DATA,
        "more or fewer fields than its header");
    refused(
        "csv{\"inferSchema\": true}:" + write("[h].csv", "prompt,margin\nx,1\n"),
        ErrorCode.BAD_USAGE,
        "the types of columns cannot be found",
        "another name");
  }
}
