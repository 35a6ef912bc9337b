package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.Records;
import io.plumbline.data.TokenizedRow.Desirability;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.parquet.StorageParquet;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizedRowFilesTest {
  private final Storage storage = Storage.local();
  @TempDir Path directory;

  @Test
  void rowsComeBackAsTheyWereWritten() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<TokenizedRow> rows = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      rows.add(Rows.random(random, i));
    }
    String path = directory.resolve("rows.parquet").toString();
    try (TokenizedRowFiles.Writer writer = TokenizedRowFiles.writer(storage, path)) {
      rows.forEach(writer::write);
      assertThat(writer.rows()).isEqualTo(500);
    }
    assertThat(TokenizedRowFiles.rows(storage, path)).isEqualTo(500);
    try (TokenizedRowFiles.Reader reader = TokenizedRowFiles.reader(storage, path)) {
      for (TokenizedRow row : rows) {
        assertThat(Rows.same(reader.next().orElseThrow(), row))
            .as("row %d, seed %d", row.index(), seed)
            .isTrue();
      }
      assertThat(reader.next()).isEmpty();
    }
    assertThat(directory.toFile().list()).containsExactly("rows.parquet");
  }

  @Test
  void aReaderStartsAtAStepWithoutReadingWhatLiesBefore() throws IOException {
    // Rows that do not compress: several row groups.
    Random random = new Random(1);
    String path = directory.resolve("shard.parquet").toString();
    int steps = 250;
    try (TokenizedRowFiles.Writer writer = TokenizedRowFiles.writer(storage, path)) {
      for (int step = 0; step < steps; step++) {
        int[] prompt = random.ints(12_000).toArray();
        TokenizedRow row = TokenizedRow.of(step, prompt, List.of(new int[] {1}), List.of());
        writer.write(new PlacedRow(step, 3, row));
      }
    }
    assertThat(Files.size(Path.of(path))).isGreaterThan(11L << 20);
    for (long from : new long[] {0, 99, steps - 1}) {
      try (TokenizedRowFiles.Reader reader =
          TokenizedRowFiles.readerFromStep(storage, path, from)) {
        for (long step = from; step < steps; step++) {
          PlacedRow placed = reader.nextPlaced().orElseThrow();
          assertThat(placed.step()).isEqualTo(step);
          assertThat(placed.slot()).isEqualTo(3);
          assertThat(placed.row().index()).isEqualTo(step);
        }
        assertThat(reader.nextPlaced()).isEmpty();
      }
    }
    // Bytes of the first row group are gone, and still the last steps can be read.
    try (java.io.RandomAccessFile file = new java.io.RandomAccessFile(path, "rw")) {
      file.seek(4);
      file.write(new byte[1 << 20]);
    }
    try (TokenizedRowFiles.Reader reader =
        TokenizedRowFiles.readerFromStep(storage, path, steps - 1)) {
      assertThat(reader.nextPlaced().map(PlacedRow::step)).isEqualTo(Optional.of(steps - 1L));
    }
  }

  @Test
  void aFlippedBitIsAnErrorAndNeverAnotherRow() throws IOException {
    // One seed: a damaged length may ask for more memory than there is.
    long seed = 20;
    Random random = new Random(seed);
    List<TokenizedRow> rows = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      rows.add(Rows.random(random, i));
    }
    Path path = directory.resolve("flipped.parquet");
    try (TokenizedRowFiles.Writer writer = TokenizedRowFiles.writer(storage, path.toString())) {
      rows.forEach(writer::write);
    }
    byte[] bytes = Files.readAllBytes(path);
    int told = 0;
    for (int flip = 0; flip < 60; flip++) {
      byte[] damaged = bytes.clone();
      int at = random.nextInt(bytes.length);
      damaged[at] ^= (byte) (1 << random.nextInt(8));
      Files.write(path, damaged);
      List<TokenizedRow> read = new ArrayList<>();
      try (TokenizedRowFiles.Reader reader = TokenizedRowFiles.reader(storage, path.toString())) {
        for (var row = reader.next(); row.isPresent(); row = reader.next()) {
          read.add(row.get());
        }
      } catch (PlumblineException e) {
        told++;
        continue;
      }
      // What the footer says of statistics may be damaged without harm.
      assertThat(read).as("byte %d, seed %d", at, seed).hasSameSizeAs(rows);
      for (int i = 0; i < rows.size(); i++) {
        assertThat(Rows.same(read.get(i), rows.get(i)))
            .as("byte %d, row %d, seed %d", at, i, seed)
            .isTrue();
      }
    }
    assertThat(told).as("seed %d", seed).isGreaterThan(30);
  }

  @Test
  void aBrokenFileIsNamed() throws IOException {
    Path path = directory.resolve("broken.parquet");
    Files.writeString(path, "PAR1 this is no Parquet file at all PAR1");
    assertThatThrownBy(() -> TokenizedRowFiles.rows(storage, path.toString()))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining(path.toString())
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.STORAGE_FAILED);
  }

  @Test
  void aRowOutsideOfShardsHasNoPlace() {
    String path = directory.resolve("rows.parquet").toString();
    try (TokenizedRowFiles.Writer writer = TokenizedRowFiles.writer(storage, path)) {
      writer.write(Rows.numbered(0));
    }
    try (TokenizedRowFiles.Reader reader = TokenizedRowFiles.reader(storage, path)) {
      assertThatThrownBy(reader::nextPlaced).hasMessageContaining("not a canonical shard");
    }
  }

  @Test
  void fingerprintsTellBoundariesApart() {
    int[] none = {};
    List<String> all =
        List.of(
            TokenizedRow.fingerprint(new int[] {1, 2}, List.of(new int[] {3}), List.of()),
            TokenizedRow.fingerprint(new int[] {1}, List.of(new int[] {2, 3}), List.of()),
            TokenizedRow.fingerprint(none, List.of(new int[] {1, 2, 3}), List.of()),
            TokenizedRow.fingerprint(none, List.of(new int[] {1}, new int[] {2, 3}), List.of()),
            TokenizedRow.fingerprint(none, List.of(new int[] {2, 3}, new int[] {1}), List.of()),
            TokenizedRow.fingerprint(
                none, List.of(new int[] {1, 2, 3}), List.of(new byte[] {1, 1, 1})),
            TokenizedRow.fingerprint(
                none, List.of(new int[] {1, 2, 3}), List.of(new byte[] {0, 1, 1})));
    assertThat(all).doesNotHaveDuplicates().allMatch(hex -> hex.matches("[0-9a-f]{64}"));
    // Computed apart, by Python's hashlib over the documented bytes.
    assertThat(all.get(0))
        .isEqualTo("861e3fbcb65b14e0164070d907d99cf105cca517a1c064be5f30fcbdf98195c3");
  }

  @Test
  void filesWithoutMarginsLabelsAndColumnsAreRead() throws IOException {
    // As version 1 wrote them, by Parquet's own writer of example records.
    MessageType schema =
        MessageTypeParser.parseMessageType(
            """
            message tokenized_rows {
              required binary fingerprint (STRING);
              required int64 row;
              optional int64 step;
              optional int32 slot;
              required group prompt_ids (LIST) { repeated group list { required int32 element; } }
              required group completions (LIST) { repeated group list {
                required group element (LIST) { repeated group list { required int32 element; } } } }
              required group loss_masks (LIST) { repeated group list {
                required group element (LIST) { repeated group list {
                  required int32 element (INTEGER(8,true)); } } } }
              required group reference_logps (LIST) { repeated group list {
                required group element (LIST) { repeated group list { required float element; } } } }
            }
            """);
    String path = directory.resolve("version1.parquet").toString();
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(StorageParquet.output(storage, path))
            .withType(schema)
            .build()) {
      SimpleGroup row = new SimpleGroup(schema);
      row.add("fingerprint", "f");
      row.add("row", 5L);
      row.addGroup("prompt_ids").addGroup("list").add("element", 7);
      row.addGroup("completions")
          .addGroup("list")
          .addGroup("element")
          .addGroup("list")
          .add("element", 8);
      row.addGroup("loss_masks");
      row.addGroup("reference_logps");
      writer.write(row);
    }
    try (TokenizedRowFiles.Reader reader = TokenizedRowFiles.reader(storage, path)) {
      TokenizedRow row = reader.next().orElseThrow();
      assertThat(row.index()).isEqualTo(5);
      assertThat(row.prompt()).containsExactly(7);
      assertThat(row.completions().get(0)).containsExactly(8);
      assertThat(row.margin()).isNaN();
      assertThat(row.desirability()).isEqualTo(Desirability.UNSTATED);
      assertThat(row.columns()).isEmpty();
      assertThat(reader.next()).isEmpty();
    }
  }

  @Test
  void marginsAndLabelsTellDataApartButNotWhatAModelSays() {
    TokenizedRow plain = TokenizedRow.of(0, new int[] {1, 2}, List.of(new int[] {3}), List.of());
    TokenizedRow half = Records.with(plain, "margin", 0.5);
    assertThat(plain.dataFingerprint()).isEqualTo(plain.fingerprint());
    assertThat(
            List.of(
                plain.dataFingerprint(),
                half.dataFingerprint(),
                Records.with(plain, "margin", 0).dataFingerprint(),
                Records.with(plain, "desirability", Desirability.DESIRABLE).dataFingerprint(),
                Records.with(plain, "desirability", Desirability.UNDESIRABLE).dataFingerprint(),
                Records.with(half, "desirability", Desirability.DESIRABLE).dataFingerprint()))
        .doesNotHaveDuplicates()
        .allMatch(hex -> hex.matches("[0-9a-f]{64}"));
    assertThat(Records.with(half, "desirability", Desirability.DESIRABLE).fingerprint())
        .isEqualTo(plain.fingerprint());
    // Computed apart, by Python's hashlib over the documented bytes.
    assertThat(half.dataFingerprint())
        .isEqualTo("d53880b7a37c6c648abef4d59b2d13efa51b9ec036c2b8815fb617cc4c975521");
  }

  @Test
  void theColumnsAreThoseOfVersion1() throws IOException {
    String path = directory.resolve("columns.parquet").toString();
    TokenizedRowFiles.writer(storage, path).close();
    try (ParquetFileReader file = ParquetFileReader.open(StorageParquet.input(storage, path))) {
      assertThat(file.getFileMetaData().getKeyValueMetaData())
          .containsEntry("plumbline.format", "tokenized_rows.1");
      assertThat(file.getFileMetaData().getSchema())
          .isEqualTo(
              MessageTypeParser.parseMessageType(
                  """
                  message tokenized_rows {
                    required binary fingerprint (STRING);
                    required int64 row;
                    optional int64 step;
                    optional int32 slot;
                    required group prompt_ids (LIST) { repeated group list {
                      required int32 element; } }
                    required group completions (LIST) { repeated group list {
                      required group element (LIST) { repeated group list {
                        required int32 element; } } } }
                    required group loss_masks (LIST) { repeated group list {
                      required group element (LIST) { repeated group list {
                        required int32 element (INTEGER(8,true)); } } } }
                    required group reference_logps (LIST) { repeated group list {
                      required group element (LIST) { repeated group list {
                        required float element; } } } }
                    optional double margin;
                    optional boolean desirable;
                    optional binary columns (STRING);
                  }
                  """));
    }
  }
}
