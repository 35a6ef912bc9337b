package io.plumbline.spark.training;

import io.plumbline.objective.rollout.GrpoSettings;
import io.plumbline.objective.rollout.KlCorrection;
import io.plumbline.spark.prepare.BadRowLimit;
import io.plumbline.spark.training.RolloutSettings.TruncatedCompletions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the rollouts of a request are as options, without those that do nothing for its loss. */
final class RolloutText {
  private RolloutText() {}

  static Map<String, Object> of(String lossType, RolloutSettings rollouts) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("reward", rollouts.rewards());
    if (!rollouts.costs().isEmpty()) {
      values.put("cost", rollouts.costs());
      values.put("cost-learning-rate", rollouts.costLearningRate());
    }
    values.put(
        "max-failed-rewards",
        rollouts.maxFailedRewards() >= 0
            ? (Object) rollouts.maxFailedRewards()
            : BadRowLimit.percent(rollouts.maxFailedRewardsShare()));
    values.put("num-generations", rollouts.numGenerations());
    values.put("max-completion-length", rollouts.maxCompletionLength());
    values.put("temperature", rollouts.temperature());
    values.put("top-p", rollouts.topP());
    values.put("top-k", rollouts.topK());
    values.put("min-p", rollouts.minP());
    values.put("repetition-penalty", rollouts.repetitionPenalty());
    if (!rollouts.stop().isEmpty()) {
      values.put("stop", rollouts.stop());
    }
    values.put("steps-per-generation", rollouts.stepsPerGeneration());
    values.put("num-iterations", rollouts.numIterations());
    values.put("mask-truncated-completions", rollouts.truncated() == TruncatedCompletions.MASKED);
    values.put("overlong-cache", rollouts.overlongCache());
    values.put("num-generations-eval", rollouts.evalGenerations());
    if (rollouts.withCritic().isPresent()) {
      critic(rollouts.withCritic().get(), values);
      values.put("epsilon", rollouts.loss().epsilon());
      values.put("epsilon-high", rollouts.loss().epsilonHigh());
      if (Double.isFinite(rollouts.loss().delta())) {
        values.put("delta", rollouts.loss().delta());
      }
      values.put("kl-estimator", RequestText.word(rollouts.loss().klEstimator()));
      values.put("entropy-coef", rollouts.loss().entropyCoef());
    } else {
      values.put("dynamic-sampling", rollouts.dynamicSampling());
      values.put("curriculum-pool", rollouts.curriculumPool());
      loss(lossType, rollouts, values);
      values.put("kl-in", RequestText.word(rollouts.klIn()));
    }
    if (rollouts.klTarget() > 0) {
      values.put("kl-target", rollouts.klTarget());
      values.put("kl-horizon", rollouts.klHorizon());
    }
    if (rollouts.klBudget() > 0) {
      values.put("kl-budget", rollouts.klBudget());
    }
    if (rollouts.maxUpdateKl() > 0) {
      values.put("max-update-kl", rollouts.maxUpdateKl());
    }
    return values;
  }

  private static void critic(CriticSettings critic, Map<String, Object> values) {
    values.put("critic-trunk", RequestText.word(critic.trunk()));
    if (critic.trunk() == CriticSettings.Trunk.OWN) {
      values.put("critic-model", critic.model());
    }
    values.put("gamma", critic.gamma());
    values.put("lam", critic.lam());
    values.put("cliprange-value", RequestText.orNone(critic.cliprangeValue()));
    values.put("vf-coef", critic.vfCoef());
    values.put("whiten-rewards", critic.whitenRewards() == CriticSettings.RewardScaling.WHITENED);
    values.put("reward-scale", critic.rewardScale());
    values.put("reward-clip", RequestText.orNone(critic.rewardClip()));
    values.put("missing-eos-penalty", critic.missingEosPenalty());
    if (critic.mixes()) {
      values.put("ptx-data", critic.ptxData());
      values.put("ptx-coef", critic.ptxCoef());
      values.put("ptx-max-length", critic.ptxMaxLength());
    }
  }

  private static void loss(String lossType, RolloutSettings rollouts, Map<String, Object> values) {
    GrpoSettings loss = rollouts.loss();
    boolean clips = !List.of("cispo", "sapo", "vespo").contains(lossType);
    if (clips) {
      values.put("epsilon", loss.epsilon());
    }
    if (clips || lossType.equals("cispo")) {
      values.put("epsilon-high", loss.epsilonHigh());
    }
    if (Double.isFinite(loss.delta())) {
      values.put("delta", loss.delta());
    }
    values.put("importance-sampling-level", RequestText.word(loss.importanceSamplingLevel()));
    values.put("kl-estimator", RequestText.word(loss.klEstimator()));
    values.put("no-bias-correction-kl", loss.klCorrection() == KlCorrection.NONE);
    values.put("entropy-coef", loss.entropyCoef());
    values.put("top-entropy-quantile", rollouts.topEntropyQuantile());
    if (Double.isFinite(loss.offPolicyMaskThreshold())) {
      values.put("off-policy-mask-threshold", loss.offPolicyMaskThreshold());
    }
    values.put("scale-rewards", RequestText.word(rollouts.advantages().scale()));
    values.put(
        "multi-objective-aggregation", RequestText.word(rollouts.advantages().aggregation()));
    values.put("advantage-baseline", RequestText.word(rollouts.advantages().baseline()));
    if (lossType.equals("sapo")) {
      values.put("sapo-temperature-pos", loss.sapo().temperaturePos());
      values.put("sapo-temperature-neg", loss.sapo().temperatureNeg());
    }
    if (lossType.equals("vespo")) {
      values.put("vespo-k-pos", loss.vespo().kPos());
      values.put("vespo-lambda-pos", loss.vespo().lambdaPos());
      values.put("vespo-k-neg", loss.vespo().kNeg());
      values.put("vespo-lambda-neg", loss.vespo().lambdaNeg());
    }
  }
}
