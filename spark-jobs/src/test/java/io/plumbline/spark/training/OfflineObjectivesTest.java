package io.plumbline.spark.training;

import static io.plumbline.spark.training.JobRuns.follows;
import static io.plumbline.spark.training.JobRuns.golden;
import static io.plumbline.spark.training.JobRuns.lines;
import static io.plumbline.spark.training.JobRuns.log;
import static io.plumbline.spark.training.JobRuns.record;
import static io.plumbline.spark.training.JobRuns.weights;
import static io.plumbline.spark.training.JobRuns.withoutTimings;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.optim.Optimizers;
import io.plumbline.optim.Schedule;
import io.plumbline.settings.SettingsOf;
import io.plumbline.spark.prepare.EvalSplit;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.training.algorithm.AlgorithmSettings;
import io.plumbline.spark.training.algorithm.Algorithms;
import io.plumbline.spark.training.algorithm.DpoAlgorithm;
import io.plumbline.spark.training.algorithm.KtoAlgorithm;
import io.plumbline.spark.training.algorithm.RewardAlgorithm;
import io.plumbline.spark.training.algorithm.SftAlgorithm;
import io.plumbline.train.LoopSettings.Selection;
import io.plumbline.train.LoopSettings.Selection.Better;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole jobs of the objectives beyond plain DPO and SFT, from a file to a checkpoint. */
class OfflineObjectivesTest {
  private static final OptimizerSettings TWO_OF_WARMUP =
      Optimizers.scheduled(1e-3, Schedule.LINEAR, 2);

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

  private TestRequest request(String data, long steps, int ranks) {
    return TestRequest.dpo(model, golden(data), directory.resolve("run"), steps, ranks);
  }

  private static TrainingOutcome run(TestRequest request) {
    return TrainingJob.run(spark, request.build(), Map.of(), ProgressListener.NONE);
  }

  @Test
  void aMixOfLossesFollowsTrlFromTheFileOn() throws IOException {
    AlgorithmSettings mix =
        SettingsOf.type(DpoAlgorithm.Settings.class)
            .standard()
            .mixing(List.of("sigmoid", "bco_pair", "sft"), List.of(0.8, 0.2, 1.0));
    TrainingOutcome outcome =
        run(request("preference.jsonl", 8, 2).objective(mix).optimizer(TWO_OF_WARMUP));
    followsTrl(outcome, "dpo_mix", "loss", "grad_norm", "rewards/margins", "logits/chosen");
  }

