package io.plumbline.spark.submit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.spark.gang.StandaloneCluster;
import io.plumbline.spark.gang.StandaloneCluster.Run;
import io.plumbline.spark.gang.StandaloneCluster.Submission;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Training on a cluster of separate processes that lose executors and workers. */
@Timeout(300)
class OutlastingRunTest {
  private static final Duration DEADLINE = Duration.ofMinutes(3);
  private static final Map<String, String> EXECUTORS =
      Map.of("spark.executor.cores", "1", "spark.executor.memory", "512m");
  private static final int STEPS = 120;

  @TempDir static Path directory;
  private static StandaloneCluster cluster;
  private static Path model;
  private static Path undisturbed;

  @BeforeAll
  static void start() throws Exception {
    model = Fixtures.modelWithTokenizer("llama", directory.resolve("llama"));
    cluster = StandaloneCluster.start(directory, 2, 1);
    undisturbed = directory.resolve("undisturbed");
    Run run = begin(undisturbed).end(DEADLINE);
    assertThat(run.exitStatus()).as(run.log()).isZero();
  }

  @AfterAll
  static void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  @Test
  void fiveKilledExecutorsChangeNoBit() throws Exception {
    Path output = directory.resolve("killed");
    Submission run = begin(output);
    for (int kill = 1; kill <= 5; kill++) {
      long steps = 20L * kill - 5;
      await(run, "step " + steps, () -> newestStep(output) >= steps);
      assertThat(cluster.killAnExecutor()).as("kill %d", kill).isTrue();
    }
    Run ended = run.end(DEADLINE);
    assertThat(ended.exitStatus()).as(ended.log()).isZero();
    assertThat(weights(output)).isEqualTo(weights(undisturbed));
    List<JsonNode> restarts = restarts(output);
    assertThat(restarts).as(ended.log()).hasSize(5);
    for (int i = 0; i < 5; i++) {
      JsonNode restart = restarts.get(i);
      assertThat(restart.get("attempt").asInt()).isEqualTo(i + 2);
      assertThat(restart.get("ranks").asInt()).isEqualTo(2);
      assertThat(restart.get("from_step").asLong()).isGreaterThanOrEqualTo(20L * i + 10);
      assertThat(restart.get("cause").asText())
          .contains("killed (137): out of memory, or preempted by its host");
    }
    assertThat(ended.log()).contains("Attempt 6: 2 ranks start from step");
  }

  @Test
  void whatIsMissingIsWaitedForOrDoneWithout() throws Exception {
    // One more rank than there are slots, until a worker comes late.
    Path output = directory.resolve("fewer");
    Submission run =
        begin(
            output,
            "--ranks",
            "3",
            "--min-ranks",
            "2",
            "--wait-for-slots",
            "15s",
            "--max-steps",
            "500");
    await(
        run,
        "fewer ranks",
        () -> run.text().contains("Going on with 2 ranks in place of 3") && newestStep(output) > 5);
    assertThat(run.text()).contains("Waiting for slots for 3 ranks, for up to").contains("2 slots");
    Process worker = cluster.addWorker(1);
    await(run, "more ranks", () -> run.text().contains(": 3 ranks start from step"));
    long grown = newestStep(output);
    await(run, "steps", () -> newestStep(output) > grown + 10);
    cluster.remove(worker);
    Run ended = run.end(DEADLINE);
    assertThat(ended.exitStatus()).as(ended.log()).isZero();
    assertThat(restarts(output).stream().map(one -> one.get("ranks").asInt()))
        .containsExactly(3, 2);
    assertThat(restarts(output).get(0).get("cause").asText())
        .isEqualTo("There is room for 3 ranks again.");
    // A step has the same rows with any number of ranks.
    assertThat(loss(output, STEPS)).isCloseTo(loss(undisturbed, STEPS), within(1e-4));
    assertThat(newestStep(output)).isEqualTo(500);
    assertThat(Files.readAllLines(output.resolve("metrics.jsonl"))).hasSize(500);
  }

