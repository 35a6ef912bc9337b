package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import io.plumbline.data.FileSlice.Content;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What is read of what people have, and what is said of the rest. */
class FileContentsTest {
  private static final String ROW = "{\"prompt\": \"a\", \"completion\": \"b\"}\n";

  @TempDir Path directory;

  /** Every file is read both ways: an object store's streams have short reads and seeks. */
  private Storage objects;

  @BeforeEach
  void open() {
    Configuration configuration = new Configuration();
    configuration.set("fs.objects.impl", "io.plumbline.storage.ObjectStoreFileSystem");
    objects = Storage.of(configuration);
  }

  private Path write(String name, byte[] bytes) throws IOException {
    return Files.write(directory.resolve(name), bytes);
  }

  private Path write(String name, String text) throws IOException {
    return write(name, text.getBytes(StandardCharsets.UTF_8));
  }

  private List<Object> rows(Path file) {
    List<Object> local = rows(Storage.local(), file.toString());
    assertThat(rows(objects, "objects:" + file)).isEqualTo(local);
    return local;
  }

  private static List<Object> rows(Storage storage, String path) {
    List<Object> rows = new ArrayList<>();
    try (DataFileReader reader = DataFileReader.open(storage, FileSlice.whole(path))) {
      for (Optional<RawRow> row = reader.next(); row.isPresent(); row = reader.next()) {
        rows.add(row.get().values().<Object>map(values -> values.get("n")).orElse("refused"));
      }
    }
    return rows;
  }

  private String sentence(Path file) {
    List<String> sentences = new ArrayList<>();
    for (String path : List.of(file.toString(), "objects:" + file)) {
      assertThatThrownBy(() -> DataFileReader.content(objects, path))
          .isInstanceOf(PlumblineException.class)
          .satisfies(e -> assertThat(((PlumblineException) e).code()).isEqualTo(ErrorCode.BAD_DATA))
          .hasMessageStartingWith(path)
          .satisfies(e -> sentences.add(e.getMessage()));
      // The same where a task opens the file that nobody has looked at before.
      assertThatThrownBy(() -> rows(objects, path)).hasMessage(sentences.get(sentences.size() - 1));
    }
    return sentences.get(0);
  }

  @Test
  void whatIsNeverEmptyIsRefusedWhereItIs() throws Exception {
    for (String name : List.of("a.parquet", "a.jsonl.gz", "a.json.zst", "a.bz2")) {
      assertThat(sentence(write(name, ""))).contains("is empty, and a file of its format never is");
    }
    assertThat(rows(write("a.jsonl", ""))).isEmpty();
  }

  @Test
  void twoValuesOfOneNameRefuseTheirRow() throws Exception {
    Path file = write("twice.jsonl", "{\"n\": 1, \"n\": 2}\n{\"n\": 3}\n");
    assertThat(rows(file)).containsExactly("refused", 3);
    try (DataFileReader reader =
        DataFileReader.open(Storage.local(), FileSlice.whole(file.toString()))) {
      assertThat(reader.next().orElseThrow().refusal().orElseThrow())
          .hasMessageContaining("Duplicate field 'n'");
    }
    assertThat(rows(write("within.jsonl", "{\"n\": {\"role\": 1, \"role\": 2}}\n")))
        .containsExactly("refused");
  }

