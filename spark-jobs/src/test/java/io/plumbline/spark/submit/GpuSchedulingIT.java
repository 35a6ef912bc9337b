package io.plumbline.spark.submit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.spark.gang.StandaloneCluster;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The jar on a standalone cluster whose workers offer GPUs by a discovery script. The GPUs are not
 * there and the jar's native library is for CPUs, which the ranks find out before any work.
 */
@Tag("slow")
class GpuSchedulingIT {
  private static final Duration DEADLINE = Duration.ofMinutes(6);
  private static final Map<String, String> A_GPU_A_RANK =
      Map.of(
          "spark.executor.resource.gpu.amount", "1",
          "spark.task.resource.gpu.amount", "1",
          "spark.executor.cores", "1",
          "spark.executor.memory", "1g");

  @TempDir static Path directory;
  private static StandaloneCluster cluster;
  private static Path model;

  @BeforeAll
  static void start() throws Exception {
    model = Files.createDirectory(directory.resolve("llama"));
    for (String source : List.of("models/llama", "tokenizer")) {
      try (Stream<Path> files = Files.list(Fixtures.golden(source))) {
        for (Path file : files.toList()) {
          Files.copy(file, model.resolve(file.getFileName()));
        }
      }
    }
    cluster = StandaloneCluster.start(directory, 2, 1, 1);
  }

  @AfterAll
  static void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  private static StandaloneCluster.Run submit(
      Path output, int ranks, Map<String, String> more, String... options) throws Exception {
    Map<String, String> settings = new TreeMap<>(A_GPU_A_RANK);
    settings.putAll(more);
    List<String> arguments =
        Stream.concat(
                Stream.of(
                    "orpo",
                    "--model",
                    model.toString(),
                    "--data",
                    Fixtures.golden("traj/preference.jsonl").toString(),
                    "--output",
                    output.toString(),
                    "--ranks",
                    Integer.toString(ranks),
                    "--global-batch-size",
                    "8",
                    "--max-steps",
                    "2"),
                Stream.of(options))
            .toList();
    return cluster.submit(
        "io.plumbline.spark.cli.Plumbline",
        Fixtures.root().resolve("spark-jobs/target/plumbline.jar"),
        arguments,
        settings,
        DEADLINE);
  }

  @Test
  void ranksAreGivenGpusOfTheirOwn() throws Exception {
    Path output = directory.resolve("placed");
    StandaloneCluster.Run run = submit(output, 2, Map.of(), "--device", "cpu");
    assertThat(run.exitStatus()).as(run.log()).isZero();
    JsonNode record = new ObjectMapper().readTree(output.resolve("run.json").toFile());
    assertThat(record.at("/configuration/device").asText()).isEqualTo("cpu");
    JsonNode ranks = record.get("ranks");
    assertThat(ranks).hasSize(2);
    for (int rank = 0; rank < 2; rank++) {
      assertThat(ranks.get(rank).get("rank").asInt()).isEqualTo(rank);
      assertThat(ranks.get(rank).get("host").asText()).isEqualTo("127.0.0.1");
      assertThat(ranks.get(rank).get("device").asText()).isEqualTo("cpu");
    }
    assertThat(Set.of(ranks.get(0).get("gpu").asText(), ranks.get(1).get("gpu").asText()))
        .isEqualTo(Set.of("0", "1"));
  }

  @Test
  void aNativeLibraryWithoutCudaIsToldBeforeAnyWork() throws Exception {
    Path output = directory.resolve("no-cuda");
    StandaloneCluster.Run run = submit(output, 2, Map.of());
    assertThat(run.exitStatus()).as(run.log()).isEqualTo(2);
    assertThat(run.log())
        .containsPattern(
            "plumbline orpo: Rank [01] on 127.0.0.1 with GPU [01]: cuda:[01] was asked for, but PyTorch"
                + " sees no CUDA device here, and its native library is the jar's own for 'cpu'");
    assertThat(output).doesNotExist();
  }

  @Test
  void moreRanksThanGpusAreToldBeforeAnyWork() throws Exception {
    Path output = directory.resolve("too-many");
    StandaloneCluster.Run run =
        submit(
            output,
            3,
            Map.of("spark.scheduler.maxRegisteredResourcesWaitingTime", "15s"),
            "--device",
            "cuda",
            "--wait-for-slots",
            "3s");
    assertThat(run.exitStatus()).as(run.log()).isEqualTo(2);
    assertThat(run.log())
        .contains(
            "3 ranks were asked for, each with a core and a GPU of its own, but the cluster's"
                + " executors have 2 slots free");
    assertThat(output).doesNotExist();
  }
}
