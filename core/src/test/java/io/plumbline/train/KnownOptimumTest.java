package io.plumbline.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.ModelDirectoryWriter;
import io.plumbline.checkpoint.TensorSource;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.collective.Collective;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.CanonicalShards.Placement;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.data.CanonicalShards.ShardFile;
import io.plumbline.data.CanonicalShards.ShardWriter;
import io.plumbline.data.PlacedRow;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.ActorCritic;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.DecoderConfig;
import io.plumbline.model.DecoderConfig.ParameterShape;
import io.plumbline.model.SamplingSettings;
import io.plumbline.model.ScoreModel;
import io.plumbline.model.TokenModel;
import io.plumbline.model.TokenStatistic;
import io.plumbline.model.TrainedModel;
import io.plumbline.objective.ClippedValue;
import io.plumbline.objective.GrpoLossTypes;
import io.plumbline.objective.GrpoSettings;
import io.plumbline.objective.KlEstimator;
import io.plumbline.objective.SigmoidPreference;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.optim.Schedule;
import io.plumbline.rollout.Advantages;
import io.plumbline.rollout.Completion;
import io.plumbline.rollout.Constraints;
import io.plumbline.rollout.GeneralizedAdvantage;
import io.plumbline.rollout.KlController;
import io.plumbline.rollout.LagrangeSettings;
import io.plumbline.rollout.Reward;
import io.plumbline.rollout.RewardFunction;
import io.plumbline.rollout.TrustRegion;
import io.plumbline.rollout.ledger.Ledger;
import io.plumbline.rollout.reward.RewardPanel;
import io.plumbline.rollout.reward.RewardSpec;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A problem whose optimum is known: two tokens of a vocabulary of five, so 25 completions of each
 * of two prompts, and a reward for each. What KL-regularised learning should reach is π* ∝
 * π_ref·exp(r/β), an exact sum. Stated is how far from it, in total variation, each algorithm may
 * end; the policies that they start from are over 0.3 away.
 */
class KnownOptimumTest {
  private static final int VOCABULARY = 5;
  private static final int OUTCOMES = VOCABULARY * VOCABULARY;
  private static final double BETA = 1;
  private static final double LEARNING_RATE = 1e-2;
  private static final int[][] PROMPTS = {{0, 1, 2}, {3, 3}};
  private static final double[][] REWARDS = rewards();

  private final Storage storage = Storage.local();
  private final List<Runnable> opened = new ArrayList<>();
  @TempDir Path directory;
  private Path model;
  private double[][] start;

  private static double[][] rewards() {
    Random random = new Random(21);
    double[][] rewards = new double[PROMPTS.length][OUTCOMES];
    for (double[] of : rewards) {
      Arrays.setAll(of, i -> 4 * random.nextDouble() - 2);
    }
    return rewards;
  }

  /** The reward of an outcome, by the row that its prompt stands in. */
  public static final class Known implements RewardFunction {
    @Override
    public List<Reward> score(List<Completion> completions) {
      return completions.stream()
          .map(
              of ->
                  Reward.of(
                      REWARDS[of.promptTokens().length == PROMPTS[0].length ? 0 : 1][
                          VOCABULARY * of.tokens()[0] + of.tokens()[1]]))
          .toList();
    }
  }

  @BeforeEach
  void aFreshModel() throws IOException {
    ObjectNode config =
        new ObjectMapper()
            .createObjectNode()
            .put("model_type", "llama")
            .put("vocab_size", VOCABULARY)
            .put("hidden_size", 64)
            .put("intermediate_size", 256)
            .put("num_hidden_layers", 1)
            .put("num_attention_heads", 2)
            .put("num_key_value_heads", 2)
            .put("rms_norm_eps", 1e-5)
            .put("max_position_embeddings", 16)
            .put("initializer_range", 0.02)
            .put("tie_word_embeddings", false);
    Random random = new Random(4);
    List<TensorSource> tensors = new ArrayList<>();
    for (ParameterShape parameter : DecoderConfig.parse(config, "known").parameterShapes()) {
      float[] values = new float[(int) parameter.elements()];
      boolean norm = parameter.name().endsWith("norm.weight");
      for (int i = 0; i < values.length; i++) {
        values[i] = norm ? 1 : (float) (0.3 * random.nextGaussian());
      }
      tensors.add(
          TensorSource.of(parameter.name(), parameter.shape(), () -> FloatBuffer.wrap(values)));
    }
    model = directory.resolve("model");
    ModelDirectoryWriter.of(config, tokenizerFiles()).write(storage, model.toString(), tensors);
    try (CausalLm policy = policy(Purpose.INFERENCE)) {
      start = distributions(policy);
    }
    assertThat(distance(start)).isGreaterThan(0.3);
  }

