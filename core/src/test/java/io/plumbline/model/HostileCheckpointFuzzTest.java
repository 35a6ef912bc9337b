package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import com.sun.management.ThreadMXBean;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.ModelDirectory.TensorInfo;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Segment;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Whatever was done to a checkpoint's files, it is read, or refused by one sentence that names it:
 * in bounded time, and without more memory than its files account for.
 */
class HostileCheckpointFuzzTest {
  private static final Storage STORAGE = Storage.local();
  private static final long MOST_ALLOCATED = 64L << 20;
  private static final Duration LONGEST = Duration.ofSeconds(10);
  private static final int CHECKPOINTS = Integer.getInteger("plumbline.fuzz.checkpoints", 400);

  @FuzzTest(maxDuration = "60s")
  void isReadOrRefused(FuzzedDataProvider data) throws IOException {
    readWhole(ChangedCheckpoint.drawn(bound -> data.consumeInt(0, bound - 1)));
  }

  @Test
  @Timeout(300)
  void changedCheckpointsAreReadOrRefused() throws IOException {
    long seed = Long.getLong("plumbline.fuzz.seed", System.nanoTime());
    System.out.println("repeat with -Dplumbline.fuzz.seed=" + seed);
    Random random = new Random(seed);
    Map<Outcome, Integer> outcomes = new EnumMap<>(Outcome.class);
    for (int i = 0; i < CHECKPOINTS; i++) {
      try {
        outcomes.merge(readWhole(ChangedCheckpoint.drawn(random::nextInt)), 1, Integer::sum);
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed " + seed + ", checkpoint " + i, e);
      }
    }
    System.out.println(outcomes);
    // Changes that all end in one way would test one way alone.
    assertThat(outcomes.get(Outcome.READ)).isGreaterThan(CHECKPOINTS / 50);
    assertThat(outcomes.get(Outcome.REFUSED)).isGreaterThan(CHECKPOINTS / 4);
  }

  @Test
  @Timeout(300)
  void everyFieldWithEveryValueIsReadOrRefused() throws IOException {
    int read = 0;
    List<ChangedCheckpoint> all = ChangedCheckpoint.withEachFieldOfTheConfiguration().toList();
    for (ChangedCheckpoint checkpoint : all) {
      read += readWhole(checkpoint) == Outcome.READ ? 1 : 0;
    }
    assertThat(read).isBetween(100, all.size() - 300);
  }

  private enum Outcome {
    READ,
    REFUSED
  }

  private static Outcome readWhole(ChangedCheckpoint checkpoint) throws IOException {
    Path directory = Files.createTempDirectory("plumbline-hostile");
    try {
      checkpoint.write(directory);
      long start = System.nanoTime();
      long before = allocated();
      Outcome outcome = read(directory, checkpoint);
      assertThat(allocated() - before)
          .as("bytes allocated for %s", checkpoint)
          .isLessThan(MOST_ALLOCATED);
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .as("time for %s", checkpoint)
          .isLessThan(LONGEST);
      return outcome;
    } finally {
      delete(directory);
    }
  }

  /** Everything that a command does before it computes. */
  private static Outcome read(Path path, ChangedCheckpoint checkpoint) {
    try {
      ModelDirectory directory = ModelDirectory.open(STORAGE, path.toString());
      CausalLm.check(directory);
      directory.soundFingerprint();
      for (TensorInfo tensor : directory.tensors()) {
        if (tensor.dtype().equals("F32")) {
          FloatBuffer values = FloatBuffer.allocate(Math.toIntExact(tensor.elements()));
          directory.read(tensor.name(), values);
          assertThat(values.hasRemaining()).isFalse();
        }
      }
      Checkpoint found = Checkpoint.of(directory, Head.TOKENS);
      LoadedWeights.segments(found.config(), Head.TOKENS, found.weights(), Purpose.INFERENCE, "")
          .forEach(Segment::close);
      return Outcome.READ;
    } catch (PlumblineException e) {
      assertThat(e.code()).as("%s", checkpoint).isNotEqualTo(ErrorCode.INTERNAL);
      assertThat(e).as("%s", checkpoint).hasMessageContaining(path.toString());
      return Outcome.REFUSED;
    } catch (RuntimeException | OutOfMemoryError | StackOverflowError e) {
      throw new AssertionError("not refused by a sentence: " + checkpoint, e);
    }
  }

  private static long allocated() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
  }

  private static void delete(Path directory) throws IOException {
    try (var files = Files.walk(directory)) {
      files
          .sorted(Comparator.reverseOrder())
          .forEach(
              file -> {
                try {
                  Files.delete(file);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    }
  }
}
