package io.plumbline.spark.training.algorithm;

import io.plumbline.advantage.Constraint;
import io.plumbline.advantage.Constraints;
import io.plumbline.advantage.CostSpec;
import io.plumbline.advantage.KlController;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.CanonicalShards;
import io.plumbline.model.CausalLm;
import io.plumbline.model.SamplingSettings;
import io.plumbline.model.TrainedModel;
import io.plumbline.reward.FailureLimit;
import io.plumbline.reward.OverlongPenalty;
import io.plumbline.reward.RewardPanel;
import io.plumbline.rollout.Controllers;
import io.plumbline.rollout.CriticCredit;
import io.plumbline.rollout.Curriculum;
import io.plumbline.rollout.HeldOutRewards;
import io.plumbline.rollout.RolloutSampler;
import io.plumbline.rollout.Rollouts;
import io.plumbline.rollout.ledger.Ledger;
import io.plumbline.spark.inference.Sampler;
import io.plumbline.spark.training.rank.MetricsWriter;
import io.plumbline.spark.training.rank.RankTraining;
import io.plumbline.spark.training.rank.StartedModels;
import io.plumbline.text.TemplateSettings;
import io.plumbline.text.Tokenizer;
import io.plumbline.train.LoopOutcome;
import io.plumbline.train.LoopSettings;
import io.plumbline.train.Rank;
import io.plumbline.train.RolloutColumns;
import io.plumbline.train.StepFeed;
import io.plumbline.train.TrainingLoop;
import io.plumbline.train.TrainingMethod;
import io.plumbline.train.TrustRegion;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * What a rank of an algorithm that learns from its own completions has besides its policy: the
 * functions that score, the model that it is held to, and the ledger.
 */
record RolloutRank(
    RankTraining training,
    RolloutSettings rollouts,
    CausalLm policy,
    Rank rank,
    RolloutSampler sampler,
    SamplingSettings sampling,
    Constraints constraints) {

  /**
   * Trains a policy from the newest state, or from the start.
   *
   * @param learning how its rollouts become updates
   */
  static LoopOutcome train(
      RankTraining training,
      RolloutSettings rollouts,
      Function<RolloutRank, LoopOutcome> learning) {
    return training.policy(policy -> train(training, rollouts, policy, learning));
  }

  private static LoopOutcome train(
      RankTraining training,
      RolloutSettings rollouts,
      CausalLm policy,
      Function<RolloutRank, LoopOutcome> learning) {
    ModelDirectory start = training.start();
    TemplateSettings rendering = start.tokenizerFiles().rendering();
    try (MetricsWriter metrics = training.metrics();
        Tokenizer tokenizer = Tokenizer.of(start.tokenizerFiles());
        RewardPanel rewards = rollouts.rewards().open(training.storage(), rendering);
        RewardPanel costs = rollouts.rewards().openCosts(training.storage(), rendering);
        Reference reference = reference(training, rollouts)) {
      return learning.apply(
          new RolloutRank(
              training,
              rollouts,
              policy,
              training.rank(metrics),
              new RolloutSampler(policy, reference.model(), tokenizer, rewards, costs),
              sampling(rollouts, training.settings().seed(), Sampler.eosIds(start, tokenizer)),
              constraints(rollouts, costs.names())));
    }
  }

  /** Phases of rollouts, compared with what a critic expected, or within their group. */
  Rollouts feed(Optional<CriticCredit> critic) {
    CanonicalShards prompts = training.shards("train");
    return new Rollouts(
        settings(),
        sampler,
        critic,
        new Controllers(
            klController(),
            constraints,
            rollouts.phases().curriculumPool() > 1
                ? Optional.of(new Curriculum(Math.toIntExact(prompts.plan().rows())))
                : Optional.empty()),
        prompts,
        Ledger.in(training.storage(), training.run().ledger()),
        rank);
  }

  <V, G> LoopOutcome loop(
      TrainedModel<V, G> model,
      TrainingMethod<RolloutColumns, V, G> method,
      StepFeed<RolloutColumns> feed) {
    LoopSettings loop = training.settings().loop();
    return new TrainingLoop<>(
            model,
            method,
            feed,
            training
                .held()
                .map(
                    rows ->
                        new HeldOutRewards(
                            sampler,
                            sampling.withCompletions(
                                rollouts.phases().evalGenerations(), ~training.settings().seed()),
                            loop.microBatchTokens(),
                            rows,
                            rank)),
            loop,
            training.states(),
            rank)
        .run();
  }

  /** How far updates on one phase's rollouts may take the policy from the one that wrote them. */
  TrustRegion updateRegion() {
    return region(rollouts.limits().maxUpdateKl(), TrustRegion.Center.SAMPLING_POLICY);
  }

  /** The model that the policy is held to, or none. */
  private record Reference(Optional<StartedModels<CausalLm>> started) implements AutoCloseable {
    Optional<CausalLm> model() {
      return started.map(StartedModels::model);
    }

    @Override
    public void close() {
      started.ifPresent(StartedModels::close);
    }
  }

  private static Reference reference(RankTraining training, RolloutSettings rollouts) {
    return new Reference(
        rollouts.holdsReference()
            ? Optional.of(
                StartedModels.reference(training.storage(), training.start(), training.settings()))
            : Optional.empty());
  }

  private static TrustRegion region(double limit, TrustRegion.Center center) {
    return limit > 0 ? new TrustRegion(limit, center) : TrustRegion.everywhere();
  }

  private KlController klController() {
    return rollouts.limits().klTarget() > 0
        ? KlController.adaptive(
            rollouts.beta(), rollouts.limits().klTarget(), rollouts.limits().klHorizon())
        : KlController.fixed(rollouts.beta());
  }

  private static Constraints constraints(RolloutSettings rollouts, List<String> names) {
    List<Constraint> limits = new ArrayList<>();
    for (int c = 0; c < names.size(); c++) {
      limits.add(
          new Constraint(names.get(c), CostSpec.parse(rollouts.rewards().costs().get(c)).limit()));
    }
    return new Constraints(limits, rollouts.rewards().costLearningRate());
  }

  private static SamplingSettings sampling(
      RolloutSettings rollouts, long seed, Set<Integer> eosIds) {
    RolloutSettings.Completions drawn = rollouts.completions();
    return new SamplingSettings(
        drawn.temperature(),
        drawn.filter(),
        new SamplingSettings.CompletionEnd(drawn.maxCompletionLength(), eosIds, drawn.stop()),
        drawn.numGenerations(),
        seed,
        SamplingSettings.SLOTS);
  }

  private Rollouts.Settings settings() {
    RolloutSettings.Phases phases = rollouts.phases();
    return new Rollouts.Settings(
        beta -> rollouts.objective(rollouts.constants(beta)),
        rollouts.advantages(),
        new Rollouts.Schedule(
            training.settings().globalBatchSize(),
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
        training.settings().loop().microBatchTokens(),
        new FailureLimit(rollouts.rewards().maxFailedRewards(), "--max-failed-rewards"));
  }
}
