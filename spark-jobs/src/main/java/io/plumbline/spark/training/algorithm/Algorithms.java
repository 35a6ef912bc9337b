package io.plumbline.spark.training.algorithm;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Every algorithm that there is. */
public final class Algorithms {
  /** In the order of the help. */
  public static final List<Algorithm> ALL =
      List.of(
          SftAlgorithm.SFT,
          RewardAlgorithm.REWARD,
          DpoAlgorithm.DPO,
          KtoAlgorithm.KTO,
          OrpoAlgorithm.ORPO,
          SimpoAlgorithm.SIMPO,
          GrpoAlgorithm.GRPO,
          PpoAlgorithm.PPO);

  private Algorithms() {}

  /** The algorithm of a command; empty where it trains nothing. */
  public static Optional<Algorithm> of(String command) {
    return ALL.stream().filter(algorithm -> algorithm.command().equals(command)).findFirst();
  }

  /** Commands that mix losses, for a sentence. */
  static String mixing() {
    return ALL.stream()
        .filter(Algorithm::mixesLosses)
        .map(Algorithm::command)
        .collect(Collectors.joining(" and "));
  }
}