  private static byte[] compressed(Compression compression, byte[] bytes) {
    ByteArrayOutputStream result = new ByteArrayOutputStream();
    try (OutputStream output =
        switch (compression) {
          case GZIP -> new GZIPOutputStream(result);
          case BZIP2 -> new BZip2CompressorOutputStream(result);
          case ZSTD -> {
            result.writeBytes(Zstd.compress(bytes));
            yield OutputStream.nullOutputStream();
          }
        }) {
      output.write(bytes);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return result.toByteArray();
  }

  private static byte[] line(int n) {
    return "{\"n\": %d}\n".formatted(n).getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] joined(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  /** As many as {@code zcat | wc -l} counts: JDK-7036144 loses some where bytes come in pieces. */
  @ParameterizedTest
  @CsvSource({"GZIP,4000", "GZIP,20000", "ZSTD,4000", "BZIP2,400"})
  void everyMemberIsRead(Compression compression, int members) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    List<Object> expected = new ArrayList<>();
    for (int i = 0; i < members; i++) {
      all.writeBytes(compressed(compression, line(i)));
      expected.add(i);
    }
    assertThat(rows(write("members", all.toByteArray()))).isEqualTo(expected);
  }

  @Test
  void membersOfEverySizeAreReadAsOneText() throws IOException {
    Random random = new Random(5);
    for (Compression compression : Compression.values()) {
      List<Object> expected = new ArrayList<>();
      ByteArrayOutputStream text = new ByteArrayOutputStream();
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      for (int i = 0; i < 3000; i++) {
        text.writeBytes(line(i));
        expected.add(i);
      }
      byte[] bytes = text.toByteArray();
      int at = 0;
      while (at < bytes.length) {
        // Members end within lines, and some are empty, as bgzip's last one is.
        int end = Math.min(bytes.length, at + random.nextInt(9000));
        all.writeBytes(compressed(compression, Arrays.copyOfRange(bytes, at, end)));
        at = end;
      }
      all.writeBytes(compressed(compression, new byte[0]));
      assertThat(rows(write(compression.words(), all.toByteArray())))
          .as(compression.words())
          .isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @EnumSource(Compression.class)
  void aLastMemberThatIsCutOffIsDamage(Compression compression) throws IOException {
    byte[] first = compressed(compression, line(1));
    byte[] last = compressed(compression, line(2));
    for (int length = 1; length < last.length; length++) {
      Path file = write("cut", joined(first, Arrays.copyOf(last, length)));
      for (Storage storage : List.of(Storage.local(), objects)) {
        String path = storage == objects ? "objects:" + file : file.toString();
        assertThatThrownBy(() -> rows(storage, path))
            .as("%s, %d bytes of the last member", compression.words(), length)
            .isInstanceOf(PlumblineException.class)
            .hasMessageContaining(path)
            .extracting(e -> ((PlumblineException) e).code())
            .isEqualTo(ErrorCode.BAD_DATA);
      }
    }
  }

  /** gzip(1) ignores zeros behind the last member, as tapes leave them, and warns of garbage. */
  @Test
  void zerosBehindGzipArePaddingAndOtherBytesAreRefused() throws IOException {
    byte[] two =
        joined(compressed(Compression.GZIP, line(1)), compressed(Compression.GZIP, line(2)));
    assertThat(rows(write("padded.gz", joined(two, new byte[70_000])))).containsExactly(1, 2);
    for (byte[] garbage : List.of(new byte[] {7}, line(3), new byte[] {0, 0, 5})) {
      Path file = write("garbage.gz", joined(two, garbage));
      assertThatThrownBy(() -> rows(file))
          .hasMessageContaining("garbage.gz")
          .hasMessageContaining("behind gzip member 2");
    }
  }

  @Test
  void headersOfGzipWithAllTheirPartsAreRead() throws IOException {
    byte[] plain = compressed(Compression.GZIP, line(1));
    byte[] header = Arrays.copyOf(plain, 10);
    header[3] = 4 | 8 | 16 | 2;
    byte[] parts =
        joined(
            header,
            new byte[] {3, 0, 1, 2, 3},
            "name\0comment\0".getBytes(StandardCharsets.US_ASCII),
            new byte[] {0, 0},
            Arrays.copyOfRange(plain, 10, plain.length));
    assertThat(rows(write("parts.gz", joined(parts, plain)))).containsExactly(1, 1);
  }

  @Test
  void arraysAreReadCompressedToo() throws IOException {
    byte[] array = "\ufeff [{\"n\": 1}, {\"n\": 2}]\n".getBytes(StandardCharsets.UTF_8);
    for (Compression compression : Compression.values()) {
      Path file = write("array", compressed(compression, array));
      assertThat(rows(file)).containsExactly(1, 2);
      assertThat(DataFileReader.content(objects, "objects:" + file)).isEqualTo(Content.COMPRESSED);
    }
  }

  private record Case(String name, byte[] bytes, List<String> words) {}

  private static Case text(String name, String text, String... words) {
    return new Case(name, text.getBytes(StandardCharsets.UTF_8), List.of(words));
  }

  private static Case in(Charset charset, String name, String... words) {
    return new Case(name, ("\ufeff" + ROW.repeat(3)).getBytes(charset), List.of(words));
  }

  private static Case magic(String name, int[] magic, String... words) {
    byte[] bytes = new byte[600];
    for (int i = 0; i < magic.length; i++) {
      bytes[i] = (byte) magic[i];
    }
    return new Case(name, bytes, List.of(words));
  }

  private static List<Case> strangers() {
    byte[] tar = new byte[1024];
    System.arraycopy("ustar".getBytes(StandardCharsets.US_ASCII), 0, tar, 257, 5);
    return List.of(
        text("a.csv", "prompt,chosen\nx,y\n", "CSV", "prompt, chosen", "csv:"),
        text("b", "prompt;chosen\n\"x;1\";y\n", "csv{\"sep\":\";\"}:"),
        text("c.tsv", "prompt\tchosen\nx\ty\n", "TSV", "tsv:"),
        text("one.csv", "text\nhello\n", "CSV", "csv:"),
        text(
            "pretty",
            "{\n  \"prompt\": \"a\",\n  \"chosen\": \"b\"\n}\n",
            "several lines",
            "jq -c . "),
        text("two", "{\"a\":\n 1}\n{\"a\":\n 2}\n", "several lines", "jq -c . "),
        text("comma", "{\n \"a\": 1,\n}\n", "several lines"),
        text("data", "{\"data\": [{\"prompt\": \"a\"}]}", "\"data\"", "jq -c '.[\"data\"][]'"),
        text(
            "train",
            "{\n\"version\": 1,\n\"train\": [\n{\"q\": 1}]}",
            "\"train\"",
            "jq -c '.[\"train\"][]'"),
        text(
            "squad",
            "{\"version\": \"1\", \"data\": [{\"title\": \"t\"}, " + "{\"x\": 1}, ".repeat(9000),
            "\"data\""),
        text("own", "{\"pairs\": [{\"chosen\": \"a\", \"rejected\": \"b\"}]}", "\"pairs\""),
        text(
            "columns",
            "{\"prompt\": {\"0\": \"a\", \"1\": \"b\"}, \"chosen\": {\"0\": \"c\"}}",
            "orient='records'"),
        text(
            "lists",
            "{\"prompt\": [\"a\", \"b\"], \"chosen\": [\"c\", \"d\"]}",
            "orient='records'"),
        text("split", "{\"columns\": [\"text\"], \"data\": [[\"a\"]]}", "orient='records'"),
        text("joined", "{\"a\": 1}{\"a\": 2}\n", "several JSON values on one line"),
        text("commas", "{\"a\": 1},\n{\"a\": 2},\n", "commas between", "[ and ]"),
        text("arrays", "[{\"a\": 1}]\n[{\"a\": 2}]\n", "behind the end of its JSON array"),
        text("texts", "[\"a\", \"b\"]\n", "no objects"),
        text("scalars", "\"a\"\n\"b\"\n", "no objects"),
        text("prose", "Once upon a time.\nThe end.\n", "no JSON", "jq -cR"),
        text("inst", "[INST] hello [/INST]\n", "no JSON"),
        text("python", "{'prompt': 'a'}\n{'prompt': 'b'}\n", "json.dumps"),
        text("cr", "{\"a\": 1}\r{\"a\": 2}\r", "carriage returns", "tr '"),
        text("page.jsonl", "<!DOCTYPE html>\n<html>", "HTML", "download it again"),
        text("error.jsonl", "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>", "XML"),
        text(
            "lfs.parquet",
            "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            "Git LFS",
            "git lfs pull"),
        new Case(
            "latin1",
            (ROW.repeat(3) + "{\"prompt\": \"caf\u00e9\"}\n".repeat(2))
                .getBytes(StandardCharsets.ISO_8859_1),
            List.of("not UTF-8", "iconv")),
        in(StandardCharsets.UTF_16LE, "utf16le", "UTF-16", "iconv -f UTF-16 "),
        in(StandardCharsets.UTF_16BE, "utf16be", "UTF-16"),
        in(Charset.forName("UTF-32LE"), "utf32le", "UTF-32"),
        in(Charset.forName("UTF-32BE"), "utf32be", "UTF-32"),
        new Case(
            "utf16",
            ROW.getBytes(StandardCharsets.UTF_16LE),
            List.of("UTF-16 without", "UTF-16LE")),
        new Case("nul", new byte[5000], List.of("NUL bytes")),
        text("arrow", "ARROW1\0\0", "Arrow file", "write_table"),
        magic("stream.arrow", new int[] {0xff, 0xff, 0xff, 0xff, 1}, "Arrow stream", "from_file"),
        text("feather", "FEA1\0\0", "feather"),
        text("x.orc", "ORC\0\0", "ORC", "sql:SELECT * FROM orc.`"),
        text("x.avro", "Obj\u0001\0", "Avro"),
        magic("x.xz", new int[] {0xfd, '7', 'z', 'X', 'Z', 0}, "xz", "decompress"),
        magic("x.lz4", new int[] {4, 0x22, 0x4d, 0x18}, "lz4", "decompress"),
        magic("x.sz", new int[] {0xff, 6, 0, 0, 's', 'N', 'a', 'P', 'p', 'Y'}, "snappy"),
        magic("x.zip", new int[] {'P', 'K', 3, 4}, "zip", "unpack"),
        magic("x.pkl", new int[] {0x80, 4}, "pickle"),
        new Case("x.tar", tar, List.of("tar archive", "unpack")),
        new Case(
            "x.tar.gz",
            compressed(Compression.GZIP, tar),
            List.of("decompressed by gzip", "tar archive")),
        new Case(
            "twice.gz",
            compressed(Compression.GZIP, compressed(Compression.ZSTD, line(1))),
            List.of("is compressed by zstd")),
        new Case(
            "p.parquet.gz",
            compressed(Compression.GZIP, "PAR1....".getBytes(StandardCharsets.US_ASCII)),
            List.of("Parquet file", "decompress")),
        new Case(
            "a.csv.gz",
            compressed(
                Compression.GZIP, "prompt,chosen\nx,y\n".getBytes(StandardCharsets.US_ASCII)),
            List.of("CSV", "csv:")));
  }

  /** Once for the file, with what to do, and never a refusal for each line. */
  @Test
  void whatIsNotReadIsCalledByItsName() throws IOException {
    for (Case stranger : strangers()) {
      assertThat(sentence(write(stranger.name(), stranger.bytes())))
          .as(stranger.name())
          .contains(stranger.words());
    }
  }

  /** What is odd and still rows must not be taken for something else. */
  @Test
  void oddRowsAreStillRows() throws IOException {
    UnaryOperator<String> n = text -> text.replace("#", "\"n\": 1");
    for (String text :
        List.of(
            "\ufeff{#}\n",
            "\ufeff\ufeff{#}\n",
            "\ufeff\ufeff [{#}]\n",
            "{#, \"question\": \"q\", \"answer\": \"a\", \"results\": [{\"a\": 1}]}",
            "\n\n  {#}",
            "{#}\r\n\r\n",
            "{#, \"meta\": [{\"k\": 1}]}\n",
            "{#, \"conversations\": [{\"from\": \"human\", \"value\": \"x\"}]}\n",
            "{#, \"messages\": [{\"role\": \"user\", \"content\": \"a,b\\tc\"}]}",
            "{#, \"prompt\": [\"a\"]}\n",
            "[{#, \"data\": [{\"prompt\": 1}]}]",
            "[\n  {\n    #\n  }\n]\n")) {
      assertThat(rows(write("odd", n.apply(text)))).as(text).containsExactly(1);
    }
    assertThat(rows(write("late", "broken\n{\"n\": 2}\n"))).containsExactly("refused", 2);
    assertThat(rows(write("cut", "{\"n\": 1}\n{\"n\":"))).containsExactly(1, "refused");
    assertThat(
            rows(
                write(
                    "one-bad",
                    joined(line(1), new byte[] {'{', '"', (byte) 0xe9, '"', '}', '\n'}))))
        .containsExactly(1, "refused");
    assertThat(rows(write("empty", ""))).isEmpty();
    assertThat(rows(write("blank", "\n\n \n"))).isEmpty();
    assertThat(rows(write("none", "[]"))).isEmpty();
  }

  /** Jackson's own limit for one text is 20 million characters: a row may have more bytes. */
  @Test
  void aValueThatIsTooLongIsSaid() throws IOException {
    String most = "x".repeat(DataFileReader.MAX_ROW_BYTES);
    String large = most.substring(100);
    assertThat(rows(write("large", "{\"n\": 1, \"t\": \"" + large + "\"}\n{\"n\": 2}")))
        .containsExactly(1, 2);
    Path lines = write("lines", "{\"n\": 1, \"t\": \"" + most + "\"}\n{\"n\": 2}\n");
    assertThat(rows(lines)).containsExactly("refused", 2);
    Path array = write("array", "[{\"n\": 1}, {\"t\": \"" + most + "xx\"}, {\"n\": 3}]");
    assertThatThrownBy(() -> rows(array))
        .hasMessageContaining("array cannot be read from element 2 of its JSON array on")
        .hasMessageContaining("one object a line");
  }
}
