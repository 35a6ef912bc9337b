package io.plumbline.train;

import io.plumbline.collective.Collective;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm;
import io.plumbline.model.Generation.Finish;
import io.plumbline.model.SamplingSettings;
import io.plumbline.rollout.Moments;
import io.plumbline.train.RolloutSampler.Group;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What completions of held-out prompts score. The draws are the same at each evaluation, whatever
 * the world size.
 *
 * @param reference for the distance to it; empty where there is none
 */
public record HeldOutRewards(
    RolloutSampler sampler,
    Optional<CausalLm> reference,
    SamplingSettings sampling,
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
        List<TokenizedRow> rows = reader.next();
        long[] keys = rows.stream().mapToLong(TokenizedRow::index).toArray();
        sampler.sample(rows, keys, sampling).forEach(group -> add(group, own));
      }
    }
    int functions = sampler.rewards().names().size() + sampler.costs().names().size();
    return metrics(RolloutTable.gather(collective, 1, REWARDS + functions, own));
  }

  private void add(Group group, List<double[]> own) {
    int functions = sampler.rewards().names().size();
    Optional<double[]> logRatios = reference.map(model -> logRatios(group, model));
    for (int i = 0; i < group.size(); i++) {
      double[] row = new double[REWARDS + functions + sampler.costs().names().size()];
      row[LENGTH] = group.generations().get(i).tokens().length;
      row[CUT_OFF] = group.generations().get(i).finish() == Finish.LENGTH ? 1 : 0;
      row[LOG_RATIO] = logRatios.isPresent() ? logRatios.get()[i] : 0;
      row[FAILED] = group.failed(i) ? 1 : 0;
      double[] rewards = group.scores().get(i).rewards();
      System.arraycopy(rewards, 0, row, REWARDS, functions);
      double[] costs = group.costs().get(i).rewards();
      System.arraycopy(costs, 0, row, REWARDS + functions, costs.length);
      own.add(row);
    }
  }

  private double[] logRatios(Group group, CausalLm model) {
    double[] ratios = new double[group.size()];
    TokenizedRow row =
        TokenizedRow.of(
            0,
            group.prompt().prompt(),
            group.generations().stream().map(written -> written.tokens()).toList(),
            List.of());
    List<float[]> reference =
        model.logps(List.of(row), Set.of(), sampling.temperature()).logps().get(0);
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] =
          CountedTokens.sum(group.generations().get(i).logps())
              - CountedTokens.sum(reference.get(i));
    }
    return ratios;
  }

  private Map<String, Double> metrics(RolloutTable table) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    List<String> names = sampler.rewards().names();
    double[] weights = sampler.rewards().weights();
    double[] rewards =
        Arrays.stream(table.rows())
            .mapToDouble(row -> RolloutTable.weighted(row, REWARDS, weights))
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
