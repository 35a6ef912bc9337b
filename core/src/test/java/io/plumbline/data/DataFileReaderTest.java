package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.data.FileSlice.Content;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class DataFileReaderTest {
  private final Storage storage = Storage.local();

  /** Line numbers with the numbers that the lines hold; -1 for a refused one. */
  private List<String> read(FileSlice slice) {
    List<String> rows = new ArrayList<>();
    read(slice, 0, rows);
    return rows;
  }

  /** Adds the rows with so much on their numbers; says how many lines end in the slice. */
  private long read(FileSlice slice, long before, List<String> rows) {
    try (DataFileReader reader = DataFileReader.open(storage, slice)) {
      for (Optional<RawRow> row = reader.next(); row.isPresent(); row = reader.next()) {
        Object value = row.get().values().map(values -> values.get("n")).orElse(-1);
        rows.add(before + row.get().line() + "=" + value);
      }
      return reader.lineEnds();
    }
  }

  @Property(tries = 60)
  void slicesTogetherReadEveryLineOnceWithItsNumber(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 60) int bytes) throws IOException {
    Random random = new Random(seed);
    StringBuilder text = new StringBuilder();
    List<String> expected = new ArrayList<>();
    int lines = random.nextInt(25);
    for (int line = 1; line <= lines; line++) {
      switch (random.nextInt(4)) {
        case 0 -> text.append("  ".repeat(random.nextInt(3)));
        case 1 -> {
          text.append("{broken");
          expected.add(line + "=-1");
        }
        default -> {
          text.append("{\"n\": ")
              .append(line)
              .append(", \"ü\": \"")
              .append("x".repeat(random.nextInt(40)))
              .append("\"}");
          expected.add(line + "=" + line);
        }
      }
      boolean last = line == lines;
      text.append(last && random.nextBoolean() ? "" : random.nextBoolean() ? "\n" : "\r\n");
    }
    Path file = Files.createTempFile("lines", ".jsonl");
    try {
      Files.writeString(file, text);
      long length = Files.size(file);
      List<String> actual = new ArrayList<>();
      long before = 0;
      for (long start = 0; start < length; start += bytes) {
        FileSlice slice =
            new FileSlice(file.toString(), Content.JSON_LINES, start, start + bytes, 0);
        before += read(slice, before, actual);
      }
      assertThat(actual).isEqualTo(expected);
      assertThat(read(FileSlice.whole(file.toString()))).isEqualTo(expected);
    } finally {
      Files.delete(file);
    }
  }

  @Example
  void aDamagedCompressedFileIsNamed() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream output = new GZIPOutputStream(bytes)) {
      output.write("{\"n\": 1}\n".repeat(1000).getBytes(StandardCharsets.UTF_8));
    }
    Path file = Files.createTempFile("cut", ".jsonl.gz");
    Files.write(file, Arrays.copyOf(bytes.toByteArray(), bytes.size() / 2));
    assertThatThrownBy(() -> read(FileSlice.whole(file.toString())))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining(file.toString())
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_DATA);
    Files.delete(file);
  }

  @Property(tries = 1000)
  void hostileLinesAreRowsOrRefusals(@ForAll long seed) {
    Random random = new Random(seed);
    byte[] line = hostile(random).getBytes(StandardCharsets.UTF_8);
    if (random.nextInt(4) == 0 && line.length > 0) {
      line[random.nextInt(line.length)] = (byte) random.nextInt(256);
    }
    ExampleKind kind =
        List.of(ExampleKind.values()).get(random.nextInt(ExampleKind.values().length));
    List<ExampleShape> shapes = ExampleShape.shapes(kind);
    ExampleShape shape = shapes.get(random.nextInt(shapes.size()));
    try {
      Map<String, Object> row = JsonRows.parse(line);
      assertThat(new ExampleParser(kind, shape).parse(row)).isNotNull();
    } catch (RefusedRowException e) {
      assertThat(e.reason()).isNotNull();
      assertThat(e.getMessage()).isNotBlank();
    }
  }

  private static String hostile(Random random) {
    StringBuilder json = new StringBuilder("{");
    List<String> columns = new ArrayList<>(ExampleShape.COLUMNS);
    columns.sort(null);
    for (int i = random.nextInt(8); i >= 0; i--) {
      json.append('"')
          .append(columns.get(random.nextInt(columns.size())))
          .append("\": ")
          .append(value(random, 0))
          .append(i > 0 ? ", " : "");
    }
    return json.append(random.nextInt(10) == 0 ? "" : "}").toString();
  }

  private static String value(Random random, int depth) {
    return switch (random.nextInt(depth > 4 ? 6 : 10)) {
      case 0 -> "null";
      case 1 -> "\"\"";
      case 2 -> "\"text " + random.nextInt(3) + "\"";
      case 3 -> "\"\\ud83d\"";
      case 4 -> random.nextBoolean() ? "NaN" : "-1e999";
      case 5 -> "[".repeat(random.nextInt(3000));
      case 6 -> "[" + value(random, depth + 1) + ", " + value(random, depth + 1) + "]";
      case 7 ->
          "{\"role\": "
              + value(random, depth + 1)
              + ", \"content\": "
              + value(random, depth + 1)
              + "}";
      case 8 -> "[{\"role\": \"user\", \"content\": " + value(random, depth + 1) + "}]";
      default ->
          "[{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b"
              + random.nextInt(2)
              + "\"}]";
    };
  }
}
