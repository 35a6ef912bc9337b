package io.plumbline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.Records;
import io.plumbline.objective.Objectives;
import io.plumbline.objective.TrlDefaults;
import io.plumbline.objective.pair.CpoLossTypes;
import io.plumbline.objective.pair.CpoSettings;
import io.plumbline.objective.pair.Divergence;
import io.plumbline.objective.pair.LengthDesensitized;
import io.plumbline.objective.pair.LossTypes;
import io.plumbline.objective.pair.OddsRatio;
import io.plumbline.objective.pair.PairObjective;
import io.plumbline.objective.pair.PreferenceObjective;
import io.plumbline.objective.pair.PreferenceSettings;
import io.plumbline.objective.pair.PreferenceSettings.Weighting;
import io.plumbline.objective.pair.Sft;
import io.plumbline.objective.unpaired.KtoLossTypes;
import io.plumbline.objective.unpaired.KtoSettings;
import io.plumbline.objective.unpaired.UnpairedObjective;
import io.plumbline.optim.Optimizers;
import io.plumbline.optim.Schedule;
import io.plumbline.train.ReferenceFree.Odds;
import io.plumbline.train.ReferenceFree.PromptTokens;
import io.plumbline.train.ReferenceFree.SequenceLogp;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Follows runs of TRL's own trainers step by step, on any number of ranks. */
class GoldenTrajectoryTest {
  private static final List<String> PAIR_METRICS =
      List.of(
          "loss",
          "grad_norm",
          "rewards/chosen",
          "rewards/rejected",
          "rewards/margins",
          "rewards/accuracies",
          "logps/chosen",
          "logps/rejected");

  private static final List<String> DPO_METRICS =
      pairMetricsAnd("entropy", "mean_token_accuracy", "num_tokens", "learning_rate");

  @TempDir Path directory;

  @ParameterizedTest(name = "{0} ranks, micro-batches of {1}")
  @CsvSource({"1, 8", "1, 3", "2, 4", "3, 8", "4, 1"})
  void dpoFollowsTrl(int ranks, int microBatch) throws IOException {
    TestRun run = TestRun.dpo(directory, "traj/dpo", 20, settings(Schedule.LINEAR, 0, microBatch));
    List<Map<String, Double>> lines = run.train(ranks);
    assertThat(lines).hasSize(20);
    followsAll(lines, "traj/dpo", DPO_METRICS);
    assertThat(lines.get(0).get("rewards/margins")).isCloseTo(0.0, within(1e-5));
    run.assertWeightsCloseTo("traj/dpo/final.safetensors", 1e-4);
  }

  @ParameterizedTest(name = "{0} ranks, micro-batches of {1}")
  @CsvSource({"1, 8", "2, 3", "4, 8"})
  void dpoOfAnAdapterFollowsTrl(int ranks, int microBatch) throws IOException {
    TestRun run = adapterRun(microBatch);
    List<Map<String, Double>> lines = run.train(ranks);
    followsAdapter(lines);
    assertThat(lines.get(0).get("rewards/margins")).isCloseTo(0.0, within(1e-5));
    run.assertWeightsCloseTo("traj/dpo_lora/final_adapter/adapter_model.safetensors", 1e-4);
  }

  @Test
  void anAdapterResumesInTheMiddle() throws IOException {
    TestRun run = adapterRun(4);
    List<Map<String, Double>> lines = new ArrayList<>(run.train(2, "states", 11));
    assertThat(lines).hasSize(11);
    List<Map<String, Double>> rest = run.train(3, "states", Long.MAX_VALUE);
    // From the newest state, at step 10.
    lines.subList(20 - rest.size(), 11).clear();
    lines.addAll(rest);
    followsAdapter(lines);
    run.assertWeightsCloseTo("traj/dpo_lora/final_adapter/adapter_model.safetensors", 1e-4);
  }

  private TestRun adapterRun(int microBatch) throws IOException {
    LoopSettings settings = Records.with(settings(Schedule.LINEAR, 0, microBatch), "saveSteps", 5L);
    LoopSettings faster =
        Records.with(
            settings, "optimizer", Records.with(settings.optimizer(), "learningRate", 5e-3));
    return TestRun.dpoOfAdapter(directory, "traj/dpo_lora", 20, faster);
  }

  private static void followsAdapter(List<Map<String, Double>> lines) throws IOException {
    assertThat(lines).hasSize(20);
    followsAll(lines, "traj/dpo_lora", DPO_METRICS);
  }

  @ParameterizedTest(name = "{0} ranks, micro-batches of {1}")
  @CsvSource({"1, 8", "2, 3"})
  void sftFollowsTrl(int ranks, int microBatch) throws IOException {
    TestRun run =
        TestRun.sft(directory, "traj/sft", 20, settings(Schedule.COSINE, 0.01, microBatch));
    // With accumulation TRL averages these over micro-steps, so only this run has them to compare.
    followsSft(
        run.train(ranks),
        "traj/sft",
        List.of("loss", "grad_norm", "entropy", "mean_token_accuracy", "num_tokens"));
    run.assertWeightsCloseTo("traj/sft/final.safetensors", 1e-4);
  }