  @Test
  void aWorkerThatStartsLateIsWaitedFor() throws Exception {
    Path output = directory.resolve("late");
    Submission run = begin(output, "--ranks", "3", "--wait-for-slots", "2m", "--max-steps", "4");
    await(run, "a wait", () -> run.text().contains("Waiting for slots for 3 ranks"));
    Process worker = cluster.addWorker(1);
    Run ended = run.end(DEADLINE);
    cluster.remove(worker);
    assertThat(ended.exitStatus()).as(ended.log()).isZero();
    assertThat(restarts(output)).isEmpty();
  }

  @Test
  void slotsThatNeverComeAreNamed() throws Exception {
    Run ended =
        begin(directory.resolve("never"), "--ranks", "3", "--wait-for-slots", "15s").end(DEADLINE);
    assertThat(ended.exitStatus()).as(ended.log()).isEqualTo(2);
    assertThat(ended.log())
        .contains("3 ranks were asked for, but the cluster's executors have 2 slots free after a")
        .contains("2 executors are registered with 2 slots");
  }

  private static Submission begin(Path output, String... more) throws IOException {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "dpo",
                "--model",
                model.toString(),
                "--data",
                Fixtures.golden("traj/preference.jsonl").toString(),
                "--output",
                output.toString(),
                "--no-shuffle",
                "--lr-scheduler",
                "constant",
                "--save-steps",
                "10",
                "--global-batch-size",
                "8",
                "--learning-rate",
                "1e-3"));
    List<String> given = List.of(more);
    if (!given.contains("--ranks")) {
      arguments.addAll(List.of("--ranks", "2"));
    }
    if (!given.contains("--max-steps")) {
      arguments.addAll(List.of("--max-steps", Integer.toString(STEPS)));
    }
    arguments.addAll(given);
    return cluster.begin("io.plumbline.spark.cli.Plumbline", classes(), arguments, EXECUTORS);
  }

  /** What the tests have on their class path besides Spark. */
  private static String classes() throws IOException {
    Set<String> spark =
        Set.of(
            Files.readString(Fixtures.root().resolve("spark-jobs/target/spark-classpath"))
                .strip()
                .split(File.pathSeparator, -1));
    String all =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return Arrays.stream(all.split(File.pathSeparator, -1))
        .filter(entry -> !spark.contains(entry))
        .collect(Collectors.joining(File.pathSeparator));
  }

  private static void await(Submission run, String what, Callable<Boolean> condition)
      throws Exception {
    long end = System.nanoTime() + DEADLINE.toNanos();
    while (!condition.call()) {
      if (System.nanoTime() > end || !run.process().isAlive()) {
        throw new AssertionError("did not come to " + what + ":\n" + run.text());
      }
      Thread.sleep(20);
    }
  }

  private static long newestStep(Path output) throws IOException {
    Path file = output.resolve("metrics.jsonl");
    if (!Files.exists(file)) {
      return 0;
    }
    // The last line may be half there.
    List<String> lines =
        Files.readAllLines(file).stream().filter(line -> line.endsWith("}")).toList();
    return lines.isEmpty()
        ? 0
        : new ObjectMapper().readTree(lines.get(lines.size() - 1)).path("step").asLong();
  }

  private static double loss(Path output, int step) throws IOException {
    List<String> lines = Files.readAllLines(output.resolve("metrics.jsonl"));
    return new ObjectMapper().readTree(lines.get(step - 1)).get("loss").asDouble();
  }

  private static List<JsonNode> restarts(Path output) throws IOException {
    List<JsonNode> restarts = new ArrayList<>();
    new ObjectMapper()
        .readTree(output.resolve("run.json").toFile())
        .path("restarts")
        .forEach(restarts::add);
    return restarts;
  }

  private static byte[] weights(Path output) throws IOException {
    return Files.readAllBytes(output.resolve("checkpoint/model.safetensors"));
  }
}
