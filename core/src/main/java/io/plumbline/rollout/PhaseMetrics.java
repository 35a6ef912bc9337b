package io.plumbline.rollout;

import io.plumbline.statistics.Moments;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** What is reported of all rollouts of a phase, also of those not learned from. TRL's names. */
final class PhaseMetrics {
  private PhaseMetrics() {}

  /**
   * @param ofCredit what the comparison reports
   */
  static Map<String, Double> of(Phase phase, Worth worth, Map<String, Double> ofCredit) {
    RolloutSampler sampler = worth.sampler();
    Rollouts.Settings settings = worth.settings();
    Map<String, Double> metrics = new LinkedHashMap<>();
    Moments rewards = Moments.of(phase.column(worth::reward));
    metrics.put("reward", rewards.mean());
    metrics.put("reward_std", rewards.deviation());
    List<String> names = sampler.rewards().names();
    for (int f = 0; f < names.size(); f++) {
      int function = f;
      Moments moments = Moments.of(phase.column(row -> row.scores()[function]));
      metrics.put("rewards/" + names.get(f) + "/mean", moments.mean());
      metrics.put("rewards/" + names.get(f) + "/std", moments.deviation());
    }
    metrics.putAll(ofCredit);
    double[] lengths = phase.column(CompletionNumbers::length);
    double[] cutOff = phase.column(CompletionNumbers::cutOff);
    double[] ended =
        IntStream.range(0, lengths.length)
            .filter(i -> cutOff[i] == 0)
            .mapToDouble(i -> lengths[i])
            .toArray();
    lengths(metrics, "completions/%s_length", lengths);
    lengths(metrics, "completions/%s_terminated_length", ended);
    metrics.put("completions/clipped_ratio", Moments.of(cutOff).mean());
    if (sampler.reference().isPresent()) {
      metrics.put("objective/kl", Moments.of(phase.column(CompletionNumbers::logRatio)).mean());
      metrics.put("kl_coef", worth.kl().coefficient());
    }
    if (Double.isFinite(settings.distance().klBudget().limit())) {
      boolean over = phase.rounds().stream().anyMatch(r -> worth.isOverBudget(r.table()));
      metrics.put("kl_over_budget", over ? 1.0 : 0.0);
    }
    metrics.putAll(worth.constraints().metrics());
    metrics.put("rewards/failed", Arrays.stream(phase.column(CompletionNumbers::failed)).sum());
    if (settings.schedule().rounds() > 1) {
      metrics.put("sampling/rounds", (double) phase.rounds().size());
    }
    return metrics;
  }

  private static void lengths(Map<String, Double> metrics, String name, double[] lengths) {
    metrics.put(String.format(name, "mean"), Arrays.stream(lengths).average().orElse(0));
    metrics.put(String.format(name, "min"), Arrays.stream(lengths).min().orElse(0));
    metrics.put(String.format(name, "max"), Arrays.stream(lengths).max().orElse(0));
  }
}
