package io.plumbline.spark.gang;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.Fixtures;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Gangs whose ranks are real executors of a real cluster, one of which is killed. */
@Timeout(400)
class StandaloneClusterTest {
  private static final Map<String, String> TWO_EXECUTORS =
      Map.of(
          "spark.executor.cores", "1",
          "spark.executor.memory", "512m",
          "spark.cores.max", "2");

  @TempDir static Path directory;
  private static StandaloneCluster cluster;
  private static Path jar;

  @BeforeAll
  static void start() throws Exception {
    Path root = Fixtures.root();
    jar =
        StandaloneCluster.jar(
            directory.resolve("gang.jar"),
            List.of(
                root.resolve("chat-template/target/classes"),
                root.resolve("core/target/classes"),
                root.resolve("spark-jobs/target/classes"),
                root.resolve("spark-jobs/target/test-classes")));
    cluster = StandaloneCluster.start(directory, 2, 1);
  }

  @AfterAll
  static void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  private static StandaloneCluster.Run submit(String mode) throws Exception {
    Map<String, String> settings = new HashMap<>(TWO_EXECUTORS);
    settings.put(
        "spark.scheduler.maxRegisteredResourcesWaitingTime",
        mode.equals("too-many") ? "3s" : "90s");
    return cluster.submit(
        GangProgram.class.getName(), jar, List.of(mode), settings, Duration.ofMinutes(5));
  }

  @Test
  void twoExecutorsAreAGang() throws Exception {
    StandaloneCluster.Run run = submit("sum");
    assertThat(run.exitStatus()).as(run.log()).isZero();
    assertThat(run.log()).contains("RESULT attempt 0 sum 3.0").contains("HEARD rank 1 attempt 0");
  }

  @Test
  void aKilledExecutorMeansOneMoreAttempt() throws Exception {
    StandaloneCluster.Run run = submit("kill");
    assertThat(run.exitStatus()).as(run.log()).isZero();
    assertThat(run.log()).contains("RESULT attempt 1 sum 3.0").contains("HEARD rank 0 attempt 1");
  }

  @Test
  void badDataOnAnExecutorIsNotTriedAgain() throws Exception {
    StandaloneCluster.Run run = submit("bad-data");
    assertThat(run.log()).contains("FAILED BAD_DATA: Row 3 is empty.");
    assertThat(run.log()).doesNotContain("attempt 1");
  }

  @Test
  void tooFewExecutorsAreNamed() throws Exception {
    StandaloneCluster.Run run = submit("too-many");
    assertThat(run.log()).contains("FAILED CLUSTER_UNFIT: 3 ranks were asked for");
  }
}
