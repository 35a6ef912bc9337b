package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.data.FileSlice.Content;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.ObjectStoreFileSystem;
import io.plumbline.storage.Storage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.apache.hadoop.conf.Configuration;

/** Files in slices, and files that are damaged: nothing is read twice, lost or made up. */
class SlicesTest {
  private final Storage storage = storage();

  private static Storage storage() {
    Configuration configuration = new Configuration();
    configuration.set("fs.objects.impl", ObjectStoreFileSystem.class.getName());
    return Storage.of(configuration);
  }

  /** Each row with its number; the text of the line, or what it was refused for. */
  private List<String> read(String path, long slice, long length) {
    List<String> rows = new ArrayList<>();
    long before = 0;
    for (long start = 0; start < length; start += slice) {
      FileSlice part = new FileSlice(path, Content.JSON_LINES, start, start + slice, 0);
      try (DataFileReader reader = DataFileReader.open(storage, part)) {
        for (Optional<RawRow> row = reader.next(); row.isPresent(); row = reader.next()) {
          rows.add(
              before
                  + row.get().line()
                  + " "
                  + row.get().refusal().map(why -> why.reason().id()).orElse("row")
                  + " "
                  + row.get().text().get());
        }
        before += reader.lineEnds();
      }
    }
    return rows;
  }

  /** Lines as they are never meant to be: bytes of any kind between line ends of any kind. */
  private static byte[] hostile(Random random) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int parts = random.nextInt(40);
    for (int i = 0; i < parts; i++) {
      byte[] part =
          switch (random.nextInt(8)) {
            case 0 -> "\n".getBytes(StandardCharsets.US_ASCII);
            case 1 -> "\r\n".getBytes(StandardCharsets.US_ASCII);
            case 2 -> "\r".getBytes(StandardCharsets.US_ASCII);
            case 3 -> new byte[random.nextInt(4)];
            case 4 -> "\ufeff".getBytes(StandardCharsets.UTF_8);
            case 5 -> "{\"a\": \"\u00fc\ud83d\ude00\"}\n".getBytes(StandardCharsets.UTF_8);
            case 6 -> " \t".repeat(random.nextInt(3)).getBytes(StandardCharsets.US_ASCII);
            default -> {
              byte[] any = new byte[random.nextInt(30)];
              random.nextBytes(any);
              yield any;
            }
          };
      bytes.writeBytes(part);
    }
    return bytes.toByteArray();
  }

  @Property(tries = 150)
  void anySlicingGivesTheRowsAndNumbersOfTheWhole(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 90) int slice) throws IOException {
    byte[] bytes = hostile(new Random(seed));
    Path file = Files.write(Files.createTempFile("hostile", ".jsonl"), bytes);
    try {
      List<String> whole = read(file.toString(), bytes.length + 1L, bytes.length);
      assertThat(read(file.toString(), slice, bytes.length)).isEqualTo(whole);
      assertThat(read("objects:" + file, slice, bytes.length)).isEqualTo(whole);
    } finally {
      Files.delete(file);
    }
  }

  /** What is cut off or has something behind it is damage, and never a shorter file. */
  @Property(tries = 100)
  void damagedMembersNeverLoseRowsInSilence(@ForAll long seed) throws IOException {
    Random random = new Random(seed);
    int members = 1 + random.nextInt(4);
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    List<Integer> ends = new ArrayList<>();
    for (int i = 0; i < members; i++) {
      if (random.nextBoolean()) {
        try (GZIPOutputStream output = new GZIPOutputStream(all)) {
          output.write("{\"n\": %d}\n".formatted(i).getBytes(StandardCharsets.UTF_8));
        }
      } else {
        try (GZIPOutputStream output = new GZIPOutputStream(all)) {
          output.write(
              "{\"n\": 0}\n".repeat(1 + random.nextInt(5000)).getBytes(StandardCharsets.UTF_8));
        }
      }
      ends.add(all.size());
    }
    byte[] bytes = all.toByteArray();
    boolean cut = random.nextBoolean();
    byte[] damaged =
        cut
            ? Arrays.copyOf(bytes, 2 + random.nextInt(bytes.length - 2))
            : Arrays.copyOf(bytes, bytes.length + 1 + random.nextInt(20));
    if (!cut) {
      damaged[bytes.length + random.nextInt(damaged.length - bytes.length)] = 5;
    }
    Path file = Files.write(Files.createTempFile("damaged", ".gz"), damaged);
    try {
      boolean whole = cut && ends.contains(damaged.length);
      assertThat(isRefused("objects:" + file)).isEqualTo(!whole);
      assertThat(isRefused(file.toString())).isEqualTo(!whole);
    } finally {
      Files.delete(file);
    }
  }

  private boolean isRefused(String path) {
    try (DataFileReader reader = DataFileReader.open(storage, FileSlice.whole(path))) {
      Optional<RawRow> row = reader.next();
      while (row.isPresent()) {
        row = reader.next();
      }
      return false;
    } catch (PlumblineException e) {
      assertThat(e.code()).isEqualTo(ErrorCode.BAD_DATA);
      assertThat(e).hasMessageContaining(path);
      return true;
    }
  }

  /** Reading all slices costs the file once, line numbers and a look at its head included. */
  @Example
  void aSliceCostsItself() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; text.length() < 8 << 20; i++) {
      text.append("{\"n\": ")
          .append(i)
          .append(", \"t\": \"")
          .append("x".repeat(900))
          .append("\"}\n");
    }
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    Path file = Files.write(Files.createTempFile("large", ".jsonl"), bytes);
    try {
      long before = ObjectStoreFileSystem.BYTES_READ.get();
      assertThat(DataFileReader.content(storage, "objects:" + file)).isEqualTo(Content.JSON_LINES);
      List<String> rows = read("objects:" + file, 1 << 20, bytes.length);
      long read = ObjectStoreFileSystem.BYTES_READ.get() - before;
      assertThat(rows).hasSize((int) text.chars().filter(c -> c == '\n').count());
      assertThat(read).isLessThan((long) (bytes.length * 1.1));
      // A seek: passing over bytes must not read them either.
      before = ObjectStoreFileSystem.BYTES_READ.get();
      try (var input = storage.open("objects:" + file)) {
        input.skipNBytes(7 << 20);
        assertThat(input.read()).isEqualTo(bytes[7 << 20]);
      }
      assertThat(ObjectStoreFileSystem.BYTES_READ.get() - before).isLessThan(1 << 18);
    } finally {
      Files.delete(file);
    }
  }
}
