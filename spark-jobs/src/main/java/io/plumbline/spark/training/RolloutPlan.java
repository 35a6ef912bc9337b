package io.plumbline.spark.training;

import io.plumbline.data.CanonicalShards.Plan;

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
            Math.multiplyExact(request.globalBatchSize(), rollouts.stepsPerGeneration()),
            rollouts.curriculumPool());
    long stepsPerPhase = rollouts.stepsPerPhase();
    long phases =
        request.maxSteps().isPresent()
            ? (request.maxSteps().getAsLong() + stepsPerPhase - 1) / stepsPerPhase
            : Plan.forEpochs(batch, prompts, request.epochs(), request.seed()).steps();
    return Plan.forSteps(
        batch, prompts, Math.multiplyExact(phases, rollouts.dynamicSampling()), request.seed());
  }

  /** Updates of the run. */
  static long steps(RolloutSettings rollouts, Plan plan) {
    return plan.steps() / rollouts.dynamicSampling() * rollouts.stepsPerPhase();
  }
}
