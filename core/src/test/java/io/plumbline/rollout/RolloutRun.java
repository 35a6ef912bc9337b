package io.plumbline.rollout;

import io.plumbline.Fixtures;
import io.plumbline.Records;
import io.plumbline.advantage.Advantages;
import io.plumbline.advantage.Constraint;
import io.plumbline.advantage.Constraints;
import io.plumbline.advantage.GeneralizedAdvantage;
import io.plumbline.advantage.KlController;
import io.plumbline.base.CountOrShare;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.collective.Collective;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.data.ShardFixture;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.ActorCritic;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.SamplingSettings;
import io.plumbline.model.ScoreModel;
import io.plumbline.model.TokenModel;
import io.plumbline.model.TokenStatistic;
import io.plumbline.model.TrainedModel;
import io.plumbline.objective.rollout.ClippedValue;
import io.plumbline.objective.rollout.GrpoLossTypes;
import io.plumbline.objective.rollout.GrpoSettings;
import io.plumbline.objective.rollout.KlEstimator;
import io.plumbline.optim.Optimizers;
import io.plumbline.reward.FailureLimit;
import io.plumbline.reward.RewardPanel;
import io.plumbline.reward.RewardSpec;
import io.plumbline.rollout.ledger.Ledger;
import io.plumbline.rollout.ledger.LedgerReader;
import io.plumbline.rollout.ledger.LedgerRow;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Segment;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import io.plumbline.train.Evaluation;
import io.plumbline.train.Gang;
import io.plumbline.train.Grpo;
import io.plumbline.train.Plain;
import io.plumbline.train.Ppo;
import io.plumbline.train.Rank;
import io.plumbline.train.RolloutColumns;
import io.plumbline.train.StepFeed;
import io.plumbline.train.TrainingLoop;
import io.plumbline.train.TrainingMethod;
import io.plumbline.train.TrainingObserver;
import io.plumbline.train.TrustRegion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A GRPO or PPO run of the small Llama in this JVM: real shards, sampler, rewards, ledger and
 * rings.
 */
final class RolloutRun {
  static final int PROMPTS_PER_STEP = 4;
  static final int GROUP = 4;

  /** What a run has besides the plain algorithm. */
  record Shape(
      int stepsPerGeneration,
      int iterations,
      int rounds,
      int pool,
      double beta,
      Supplier<KlController> kl,
      List<Constraint> constraints,
      Rollouts.KlIn klIn,
      TrustRegion budget,
      TrustRegion trustRegion,
      List<String> rewards,
      List<String> costs) {

    /** One update a phase, no reference, a reward for digits. */
    static Shape plain() {
      return new Shape(
          1,
          1,
          1,
          1,
          0,
          () -> KlController.fixed(0),
          List.of(),
          Rollouts.KlIn.LOSS,
          TrustRegion.everywhere(),
          TrustRegion.everywhere(),
          List.of("length{\"per_token\":-0.1}", "regex{\"pattern\":\"[0-9]\"}"),
          List.of());
    }

    Shape withRewards(List<String> specs) {
      return new Shape(
          stepsPerGeneration,
          iterations,
          rounds,
          pool,
          beta,
          kl,
          constraints,
          klIn,
          budget,
          trustRegion,
          specs,
          costs);
    }

    Shape withTrustRegion(double limit) {
      return new Shape(
          stepsPerGeneration,
          iterations,
          rounds,
          pool,
          beta,
          kl,
          constraints,
          klIn,
          budget,
          new TrustRegion(limit, TrustRegion.Center.SAMPLING_POLICY),
          rewards,
          costs);
    }

    /** Everything that has a state, without what compares groups. */
    static Shape withoutGroups() {
      Shape all = everything();
      return new Shape(
          all.stepsPerGeneration(),
          all.iterations(),
          1,
          1,
          all.beta(),
          all.kl(),
          all.constraints(),
          all.klIn(),
          all.budget(),
          all.trustRegion(),
          all.rewards(),
          all.costs());
    }

    /** Everything that has a state. */
    static Shape everything() {
      return new Shape(
          2,
          2,
          2,
          2,
          0.05,
          () -> KlController.adaptive(0.05, 0.01, 64),
          List.of(new Constraint("length", 4)),
          Rollouts.KlIn.REWARD,
          new TrustRegion(2, TrustRegion.Center.REFERENCE),
          TrustRegion.everywhere(),
          List.of("regex{\"pattern\":\"[a-m]\"}", "regex{\"name\":\"e\",\"pattern\":\"e\"}"),
          List.of("length{\"per_token\":1}"));
    }
  }

  /** What completions are compared with instead of their group. */
  enum Critic {
    OWN,
    SHARED,
    /** Its own, and pretraining rows beside the rollouts. */
    OWN_AND_PRETRAINING
  }

  /** What ends a run as if it were killed. */
  private static final class StoppedFromOutside extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  private final Storage storage = Storage.local();
  private final Path directory;
  private final Shape shape;
  private final long phases;
  private Set<Integer> ends = Set.of(2);
  private Rollouts.Truncated truncated = Rollouts.Truncated.LEARNED;
  private Optional<Critic> critic = Optional.empty();
  private final List<Map<String, Double>> lines = Collections.synchronizedList(new ArrayList<>());
  private final Map<String, float[]> weights = new TreeMap<>();

