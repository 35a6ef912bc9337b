package io.plumbline.rollout;

import io.plumbline.data.CanonicalShards;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.SamplingSettings;
import io.plumbline.reward.RewardPanel;
import io.plumbline.rollout.RolloutSampler.Group;
import io.plumbline.statistics.Moments;
import io.plumbline.train.Evaluation;
import io.plumbline.train.Rank;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * What completions of held-out prompts score. The draws are the same at each evaluation, whatever
 * the world size.
 *
 * @param mostTokens of a group in one forward pass of the reference
 */
public record HeldOutRewards(
    RolloutSampler sampler,
    SamplingSettings sampling,
    int mostTokens,
    CanonicalShards held,
    Rank rank)
    implements Evaluation {

  @Override
  public Map<String, Double> run() {
    GroupRows passes = new GroupRows(sampling.temperature(), mostTokens, rank.observer());
    List<CompletionNumbers> own = new ArrayList<>();
    Evaluation.eachStep(
        held,
        rank,
        rows -> {
          long[] keys = rows.stream().mapToLong(TokenizedRow::index).toArray();
          for (Group group : sampler.sample(rows, keys, sampling, passes)) {
            for (int i = 0; i < group.size(); i++) {
              own.add(CompletionNumbers.of(group, i));
            }
          }
        });
    return metrics(PhaseTable.gather(rank.collective(), 1, sampler.functions(), own));
  }

  private Map<String, Double> metrics(PhaseTable table) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    List<String> names = sampler.rewards().names();
    double[] weights = sampler.rewards().weights();
    double[] rewards = table.column(row -> RewardPanel.weighted(row.scores(), 0, weights));
    metrics.put("reward", Moments.of(rewards).mean());
    metrics.put("reward_std", Moments.of(rewards).deviation());
    for (int f = 0; f < names.size(); f++) {
      metrics.put("rewards/" + names.get(f) + "/mean", mean(table, score(f)));
    }
    List<String> costs = sampler.costs().names();
    for (int c = 0; c < costs.size(); c++) {
      metrics.put("costs/" + costs.get(c) + "/mean", mean(table, score(names.size() + c)));
    }
    if (sampler.reference().isPresent()) {
      metrics.put("objective/kl", mean(table, CompletionNumbers::logRatio));
    }
    metrics.put("completions/mean_length", mean(table, CompletionNumbers::length));
    metrics.put("completions/clipped_ratio", mean(table, CompletionNumbers::cutOff));
    metrics.put("rewards/failed", Arrays.stream(table.column(CompletionNumbers::failed)).sum());
    return metrics;
  }

  private static ToDoubleFunction<CompletionNumbers> score(int function) {
    return row -> row.scores()[function];
  }

  private static double mean(PhaseTable table, ToDoubleFunction<CompletionNumbers> number) {
    return Moments.of(table.column(number)).mean();
  }
}
