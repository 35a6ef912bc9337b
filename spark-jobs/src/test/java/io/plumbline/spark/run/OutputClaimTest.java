package io.plumbline.spark.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.base.ProcessSpace;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputClaimTest {
  private static final Lease.Terms SHORT =
      new Lease.Terms(Duration.ofMillis(100), Duration.ofMillis(1500));

  /** Nobody waits so long here: a claim is taken without a wait, or not at all. */
  private static final Lease.Terms LONG =
      new Lease.Terms(Duration.ofMinutes(10), Duration.ofHours(1));

  private final Storage storage = Storage.local();
  private final List<String> notes = new ArrayList<>();
  @TempDir Path directory;

  private String output() {
    return directory.resolve("out").toString();
  }

  private Path lockFile() {
    return directory.resolve("out").resolve(OutputClaim.LOCK);
  }

  private Path alive(String token) {
    return directory.resolve("out").resolve(OutputClaim.LOCK + ".alive-" + token);
  }

  private OutputClaim take(Lease.Terms terms) {
    return OutputClaim.take(storage, output(), Start.RESUME, terms, notes::add);
  }

  private void lock(String token, String host, String machine, long pid) {
    storage.writeText(
        lockFile().toString(),
        """
        {"token": "%s", "host": "%s", "machine": "%s", "pid": %d, "since": "%s"}
        """
            .formatted(token, host, machine, pid, Instant.now()));
  }

  private static void inUse(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String... words) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.OUTPUT_IN_USE))
        .hasMessageContainingAll(words);
  }

  @Test
  void aHolderElsewhereThatGivesSignsOfLifeKeepsItsOutput() throws Exception {
    lock("other", "worker-7", "another boot", 1);
    AtomicBoolean ended = new AtomicBoolean();
    Thread living =
        new Thread(
            () -> {
              for (int sign = 0; !ended.get(); sign++) {
                storage.writeText(alive("other").toString(), Integer.toString(sign));
              }
            });
    living.start();
    try {
      inUse(() -> take(SHORT), "Process 1 on worker-7 has been writing to", "its own --output");
    } finally {
      ended.set(true);
      living.join();
    }
    assertThat(lockFile()).content().contains("\"other\"");
  }

  @Test
  void aHolderElsewhereThatIsSilentForItsLeaseIsGone() throws IOException {
    lock("other", "worker-7", "another boot", 1);
    Files.writeString(alive("other"), "41\n");

    try (OutputClaim claim = take(SHORT)) {
      assertThat(notes)
          .singleElement()
          .asString()
          .contains("Process 1 on worker-7", "waiting up to 2s for a sign of life");
      assertThat(claim.held().isHeld()).isTrue();
      assertThat(alive("other")).doesNotExist();
      assertThat(lockFile()).content().doesNotContain("\"other\"");
    }
    assertThat(directory.resolve("out")).isEmptyDirectory();
  }

  @Test
  void aHolderThatGivesItsOutputFreeMeanwhileIsNotWaitedFor() throws Exception {
    lock("other", "worker-7", "another boot", 1);
    Files.writeString(alive("other"), "41\n");
    Thread freeing =
        new Thread(
            () -> {
              while (notes.isEmpty()) {
                Thread.onSpinWait();
              }
              storage.delete(lockFile().toString());
              storage.delete(alive("other").toString());
            });
    freeing.start();
    long start = System.nanoTime();
    take(new Lease.Terms(Duration.ofMillis(200), Duration.ofMinutes(5))).close();
    freeing.join();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMinutes(1));
  }

  @Test
  void aProcessOfThisMachineThatIsGoneIsSeenAtOnceWhateverItsHostWasCalled() throws Exception {
    Process ended = new ProcessBuilder("true").start();
    ended.waitFor();
    lock("other", "the-name-before", ProcessSpace.here(), ended.pid());

    take(LONG).close();
    assertThat(notes).isEmpty();

    // A process that lives is seen as well, under any name.
    lock(
        "other",
        "the-name-before",
        ProcessSpace.here(),
        ProcessHandle.current().parent().get().pid());
    inUse(() -> take(LONG), "has been writing to");
  }

  @Test
  void aProcessIdOfAnotherNamespaceSaysNothingHere() {
    // The same id and host name, as in two containers of one host: only the signs of life count.
    lock("other", ProcessSpace.host(), "another namespace", ProcessHandle.current().pid());
    take(SHORT).close();
    assertThat(notes).hasSize(1);
  }

  @Test
  void aTakeOverThatWasKilledInTheMiddleIsNoObstacle() throws Exception {
    Process ended = new ProcessBuilder("true").start();
    ended.waitFor();
    Path heir = directory.resolve("out").resolve(OutputClaim.LOCK + ".other");
    for (String machine : List.of(ProcessSpace.here(), "another boot")) {
      lock("heir", "h", machine, ended.pid());
      Files.move(lockFile(), heir);
      lock("other", "h", ProcessSpace.here(), ended.pid());

      take(SHORT).close();
      assertThat(directory.resolve("out")).isEmptyDirectory();
    }
  }

  @Test
  void aClaimGivesSignsOfLifeUntilItIsGivenFree() throws Exception {
    OutputClaim claim = take(SHORT);
    Path signs = alive(claim.held().token());
    String first = Files.readString(signs);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (Files.readString(signs).equals(first)) {
      assertThat(System.nanoTime()).isLessThan(end);
      Thread.sleep(20);
    }
    claim.close();
    assertThat(directory.resolve("out")).isEmptyDirectory();
  }

  @Test
  void aLockOfAVersionWithoutLeasesIsRespected() {
    storage.writeText(
        lockFile().toString(),
        "{\"token\": \"t\", \"host\": \"elsewhere\", \"pid\": 1, \"since\": \"2026-01-01T00:00:00Z\"}");
    inUse(() -> take(SHORT), "Process 1 on elsewhere holds", "delete ");
  }

  @Test
  void whoLostItsOutputHearsOfItAndLeavesTheOthersLock() {
    OutputClaim lost = take(LONG);
    lost.held().require();
    lock("thief", "worker-7", "another boot", 1);

    assertThat(lost.held().isHeld()).isFalse();
    inUse(lost.held()::require, "Another run has taken", "longer than its lease");
    lost.close();
    assertThat(lockFile()).content().contains("thief");
  }

  @Test
  void ofSeveralThatWaitOneTakesTheOutput() throws Exception {
    lock("other", "worker-7", "another boot", 1);
    ExecutorService threads = Executors.newFixedThreadPool(4);
    List<OutputClaim> taken = new ArrayList<>();
    try {
      List<Future<OutputClaim>> waiting = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        waiting.add(
            threads.submit(
                () -> OutputClaim.take(storage, output(), Start.RESUME, SHORT, note -> {})));
      }
      for (Future<OutputClaim> one : waiting) {
        try {
          taken.add(one.get(1, TimeUnit.MINUTES));
        } catch (java.util.concurrent.ExecutionException e) {
          assertThat(((PlumblineException) e.getCause()).code()).isEqualTo(ErrorCode.OUTPUT_IN_USE);
        }
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(taken).hasSize(1);
    taken.get(0).held().require();
    taken.get(0).close();
  }
}