  private static TokenizerFiles tokenizerFiles() throws IOException {
    TreeMap<String, String> files = new TreeMap<>();
    for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
      files.put(file, Files.readString(Fixtures.golden("tokenizer/" + file)));
    }
    return new TokenizerFiles(files);
  }

  private ModelDirectory model() {
    return ModelDirectory.open(storage, model.toString());
  }

  private CausalLm policy(Purpose purpose) {
    return CausalLm.load(model(), purpose, ComputeDtype.F32);
  }

  private static List<int[]> outcomes() {
    List<int[]> all = new ArrayList<>();
    for (int i = 0; i < OUTCOMES; i++) {
      all.add(new int[] {i / VOCABULARY, i % VOCABULARY});
    }
    return all;
  }

  /** The probability of every outcome, by prompt. */
  private static double[][] distributions(CausalLm policy) {
    double[][] all = new double[PROMPTS.length][OUTCOMES];
    for (int p = 0; p < PROMPTS.length; p++) {
      List<float[]> logps =
          policy
              .logps(List.of(TokenizedRow.of(0, PROMPTS[p], outcomes(), List.of())))
              .logps()
              .get(0);
      for (int i = 0; i < OUTCOMES; i++) {
        all[p][i] = Math.exp(CountedTokens.sum(logps.get(i)));
      }
      assertThat(Arrays.stream(all[p]).sum()).isBetween(1 - 1e-4, 1 + 1e-4);
    }
    return all;
  }

  /** Total variation from the optimum, of the prompt where it is greater. */
  private double distance(double[][] distributions) {
    double[] distances = new double[PROMPTS.length];
    for (int p = 0; p < PROMPTS.length; p++) {
      double[] optimum = new double[OUTCOMES];
      for (int i = 0; i < OUTCOMES; i++) {
        optimum[i] = start[p][i] * Math.exp(REWARDS[p][i] / BETA);
      }
      double partition = Arrays.stream(optimum).sum();
      for (int i = 0; i < OUTCOMES; i++) {
        distances[p] += Math.abs(distributions[p][i] - optimum[i] / partition) / 2;
      }
    }
    return Arrays.stream(distances).max().orElseThrow();
  }

  @Test
  void dpoOnPairsOfTheTrueBradleyTerryModelComesWithinThreePercent() {
    Random random = new Random(77);
    List<TokenizedRow> rows = new ArrayList<>();
    try (CausalLm reference = policy(Purpose.INFERENCE)) {
      List<List<float[]>> logps = new ArrayList<>();
      for (int[] prompt : PROMPTS) {
        logps.addAll(
            reference.logps(List.of(TokenizedRow.of(0, prompt, outcomes(), List.of()))).logps());
      }
      while (rows.size() < 98_304) {
        int p = rows.size() % PROMPTS.length;
        int first = draw(start[p], random);
        int second = draw(start[p], random);
        if (first == second) {
          continue;
        }
        double firstWins = 1 / (1 + Math.exp(REWARDS[p][second] - REWARDS[p][first]));
        int chosen = random.nextDouble() < firstWins ? first : second;
        int rejected = first + second - chosen;
        rows.add(
            TokenizedRow.of(
                    rows.size(),
                    PROMPTS[p],
                    List.of(outcomes().get(chosen), outcomes().get(rejected)),
                    List.of())
                .withReferenceLogps(List.of(logps.get(p).get(chosen), logps.get(p).get(rejected))));
      }
    }
    long steps = 192;
    String shards = write("pairs", rows, Plan.forSteps(512, rows.size(), steps, 3));
    double distance =
        train(
            (collective, policy, observer) -> {
              Dpo dpo = new Dpo(Dpo.Settings.of(new SigmoidPreference(BETA), BETA, 1e-4));
              loop(
                  new TokenModel(policy, dpo.statistics()),
                  dpo,
                  collective,
                  new ShardFeed(CanonicalShards.open(storage, shards), collective),
                  observer,
                  LEARNING_RATE);
            });
    assertThat(distance).isLessThan(0.03);
  }

  private static int draw(double[] distribution, Random random) {
    double u = random.nextDouble();
    for (int i = 0; i < distribution.length - 1; i++) {
      u -= distribution[i];
      if (u < 0) {
        return i;
      }
    }
    return distribution.length - 1;
  }

  @Test
  void grpoWithTheKlInTheLossComesWithinSixPercent() {
    assertThat(grpo(Rollouts.KlIn.LOSS)).isLessThan(0.06);
  }

  @Test
  void grpoWithTheKlInTheRewardComesWithinSixPercent() {
    assertThat(grpo(Rollouts.KlIn.REWARD)).isLessThan(0.06);
  }

  @Test
  void ppoWithACriticOfItsOwnComesWithinSixPercent() {
    assertThat(ppo(CriticTrunk.OWN)).isLessThan(0.06);
  }

  @Test
  void ppoWithACriticOnThePolicysTrunkComesWithinSixPercent() {
    assertThat(ppo(CriticTrunk.SHARED)).isLessThan(0.06);
  }

  private enum CriticTrunk {
    OWN,
    SHARED
  }

  private interface Learning {
    void run(Collective collective, CausalLm policy, TrainingObserver observer);
  }

  /** The distance of the policy that comes of it. */
  private double train(Learning learning) {
    double[] reached = new double[1];
    Gang.run(
        1,
        collective -> {
          try (CausalLm policy = policy(Purpose.TRAINING)) {
            learning.run(collective, policy, Gang.observer(new ArrayList<>()));
            reached[0] = distance(distributions(policy));
          } finally {
            opened.forEach(Runnable::run);
          }
        });
    System.out.println("total variation from the optimum: " + reached[0]);
    return reached[0];
  }

  private double grpo(Rollouts.KlIn klIn) {
    return train(
        (collective, policy, observer) -> {
          Rollouts rollouts = feed(klIn, 32, 1, policy, collective, observer, Optional.empty());
          Grpo grpo =
              new Grpo(new Grpo.Settings(32, 2, 1, TrustRegion.everywhere(), 1e-4), rollouts);
          loop(
              new TokenModel(policy, grpo.statistics()),
              grpo,
              collective,
              rollouts,
              observer,
              LEARNING_RATE);
        });
  }

  private double ppo(CriticTrunk trunk) {
    return train(
        (collective, policy, observer) -> {
          Set<TokenStatistic> statistics = Set.of(TokenStatistic.ENTROPY);
          try (ScoreModel critic =
                  ScoreModel.critic(model(), Purpose.TRAINING, ComputeDtype.F32, 5);
              ActorCritic both =
                  trunk == CriticTrunk.OWN
                      ? ActorCritic.of(policy, critic, statistics, 1, any -> true)
                      : ActorCritic.onOneTrunk(policy, model(), 5, statistics, 1)) {
            CriticCredit credit =
                new CriticCredit(
                    new CriticCredit.Settings(
                        new GeneralizedAdvantage(1, 0.95),
                        CriticCredit.RewardWhitening.OFF,
                        1,
                        Double.POSITIVE_INFINITY,
                        0),
                    both);
            Rollouts rollouts =
                feed(
                    Rollouts.KlIn.REWARD, 64, 2, policy, collective, observer, Optional.of(credit));
            Ppo ppo =
                new Ppo(
                    new Ppo.Settings(
                        64, 2, new ClippedValue(0.2), 0.5, 0, TrustRegion.everywhere(), 1e-4),
                    rollouts);
            loop(both, ppo, collective, rollouts, observer, LEARNING_RATE);
          }
        });
  }

  private Rollouts feed(
      Rollouts.KlIn klIn,
      int completions,
      int iterations,
      CausalLm policy,
      Collective collective,
      TrainingObserver observer,
      Optional<CriticCredit> critic) {
    int prompts = 16;
    long phases = 200;
    List<TokenizedRow> rows = new ArrayList<>();
    for (int i = 0; i < prompts; i++) {
      rows.add(
          TokenizedRow.of(i, PROMPTS[i % PROMPTS.length], List.of(), List.of())
              .withColumns("{\"prompt\":\"" + i + "\"}"));
    }
    String name = "prompts-" + klIn + critic.isPresent() + completions;
    String shards = write(name, rows, Plan.forSteps(prompts, rows.size(), phases, 5));
    CausalLm reference = policy(Purpose.INFERENCE);
    Tokenizer tokenizer;
    try {
      tokenizer = Tokenizer.of(tokenizerFiles());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    RewardPanel rewards =
        RewardPanel.open(List.of(RewardSpec.parse(Known.class.getName())), storage);
    opened.addAll(List.of(reference::close, tokenizer::close, rewards::close));
    return new Rollouts(
        new Rollouts.Settings(
            beta ->
                GrpoLossTypes.of(
                    "dr_grpo",
                    GrpoSettings.defaults()
                        .withMaxCompletionLength(2)
                        .withBeta(klIn == Rollouts.KlIn.LOSS ? beta : 0)),
            new Advantages.Settings(
                Advantages.Scale.NONE,
                Advantages.Aggregation.SUM_THEN_NORMALIZE,
                Advantages.Baseline.LEAVE_ONE_OUT),
            prompts,
            1,
            iterations,
            SamplingSettings.sampling(2, 1.0, completions, 11, Set.of()),
            Rollouts.Truncated.LEARNED,
            Optional.empty(),
            klIn,
            KlEstimator.K1,
            TrustRegion.everywhere(),
            1,
            4096,
            new Rollouts.FailureLimit(OptionalLong.empty(), 0)),
        policy,
        Optional.of(reference),
        new RolloutSampler(policy, tokenizer, rewards, RewardPanel.open(List.of(), storage)),
        CanonicalShards.open(storage, shards),
        collective,
        Ledger.in(storage, directory.resolve("ledger-" + name).toString()),
        observer,
        KlController.fixed(BETA),
        new Constraints(List.of(), LagrangeSettings.dualAscent(0, 0.05)),
        Optional.empty(),
        critic);
  }

  private <V, G> void loop(
      TrainedModel<V, G> model,
      TrainingMethod<V, G> method,
      Collective collective,
      StepFeed feed,
      TrainingObserver observer,
      double learningRate) {
    new TrainingLoop<>(
            model,
            method,
            collective,
            feed,
            Optional.<Evaluation>empty(),
            new LoopSettings(
                new OptimizerSettings(learningRate, Schedule.LINEAR, 5, 0, 1.0, 0.9, 0.999, 1e-8),
                LoopSettings.OptionalMicroBatchSize.of(OptionalInt.empty()),
                8192,
                0,
                0,
                0),
            TrainingStateStore.of(storage, directory.resolve("states").toString()),
            observer,
            Gang.DEADLINE)
        .run();
  }

  private String write(String name, List<TokenizedRow> rows, Plan plan) {
    Placement placement = new Placement(plan, Order.SHUFFLED);
    int batch = plan.globalBatchSize();
    Map<Integer, TreeMap<Long, TokenizedRow>> byShard = new TreeMap<>();
    for (int i = 0; i < rows.size(); i++) {
      TokenizedRow row = rows.get(i);
      placement.places(
          i,
          place ->
              byShard
                  .computeIfAbsent(plan.shardOf((int) (place % batch)), s -> new TreeMap<>())
                  .put(place, row));
    }
    List<ShardFile> files = new ArrayList<>();
    String shards = directory.resolve(name).toString();
    byShard.forEach(
        (shard, placed) -> {
          ShardWriter writer = CanonicalShards.shardWriter(storage, shards, plan, shard, "a");
          try (writer) {
            placed.forEach(
                (place, row) ->
                    writer.write(new PlacedRow(place / batch, (int) (place % batch), row)));
          }
          files.add(writer.file());
        });
    CanonicalShards.commit(storage, shards, plan, Order.SHUFFLED, "test", files);
    return shards;
  }
}
