package io.plumbline.spark.training;

import io.plumbline.advantage.Constraint;
import io.plumbline.advantage.Constraints;
import io.plumbline.advantage.CostSpec;
import io.plumbline.advantage.GeneralizedAdvantage;
import io.plumbline.advantage.KlController;
import io.plumbline.checkpoint.Dtype;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.data.CanonicalShards;
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
import io.plumbline.reward.FailureLimit;
import io.plumbline.reward.OverlongPenalty;
import io.plumbline.reward.RewardNotices;
import io.plumbline.reward.RewardPanel;
import io.plumbline.reward.RewardSpec;
import io.plumbline.rollout.Controllers;
import io.plumbline.rollout.CriticCredit;
import io.plumbline.rollout.Curriculum;
import io.plumbline.rollout.HeldOutRewards;
import io.plumbline.rollout.PretrainingMix;
import io.plumbline.rollout.RolloutSampler;
import io.plumbline.rollout.Rollouts;
import io.plumbline.rollout.ledger.Ledger;
import io.plumbline.spark.gang.GangMember;
import io.plumbline.spark.inference.Sampler;
import io.plumbline.spark.inference.SharedModels;
import io.plumbline.spark.run.RunDirectory;
import io.plumbline.storage.Storage;
import io.plumbline.text.TemplateSettings;
import io.plumbline.text.Tokenizer;
import io.plumbline.train.Grpo;
import io.plumbline.train.LoopOutcome;
import io.plumbline.train.LoopSettings;
import io.plumbline.train.Ppo;
import io.plumbline.train.Rank;
import io.plumbline.train.RolloutColumns;
import io.plumbline.train.StepFeed;
import io.plumbline.train.TrainingLoop;
import io.plumbline.train.TrainingMethod;
import io.plumbline.train.TrainingObserver;
import io.plumbline.train.TrustRegion;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a rank of an algorithm that learns from its own completions needs besides its policy: the
 * tokenizer, the functions that score, the model that it is held to, and the ledger.
 */
