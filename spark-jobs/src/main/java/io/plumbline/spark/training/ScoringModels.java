package io.plumbline.spark.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.rollout.CostSpec;
import io.plumbline.rollout.reward.RewardSpec;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** The reward models among a run's rewards and costs: what they say depends on weights. */
public final class ScoringModels {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String KIND = "model";
  private static final String PATH = "path";

  private ScoringModels() {}

  /** Their directories, by {@code reward.NAME} and {@code cost.NAME}. */
  static Map<String, String> of(RolloutSettings rollouts) {
    Map<String, String> paths = new TreeMap<>();
    rollouts.rewards().forEach(text -> put("reward.", RewardSpec.parse(text), paths));
    rollouts
        .costs()
        .forEach(text -> put("cost.", RewardSpec.parse(CostSpec.parse(text).rewardSpec()), paths));
    return paths;
  }

  private static void put(String prefix, RewardSpec spec, Map<String, String> paths) {
    spec.modelPath().ifPresent(path -> paths.put(prefix + spec.name(), path));
  }

  /** The directory of the model of a reward as it is written; empty where it is of another kind. */
  public static Optional<String> path(String reward) {
    return RewardSpec.parse(reward).modelPath();
  }

  /** A reward as it is written, with another path of its model; others stay as they are. */
  public static String withPath(String reward, UnaryOperator<String> path) {
    RewardSpec spec = RewardSpec.parse(reward);
    if (!spec.kind().equals(KIND)) {
      return reward;
    }
    ObjectNode options = options(spec);
    options.put(PATH, path.apply(options.path(PATH).asText()));
    return new RewardSpec(
            spec.kind(), options.toString(), spec.weight(), spec.name(), spec.timeout())
        .text();
  }

  private static ObjectNode options(RewardSpec spec) {
    try {
      return (ObjectNode) JSON.readTree(spec.options());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a reward's options are JSON", e);
    }
  }
}
