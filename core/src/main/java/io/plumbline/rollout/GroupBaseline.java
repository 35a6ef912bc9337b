package io.plumbline.rollout;

import io.plumbline.advantage.Advantages;
import io.plumbline.advantage.Advantages.TokenStep;
import io.plumbline.collective.Collective;
import io.plumbline.rollout.Phase.Kept;
import io.plumbline.rollout.RolloutSampler.Group;
import java.nio.DoubleBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Completions are compared with the others of their prompt: GRPO and RLOO.
 *
 * @param settings how rewards become advantages
 */
record GroupBaseline(Advantages.Settings settings) implements Credit {
  /** Advantages of the steps, weighted and summed over functions. */
  @Override
  public List<double[]> ofSteps(Group group, RolloutSampler sampler) {
    int[] lengths =
        group.generations().stream().mapToInt(written -> written.tokens().length).toArray();
    List<double[]> total = List.of();
    for (int f = 0; f < sampler.rewards().names().size(); f++) {
      List<List<TokenStep>> steps = new ArrayList<>();
      for (int i = 0; i < group.size(); i++) {
        steps.add(steps(group, i, f, sampler));
      }
      if (steps.stream().allMatch(List::isEmpty)) {
        continue;
      }
      List<double[]> found = Advantages.ofSteps(steps, lengths);
      double weight = sampler.rewards().weights()[f];
      if (total.isEmpty()) {
        total = Arrays.stream(lengths).mapToObj(double[]::new).toList();
      }
      for (int i = 0; i < lengths.length; i++) {
        for (int t = 0; t < lengths[i]; t++) {
          total.get(i)[t] += weight * found.get(i)[t];
        }
      }
    }
    return total;
  }

  private static List<TokenStep> steps(Group group, int i, int function, RolloutSampler sampler) {
    return group.failed(i)
        ? List.of()
        : group.scores().get(i).steps().get(function).stream()
            .map(
                step ->
                    new TokenStep(
                        sampler.tokensUpTo(group.completions().get(i), step.end()), step.value()))
            .toList();
  }

  /** Rewards, less what costs and the distance to the reference take off, against the group's. */
  @Override
  public Optional<Advantages> compare(PhaseTable table, Worth worth) {
    double[] rewards = worth.rewardWeights();
    double[] costs = worth.constraints().weights();
    double restraint = worth.restraint(table);
    double klCharge =
        worth.settings().distance().klIn() == Rollouts.KlIn.REWARD ? -worth.kl().coefficient() : 0;
    double[] weights =
        DoubleBuffer.allocate(rewards.length + costs.length + 3)
            .put(rewards)
            .put(costs)
            .put(1)
            .put(klCharge)
            .array();
    for (int s = 0; s < weights.length; s++) {
      weights[s] *= 1 - restraint;
    }
    weights[weights.length - 1] = -restraint;
    double[][] scores =
        table.rows().stream()
            .map(row -> scores(row, rewards.length, weights.length))
            .toArray(double[][]::new);
    return Optional.of(Advantages.of(scores, weights, table.groupSize(), settings));
  }

  /** What a completion's weights count: NaN throughout where no reward function says anything. */
  private static double[] scores(CompletionNumbers row, int rewards, int width) {
    double[] scores =
        DoubleBuffer.allocate(width)
            .put(row.scores())
            .put(row.overlong())
            .put(row.klCharge())
            .put(row.logRatio())
            .array();
    if (row.isFailed() || Arrays.stream(scores, 0, rewards).allMatch(Double::isNaN)) {
      Arrays.fill(scores, Double.NaN);
    }
    return scores;
  }

  @Override
  public List<GroupCredit> credit(
      Phase phase, List<Kept> own, Worth worth, GroupRows passes, Collective collective) {
    return own.stream().map(kept -> credit(kept, worth)).toList();
  }

  /** The completion's advantage at each token, and those of its steps. */
  private static GroupCredit credit(Kept kept, Worth worth) {
    Group group = kept.group();
    double[] all = kept.round().compared().orElseThrow().advantages();
    List<double[]> byToken = new ArrayList<>();
    boolean[] learned = new boolean[group.size()];
    for (int i = 0; i < group.size(); i++) {
      double[] tokens = new double[group.generations().get(i).tokens().length];
      Arrays.fill(tokens, all[kept.place().group() * group.size() + i]);
      if (!kept.ofSteps().isEmpty()) {
        for (int t = 0; t < tokens.length; t++) {
          tokens[t] += kept.ofSteps().get(i)[t];
        }
      }
      byToken.add(tokens);
      learned[i] = worth.counts(group.generations().get(i));
    }
    return new GroupCredit(byToken, List.of(), List.of(), learned);
  }

  @Override
  public Map<String, Double> metrics(Phase phase, Worth worth) {
    double equal =
        phase.rounds().stream()
            .map(round -> round.compared().orElseThrow().zeroSpread())
            .flatMapToDouble(
                zero -> IntStream.range(0, zero.length).mapToDouble(g -> zero[g] ? 1 : 0))
            .average()
            .orElse(0);
    return Map.of("frac_reward_zero_std", equal);
  }
}