  @Test
  void sftWithAccumulationFollowsTrl() throws IOException {
    TestRun run = TestRun.sft(directory, "traj/sft_ga", 20, settings(Schedule.LINEAR, 0, 4));
    followsSft(run.train(1), "traj/sft_ga", List.of("loss", "grad_norm", "num_tokens"));
    run.assertWeightsCloseTo("traj/sft_ga/final.safetensors", 1e-4);
  }

  @ParameterizedTest(name = "{0} with centering {1} on {2} ranks, micro-batches of {3}")
  @CsvSource({"reward, 0, 1, 8", "reward, 0, 3, 2", "reward_center, 0.01, 2, 4"})
  void rewardModelingFollowsTrl(String name, double centering, int ranks, int microBatch)
      throws IOException {
    TestRun run =
        TestRun.reward(
            directory, "traj/" + name, centering, 20, settings(Schedule.LINEAR, 0, microBatch));
    followsAll(
        run.train(ranks),
        "traj/" + name,
        List.of(
            "loss",
            "grad_norm",
            "accuracy",
            "margin",
            "min_reward",
            "mean_reward",
            "max_reward",
            "num_tokens"));
    if (name.equals("reward")) {
      run.assertWeightsCloseTo("traj/reward/final.safetensors", 1e-4);
    }
  }

  private static List<String> pairMetricsAnd(String... more) {
    List<String> metrics = new ArrayList<>(PAIR_METRICS);
    metrics.addAll(List.of(more));
    return metrics;
  }

  static Stream<Arguments> dpoFamily() {
    PreferenceSettings plain = TrlDefaults.preference();
    return Stream.of(
            Map.entry(
                "dpo_mix",
                dpo(
                    LossTypes.of(
                        List.of("sigmoid", "bco_pair", "sft"), List.of(0.8, 0.2, 1.0), plain))),
            Map.entry("dpo_aot", dpo(LossTypes.of("aot", plain))),
            Map.entry("dpo_aot_unpaired", dpo(LossTypes.of("aot_unpaired", plain))),
            Map.entry(
                "dpo_ipo_js",
                dpo(
                    LossTypes.of(
                        "ipo",
                        Records.with(
                            plain, "divergence", Divergence.named("js_divergence", 0.5))))),
            Map.entry(
                "dpo_wpo",
                new Dpo.Settings(
                    Objectives.dpo(0.1),
                    0.1,
                    Dpo.Reference.FROZEN,
                    Weighting.WPO,
                    Optional.empty(),
                    1e-4)),
            Map.entry(
                "dpo_ld",
                new Dpo.Settings(
                    Objectives.dpo(0.1),
                    0.1,
                    Dpo.Reference.FROZEN,
                    Weighting.NONE,
                    Optional.of(new LengthDesensitized(0.5)),
                    1e-4)))
        .flatMap(
            run ->
                Stream.of(
                    Arguments.of(run.getKey(), run.getValue(), 1, 8),
                    Arguments.of(run.getKey(), run.getValue(), 3, 2)));
  }

  private static Dpo.Settings dpo(PreferenceObjective objective) {
    return Plain.dpo(objective, 0.1, 1e-4);
  }

  @ParameterizedTest(name = "{0} on {2} ranks, micro-batches of {3}")
  @MethodSource("dpoFamily")
  void theDpoFamilyFollowsTrl(String name, Dpo.Settings dpo, int ranks, int microBatch)
      throws IOException {
    String trajectory = "traj/" + name;
    TestRun run =
        TestRun.of(
            directory,
            () -> new Dpo(dpo),
            TestRun.withReference(TestRun.pairs(trajectory)),
            8,
            shortSettings(microBatch));
    followsAll(
        run.train(ranks),
        trajectory,
        pairMetricsAnd(
            "entropy", "mean_token_accuracy", "logits/chosen", "logits/rejected", "num_tokens"));
  }

  @ParameterizedTest(name = "{0} on {1} ranks, micro-batches of {2}")
  @CsvSource({"kto, 1, 8", "kto, 3, 2", "kto_apo, 1, 8", "kto_apo, 2, 3"})
  void ktoFollowsTrl(String name, int ranks, int microBatch) throws IOException {
    String trajectory = "traj/" + name;
    UnpairedObjective objective =
        name.equals("kto")
            ? KtoLossTypes.of("kto", new KtoSettings(0.1, 1.0, 1.33))
            : KtoLossTypes.of("apo_zero_unpaired", new KtoSettings(0.1, 1.0, 1.0));
    TestRun run =
        TestRun.of(
            directory,
            () -> new Kto(objective, 0.1, 1e-4),
            TestRun.withReference(TestRun.labelled(trajectory)),
            8,
            shortSettings(microBatch));
    followsAll(
        run.train(ranks),
        trajectory,
        List.of(
            "loss",
            "grad_norm",
            "kl",
            "rewards/chosen",
            "rewards/rejected",
            "rewards/margins",
            "logps/chosen",
            "logps/rejected",
            "logits/chosen",
            "logits/rejected",
            "entropy",
            "num_tokens"));
  }

