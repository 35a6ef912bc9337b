package io.plumbline.train;

import io.plumbline.collective.Collective;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm;
import io.plumbline.model.Generation;
import io.plumbline.model.Generation.Finish;
import io.plumbline.model.SamplingSettings;
import io.plumbline.reward.RewardPanel;
import io.plumbline.statistics.Moments;
import io.plumbline.train.RolloutSampler.Group;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What completions of held-out prompts score. The draws are the same at each evaluation, whatever
 * the world size.
 *
 * @param reference for the distance to it; empty where there is none
 * @param mostTokens of a group in one forward pass of the reference
 */
public record HeldOutRewards(
    RolloutSampler sampler,
    Optional<CausalLm> reference,
    SamplingSettings sampling,
    int mostTokens,
    CanonicalShards held,
    Collective collective,
    TrainingObserver observer)
    implements Evaluation {
  private static final int LENGTH = 0;
  private static final int CUT_OFF = 1;
  private static final int LOG_RATIO = 2;
  private static final int FAILED = 3;
  private static final int REWARDS = 4;

  @Override
  public Map<String, Double> run() {
    List<double[]> own = new ArrayList<>();
    try (CanonicalShards.StepReader reader =
        held.reader(collective.rank(), collective.worldSize(), 0)) {
      for (long step = 0; step < held.plan().steps(); step++) {
        observer.checkInterrupted();
        Evaluation.tell(observer, collective, held.plan(), step);
        List<TokenizedRow> rows = reader.next();
        long[] keys = rows.stream().mapToLong(TokenizedRow::index).toArray();
        add(sampler.sample(rows, keys, sampling), own);
      }
    }
    return metrics(RolloutTable.gather(collective, 1, REWARDS + sampler.functions(), own));
  }

  private void add(List<Group> groups, List<double[]> own) {
    Optional<List<List<float[]>>> referenceLogps =
        reference.map(
            model ->
                new GroupRows(sampling.temperature(), mostTokens, observer).logps(model, groups));
    for (int g = 0; g < groups.size(); g++) {
      Group group = groups.get(g);
      for (int i = 0; i < group.size(); i++) {
        Generation written = group.generations().get(i);
        double[] row = new double[REWARDS + sampler.functions()];
        row[LENGTH] = written.tokens().length;
        row[CUT_OFF] = written.finish() == Finish.LENGTH ? 1 : 0;
        if (referenceLogps.isPresent()) {
          row[LOG_RATIO] =
              CountedTokens.sum(written.logps())
                  - CountedTokens.sum(referenceLogps.get().get(g).get(i));
        }
        row[FAILED] = group.failed(i) ? 1 : 0;
        group.putScores(i, row, REWARDS);
        own.add(row);
      }
    }
  }

  private Map<String, Double> metrics(RolloutTable table) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    List<String> names = sampler.rewards().names();
    double[] weights = sampler.rewards().weights();
    double[] rewards =
        Arrays.stream(table.rows())
            .mapToDouble(row -> RewardPanel.weighted(row, REWARDS, weights))
            .toArray();
    metrics.put("reward", Moments.of(rewards).mean());
    metrics.put("reward_std", Moments.of(rewards).deviation());
    for (int f = 0; f < names.size(); f++) {
      metrics.put("rewards/" + names.get(f) + "/mean", mean(table, REWARDS + f));
    }
    List<String> costs = sampler.costs().names();
    for (int c = 0; c < costs.size(); c++) {
      metrics.put("costs/" + costs.get(c) + "/mean", mean(table, REWARDS + names.size() + c));
    }
    if (reference.isPresent()) {
      metrics.put("objective/kl", mean(table, LOG_RATIO));
    }
    metrics.put("completions/mean_length", mean(table, LENGTH));
    metrics.put("completions/clipped_ratio", mean(table, CUT_OFF));
    metrics.put("rewards/failed", Arrays.stream(table.column(FAILED)).sum());
    return metrics;
  }

  private static double mean(RolloutTable table, int column) {
    return Moments.of(table.column(column)).mean();
  }
}
