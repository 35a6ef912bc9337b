package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.Fixtures;
import io.plumbline.spark.cli.Launched.Ended;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script at the repository's root, as its own process. */
@Tag("slow")
class LauncherIT {
  @TempDir Path directory;

  private Ended run(Map<String, String> environment, String... command)
      throws IOException, InterruptedException {
    return new Launched(directory).run(environment, command);
  }

  @Test
  void itIsBash() throws Exception {
    for (String script : new String[] {"plumbline", ".ci/run"}) {
      Path file = Fixtures.root().resolve(script);
      assertThat(Files.isExecutable(file)).as(script).isTrue();
      Ended checked = run(Map.of(), "bash", "-n", file.toString());
      assertThat(checked).isEqualTo(new Ended(0, "", ""));
    }
  }

  @Test
  void anOldJavaIsToldInOneSentence() throws Exception {
    Path java = Files.createDirectories(directory.resolve("old/bin")).resolve("java");
    Files.writeString(java, "#!/bin/sh\necho '    java.specification.version = 1.8' >&2\n");
    assertThat(java.toFile().setExecutable(true)).isTrue();

    Ended ended =
        run(
            Map.of("JAVA_HOME", directory.resolve("old").toString()),
            Launched.launcher(),
            "version");

    assertThat(ended.status()).isEqualTo(2);
    assertThat(ended.out()).isEmpty();
    assertThat(ended.err()).contains("is Java 8 and 17 or newer is needed").hasLineCount(1);
  }

  @Test
  void fromAnyDirectoryAndThroughALinkItShowsTheHelp() throws Exception {
    Path root = Fixtures.root();
    Path jar = root.resolve("spark-jobs/target/plumbline.jar");
    assertThat(jar).as("the jar that the package phase builds").exists();
    Path copy = Files.createDirectories(directory.resolve("copy/spark-jobs/target"));
    Files.copy(root.resolve("plumbline"), directory.resolve("copy/plumbline"));
    Files.createSymbolicLink(copy.resolve("plumbline.jar"), jar);
    Files.createSymbolicLink(
        copy.resolve("spark-classpath"), root.resolve("spark-jobs/target/spark-classpath"));
    List<String> poms = new ArrayList<>(List.of("pom.xml"));
    for (String module : List.of("chat-template", "core", "spark-jobs")) {
      Files.createDirectories(directory.resolve("copy").resolve(module).resolve("src/main"));
      poms.add(module + "/pom.xml");
    }
    for (String pom : poms) {
      Path file = Files.createFile(directory.resolve("copy").resolve(pom));
      Files.setLastModifiedTime(file, FileTime.fromMillis(0));
    }
    Path link =
        Files.createSymbolicLink(directory.resolve("link"), directory.resolve("copy/plumbline"));

    Ended help = run(Map.of(), link.toString(), "--help");
    Ended bad = run(Map.of(), link.toString(), "dpo", "--nonsense");

    assertThat(help.err()).isEmpty();
    assertThat(help.status()).isZero();
    assertThat(help.out()).startsWith("Usage: plumbline COMMAND");
    assertThat(bad.status()).isEqualTo(2);
    assertThat(bad.out()).isEmpty();
    assertThat(bad.err()).contains("There is no option --nonsense");
  }

  @Test
  void ctrlCEndsARunWithASentenceThatSaysHowToGoOn() throws Exception {
    assertThat(run(Map.of(), Launched.launcher(), "init-model", "--output", model()).status())
        .isZero();
    Ended ended = ended("INT", "step 1/");
    assertThat(ended.status()).isEqualTo(130);
    assertThat(ended.err())
        .contains("plumbline sft: stopped from outside: the state in ", " is kept; continue")
        .doesNotContain("\tat ", "not foreseen");
  }

  @Test
  void sigtermSavesTheStepUnderWayAndTheRunGoesOnFromThere() throws Exception {
    assertThat(run(Map.of(), Launched.launcher(), "init-model", "--output", model()).status())
        .isZero();
    Path record = directory.resolve("run/run.json");
    long last = 0;
    for (int call = 0; call < 2; call++) {
      Ended ended = ended("TERM", "step " + (last + 1) + "/", "--resume");
      assertThat(ended.status()).as(ended.err()).isEqualTo(143);
      assertThat(ended.err())
          .contains("training ends after this step and saves its state")
          .containsPattern(
              "stopped by SIGTERM after step [\\d,]+ of [\\d,]+, and its state is saved")
          .doesNotContain("\tat ", "not foreseen", "stopped from outside");
      assertThat(Files.readString(record)).contains("\"interrupted\"");
      List<String> lines = Files.readAllLines(directory.resolve("run/metrics.jsonl"));
      // Every step once: nothing was lost, and nothing is done again.
      for (int step = 1; step <= lines.size(); step++) {
        assertThat(lines.get(step - 1)).contains("\"step\":" + step + ",");
      }
      assertThat((long) lines.size()).isGreaterThan(last);
      last = lines.size();
    }
  }

  private String model() {
    return directory.resolve("model").toString();
  }

  /** A run that a signal ends once it has said something. */
  private Ended ended(String signal, String once, String... more) throws Exception {
    Path out = directory.resolve("out-of-run");
    Path err = directory.resolve("err-of-run");
    List<String> command =
        new ArrayList<>(
            List.of(
                // A shell that runs tests in the background has it ignored.
                "env",
                "--default-signal=" + signal,
                Launched.launcher(),
                "sft",
                "--model",
                model(),
                "--data",
                Fixtures.root().resolve("data-samples/sft/train.jsonl").toString(),
                "--output",
                directory.resolve("run").toString(),
                "--epochs",
                "1000"));
    command.addAll(List.of(more));
    Process process =
        new ProcessBuilder(command)
            .redirectError(err.toFile())
            .redirectOutput(out.toFile())
            .start();
    long deadline = System.nanoTime() + Launched.DEADLINE.toNanos();
    while (!Files.readString(err).contains(once) && System.nanoTime() < deadline) {
      assertThat(process.isAlive()).as(Files.readString(err)).isTrue();
      Thread.sleep(100);
    }
    assertThat(run(Map.of(), "kill", "-" + signal, Long.toString(process.pid())).status()).isZero();
    boolean ended = process.waitFor(Launched.DEADLINE.toSeconds(), TimeUnit.SECONDS);
    process.destroyForcibly();
    assertThat(ended).isTrue();
    return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
  }
}