  static Stream<Arguments> referenceFree() {
    CpoSettings cpo = Records.with(TrlDefaults.cpo(), "beta", 2.0, "cpoAlpha", 0);
    return Stream.of(
            Map.entry(
                "orpo",
                new ReferenceFree.Settings(
                    "orpo",
                    (PairObjective) OddsRatio.withLikelihood(0.1, Sft.Mean.OVER_TOKENS),
                    0.1,
                    SequenceLogp.MEAN,
                    PromptTokens.LEARNED,
                    Odds.SHOWN,
                    0)),
            Map.entry("simpo", cpo("simpo", cpo, SequenceLogp.MEAN)),
            Map.entry("alphapo", cpo("simpo", Records.with(cpo, "alpha", 0.25), SequenceLogp.MEAN)),
            Map.entry("cpo", cpo("sigmoid", TrlDefaults.cpo(), SequenceLogp.SUM)))
        .flatMap(
            run ->
                Stream.of(
                    Arguments.of(run.getKey(), run.getValue(), 1, 8),
                    Arguments.of(run.getKey(), run.getValue(), 3, 2)));
  }

  private static ReferenceFree.Settings cpo(String type, CpoSettings settings, SequenceLogp logps) {
    return new ReferenceFree.Settings(
        "simpo",
        (PairObjective) CpoLossTypes.of(type, settings),
        settings.beta(),
        logps,
        PromptTokens.LEFT_OUT,
        Odds.HIDDEN,
        settings.alpha());
  }

  @ParameterizedTest(name = "{0} on {2} ranks, micro-batches of {3}")
  @MethodSource("referenceFree")
  void referenceFreeMethodsFollowTrl(
      String name, ReferenceFree.Settings settings, int ranks, int microBatch) throws IOException {
    String trajectory = "traj/" + name;
    TestRun run =
        TestRun.of(
            directory,
            () -> new ReferenceFree(settings),
            TestRun.labelledPairs(trajectory),
            8,
            shortSettings(microBatch));
    List<String> metrics = new ArrayList<>(PAIR_METRICS);
    if (name.equals("orpo")) {
      metrics.addAll(List.of("nll_loss", "log_odds_ratio", "log_odds_chosen"));
    } else if (name.equals("cpo")) {
      metrics.add("nll_loss");
    }
    followsAll(run.train(ranks), trajectory, metrics);
  }

  private static void followsAll(
      List<Map<String, Double>> lines, String trajectory, List<String> metrics) throws IOException {
    JsonNode steps = log(trajectory);
    assertThat(lines).hasSize(steps.size());
    for (int i = 0; i < lines.size(); i++) {
      for (String metric : metrics) {
        if (steps.get(i).has(metric)) {
          follows(lines.get(i), steps.get(i), metric);
        } else {
          // TRL's KTO says nothing of a label that a batch lacks.
          assertThat(trajectory).startsWith("traj/kto");
          assertThat(lines.get(i)).doesNotContainKey(metric);
        }
      }
    }
  }

  private static LoopSettings shortSettings(int microBatch) {
    return Plain.loop(
        Optimizers.scheduled(1e-3, Schedule.LINEAR, 2), OptionalInt.of(microBatch), 8192, 0);
  }

  private static void followsSft(
      List<Map<String, Double>> lines, String trajectory, List<String> metrics) throws IOException {
    assertThat(lines).hasSize(20);
    followsAll(lines, trajectory, metrics);
  }

  private static void follows(Map<String, Double> line, JsonNode step, String metric) {
    double expected = step.get(metric).asDouble();
    assertThat(line.get(metric))
        .as("%s of step %s", metric, step.get("step"))
        .isCloseTo(expected, within(1e-4 * Math.abs(expected) + 1e-5));
  }

  private static LoopSettings settings(Schedule schedule, double weightDecay, int microBatch) {
    return Plain.loop(
        Optimizers.decaying(Optimizers.scheduled(1e-3, schedule, 4), weightDecay),
        OptionalInt.of(microBatch),
        8192,
        0);
  }

  private static JsonNode log(String trajectory) throws IOException {
    return new ObjectMapper()
        .readTree(Fixtures.golden(trajectory + "/log.json").toFile())
        .get("steps");
  }
}
