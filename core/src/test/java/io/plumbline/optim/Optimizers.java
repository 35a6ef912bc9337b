package io.plumbline.optim;

import io.plumbline.Records;
import io.plumbline.settings.SettingsOf;
import java.util.List;
import java.util.Map;

/** Settings of optimizers for tests: what is not said has its standard value. */
public final class Optimizers {
  private Optimizers() {}

  /** What options by name make. */
  public static OptimizerSettings of(Map<String, String> options) {
    return SettingsOf.type(OptimizerSettings.class)
        .read(
            option ->
                options.containsKey(option.name())
                    ? List.of(option.reader().apply(options.get(option.name())))
                    : option.standardValues(),
            problem -> {
              throw new IllegalArgumentException(problem);
            });
  }

  /** With one learning rate from the first step to the last. */
  public static OptimizerSettings constant(double learningRate) {
    return scheduled(learningRate, Schedule.CONSTANT, 0);
  }

  /**
   * @param learningRate its peak
   */
  public static OptimizerSettings scheduled(
      double learningRate, Schedule schedule, long warmupSteps) {
    return Records.with(
        SettingsOf.type(OptimizerSettings.class).standard(),
        "learningRate",
        learningRate,
        "schedule",
        schedule,
        "warmupSteps",
        warmupSteps);
  }

  /** The same with another decay of weights. */
  public static OptimizerSettings decaying(OptimizerSettings settings, double weightDecay) {
    return Records.with(settings, "weightDecay", weightDecay);
  }
}
