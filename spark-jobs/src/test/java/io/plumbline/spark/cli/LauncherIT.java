package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script at the repository's root, as its own process. */
@Tag("slow")
class LauncherIT {
  private static final Duration DEADLINE = Duration.ofMinutes(10);

  @TempDir Path directory;

  private record Ended(int status, String out, String err) {}

  private Ended run(Map<String, String> environment, String... command)
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

  private static String launcher() {
    return Fixtures.root().resolve("plumbline").toString();
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
        run(Map.of("JAVA_HOME", directory.resolve("old").toString()), launcher(), "version");

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
    assertThat(run(Map.of(), launcher(), "init-model", "--output", model()).status()).isZero();
    Ended ended = ended("INT", "step 1/");
    assertThat(ended.status()).isEqualTo(130);
    assertThat(ended.err())
        .contains("plumbline sft: stopped from outside: the state in ", " is kept; continue")
        .doesNotContain("\tat ", "not foreseen");
  }

  @Test
  void sigtermSavesTheStepUnderWayAndTheRunGoesOnFromThere() throws Exception {
    assertThat(run(Map.of(), launcher(), "init-model", "--output", model()).status()).isZero();
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
                launcher(),
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
    long deadline = System.nanoTime() + DEADLINE.toNanos();
    while (!Files.readString(err).contains(once) && System.nanoTime() < deadline) {
      assertThat(process.isAlive()).as(Files.readString(err)).isTrue();
      Thread.sleep(100);
    }
    assertThat(run(Map.of(), "kill", "-" + signal, Long.toString(process.pid())).status()).isZero();
    boolean ended = process.waitFor(DEADLINE.toSeconds(), TimeUnit.SECONDS);
    process.destroyForcibly();
    assertThat(ended).isTrue();
    return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
  }

  @Test
  void quickstartGivesAModelThatPrefersTheBetterAnswersOnHeldOutPairs() throws Exception {
    Path output = directory.resolve("quickstart");

    Ended ended = run(Map.of(), launcher(), "quickstart", "--output", output.toString());

    assertThat(ended.status()).as(ended.err()).isZero();
    assertThat(ended.out())
        .contains("Held-out pairs, before and after DPO")
        .contains("report.html");
    JsonNode last = null;
    for (String line : Files.readAllLines(output.resolve("dpo/metrics.jsonl"))) {
      JsonNode metrics = new ObjectMapper().readTree(line);
      last = metrics.has("eval_loss") ? metrics : last;
    }
    assertThat(last).isNotNull();
    assertThat(last.get("eval_rewards/accuracies").asDouble()).isGreaterThan(0.85);
    assertThat(last.get("eval_rewards/margins").asDouble()).isGreaterThan(0.5);
    assertThat(output.resolve("dpo/report.html")).content().contains("Gladly");
    assertThat(output.resolve("dpo/checkpoint/model.safetensors")).exists();
  }

  @Test
  void quickstartByGrpoGivesAModelThatAnswersHeldOutSums() throws Exception {
    Path output = directory.resolve("quickstart");

    Ended ended =
        run(
            Map.of(),
            launcher(),
            "quickstart",
            "--algorithm",
            "grpo",
            "--output",
            output.toString());

    assertThat(ended.status()).as(ended.err()).isZero();
    assertThat(ended.out())
        .contains("Held-out prompts, before and after GRPO")
        .contains("ledger      " + output.resolve("grpo/ledger"));
    List<Double> rewards = new ArrayList<>();
    for (String line : Files.readAllLines(output.resolve("grpo/metrics.jsonl"))) {
      JsonNode metrics = new ObjectMapper().readTree(line);
      if (metrics.has("eval_reward")) {
        rewards.add(metrics.get("eval_reward").asDouble());
      }
    }
    assertThat(rewards).hasSizeGreaterThan(1);
    assertThat(rewards.get(0)).isBetween(0.1, 0.35);
    assertThat(rewards.get(rewards.size() - 1)).isGreaterThan(0.85);
    assertThat(output.resolve("grpo/ledger/step-00000001.parquet")).exists();
    assertThat(output.resolve("grpo/report.html")).exists();
    assertThat(output.resolve("grpo/checkpoint/model.safetensors")).exists();
  }

  @Test
  void quickstartByPpoComparesTheRoutesFromOneModel() throws Exception {
    Path output = directory.resolve("quickstart");

    Ended ended =
        run(
            Map.of(),
            launcher(),
            "quickstart",
            "--algorithm",
            "ppo",
            "--output",
            output.toString());

    assertThat(ended.status()).as(ended.err()).isZero();
    double accuracy = 0;
    for (String line : Files.readAllLines(output.resolve("stages-reward/metrics.jsonl"))) {
      accuracy = new ObjectMapper().readTree(line).path("eval_accuracy").asDouble(accuracy);
    }
    assertThat(accuracy).as("accuracy of the reward model, held out").isGreaterThan(0.9);
    JsonNode compared =
        new ObjectMapper()
            .readTree(output.resolve("stages-compare/evaluation.json").toFile())
            .get("policies");
    Map<String, JsonNode> policies = new HashMap<>();
    compared.forEach(policy -> policies.put(policy.get("name").asText(), policy));
    double sft = reward(policies.get("sft"));
    assertThat(sft).isBetween(0.1, 0.4);
    // By the program that checks answers, which PPO has not seen.
    assertThat(reward(policies.get("ppo"))).isGreaterThan(sft + 0.3);
    assertThat(policies.get("ppo").at("/kl/mean").asDouble()).isBetween(0.1, 5.0);
    assertThat(reward(policies.get("dpo"))).isGreaterThan(sft + 0.1);
    assertThat(reward(policies.get("dpo-again"))).isGreaterThan(reward(policies.get("dpo")) + 0.02);
    assertThat(output.resolve("report.html")).content().contains("dpo-again");
    assertThat(output.resolve("stages-ppo/critic/model.safetensors")).exists();
  }

  private static double reward(JsonNode policy) {
    return policy.at("/reward/mean").asDouble();
  }
}