  @Test
  void ktoFollowsTrlFromTheFileOn() throws IOException {
    TrainingOutcome outcome =
        run(
            request("unpaired.jsonl", 8, 2)
                .algorithm(KtoAlgorithm.KTO, "apo_zero_unpaired", 0.1)
                .optimizer(TWO_OF_WARMUP));
    followsTrl(
        outcome, "kto_apo", "loss", "grad_norm", "logps/chosen", "rewards/chosen", "num_tokens");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({"orpo, orpo, 0.1", "simpo, simpo, 2.0"})
  void methodsWithoutAReferenceLearnToPrefer(String command, String lossType, double beta)
      throws IOException {
    TrainingOutcome outcome =
        run(
            request("preference.jsonl", 12, 2)
                .algorithm(Algorithms.of(command).orElseThrow(), lossType, beta)
                .evalData(golden("preference.jsonl")));
    for (String metric : List.of("eval_rewards/margins", "eval_rewards/accuracies")) {
      assertThat(outcome.after().get(metric)).isGreaterThan(outcome.before().get(metric));
    }
    assertThat(outcome.after().get("eval_loss")).isLessThan(outcome.before().get("eval_loss"));
    assertThat(record(outcome).path("counts").has("reference.computed")).isFalse();
  }

  private static void followsTrl(TrainingOutcome outcome, String trajectory, String... metrics)
      throws IOException {
    List<Map<String, Double>> lines =
        lines(outcome).stream().filter(line -> line.containsKey("loss")).toList();
    JsonNode steps = log(trajectory);
    assertThat(lines).hasSize(steps.size());
    for (int i = 0; i < lines.size(); i++) {
      for (String metric : metrics) {
        follows(lines.get(i), steps.get(i), metric);
      }
    }
  }

  @Test
  void ktoEstimatesTheKlAndIsTheSameAtAnyWorldSize() throws IOException {
    List<Map<String, Double>> alone = null;
    for (int ranks = 1; ranks <= 3; ranks += 2) {
      TrainingOutcome outcome =
          run(
              request("unpaired.jsonl", 8, ranks)
                  .algorithm(KtoAlgorithm.KTO, "kto", 0.1)
                  .output(directory.resolve("kto" + ranks))
                  .evalData(golden("unpaired.jsonl")));
      List<Map<String, Double>> lines = withoutTimings(lines(outcome));
      assertThat(lines).anySatisfy(line -> assertThat(kl(line)).isPositive());
      if (alone == null) {
        alone = lines;
        continue;
      }
      for (int i = 0; i < lines.size(); i++) {
        for (String metric : alone.get(i).keySet()) {
          double expected = alone.get(i).get(metric);
          assertThat(lines.get(i).get(metric))
              .as("%s of line %d", metric, i)
              .isCloseTo(expected, within(1e-4 * Math.max(1, Math.abs(expected))));
        }
      }
    }
  }

  private static double kl(Map<String, Double> line) {
    return line.containsKey("kl") ? line.get("kl") : line.get("eval_kl");
  }

  @Test
  void aRewardModelLearnsWhichSideIsChosenAndSaysHowSureItIs() throws IOException {
    TrainingOutcome outcome =
        run(
            request("preference.jsonl", 24, 2)
                .algorithm(RewardAlgorithm.REWARD)
                .evalData(golden("preference.jsonl")));
    assertThat(outcome.after().get("eval_accuracy")).isGreaterThan(0.9);
    assertThat(outcome.after().get("eval_brier_score"))
        .isLessThan(outcome.before().get("eval_brier_score"));
    double share =
        outcome.after().entrySet().stream()
            .filter(entry -> entry.getKey().matches("eval_calibration/[0-9]/share"))
            .mapToDouble(Map.Entry::getValue)
            .sum();
    assertThat(share).isCloseTo(1, within(1e-9));
    JsonNode config =
        new com.fasterxml.jackson.databind.ObjectMapper()
            .readTree(Path.of(outcome.files().checkpoint()).resolve("config.json").toFile());
    assertThat(config.path("architectures").get(0).asText())
        .isEqualTo("LlamaForSequenceClassification");
    assertThat(Files.readString(Path.of(outcome.files().report()))).contains("eval_brier_score");
    // Every pair was trained on, and the run says so.
    assertThat(record(outcome).path("counts").path("overlap.rows").asLong()).isEqualTo(64);

    // A reward model continues from a reward model.
    TrainingOutcome more =
        run(
            request("preference.jsonl", 1, 1)
                .algorithm(RewardAlgorithm.REWARD)
                .model(outcome.files().checkpoint())
                .output(directory.resolve("more"))
                .evalData(golden("preference.jsonl")));
    assertThat(more.before().get("eval_loss"))
        .isCloseTo(outcome.after().get("eval_loss"), within(1e-5));
  }

  /** At the start all scores are near 0, so the loss is near −log σ(−margin). */
  @Test
  void marginsOfTheDataReachTheRewardModel() throws IOException {
    List<String> rows = Files.readAllLines(golden("preference.jsonl"));
    rows.replaceAll(row -> row.replaceFirst("\\{", "{\"margin\": 4, "));
    Path data = Files.write(directory.resolve("margins.jsonl"), rows);
    TrainingOutcome outcome =
        run(
            TestRequest.dpo(model, data, directory.resolve("run"), 1, 2)
                .algorithm(RewardAlgorithm.REWARD));
    assertThat(lines(outcome).get(0).get("loss")).isBetween(3.0, 5.0);
  }

  @Test
  void packedRowsGiveTheLossAndGradientOfTheRowsThemselves() throws IOException {
    TestRequest request =
        request("prompt_completion.jsonl", 2, 2)
            .algorithm(SftAlgorithm.SFT)
            .batch(64)
            .maxLength(96);
    TrainingOutcome apart = run(request.output(directory.resolve("apart")));
    TrainingOutcome packed = run(request.packed().output(directory.resolve("packed")));
    long rows = record(packed).path("counts").path("train.packed").asLong();
    assertThat(rows).isBetween(10L, 32L);
    for (int step = 0; step < 2; step++) {
      for (String metric : List.of("loss", "grad_norm", "entropy", "num_tokens")) {
        double expected = lines(apart).get(step).get(metric);
        assertThat(lines(packed).get(step).get(metric))
            .as("%s of step %d", metric, step + 1)
            .isCloseTo(expected, within(1e-5 * Math.max(1, expected)));
      }
    }
  }

  @Test
  void rowsAreHeldOutAndTheBestEvaluationIsKeptAlsoAfterAStop() throws IOException {
    TestRequest request =
        request("prompt_completion.jsonl", 20, 2)
            .algorithm(SftAlgorithm.SFT)
            .optimizer(Optimizers.constant(4e-3))
            .evalSplit(EvalSplit.ofShare(0.5))
            .evalSteps(2)
            .selection(new Selection("eval_loss", Better.LOWER, 3, 0));
    TrainingOutcome outcome = run(request.output(directory.resolve("whole")));
    assertThat(outcome.steps().best()).isPresent();
    assertThat(outcome.steps().best().getAsLong()).isLessThanOrEqualTo(outcome.steps().done());
    double best =
        lines(outcome).stream()
            .filter(line -> line.containsKey("eval_loss") && line.get("step") > 0)
            .mapToDouble(line -> line.get("eval_loss"))
            .min()
            .orElseThrow();
    assertThat(outcome.after().get("eval_loss")).isEqualTo(best);
    JsonNode counts = record(outcome).path("counts");
    assertThat(counts.path("train.split").asLong() + counts.path("eval.split").asLong())
        .isEqualTo(64);
    assertThat(counts.path("best_step").asLong()).isEqualTo(outcome.steps().best().getAsLong());

    TrainingOutcome again = run(request.output(directory.resolve("whole")).start(Start.RESUME));
    assertThat(again.steps().best()).isEqualTo(outcome.steps().best());
    assertThat(weights(directory.resolve("whole"))).isNotEmpty();
  }

  @Test
  void sourcesWithWeightsAreTrainedOnInThatProportion() throws IOException {
    Path few = directory.resolve("few.jsonl");
    Files.writeString(
        few,
        "{\"prompt\": \"Say zq:\", \"completion\": \" zq\"}\n"
            + "{\"prompt\": \"Say qz:\", \"completion\": \" qz\"}\n");
    TrainingOutcome outcome =
        run(
            request("prompt_completion.jsonl", 4, 1)
                .algorithm(SftAlgorithm.SFT)
                .batch(16)
                .data(List.of(golden("prompt_completion.jsonl") + ":1.0", few + ":1.0")));
    assertThat(outcome.steps().done()).isEqualTo(4);
    // Half of the places of an epoch belong to the two short rows.
    double tokens = lines(outcome).get(3).get("num_tokens");
    TrainingOutcome plain =
        run(
            request("prompt_completion.jsonl", 4, 1)
                .algorithm(SftAlgorithm.SFT)
                .batch(16)
                .output(directory.resolve("plain")));
    assertThat(tokens).isLessThan(0.8 * lines(plain).get(3).get("num_tokens"));
  }

  @Test
  void dataThatDoesNotFitTheObjectiveSaysWhatItNeedsAndWhatThereIs() {
    assertMisfit(
        request("preference.jsonl", 1, 1).algorithm(KtoAlgorithm.KTO, "kto", 0.1), "label");
    // Other data needs a directory of its own, though nothing was trained in this one.
    assertMisfit(
        request("unpaired.jsonl", 1, 1)
            .algorithm(RewardAlgorithm.REWARD)
            .output(directory.resolve("other")),
        "chosen");
  }

  private static void assertMisfit(TestRequest request, String needed) {
    assertThatThrownBy(() -> run(request))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_DATA))
        .hasMessageContaining("needs the columns")
        .hasMessageContaining(needed)
        .hasMessageContaining("it has ");
  }
}
