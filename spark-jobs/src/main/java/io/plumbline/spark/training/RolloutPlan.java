package io.plumbline.spark.training;

import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.spark.training.algorithm.RolloutSettings;

/**
 * How a run that samples its completions goes through its prompts: a batch of the plan holds the
 * prompts of a phase of rollouts, or the pool that they are chosen from, and dynamic sampling may
 * take several batches for a phase.
 */
final class RolloutPlan {
  private RolloutPlan() {}

  static Plan of(TrainingRequest request, RolloutSettings rollouts, long prompts) {
    int batch =
        Math.multiplyExact(
            Math.multiplyExact(
                request.batch().globalBatchSize(), rollouts.phases().stepsPerGeneration()),
            rollouts.phases().curriculumPool());
    long stepsPerPhase = rollouts.stepsPerPhase();
    long phases =
        request.batch().maxSteps().isPresent()
            ? (request.batch().maxSteps().getAsLong() + stepsPerPhase - 1) / stepsPerPhase
            : Plan.forEpochs(batch, prompts, request.batch().epochs(), request.batch().seed())
                .steps();
    return Plan.forSteps(
        batch,
        prompts,
        Math.multiplyExact(phases, rollouts.phases().dynamicSampling()),
        request.batch().seed());
  }

  /** Updates of the run. */
  static long steps(RolloutSettings rollouts, Plan plan) {
    return plan.steps() / rollouts.phases().dynamicSampling() * rollouts.stepsPerPhase();
  }
}