  RolloutRun(Path directory, Shape shape, long phases) {
    this.directory = directory;
    this.shape = shape;
    this.phases = phases;
    writePrompts();
  }

  /** Learns nothing from completions that were cut off, as about half of them are. */
  RolloutRun masked() {
    truncated = Rollouts.Truncated.MASKED;
    ends = IntStream.range(0, 40).map(i -> 2 + 9 * i).boxed().collect(Collectors.toSet());
    return this;
  }

  /** PPO instead of GRPO. */
  RolloutRun with(Critic kind) {
    critic = Optional.of(kind);
    if (kind == Critic.OWN_AND_PRETRAINING) {
      writePretraining();
    }
    return this;
  }

  /** Trains on so many ranks; stops from outside before a step, as if killed. */
  RolloutRun train(String name, int ranks, long saveSteps, long stopBefore) {
    lines.clear();
    try {
      Gang.run(ranks, collective -> rank(name, collective, saveSteps, stopBefore));
    } catch (AssertionError e) {
      if (!(e.getCause() instanceof StoppedFromOutside)) {
        throw e;
      }
    } catch (PlumblineException e) {
      // What a rank sees when another was stopped.
      if (e.code() != ErrorCode.GANG_BROKEN || stopBefore == Long.MAX_VALUE) {
        throw e;
      }
    }
    return this;
  }

  /** Metrics of rank 0. */
  List<Map<String, Double>> lines() {
    return List.copyOf(lines);
  }

  Map<String, float[]> weights() {
    return new TreeMap<>(weights);
  }

  /** The ledger of a run by name. */
  List<LedgerRow> ledger(String name) {
    List<LedgerRow> rows = new ArrayList<>();
    try (LedgerReader reader =
        LedgerReader.fromStep(storage, directory.resolve(name + "/ledger").toString(), 0)) {
      for (Optional<LedgerRow> row = reader.next(); row.isPresent(); row = reader.next()) {
        rows.add(row.get());
      }
    }
    return rows;
  }

  private void rank(String name, Collective collective, long saveSteps, long stopBefore) {
    ModelDirectory model = ModelDirectory.open(storage, Fixtures.golden("models/llama").toString());
    try (Tokenizer tokenizer = tokenizer();
        RewardPanel rewards = panel(shape.rewards());
        RewardPanel costs = panel(shape.costs());
        CausalLm policy = CausalLm.load(model, Purpose.TRAINING, ComputeDtype.F32);
        CausalLm reference = CausalLm.load(model, Purpose.INFERENCE, ComputeDtype.F32)) {
      TrainingObserver observer = observer(stopBefore);
      SamplingSettings sampling =
          Records.with(SamplingSettings.sampling(6, 0.9, GROUP, 11, ends), "topP", 0.95);
      Parts parts =
          new Parts(
              name,
              collective,
              saveSteps,
              observer,
              policy,
              new RolloutSampler(
                  policy,
                  shape.beta() > 0 ? Optional.of(reference) : Optional.empty(),
                  tokenizer,
                  rewards,
                  costs),
              sampling);
      if (critic.isPresent()) {
        ppo(parts, model, critic.get());
      } else {
        grpo(parts);
      }
    }
  }

  private record Parts(
      String name,
      Collective collective,
      long saveSteps,
      TrainingObserver observer,
      CausalLm policy,
      RolloutSampler sampler,
      SamplingSettings sampling) {
    Rank rank() {
      return new Rank(collective, Gang.DEADLINE, observer);
    }
  }

  private Rollouts feed(Parts parts, Optional<CriticCredit> against) {
    return new Rollouts(
        new Rollouts.Settings(
            beta ->
                GrpoLossTypes.of(
                    "dapo",
                    Records.with(
                        GrpoSettings.defaults(),
                        "beta",
                        shape.klIn() == Rollouts.KlIn.LOSS ? beta : 0)),
            Advantages.Settings.defaults(),
            new Rollouts.Schedule(
                PROMPTS_PER_STEP, shape.stepsPerGeneration(), shape.iterations(), shape.rounds()),
            parts.sampling(),
            truncated,
            Optional.empty(),
            new Rollouts.Distance(shape.klIn(), KlEstimator.K2, shape.budget()),
            64,
            new FailureLimit(CountOrShare.ofShare(0.3), "the option")),
        parts.sampler(),
        against,
        new Controllers(
            shape.kl().get(),
            new Constraints(shape.constraints(), 0.05),
            shape.pool() > 1 ? Optional.of(new Curriculum(40)) : Optional.empty()),
        CanonicalShards.open(storage, directory.resolve("prompts").toString()),
        Ledger.in(storage, directory.resolve(parts.name() + "/ledger").toString()),
        parts.rank());
  }

  private void grpo(Parts parts) {
    Rollouts rollouts = feed(parts, Optional.empty());
    Grpo grpo = new Grpo(new Grpo.Settings(GROUP, 6, 1, shape.trustRegion(), 1e-4));
    loop(
        parts,
        new TokenModel(parts.policy(), grpo.statistics(), parts.sampling().temperature()),
        grpo,
        rollouts);
  }

