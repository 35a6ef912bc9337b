package io.plumbline.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.plumbline.base.Floats;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a marker vouches for is on disk before the marker, as the system's calls show. */
class DurabilityTest {
  @TempDir Path directory;

  /** Writes a training state, as a process of its own. */
  static final class Writing {
    public static void main(String[] arguments) {
      TrainingStateStore store = TrainingStateStore.of(Storage.local(), arguments[0]);
      try (TrainingStateStore.Writer writer = store.begin(1)) {
        writer.values("weights", Floats.of(FloatBuffer.allocate(5000)));
        writer.json("state", PythonJson.object().put("step", 1));
        writer.commit();
      }
    }
  }

  private static boolean isThere(String program) throws IOException, InterruptedException {
    return new ProcessBuilder("sh", "-c", "command -v " + program).start().waitFor() == 0;
  }

  @Test
  void everyFileOfAStateIsForcedToDiskBeforeItsMarker() throws Exception {
    assumeTrue(isThere("strace"), "strace cannot be had");
    Path log = directory.resolve("calls");
    Path states = directory.resolve("states");
    Process process =
        new ProcessBuilder(
                "strace",
                "-f",
                "-y",
                "-e",
                "trace=fsync,fdatasync,link,linkat,rename",
                "-o",
                log.toString(),
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                Writing.class.getName(),
                states.toString())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("out").toFile())
            .start();
    assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
    String out = Files.readString(directory.resolve("out"));
    assumeTrue(!out.contains("Operation not permitted"), "processes may not be traced here");
    assertThat(process.exitValue()).as(out).isZero();

    List<String> calls = new ArrayList<>();
    for (String line : Files.readAllLines(log)) {
      if (line.contains(states.toString())) {
        calls.add(line);
      }
    }
    int marker = first(calls, "link", "_COMPLETE");
    assertThat(first(calls, "sync(", "weights.safetensors")).isBetween(0, marker - 1);
    assertThat(first(calls, "sync(", "state.json")).isBetween(0, marker - 1);
    assertThat(first(calls, "sync(", "attempt-[0-9a-f-]+>")).isBetween(0, marker - 1);
    assertThat(first(calls, "sync(", "._COMPLETE")).isBetween(0, marker - 1);
    // The names of the new directories, each in the one above it.
    assertThat(first(calls, "sync(", "states>")).isBetween(0, marker - 1);
    assertThat(first(calls, "sync(", "step-00000001>")).isBetween(0, marker - 1);
    // The marker's own name.
    assertThat(
            calls.subList(marker, calls.size()).stream()
                .anyMatch(call -> call.contains("sync(") && call.contains("step-00000001>")))
        .isTrue();
  }

  private static int first(List<String> calls, String call, String on) {
    for (int i = 0; i < calls.size(); i++) {
      if (calls.get(i).contains(call) && calls.get(i).matches(".*" + on + ".*")) {
        return i;
      }
    }
    return -1;
  }
}