record RolloutRank(
    Storage storage,
    RunDirectory run,
    RolloutSettings rollouts,
    int globalBatchSize,
    ComputeDtype computeDtype,
    long seed,
    LoopSettings loop,
    Duration deadline) {

  /** The name of the pretraining rows' shards. */
  static final String PRETRAINING = "ptx";

  /** The reward functions of a run. */
  static RewardPanel rewards(
      RolloutSettings rollouts, Storage storage, TemplateSettings rendering) {
    return RewardPanel.open(
        rollouts.rewards().rewards().stream().map(RewardSpec::parse).toList(), storage, rendering);
  }

  /** The cost functions of a run. */
  static RewardPanel costs(RolloutSettings rollouts, Storage storage, TemplateSettings rendering) {
    return RewardPanel.open(
        rollouts.rewards().costs().stream()
            .map(cost -> RewardSpec.parse(CostSpec.parse(cost).rewardSpec()))
            .toList(),
        storage,
        rendering);
  }

  /** What a user should know of the rewards and costs and the policy's tokenizer. */
  static List<String> notices(RolloutSettings rollouts, Storage storage, ModelDirectory start) {
    TemplateSettings rendering = start.tokenizerFiles().rendering();
    try (RewardPanel rewards = rewards(rollouts, storage, rendering);
        RewardPanel costs = costs(rollouts, storage, rendering)) {
      return RewardNotices.of(List.of(rewards, costs), start.tokenizerFiles());
    }
  }

  /** What a rank trains, and with whom. */
  record Training(
      ModelDirectory start,
      CausalLm policy,
      CanonicalShards prompts,
      Optional<CanonicalShards> held,
      TrainingStateStore states,
      GangMember member,
      TrainingObserver observer) {}

  /** Trains a policy from the newest state, or from the start. */
  LoopOutcome train(Training training) {
    TemplateSettings rendering = training.start().tokenizerFiles().rendering();
    try (Tokenizer tokenizer = Tokenizer.of(training.start().tokenizerFiles());
        RewardPanel rewards = rewards(rollouts, storage, rendering);
        RewardPanel costs = costs(rollouts, storage, rendering);
        Reference reference = reference(training.start())) {
      Parts parts =
          new Parts(
              training,
              new Rank(training.member().collective(), deadline, training.observer()),
              new RolloutSampler(training.policy(), reference.model(), tokenizer, rewards, costs),
              sampling(Sampler.eosIds(training.start(), tokenizer)),
              constraints(costs.names()));
      return rollouts.withCritic().isPresent()
          ? ppo(parts, rollouts.withCritic().get())
          : grpo(parts);
    }
  }

  /** What both algorithms are made of. */
  private record Parts(
      Training training,
      Rank rank,
      RolloutSampler sampler,
      SamplingSettings sampling,
      Constraints constraints) {}

  private LoopOutcome grpo(Parts parts) {
    Rollouts feed = feed(parts, Optional.empty());
    Grpo method =
        new Grpo(
            new Grpo.Settings(
                rollouts.completions().numGenerations(),
                rollouts.completions().maxCompletionLength(),
                rollouts.loss().topEntropyQuantile(),
                region(rollouts.limits().maxUpdateKl(), TrustRegion.Center.SAMPLING_POLICY),
                Methods.drift(computeDtype)));
    return loop(
        parts,
        new TokenModel(
            parts.training().policy(), method.statistics(), rollouts.completions().temperature()),
        method,
        feed);
  }

  private LoopOutcome ppo(Parts parts, PpoRunSettings settings) {
    Training training = parts.training();
    if (settings.critic().trunk() == PpoRunSettings.Trunk.SHARED) {
      try (ActorCritic model =
          ActorCritic.onOneTrunk(
              training.policy(),
              training.start(),
              seed,
              Set.of(TokenStatistic.ENTROPY),
              rollouts.completions().temperature())) {
        return ppo(parts, settings, model);
      }
    }
    ModelDirectory criticStart =
        ModelDirectory.open(storage, settings.critic().model())
            .with(training.start().tokenizerFiles().rendering());
    try (ScoreModel critic = ScoreModel.critic(criticStart, Purpose.TRAINING, computeDtype, seed);
        ActorCritic model =
            ActorCritic.of(
                training.policy(),
                critic,
                Set.of(TokenStatistic.ENTROPY),
                rollouts.completions().temperature())) {
      LoopOutcome outcome = ppo(parts, settings, model);
      if (training.member().rank() == 0) {
        critic.write(storage, run.critic(), criticStart, Dtype.F32);
      }
      return outcome;
    }
  }

  private LoopOutcome ppo(Parts parts, PpoRunSettings settings, ActorCritic model) {
    CriticCredit credit =
        new CriticCredit(
            new CriticCredit.Settings(
                new GeneralizedAdvantage(settings.critic().gamma(), settings.critic().lam()),
                settings.shaping().whitening(),
                settings.shaping().rewardScale(),
                settings.shaping().rewardClip(),
                settings.shaping().missingEosPenalty()),
            model);
    Rollouts feed = feed(parts, Optional.of(credit));
    Ppo method =
        new Ppo(
            new Ppo.Settings(
                rollouts.completions().numGenerations(),
                rollouts.completions().maxCompletionLength(),
                new ClippedValue(settings.critic().cliprangeValue()),
                settings.critic().vfCoef(),
                settings.pretraining().mixes() ? settings.pretraining().coef() : 0,
                region(rollouts.limits().maxUpdateKl(), TrustRegion.Center.SAMPLING_POLICY),
                Methods.drift(computeDtype)));
    return loop(
        parts,
        model,
        method,
        settings.pretraining().mixes()
            ? new PretrainingMix(
                feed,
                CanonicalShards.open(storage, run.shards(PRETRAINING)),
                parts.training().member().collective())
            : feed);
  }

  private Rollouts feed(Parts parts, Optional<CriticCredit> critic) {
    Training training = parts.training();
    return new Rollouts(
        settings(parts.sampling()),
        parts.sampler(),
        critic,
        new Controllers(
            klController(),
            parts.constraints(),
            rollouts.phases().curriculumPool() > 1
                ? Optional.of(new Curriculum(Math.toIntExact(training.prompts().plan().rows())))
                : Optional.empty()),
        training.prompts(),
        Ledger.in(storage, run.ledger()),
        parts.rank());
  }

  private <V, G> LoopOutcome loop(
      Parts parts,
      TrainedModel<V, G> model,
      TrainingMethod<RolloutColumns, V, G> method,
      StepFeed<RolloutColumns> feed) {
    Training training = parts.training();
    return new TrainingLoop<>(
            model,
            method,
            feed,
            training
                .held()
                .map(
                    rows ->
                        new HeldOutRewards(
                            parts.sampler(),
                            parts
                                .sampling()
                                .withCompletions(rollouts.phases().evalGenerations(), ~seed),
                            loop.microBatchTokens(),
                            rows,
                            parts.rank())),
            loop,
            training.states(),
            parts.rank())
        .run();
  }

  /** A model that ranks of one process share, or none. */
  private record Reference(Optional<SharedModels.Lease<CausalLm>> lease) implements AutoCloseable {
    Optional<CausalLm> model() {
      return lease.map(SharedModels.Lease::model);
    }

    @Override
    public void close() {
      lease.ifPresent(SharedModels.Lease::close);
    }
  }

  private Reference reference(ModelDirectory start) {
    return new Reference(
        needsReference()
            ? Optional.of(
                SharedModels.LANGUAGE_MODELS.acquire(
                    storage, start.path(), start.fingerprint(), computeDtype))
            : Optional.empty());
  }

  private static TrustRegion region(double limit, TrustRegion.Center center) {
    return limit > 0 ? new TrustRegion(limit, center) : TrustRegion.everywhere();
  }

  private boolean needsReference() {
    return rollouts.beta() > 0
        || rollouts.limits().klTarget() > 0
        || rollouts.limits().klBudget() > 0;
  }

  private KlController klController() {
    return rollouts.limits().klTarget() > 0
        ? KlController.adaptive(
            rollouts.beta(), rollouts.limits().klTarget(), rollouts.limits().klHorizon())
        : KlController.fixed(rollouts.beta());
  }

  private Constraints constraints(List<String> names) {
    List<Constraint> limits = new ArrayList<>();
    for (int c = 0; c < names.size(); c++) {
      limits.add(
          new Constraint(names.get(c), CostSpec.parse(rollouts.rewards().costs().get(c)).limit()));
    }
    return new Constraints(limits, rollouts.rewards().costLearningRate());
  }

  private SamplingSettings sampling(Set<Integer> eosIds) {
    RolloutSettings.Completions drawn = rollouts.completions();
    return new SamplingSettings(
        new SamplingSettings.TokenDraw(
            drawn.temperature(),
            drawn.topK(),
            drawn.topP(),
            drawn.minP(),
            drawn.repetitionPenalty()),
        new SamplingSettings.CompletionEnd(drawn.maxCompletionLength(), eosIds, drawn.stop()),
        drawn.numGenerations(),
        seed,
        SamplingSettings.SLOTS);
  }

  private Rollouts.Settings settings(SamplingSettings sampling) {
    RolloutSettings.Phases phases = rollouts.phases();
    return new Rollouts.Settings(
        beta -> GrpoLossTypes.of(rollouts.lossName(), rollouts.constants(beta)),
        rollouts.advantages(),
        new Rollouts.Schedule(
            globalBatchSize,
            phases.stepsPerGeneration(),
            phases.numIterations(),
            phases.dynamicSampling()),
        sampling,
        phases.truncated(),
        phases.overlongCache() > 0
            ? Optional.of(
                new OverlongPenalty(
                    rollouts.completions().maxCompletionLength(), phases.overlongCache()))
            : Optional.empty(),
        new Rollouts.Distance(
            rollouts.limits().klIn(),
            rollouts.loss().klEstimator(),
            region(rollouts.limits().klBudget(), TrustRegion.Center.REFERENCE)),
        loop.microBatchTokens(),
        new FailureLimit(rollouts.rewards().maxFailedRewards(), "--max-failed-rewards"));
  }
}
