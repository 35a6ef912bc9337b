package io.plumbline.spark.training.algorithm;

import io.plumbline.advantage.CostSpec;
import io.plumbline.reward.RewardSpec;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** The reward models among a run's rewards and costs: what they say depends on weights. */
public final class ScoringModels {
  private ScoringModels() {}

  /** Their directories, by {@code reward.NAME} and {@code cost.NAME}. */
  public static Map<String, String> of(RolloutSettings rollouts) {
    Map<String, String> paths = new TreeMap<>();
    rollouts.rewards().rewards().forEach(text -> put("reward.", RewardSpec.parse(text), paths));
    rollouts
        .rewards()
        .costs()
        .forEach(text -> put("cost.", RewardSpec.parse(CostSpec.parse(text).rewardSpec()), paths));
    return paths;
  }

  private static void put(String prefix, RewardSpec spec, Map<String, String> paths) {
    spec.modelPath().ifPresent(path -> paths.put(prefix + spec.name(), path));
  }

  /** A reward as it is written, with another path of its model; others stay as they are. */
  public static String withPath(String reward, UnaryOperator<String> path) {
    RewardSpec spec = RewardSpec.parse(reward);
    return spec.modelPath().isPresent() ? spec.withModelPath(path).text() : reward;
  }
}