  private void ppo(Parts parts, ModelDirectory model, Critic kind) {
    Set<TokenStatistic> statistics = Set.of(TokenStatistic.ENTROPY);
    double temperature = parts.sampling().temperature();
    if (kind == Critic.SHARED) {
      try (ActorCritic both =
          ActorCritic.onOneTrunk(parts.policy(), model, 5, statistics, temperature)) {
        ppo(parts, both, kind);
      }
      return;
    }
    try (ScoreModel own = ScoreModel.critic(model, Purpose.TRAINING, ComputeDtype.F32, 5);
        ActorCritic both = ActorCritic.of(parts.policy(), own, statistics, temperature)) {
      ppo(parts, both, kind);
    }
  }

  private void ppo(Parts parts, ActorCritic both, Critic kind) {
    CriticCredit credit =
        new CriticCredit(
            new CriticCredit.Settings(
                new GeneralizedAdvantage(0.99, 0.9),
                shape.beta() > 0
                    ? CriticCredit.RewardWhitening.ON
                    : CriticCredit.RewardWhitening.OFF,
                0.5,
                4,
                0.25),
            both);
    Rollouts rollouts = feed(parts, Optional.of(credit));
    boolean mixes = kind == Critic.OWN_AND_PRETRAINING;
    Ppo ppo =
        new Ppo(
            new Ppo.Settings(
                GROUP, 6, new ClippedValue(0.2), 0.1, mixes ? 0.5 : 0, shape.trustRegion(), 1e-4));
    loop(
        parts,
        both,
        ppo,
        mixes
            ? new PretrainingMix(
                rollouts,
                CanonicalShards.open(storage, directory.resolve("pretraining").toString()),
                parts.collective())
            : rollouts);
  }

  private <V, G> void loop(
      Parts parts,
      TrainedModel<V, G> model,
      TrainingMethod<RolloutColumns, V, G> method,
      StepFeed<RolloutColumns> feed) {
    new TrainingLoop<>(
            model,
            method,
            feed,
            Optional.<Evaluation>empty(),
            Plain.loop(Optimizers.constant(1e-3), OptionalInt.empty(), 64, parts.saveSteps()),
            TrainingStateStore.of(storage, directory.resolve(parts.name() + "/states").toString()),
            parts.rank())
        .run();
    if (parts.collective().rank() == 0) {
      keepWeights(model.segments());
    }
  }

  private static Tokenizer tokenizer() {
    TreeMap<String, String> files = new TreeMap<>();
    for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
      try {
        files.put(file, Files.readString(Fixtures.golden("tokenizer/" + file)));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return Tokenizer.of(new TokenizerFiles(files));
  }

  private RewardPanel panel(List<String> specs) {
    return RewardPanel.open(specs.stream().map(RewardSpec::parse).toList(), storage);
  }

  private TrainingObserver observer(long stopBefore) {
    return new TrainingObserver() {
      @Override
      public void checkInterrupted() {
        if (!lines.isEmpty() && lines.get(lines.size() - 1).get("step") >= stopBefore) {
          throw new StoppedFromOutside();
        }
      }

      @Override
      public void metrics(Map<String, Double> line) {
        lines.add(new LinkedHashMap<>(line));
      }

      @Override
      public void note(String sentence) {}
    };
  }

  private void keepWeights(List<Segment> segments) {
    weights.clear();
    for (Segment segment : segments) {
      for (Segment.Slice slice : segment.slices()) {
        float[] copy = new float[(int) slice.length()];
        segment.values().get(slice.offset(), copy);
        weights.put(segment.name() + "/" + slice.name(), copy);
      }
    }
  }

  private void writePrompts() {
    int batch = PROMPTS_PER_STEP * shape.stepsPerGeneration() * shape.pool();
    Plan plan = Plan.forSteps(batch, 40, phases * shape.rounds(), 5);
    write(
        "prompts",
        plan,
        i ->
            TokenizedRow.of(i, tokens(i, 3 + i % 5, 13), List.of(), List.of())
                .withColumns("{\"answer\":\"" + i + "\"}"));
  }

  private void writePretraining() {
    long steps = phases * shape.stepsPerGeneration() * shape.iterations();
    write(
        "pretraining",
        Plan.forSteps(4, 40, steps, 6),
        i -> TokenizedRow.of(i, tokens(i, 2, 3), List.of(tokens(i, 4 + i % 3, 17)), List.of()));
  }

  private static int[] tokens(int row, int length, int stride) {
    int[] tokens = new int[length];
    for (int t = 0; t < length; t++) {
      tokens[t] = 10 + (7 * row + stride * t) % 400;
    }
    return tokens;
  }

  private void write(String name, Plan plan, IntFunction<TokenizedRow> rows) {
    ShardFixture.write(
        storage,
        directory.resolve(name).toString(),
        plan,
        Order.SHUFFLED,
        IntStream.range(0, 40).mapToObj(rows).toList());
  }
}
