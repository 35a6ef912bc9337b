package io.plumbline.spark.cli;

import io.plumbline.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Commands as processes of their own, which leave what they say in a directory. */
record Launched(Path directory) {
  static final Duration DEADLINE = Duration.ofMinutes(10);

  record Ended(int status, String out, String err) {}

  Ended run(Map<String, String> environment, String... command)
      throws IOException, InterruptedException {
    Path out = directory.resolve("out");
    Path err = directory.resolve("err");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().putAll(environment);
    Process process = builder.start();
    if (!process.waitFor(DEADLINE.toSeconds(), TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError(
          "still running after " + DEADLINE + ": " + String.join(" ", command));
    }
    return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
  }

  /** The script at the repository's root. */
  static String launcher() {
    return Fixtures.root().resolve("plumbline").toString();
  }
}
