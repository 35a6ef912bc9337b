package io.plumbline.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same promises on local files and on a store without rename and append. */
class StorageTest {
  @TempDir Path temp;

  private static Storage storage() {
    Configuration configuration = new Configuration();
    configuration.set("fs.objects.impl", ObjectStoreFileSystem.class.getName());
    return Storage.of(configuration);
  }

  private String at(String prefix, String name) {
    return prefix + temp + "/" + name;
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "file:", "objects:"})
  void writtenTextIsReadAgainAndNothingElseLiesAround(String prefix) throws IOException {
    Storage storage = storage();
    String path = at(prefix, "a/b/ü x.txt");
    storage.writeText(path, "first");
    storage.writeText(path, "zweites ü");
    assertThat(storage.readText(path)).isEqualTo("zweites ü");
    assertThat(storage.size(path)).isEqualTo(10);
    assertThat(storage.exists(path)).isTrue();
    try (var files = Files.list(temp.resolve("a/b"))) {
      assertThat(files.map(f -> f.getFileName().toString())).containsExactly("ü x.txt");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "objects:"})
  void listingAndDeletingTakeWhatIsThere(String prefix) {
    Storage storage = storage();
    storage.writeText(at(prefix, "d/two"), "22");
    storage.writeText(at(prefix, "d/one"), "1");
    storage.writeText(at(prefix, "d/sub/three"), "333");
    assertThat(storage.list(at(prefix, "d")))
        .containsExactly(
            new Storage.Entry(at(prefix, "d/one"), 1, false),
            new Storage.Entry(at(prefix, "d/sub"), 0, true),
            new Storage.Entry(at(prefix, "d/two"), 2, false));
    assertThat(storage.list(at(prefix, "nowhere"))).isEmpty();
    assertThat(storage.list(at(prefix, "d/one"))).isEmpty();
    assertThat(storage.exists(at(prefix, "d/one/below"))).isFalse();
    storage.delete(at(prefix, "d"));
    storage.delete(at(prefix, "d"));
    assertThat(storage.exists(at(prefix, "d"))).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "file:", "objects:"})
  void expandLeavesOutHiddenFilesAndSorts(String prefix) {
    Storage storage = storage();
    for (String name :
        List.of("b.jsonl", "a.jsonl", ".hidden", "_SUCCESS", "sub/c.jsonl", "_tmp/d.jsonl")) {
      storage.writeText(at(prefix, "data/" + name), name);
    }
    assertThat(storage.expand(at(prefix, "data")).stream().map(e -> name(e.path())))
        .containsExactly("a.jsonl", "b.jsonl", "c.jsonl");
    assertThat(storage.expand(at(prefix, "data/*.jsonl")).stream().map(e -> name(e.path())))
        .containsExactly("a.jsonl", "b.jsonl");
    assertThat(storage.expand(at(prefix, "data/{a,sub/c}.jsonl"))).hasSize(2);
    assertThat(storage.expand(at(prefix, "data/_SUCCESS"))).hasSize(1);
    assertThat(storage.readText(storage.expand(at(prefix, "d*/b.jsonl")).get(0).path()))
        .isEqualTo("b.jsonl");
    assertThatThrownBy(() -> storage.expand(at(prefix, "nowhere")))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("There is no " + prefix + temp + "/nowhere")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.INPUT_NOT_FOUND);
    assertThatThrownBy(() -> storage.expand(at(prefix, "data/*.parquet")))
        .hasMessageContaining("No file matches");
  }

  private static String name(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  @Test
  void listedPathsKeepTheStyleOfTheCaller() {
    Storage storage = storage();
    storage.writeText(at("", "data/a.jsonl"), "x");
    assertThat(storage.expand(at("", "data/*.jsonl")).get(0).path())
        .isEqualTo(at("", "data/a.jsonl"));
    assertThat(storage.expand(at("file:", "data/*.jsonl")).get(0).path()).startsWith("file:/");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "objects:"})
  void whatIsNotThereIsNamed(String prefix) {
    Storage storage = storage();
    String path = at(prefix, "missing.txt");
    for (Runnable read :
        List.<Runnable>of(
            () -> storage.readText(path),
            () -> storage.open(path),
            () -> storage.openSeekable(path),
            () -> storage.size(path))) {
      assertThatThrownBy(read::run)
          .isInstanceOf(PlumblineException.class)
          .hasMessageContaining("There is no " + path)
          .extracting(e -> ((PlumblineException) e).code())
          .isEqualTo(ErrorCode.INPUT_NOT_FOUND);
    }
  }

  @Test
  void failuresToWriteSayWhere() {
    Storage storage = storage();
    storage.writeText(at("", "file"), "x");
    assertThatThrownBy(() -> storage.writeText(at("", "file/below"), "y"))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining(at("", "file/below"))
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.STORAGE_FAILED);
    assertThatThrownBy(() -> storage.exists("nosuchscheme://host/x"))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("nosuchscheme");
    assertThatThrownBy(() -> storage.exists(""))
        .isInstanceOf(PlumblineException.class)
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_USAGE);
    assertThatThrownBy(() -> storage.exists("nosuch://key:hushhush@bucket/x"))
        .hasMessageNotContaining("hushhush");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "objects:"})
  void readsAtAnyPosition(String prefix) throws IOException {
    Storage storage = storage();
    byte[] content = new byte[3_000_000];
    new java.util.Random(7).nextBytes(content);
    try (OutputStream output = storage.create(at(prefix, "new/dir/blob"))) {
      output.write(content);
    }
    try (SeekableInput input = storage.openSeekable(at(prefix, "new/dir/blob"))) {
      assertThat(input.length()).isEqualTo(content.length);
      for (ByteBuffer target :
          List.of(ByteBuffer.allocate(2_000_001), ByteBuffer.allocateDirect(2_000_001))) {
        input.readFully(999_000, target);
        byte[] read = new byte[target.capacity()];
        target.flip().get(read);
        assertThat(read).isEqualTo(java.util.Arrays.copyOfRange(content, 999_000, 2_999_001));
      }
      assertThatThrownBy(() -> input.readFully(2_999_999, ByteBuffer.allocate(2)))
          .isInstanceOf(PlumblineException.class)
          .hasMessageContaining("blob");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "objects:"})
  void exactlyOneOfManyThreadsCreatesAFile(String prefix) throws Exception {
    Storage storage = storage();
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      for (int round = 0; round < 30; round++) {
        String path = at(prefix, "claims/" + round);
        CountDownLatch start = new CountDownLatch(1);
        List<Future<Boolean>> claims = new java.util.ArrayList<>();
        for (int i = 0; i < 8; i++) {
          String text = "claimed by " + i;
          claims.add(
              threads.submit(
                  () -> {
                    start.await();
                    return storage.createExclusively(path, text);
                  }));
        }
        start.countDown();
        String winner = null;
        int winners = 0;
        for (int i = 0; i < claims.size(); i++) {
          if (claims.get(i).get(20, TimeUnit.SECONDS)) {
            winner = "claimed by " + i;
            winners++;
          }
        }
        assertThat(winners).isEqualTo(1);
        assertThat(storage.readText(path)).isEqualTo(winner);
      }
      assertThat(storage.list(at(prefix, "claims"))).hasSize(30);
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void aReaderNeverSeesAPartOfAText() throws Exception {
    Storage storage = storage();
    String path = at("", "state.json");
    String a = "a".repeat(200_000);
    String b = "b".repeat(300_000);
    storage.writeText(path, a);
    AtomicBoolean done = new AtomicBoolean();
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try {
      Future<Integer> reads =
          thread.submit(
              () -> {
                int n = 0;
                while (!done.get()) {
                  String seen = storage.readText(path);
                  assertThat(seen.equals(a) || seen.equals(b)).isTrue();
                  n++;
                }
                return n;
              });
      for (int i = 0; i < 60; i++) {
        storage.writeText(path, i % 2 == 0 ? b : a);
      }
      done.set(true);
      assertThat(reads.get(20, TimeUnit.SECONDS)).isPositive();
    } finally {
      thread.shutdownNow();
    }
  }

  @Test
  void appendedLinesAreSeenAtOnce() {
    Storage storage = storage();
    String path = at("", "run/metrics.jsonl");
    try (LineLog log = storage.appendLinesAfter(path, line -> true)) {
      log.append("{\"step\":1}");
      assertThat(storage.readText(path)).isEqualTo("{\"step\":1}\n");
      log.append("{\"step\":2}");
      assertThat(storage.readText(path)).isEqualTo("{\"step\":1}\n{\"step\":2}\n");
    }
    try (LineLog log = storage.appendLinesAfter(path, line -> true)) {
      log.append("{\"step\":3}");
    }
    assertThat(storage.readText(path).lines()).hasSize(3);
  }

  @Test
  void objectStoresGetTheLinesAtIntervalsAndOnClose() {
    Storage storage = storage();
    String path = at("objects:", "metrics.jsonl");
    try (LineLog log = storage.appendLinesAfter(path, line -> true)) {
      log.append("one");
      log.append("two");
      assertThat(storage.exists(path)).isFalse();
      log.flush();
      assertThat(storage.readText(path)).isEqualTo("one\ntwo\n");
      log.append("three");
    }
    assertThat(storage.readText(path)).isEqualTo("one\ntwo\nthree\n");
    try (LineLog log = storage.appendLinesAfter(path, line -> !line.equals("three"))) {
      log.append("four");
    }
    assertThat(storage.readText(path)).isEqualTo("one\ntwo\nfour\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "objects:"})
  void resumingCutsLaterLinesAndATornOne(String prefix) {
    Storage storage = storage();
    String path = at(prefix, "metrics.jsonl");
    storage.writeText(path, "1\n2\n3\n4\n5 torn");
    try (LineLog log = storage.appendLinesAfter(path, line -> Integer.parseInt(line) <= 2)) {
      log.append("3 again");
    }
    assertThat(storage.readText(path)).isEqualTo("1\n2\n3 again\n");
    storage.writeText(path, "1\n2 torn");
    storage.appendLinesAfter(path, line -> true).close();
    assertThat(storage.readText(path)).isEqualTo("1\n");
  }

  @Test
  void settingsTravelAndAreNeverShown() throws Exception {
    Configuration configuration = new Configuration();
    configuration.set("fs.s3a.secret.key", "hush");
    configuration.set("io.file.buffer.size", "8192");
    Storage storage = Storage.of(configuration);
    configuration.set("fs.s3a.secret.key", "changed later");
    storage.configuration().set("fs.s3a.secret.key", "changed in a copy");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream output = new ObjectOutputStream(bytes)) {
      output.writeObject(storage);
    }
    try (ObjectInputStream input =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      Storage there = (Storage) input.readObject();
      assertThat(there.configuration().get("fs.s3a.secret.key")).isEqualTo("hush");
      assertThat(there.configuration().get("io.file.buffer.size")).isEqualTo("8192");
      assertThat(there.toString()).doesNotContain("hush");
      there.writeText(at("", "x"), "y");
      assertThat(storage.readText(at("", "x"))).isEqualTo("y");
    }
    // Defaults do not travel: a listing of all of Hadoop's would be many times larger.
    assertThat(bytes.toString(StandardCharsets.ISO_8859_1)).doesNotContain("fs.s3a.threads.max");
  }

  @Test
  void storageWithOtherSettingsHasItsOwnConnections() {
    Configuration other = new Configuration();
    other.set("fs.objects.impl", ObjectStoreFileSystem.class.getName());
    other.set("plumbline.test.refuse", "true");
    String path = at("objects:", "x");
    storage().writeText(path, "here");
    assertThat(storage().readText(path)).isEqualTo("here");
    assertThatThrownBy(() -> Storage.of(other).readText(path))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("refused by its settings");
  }

  @Test
  void pathsAreJoinedByOneSlash() {
    assertThat(Storage.join("s3a://b/x/", "/y")).isEqualTo("s3a://b/x/y");
    assertThat(Storage.join("/", "y")).isEqualTo("/y");
    assertThat(Storage.join("x", "y/z")).isEqualTo("x/y/z");
  }

  @Test
  void freeBytesAreKnownForLocalPathsOnly() {
    Storage storage = storage();
    assertThat(storage.freeBytes(at("", "not/there/yet")).getAsLong()).isPositive();
    assertThat(storage.freeBytes(at("objects:", "x"))).isEmpty();
  }
}
