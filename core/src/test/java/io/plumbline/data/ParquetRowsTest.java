package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.Fixtures;
import io.plumbline.PythonPeer;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.parquet.StorageParquet;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ParquetRowsTest {
  private static final int DAMAGED_FILES = 400;

  private final Storage storage = Storage.local();

  @TempDir Path directory;

  /** Files that pyarrow, pandas, datasets and DuckDB wrote: scripts/make_parquet.py. */
  static List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(Fixtures.golden("parquet"))) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".parquet"))
          .map(name -> name.substring(0, name.length() - ".parquet".length()))
          .sorted()
          .toList();
    }
  }

  private List<RawRow> read(Path file, Predicate<String> columns) {
    List<RawRow> rows = new ArrayList<>();
    try (DataFileReader reader =
        DataFileReader.open(storage, FileSlice.whole(file.toString()), columns)) {
      for (Optional<RawRow> row = reader.next(); row.isPresent(); row = reader.next()) {
        rows.add(row.get());
      }
    }
    return rows;
  }

  private List<JsonNode> values(Path file) {
    return read(file, column -> true).stream()
        .map(row -> tree(JsonRows.write(row.values().orElseThrow())))
        .toList();
  }

  private static JsonNode tree(String json) {
    try {
      return JsonRows.tree(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private void requireSame(Path parquet) throws IOException {
    String name = parquet.toString();
    Path rows = Path.of(name.replace(".parquet", ".jsonl"));
    if (Files.exists(rows)) {
      assertThat(values(parquet)).as(name).isEqualTo(values(rows));
    } else {
      String words = Files.readString(Path.of(name.replace(".parquet", ".txt")));
      assertRefused(catchThrowable(() -> values(parquet)), name);
      assertThat(catchThrowable(() -> values(parquet))).hasMessageContaining(words);
    }
  }

  private static void assertRefused(Throwable failure, String as) {
    assertThat(failure).as(as).isInstanceOf(PlumblineException.class);
    assertThat(((PlumblineException) failure).code()).as(as).isEqualTo(ErrorCode.BAD_DATA);
    assertThat(failure.getMessage()).as(as).doesNotContain("\n").endsWith(".");
  }

  @ParameterizedTest
  @MethodSource("files")
  void parquetGivesTheRowsOfItsJsonLines(String name) throws Exception {
    requireSame(Fixtures.golden("parquet").resolve(name + ".parquet"));
  }

  @Test
  void whatTheLibrariesWriteTodayIsReadAlike() throws Exception {
    JsonNode written = PythonPeer.run(directory, "make_parquet.py", directory.toString());
    assertThat(written.path("files")).hasSizeGreaterThan(20);
    for (JsonNode name : written.path("files")) {
      requireSame(directory.resolve(name.asText() + ".parquet"));
    }
  }

  @Test
  void fieldsThatAreNullAreLeftOutOfStructs() throws Exception {
    Path chats = Fixtures.golden("parquet").resolve("chats.parquet");
    // pyarrow gives each message a null for tool_calls; JSON lines of it have none, as TRL's
    // remove_none_values. A template that asks "tool_calls is defined" sees the difference.
    assertThat(values(chats).get(0).path("completion").path(2))
        .isEqualTo(tree("{\"role\": \"assistant\", \"content\": \"No.\"}"));
  }

  private Path written(String schema, int rows, BiConsumer<Group, Integer> fill)
      throws IOException {
    MessageType type = MessageTypeParser.parseMessageType(schema);
    Path file = directory.resolve("written" + System.nanoTime() + ".parquet");
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(StorageParquet.output(storage, file.toString()))
            .withType(type)
            .withRowGroupSize(64L << 10)
            .withMinRowCountForPageSizeCheck(1)
            .build()) {
      for (int i = 0; i < rows; i++) {
        SimpleGroup row = new SimpleGroup(type);
        fill.accept(row, i);
        writer.write(row);
      }
    }
    return file;
  }

  /** The backward-compatibility rules of Parquet's LogicalTypes.md. */
  @Test
  void listsAndMapsOfOlderWritersAreRead() throws Exception {
    Path file =
        written(
            """
            message rows {
              optional group two (LIST) { repeated int32 element; }
              optional group pairs (LIST) { repeated group element { required int32 a; optional int32 b; } }
              optional group array (LIST) { repeated group array { required int32 a; } }
              optional group thrift (LIST) { repeated group thrift_tuple { required int32 a; } }
              optional group bag (LIST) { repeated group bag { optional int32 array_element; } }
              repeated int32 proto;
              optional group old (MAP_KEY_VALUE) { repeated group map (MAP_KEY_VALUE) {
                required binary key (UTF8); optional int32 value; } }
              optional binary kind (ENUM);
              optional binary bytes (BSON);
            }
            """,
            1,
            (row, i) -> {
              row.addGroup("two").append("element", 1).append("element", 2);
              row.addGroup("pairs").addGroup("element").append("a", 1);
              row.addGroup("array").addGroup("array").append("a", 1);
              row.addGroup("thrift").addGroup("thrift_tuple").append("a", 1);
              Group bag = row.addGroup("bag");
              bag.addGroup("bag").append("array_element", 1);
              bag.addGroup("bag");
              row.append("proto", 3).append("proto", 4);
              row.addGroup("old").addGroup("map").append("key", "k").append("value", 5);
              row.append("kind", "RED");
              row.append("bytes", "b");
            });
    assertThat(values(file))
        .containsExactly(
            tree(
                """
                {"two": [1, 2], "pairs": [{"a": 1}], "array": [{"a": 1}], "thrift": [{"a": 1}],
                 "bag": [1, null], "proto": [3, 4], "old": {"k": 5}, "kind": "RED", "bytes": "Yg=="}
                """));
  }

  @Test
  void slicesTogetherReadEachRowOnceWithItsNumber() throws Exception {
    Path file =
        written(
            "message m { required int32 n; required binary text (STRING); }",
            250,
            (row, i) -> row.append("n", i + 1).append("text", i + "x".repeat(4096)));
    for (long bytes : new long[] {1, 1 << 12, 1L << 40}) {
      List<FileSlice> slices = DataFileReader.parquetSlices(storage, file.toString(), bytes);
      List<String> seen = new ArrayList<>();
      for (FileSlice slice : slices) {
        try (DataFileReader reader = DataFileReader.open(storage, slice)) {
          for (Optional<RawRow> row = reader.next(); row.isPresent(); row = reader.next()) {
            seen.add(row.get().line() + "=" + row.get().values().orElseThrow().get("n"));
          }
        }
      }
      assertThat(seen).hasSize(250).first().isEqualTo("1=1");
      assertThat(seen).allMatch(row -> row.split("=", -1)[0].equals(row.split("=", -1)[1]));
      assertThat(slices.size() > 1).isEqualTo(bytes < 10_000);
    }
  }

  @Test
  void aRefusedRowIsToldWithAllItsColumns() throws Exception {
    Path file =
        written(
            "message m { required binary prompt (STRING); required binary note (STRING); }",
            3,
            (row, i) -> row.append("prompt", "p" + i).append("note", "n" + i));
    List<RawRow> rows = read(file, "prompt"::equals);
    assertThat(rows.get(2).values().orElseThrow()).containsEntry("note", null);
    for (int i : new int[] {1, 2, 0}) {
      List<RawRow> again = new ArrayList<>();
      try (DataFileReader reader =
          DataFileReader.open(storage, FileSlice.whole(file.toString()), "prompt"::equals)) {
        for (Optional<RawRow> row = reader.next(); row.isPresent(); row = reader.next()) {
          again.add(row.get());
        }
        assertThat(tree(again.get(i).text().get()))
            .isEqualTo(tree("{\"prompt\": \"p%d\", \"note\": \"n%d\"}".formatted(i, i)));
      }
    }
  }

  /** A refused row far behind is told without what lies before it, which may even be damaged. */
  @Test
  void aRefusedRowIsToldWithoutTheRowGroupsBeforeIt() throws Exception {
    int rows = 250;
    Path file =
        written(
            "message m { required binary prompt (STRING); required binary note (STRING); }",
            rows,
            (row, i) -> row.append("prompt", "p" + i).append("note", "n" + i + "x".repeat(4096)));
    byte[] bytes = Files.readAllBytes(file);
    int note = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("n0xxx");
    assertThat(note).isPositive();
    bytes[note + 1000] ^= 1;
    Files.write(file, bytes);
    try (DataFileReader reader =
        DataFileReader.open(storage, FileSlice.whole(file.toString()), "prompt"::equals)) {
      Optional<RawRow> last = Optional.empty();
      for (Optional<RawRow> row = reader.next(); row.isPresent(); row = reader.next()) {
        last = row;
      }
      assertThat(last.orElseThrow().line()).isEqualTo(rows);
      assertThat(last.orElseThrow().text().get()).contains("\"note\":\"n249x");
    }
  }

  @Test
  void textThatIsNoneAndJsonThatIsNoneRefuseTheirRow() throws Exception {
    byte[] broken = {'a', (byte) 0xff};
    Path file =
        written(
            "message m { required binary text (STRING); required binary json (JSON); }",
            5,
            (row, i) -> {
              row.append(
                  "text",
                  i % 2 == 1 ? Binary.fromConstantByteArray(broken) : Binary.fromString("\ufffd"));
              row.append("json", i == 4 ? "{1" : "[null]");
            });
    List<RawRow> rows = read(file, column -> true);
    assertThat(rows)
        .extracting(row -> row.refusal().map(RefusedRowException::reason).orElse(null))
        .containsExactly(
            null, RefusalReason.NOT_UTF8, null, RefusalReason.NOT_UTF8, RefusalReason.BROKEN_JSON);
    assertThat(rows.get(4).refusal().orElseThrow())
        .hasMessageStartingWith("the column json is of the type JSON and holds none");
  }

  @Test
  void bytesAreNoPrompt() throws Exception {
    Path file =
        written("message m { required binary text; }", 1, (row, i) -> row.append("text", "a"));
    ExampleParser parser = new ExampleParser(ExampleKind.SUPERVISED, ExampleShape.TEXT);
    assertThat(
            catchThrowable(
                () -> parser.parse(read(file, column -> true).get(0).values().orElseThrow())))
        .hasMessageContaining("text is bytes (a Parquet column of the type binary");
  }

  @ParameterizedTest
  @ValueSource(strings = {"list", "text", "depth", "length", "tail"})
  void aFooterThatClaimsTooMuchIsRefusedBeforeItIsBelieved(String what) throws Exception {
    byte[] footer =
        switch (what) {
          // Version 1, then a list of 2^31 - 1 schema elements.
          case "list" -> new byte[] {0x15, 2, 0x19, (byte) 0xfc, -1, -1, -1, -1, 7, 0};
          // A text of 2^31 - 1 bytes.
          case "text" -> new byte[] {0x18, -1, -1, -1, -1, 7, 'a', 0};
          default -> new byte[] {0x15, 2, 0};
        };
    if (what.equals("depth")) {
      footer = new byte[100_000];
      Arrays.fill(footer, (byte) 0x1c);
    }
    ByteBuffer file = ByteBuffer.allocate(12 + footer.length).order(ByteOrder.LITTLE_ENDIAN);
    file.put("PAR1".getBytes(StandardCharsets.US_ASCII)).put(footer);
    file.putInt(what.equals("length") ? Integer.MAX_VALUE : footer.length);
    file.put((what.equals("tail") ? "PAR2" : "PAR1").getBytes(StandardCharsets.US_ASCII));
    Path damaged = Files.write(directory.resolve(what + ".parquet"), file.array());
    assertRefused(catchThrowable(() -> values(damaged)), what);
    assertRefused(
        catchThrowable(() -> DataFileReader.parquetSlices(storage, damaged.toString(), 1)), what);
  }

  @Test
  void aDamagedFileEndsInOneSentence() throws Exception {
    List<byte[]> files = new ArrayList<>();
    for (String name : files()) {
      if (!name.equals("names")) {
        files.add(Files.readAllBytes(Fixtures.golden("parquet/" + name + ".parquet")));
      }
    }
    Random random = new Random(11);
    Path file = directory.resolve("damaged.parquet");
    int refused = 0;
    for (int i = 0; i < DAMAGED_FILES; i++) {
      byte[] bytes = files.get(i % files.size()).clone();
      if (i % 4 == 0) {
        bytes = Arrays.copyOf(bytes, 4 + random.nextInt(bytes.length - 4));
      } else {
        // Footers are about half of such files, and most of what can be claimed stands there.
        for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
          bytes[4 + random.nextInt(bytes.length - 4)] = (byte) random.nextInt(256);
        }
      }
      Files.write(file, bytes);
      Throwable failure =
          assertTimeoutPreemptively(
              Duration.ofSeconds(30), () -> catchThrowable(() -> read(file, column -> true)));
      if (failure != null) {
        assertRefused(failure, "file " + i + ": " + failure);
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(DAMAGED_FILES / 3);
  }
}
