package io.plumbline.spark.training;

import static io.plumbline.spark.training.JobRuns.follows;
import static io.plumbline.spark.training.JobRuns.followsTrl;
import static io.plumbline.spark.training.JobRuns.golden;
import static io.plumbline.spark.training.JobRuns.largestDifference;
import static io.plumbline.spark.training.JobRuns.lines;
import static io.plumbline.spark.training.JobRuns.log;
import static io.plumbline.spark.training.JobRuns.weights;
import static io.plumbline.spark.training.JobRuns.withoutTimings;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.checkpoint.RunRecord;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.optim.Optimizers;
import io.plumbline.optim.Schedule;
import io.plumbline.spark.gang.StopRequest;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.spark.run.OutputClaim;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.training.algorithm.RewardAlgorithm;
import io.plumbline.spark.training.algorithm.SftAlgorithm;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole jobs on an embedded Spark, from a preference file to a checkpoint. */
class TrainingJobTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path shared;
  private static SparkSession spark;
  private static Path model;

  @TempDir Path directory;

  @BeforeAll
  static void start() throws IOException {
    spark = LocalSpark.withSlots(3);
    model = JobRuns.llama(shared);
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  @Test
  void dpoFollowsTrlFromFileToCheckpoint() throws IOException {
    TrainingOutcome outcome = run(dpo("preference.jsonl", 20, 2), ProgressListener.NONE);
    followsTrl(outcome, "dpo", 20);
    assertThat(largestDifference(outcome, "traj/dpo/final.safetensors")).isLessThan(1e-4);

    JsonNode record = JSON.readTree(Path.of(outcome.files().runRecord()).toFile());
    assertThat(record.path("status").asText()).isEqualTo("completed");
    long distinct = Files.readAllLines(golden("preference.jsonl")).stream().distinct().count();
    assertThat(record.path("counts").path("reference.computed").asLong()).isEqualTo(distinct);
    assertThat(record.path("counts").path("reference.found").asLong()).isZero();
    assertThat(Files.readString(Path.of(outcome.files().report()))).contains("rewards/margins");
  }

  @Test
  void aSecondRunOnTheSameCacheComputesNoReference() throws IOException {
    Optional<String> cache = Optional.of(directory.resolve("cache").toString());
    Path first = directory.resolve("first");
    Path second = directory.resolve("second");
    TrainingOutcome outcome =
        run(dpo("preference.jsonl", 2, 1).cache(cache).output(first), ProgressListener.NONE);
    run(dpo("preference.jsonl", 2, 1).cache(cache).output(second), ProgressListener.NONE);
    // Two steps of eight rows: nothing is computed for the other 48.
    long reached =
        Files.readAllLines(golden("preference.jsonl")).stream().limit(16).distinct().count();
    assertThat(JobRuns.record(outcome).path("counts").path("reference.computed").asLong())
        .isEqualTo(reached);
    JsonNode record = JSON.readTree(second.resolve("run.json").toFile());
    assertThat(record.path("counts").path("reference.computed").asLong()).isZero();
    assertThat(record.path("counts").path("reference.found").asLong()).isPositive();
    assertThat(weights(second)).isEqualTo(weights(first));
  }

  @Test
  void conversationsFollowTrl() throws IOException {
    // The schedule of that run was made for two steps, of which both are warm-up.
    followsTrl(
        run(dpo("preference_conversational.jsonl", 2, 3), ProgressListener.NONE), "dpo_conv", 2);
  }

  @Test
  void truncatedRowsFollowTrl() throws IOException {
    followsTrl(
        run(dpo("preference.jsonl", 3, 2).maxLength(28), ProgressListener.NONE), "dpo_trunc28", 3);
  }

  @Test
  void sftFollowsTrlFromFileToCheckpoint() throws IOException {
    TestRequest request =
        dpo("prompt_completion.jsonl", 20, 2)
            .algorithm(SftAlgorithm.SFT)
            .optimizer(Optimizers.decaying(Optimizers.scheduled(1e-3, Schedule.COSINE, 4), 0.01));
    TrainingOutcome outcome = run(request, ProgressListener.NONE);
    List<Map<String, Double>> lines = lines(outcome);
    JsonNode steps = log("sft");
    for (int i = 0; i < 20; i++) {
      for (String metric : List.of("loss", "grad_norm", "mean_token_accuracy", "num_tokens")) {
        follows(lines.get(i), steps.get(i), metric);
      }
    }
    assertThat(largestDifference(outcome, "traj/sft/final.safetensors")).isLessThan(1e-4);
  }

  @Test
  void aRunThatWasStoppedGoesOnAsIfItHadNot() throws IOException {
    Path whole = directory.resolve("whole");
    Path stopped = directory.resolve("stopped");
    TestRequest request =
        dpo("preference.jsonl", 12, 2).saveSteps(4).evalData(golden("preference.jsonl"));
    TrainingOutcome expected = run(request.output(whole), ProgressListener.NONE);
    assertThatThrownBy(() -> run(request.output(stopped), new StoppingAfter(6)))
        .hasMessageContaining("stopped by the test");
    TrainingOutcome resumed =
        run(request.output(stopped).start(Start.RESUME), ProgressListener.NONE);

    assertThat(weights(stopped)).isEqualTo(weights(whole));
    assertThat(withoutTimings(lines(resumed))).isEqualTo(withoutTimings(lines(expected)));
    assertThat(resumed.before()).containsKey("eval_rewards/margins");
    assertThat(resumed.after().get("eval_rewards/margins"))
        .isGreaterThan(resumed.before().get("eval_rewards/margins"));
    assertThat(Files.readString(stopped.resolve("samples-before.json")))
        .isEqualTo(Files.readString(whole.resolve("samples-before.json")));
  }

  @Test
  void resumingWithOtherOptionsIsRefusedByName() throws IOException {
    TestRequest request = dpo("preference.jsonl", 2, 1);
    run(request, ProgressListener.NONE);
    assertThatThrownBy(() -> run(request.beta(0.5).start(Start.RESUME), ProgressListener.NONE))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.OUTPUT_IN_USE))
        .hasMessageContaining(
            "another --beta (0.1 there, 0.5 now), which --resume cannot continue with");
    String record = Files.readString(directory.resolve("run/run.json"));
    assertThatThrownBy(
            () ->
                run(
                    request.algorithm(RewardAlgorithm.REWARD).start(Start.RESUME),
                    ProgressListener.NONE))
        .hasMessageContaining("holds a run of dpo, which reward cannot continue with");
    assertThat(Files.readString(directory.resolve("run/run.json"))).isEqualTo(record);
  }

  @Test
  void aFreshRunDoesNotWriteOverAnother() throws IOException {
    TestRequest request = dpo("preference.jsonl", 1, 1);
    run(request, ProgressListener.NONE);
    assertThatThrownBy(() -> run(request, ProgressListener.NONE))
        .hasMessageContaining("holds another run")
        .hasMessageContaining("--resume");
  }

  /** As after a freeze of the driver for longer than its lease. */
  @Test
  void aRunWhoseOutputWasTakenOverShowsNoMoreStatesAndWritesNoRecord() throws IOException {
    Path output = directory.resolve("run");
    TestRequest request = dpo("preference.jsonl", 40, 2);
    AtomicBoolean taken = new AtomicBoolean();
    Quiet thief =
        new Quiet() {
          @Override
          public void step(long step, long totalSteps, Map<String, Double> metrics) {
            if (!taken.getAndSet(true)) {
              Storage.local()
                  .writeText(
                      output.resolve(OutputClaim.LOCK).toString(),
                      "{\"token\": \"thief\", \"host\": \"worker-7\", \"machine\": \"m\", \"pid\": 1}");
              Storage.local()
                  .writeText(output.resolve("run.json").toString(), "{\"of\": \"the thief\"}");
            }
          }
        };

    assertThatThrownBy(() -> TrainingJob.run(spark, request.build(), Map.of(), thief))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.OUTPUT_IN_USE))
        .hasMessageContaining("Another run has taken");
    assertThat(output.resolve("run.json")).content().contains("the thief");
    assertThat(output.resolve("checkpoint")).doesNotExist();
  }

  @Test
  void aRunThatIsAskedToStopIsInterruptedAndResumes() throws IOException {
    TrainingOutcome whole =
        TrainingJob.run(
            spark,
            TestRequest.dpo(
                    model, golden("preference.jsonl"), directory.resolve("undisturbed"), 5, 2)
                .build(),
            Map.of(),
            ProgressListener.NONE);
    TestRequest request = dpo("preference.jsonl", 5, 2);
    StopRequest stop = new StopRequest();
    Quiet asking =
        new Quiet() {
          @Override
          public void step(long step, long totalSteps, Map<String, Double> metrics) {
            stop.ask("the test");
          }
        };
    assertThatThrownBy(() -> TrainingJob.run(spark, request.build(), Map.of(), stop, asking))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INTERRUPTED))
        .hasMessageMatching("Training was stopped by the test after step [1-4] of 5, .*--resume.");
    Path run = directory.resolve("run");
    assertThat(RunRecord.read(Storage.local(), run.resolve("run.json").toString()).status())
        .isEqualTo("interrupted");
    assertThat(run.resolve("checkpoint")).doesNotExist();

    TrainingOutcome resumed = run(request.start(Start.RESUME), ProgressListener.NONE);
    assertThat(Files.readAllBytes(Path.of(resumed.files().checkpoint(), "model.safetensors")))
        .isEqualTo(Files.readAllBytes(Path.of(whole.files().checkpoint(), "model.safetensors")));
    assertThat(Files.readAllLines(Path.of(resumed.files().metrics())))
        .hasSameSizeAs(Files.readAllLines(Path.of(whole.files().metrics())));
    assertThat(RunRecord.read(Storage.local(), run.resolve("run.json").toString()).status())
        .isEqualTo("completed");
  }

  private TrainingOutcome run(TestRequest request, ProgressListener progress) {
    return TrainingJob.run(spark, request.build(), Map.of(), progress);
  }

  private TestRequest dpo(String data, long steps, int ranks) {
    return TestRequest.dpo(model, golden(data), directory.resolve("run"), steps, ranks);
  }

  /** Ends the job from the driver once a step was reported. */
  private static final class StoppingAfter extends Quiet {
    private final long last;

    private StoppingAfter(long last) {
      this.last = last;
    }

    @Override
    public void step(long step, long totalSteps, Map<String, Double> metrics) {
      if (step >= last) {
        throw new PlumblineException(ErrorCode.INTERRUPTED, "stopped by the test");
      }
    }
  }
}
