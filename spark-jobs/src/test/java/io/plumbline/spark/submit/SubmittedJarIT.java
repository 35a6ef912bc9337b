package io.plumbline.spark.submit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.checkpoint.RunRecord;
import io.plumbline.checkpoint.SafetensorsFile;
import io.plumbline.spark.gang.StandaloneCluster;
import io.plumbline.spark.tracking.MlflowProcess;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The jar that users get, submitted to a standalone cluster of separate processes. Which Spark
 * these run is the class path's matter: the same test runs on the newest and on the oldest
 * supported one.
 */
class SubmittedJarIT {
  private static final String MAIN = "io.plumbline.spark.cli.Plumbline";
  private static final Duration DEADLINE = Duration.ofMinutes(6);

  @TempDir static Path directory;
  private static StandaloneCluster cluster;
  private static Path jar;
  private static Path model;

  @BeforeAll
  static void start() throws Exception {
    jar = Fixtures.root().resolve("spark-jobs/target/plumbline.jar");
    assertThat(jar).as("the jar that the package phase builds").exists();
    model = Files.createDirectory(directory.resolve("llama"));
    for (String source : List.of("models/llama", "tokenizer")) {
      try (Stream<Path> files = Files.list(Fixtures.golden(source))) {
        for (Path file : files.toList()) {
          Files.copy(file, model.resolve(file.getFileName()));
        }
      }
    }
    cluster = StandaloneCluster.start(directory, 2, 1);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @Test
  void dpoOnAStandaloneClusterFollowsTrl() throws Exception {
    Path output = directory.resolve("dpo");
    StandaloneCluster.Run run = cluster.submit(MAIN, jar, dpo(output, 20), Map.of(), DEADLINE);
    assertThat(run.exitStatus()).as(run.log()).isZero();

    JsonNode expected =
        new ObjectMapper().readTree(Fixtures.golden("traj/dpo/log.json").toFile()).get("steps");
    List<JsonNode> lines = metrics(output);
    assertThat(lines).hasSize(20);
    for (int i = 0; i < 20; i++) {
      for (String metric : List.of("loss", "grad_norm", "rewards/margins", "logps/chosen")) {
        double trl = expected.get(i).get(metric).asDouble();
        assertThat(lines.get(i).get(metric).asDouble())
            .as("%s of step %d", metric, i + 1)
            .isCloseTo(trl, within(1e-3 * Math.abs(trl) + 1e-5));
      }
    }
    List<float[]> trained = weights(output.resolve("checkpoint/model.safetensors"));
    List<float[]> golden = weights(Fixtures.golden("traj/dpo/final.safetensors"));
    assertThat(largestDifference(trained, golden)).isLessThan(1e-4);
  }

  @Test
  @Tag("slow")
  void aLostExecutorChangesNothingInTheResult() throws Exception {
    Path undisturbed = directory.resolve("undisturbed");
    StandaloneCluster.Run run =
        cluster.submit(MAIN, jar, manySteps(undisturbed), Map.of(), DEADLINE);
    assertThat(run.exitStatus()).as(run.log()).isZero();

    Path disturbed = directory.resolve("disturbed");
    CompletableFuture<Boolean> kill =
        CompletableFuture.supplyAsync(
            () -> {
              long end = System.nanoTime() + DEADLINE.toNanos();
              while (System.nanoTime() < end) {
                if (lineCount(disturbed.resolve("metrics.jsonl")) >= 45) {
                  return cluster.killAnExecutor();
                }
                sleep();
              }
              return false;
            });
    run = cluster.submit(MAIN, jar, manySteps(disturbed), Map.of(), DEADLINE);
    assertThat(run.exitStatus()).as(run.log()).isZero();
    assertThat(kill.get(1, TimeUnit.SECONDS)).as("an executor was killed").isTrue();
    assertThat(run.log()).contains("Attempt 2: 2 ranks start from step");

    assertThat(
            largestDifference(
                weights(disturbed.resolve("checkpoint/model.safetensors")),
                weights(undisturbed.resolve("checkpoint/model.safetensors"))))
        .isZero();
    List<JsonNode> lines = metrics(disturbed);
    assertThat(lines).hasSize(200);
    for (int i = 0; i < lines.size(); i++) {
      assertThat(lines.get(i).get("step").asInt()).isEqualTo(i + 1);
      assertThat(lines.get(i).get("loss")).isEqualTo(metrics(undisturbed).get(i).get("loss"));
    }
  }

  @Test
  void dpoOnALocalClusterRunsToo() throws Exception {
    Path output = directory.resolve("local-cluster");
    StandaloneCluster.Run run =
        cluster.submitTo("local-cluster[2,1,1024]", MAIN, jar, dpo(output, 3), Map.of(), DEADLINE);
    assertThat(run.exitStatus()).as(run.log()).isZero();
    assertThat(metrics(output)).hasSize(3);
  }

  @Test
  void theMlflowClientInTheJarSendsARun() throws Exception {
    Path output = directory.resolve("to-track");
    RunRecord.started("dpo", Instant.now())
        .withConfiguration(Map.of("beta", 0.1, "data", List.of("pairs.jsonl")))
        .completed(Instant.now())
        .write(Storage.local(), output.resolve("run.json").toString());
    Files.writeString(output.resolve("metrics.jsonl"), "{\"step\":1,\"loss\":0.5}\n");
    Files.createDirectory(output.resolve("checkpoint"));
    Files.writeString(output.resolve("checkpoint/config.json"), "{}");
    try (MlflowProcess server =
        MlflowProcess.start(Files.createDirectory(directory.resolve("mlflow")))) {
      List<String> track =
          List.of("track", output.toString(), "--mlflow-uri", server.uri(), "--mlflow-model", "m");
      StandaloneCluster.Run run =
          cluster.submitTo("local[1]", MAIN, jar, track, Map.of(), DEADLINE);
      assertThat(run.exitStatus()).as(run.log()).isZero();

      JsonNode found = server.run("to-track");
      assertThat(MlflowProcess.texts(found, "params")).containsEntry("beta", "0.1");
      assertThat(server.metrics(found)).isEqualTo(Map.of("loss", Map.of(1L, List.of(0.5))));
      assertThat(server.artifact(found, "checkpoint/config.json")).asString().isEqualTo("{}");
      assertThat(server.versions("m")).hasSize(1);
    }
  }

  @Test
  void tooFewSlotsAreNamedInSecondsWithExitStatus2() throws Exception {
    List<String> arguments = new ArrayList<>(dpo(directory.resolve("too-many"), 3));
    arguments.set(arguments.indexOf("--ranks") + 1, "3");
    arguments.addAll(List.of("--wait-for-slots", "3s"));
    StandaloneCluster.Run run = cluster.submit(MAIN, jar, arguments, Map.of(), DEADLINE);
    assertThat(run.exitStatus()).as(run.log()).isEqualTo(2);
    assertThat(run.log()).contains("3 ranks were asked for");
  }

  private static List<String> dpo(Path output, int steps) {
    return List.of(
        "dpo",
        "--model",
        model.toString(),
        "--data",
        Fixtures.golden("traj/preference.jsonl").toString(),
        "--output",
        output.toString(),
        "--ranks",
        "2",
        "--no-shuffle",
        "--global-batch-size",
        "8",
        "--max-steps",
        Integer.toString(steps),
        "--learning-rate",
        "1e-3",
        "--lr-scheduler",
        "linear",
        "--warmup-steps",
        "4",
        "--beta",
        "0.1",
        "--max-grad-norm",
        "1.0",
        "--weight-decay",
        "0");
  }

  private static List<String> manySteps(Path output) {
    List<String> arguments = new ArrayList<>(dpo(output, 200));
    arguments.addAll(List.of("--save-steps", "20", "--keep-checkpoints", "2"));
    return arguments;
  }

  private static List<JsonNode> metrics(Path output) throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(output.resolve("metrics.jsonl"))) {
      lines.add(json.readTree(line));
    }
    return lines;
  }

  private static long lineCount(Path file) {
    if (!Files.exists(file)) {
      return 0;
    }
    try (Stream<String> lines = Files.lines(file)) {
      return lines.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void sleep() {
    try {
      Thread.sleep(50);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<float[]> weights(Path path) {
    SafetensorsFile file = SafetensorsFile.open(Storage.local(), path.toString());
    List<float[]> weights = new ArrayList<>();
    file.tensors().keySet().stream()
        .sorted()
        .forEach(
            name -> {
              FloatBuffer values = FloatBuffer.allocate((int) file.tensors().get(name).elements());
              file.read(name, values);
              weights.add(values.array());
            });
    return weights;
  }

  private static double largestDifference(List<float[]> actual, List<float[]> expected) {
    assertThat(actual).hasSameSizeAs(expected);
    double largest = 0;
    for (int t = 0; t < actual.size(); t++) {
      assertThat(actual.get(t)).hasSameSizeAs(expected.get(t));
      for (int i = 0; i < actual.get(t).length; i++) {
        largest = Math.max(largest, Math.abs(actual.get(t)[i] - expected.get(t)[i]));
      }
    }
    return largest;
  }
}
