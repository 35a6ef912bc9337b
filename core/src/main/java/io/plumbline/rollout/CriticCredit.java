package io.plumbline.rollout;

import io.plumbline.advantage.Advantages;
import io.plumbline.advantage.GeneralizedAdvantage;
import io.plumbline.advantage.GeneralizedAdvantage.Estimates;
import io.plumbline.collective.Collective;
import io.plumbline.model.ActorCritic;
import io.plumbline.reward.TokenRewards;
import io.plumbline.reward.TokenRewards.End;
import io.plumbline.rollout.Phase.Kept;
import io.plumbline.rollout.RolloutSampler.Group;
import io.plumbline.statistics.Moments;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What tokens are learned for where a critic says what was to be expected: rewards by token, the
 * critic's values, and generalized advantages of these, whitened over the whole gang.
 */
public final class CriticCredit implements Credit {
  /**
   * @param whitenRewards whether rewards are scaled to variance 1 before anything else: TRL's
   *     {@code whiten_rewards}
   * @param rewardScale what a completion's weighted rewards are multiplied with, first
   * @param rewardClip how far from 0 they may be then; infinite for no limit
   * @param missingEosPenalty what a completion that was cut off loses: TRL's {@code
   *     missing_eos_penalty}
   */
  public record Settings(
      GeneralizedAdvantage advantage,
      RewardWhitening whitenRewards,
      double rewardScale,
      double rewardClip,
      double missingEosPenalty) {}

  /** Whether rewards are scaled to variance 1. */
  public enum RewardWhitening {
    OFF,
    ON
  }

  private final Settings settings;
  private final ActorCritic model;

  /** Asks the critic of a model for its values. */
  public CriticCredit(Settings settings, ActorCritic model) {
    this.settings = settings;
    this.model = model;
  }

  /** The shares of a function's steps in its reward, each at the step's last token. */
  @Override
  public List<double[]> ofSteps(Group group, RolloutSampler sampler) {
    List<double[]> total =
        group.generations().stream().map(written -> new double[written.tokens().length]).toList();
    boolean any = false;
    for (int i = 0; i < group.size(); i++) {
      for (int f = 0; f < sampler.rewards().names().size() && !group.failed(i); f++) {
        var steps = group.scores().get(i).steps().get(f);
        double share = settings.rewardScale() * sampler.rewards().weights()[f] / steps.size();
        for (var step : steps) {
          int at = sampler.tokensUpTo(group.completions().get(i), step.end()) - 1;
          total.get(i)[Math.max(0, at)] += share * step.value();
          any = true;
        }
      }
    }
    return any ? total : List.of();
  }

  /** The critic is what completions are compared with, once it is known which are kept. */
  @Override
  public Optional<Advantages> compare(PhaseTable table, Worth worth) {
    return Optional.empty();
  }

  /**
   * What is learned from a group. Lists are by completion.
   *
   * @param scores of the whole completions; NaN for those that nothing is learned from
   * @param steps what tokens earn besides; empty for nothing
   */
  private record Scored(Group group, double[] scores, List<double[]> steps) {
    boolean isLearned(int completion) {
      return !Double.isNaN(scores[completion]);
    }
  }

  @Override
  public List<GroupCredit> credit(
      Phase phase, List<Kept> own, Worth worth, GroupRows passes, Collective collective) {
    double restraint = worth.restraint(phase.rounds().get(0).table());
    List<Scored> scored = own.stream().map(kept -> scored(kept, worth, 1 - restraint)).toList();
    TokenRewards tokenRewards =
        new TokenRewards(
            worth.settings().distance().klEstimator(),
            (1 - restraint) * worth.kl().coefficient() + restraint);
    return credit(scored, tokenRewards, passes, collective);
  }

  /**
   * @param share of what is learned that is not to bring the policy back to the reference
   */
  private Scored scored(Kept kept, Worth worth, double share) {
    Group group = kept.group();
    double[] scores = new double[group.size()];
    for (int i = 0; i < scores.length; i++) {
      double inSteps = inSteps(kept, i, worth);
      scores[i] =
          worth.counts(group.generations().get(i))
              ? share * score(kept.numbers(i), inSteps, worth)
              : Double.NaN;
    }
    return new Scored(
        group,
        scores,
        kept.ofSteps().stream()
            .map(byToken -> Arrays.stream(byToken).map(v -> share * v).toArray())
            .toList());
  }

  /** The part of a completion's weighted rewards that its steps earn. */
  private static double inSteps(Kept kept, int i, Worth worth) {
    double[] weights = worth.rewardWeights();
    double sum = 0;
    for (int f = 0; f < weights.length && !kept.group().failed(i); f++) {
      if (!kept.group().scores().get(i).steps().get(f).isEmpty()) {
        sum += weights[f] * kept.numbers(i).scores()[f];
      }
    }
    return sum;
  }

  /**
   * The score of a whole completion: its rewards scaled and clipped, less the penalty of one that
   * does not end, less costs and penalties. NaN where a function failed or none said anything.
   *
   * @param inSteps weighted rewards that come earlier
   */
  private double score(CompletionNumbers row, double inSteps, Worth worth) {
    double rewards = worth.reward(row);
    if (row.isFailed() || Double.isNaN(rewards)) {
      return Double.NaN;
    }
    double scaled = settings.rewardScale() * (rewards - inSteps);
    double clipped = Math.max(-settings.rewardClip(), Math.min(settings.rewardClip(), scaled));
    return clipped
        - (row.isCutOff() ? settings.missingEosPenalty() : 0)
        + row.overlong()
        - worth.constraints().charge(row.scores(), worth.rewardWeights().length);
  }

  private List<GroupCredit> credit(
      List<Scored> own, TokenRewards tokenRewards, GroupRows passes, Collective collective) {
    List<List<float[]>> values =
        passes.each(own.stream().map(Scored::group).toList(), model::values);
    // By completion of all groups, one behind the other; those not learned from are left out.
    List<double[]> rewards = new ArrayList<>();
    List<float[]> expected = new ArrayList<>();
    for (int g = 0; g < own.size(); g++) {
      Scored scored = own.get(g);
      for (int i = 0; i < scored.group().size(); i++) {
        if (scored.isLearned(i)) {
          rewards.add(rewards(scored, i, tokenRewards));
          expected.add(values.get(g).get(i));
        }
      }
    }
    if (settings.whitenRewards() == RewardWhitening.ON) {
      Whitening whitening = Whitening.over(collective, rewards);
      rewards.replaceAll(row -> whitening.of(row, Whitening.Mean.KEPT));
    }
    List<Estimates> estimates = new ArrayList<>();
    List<double[]> advantages = new ArrayList<>();
    for (int i = 0; i < rewards.size(); i++) {
      Estimates found = settings.advantage().of(rewards.get(i), expected.get(i));
      int tokens = expected.get(i).length - 1;
      estimates.add(found);
      advantages.add(Arrays.copyOf(found.advantages(), tokens));
    }
    Whitening whitening = Whitening.over(collective, advantages);
    List<GroupCredit> credits = new ArrayList<>();
    int next = 0;
    for (int g = 0; g < own.size(); g++) {
      List<double[]> byToken = new ArrayList<>();
      List<double[]> returns = new ArrayList<>();
      boolean[] learned = new boolean[own.get(g).group().size()];
      for (int i = 0; i < learned.length; i++) {
        learned[i] = own.get(g).isLearned(i);
        if (learned[i]) {
          byToken.add(whitening.of(advantages.get(next), Whitening.Mean.REMOVED));
          returns.add(estimates.get(next).returns());
          next++;
        } else {
          byToken.add(new double[values.get(g).get(i).length - 1]);
          returns.add(new double[0]);
        }
      }
      credits.add(new GroupCredit(byToken, values.get(g), returns, learned));
    }
    return credits;
  }

  /** Rewards of a completion by token, and of the state behind its end. */
  private static double[] rewards(Scored scored, int i, TokenRewards tokenRewards) {
    Group group = scored.group();
    return tokenRewards.of(
        group.generations().get(i).logps(),
        group.reference().isEmpty() ? new float[0] : group.reference().get(i),
        scored.steps().isEmpty() ? new double[0] : scored.steps().get(i),
        scored.scores()[i],
        group.isCutOff(i) ? End.CUT_OFF : End.ENDED);
  }

  /** What TRL's PPO trainer reports of its rollouts. */
  @Override
  public Map<String, Double> metrics(Phase phase, Worth worth) {
    double score = Moments.of(phase.column(row -> score(row, 0, worth))).mean();
    double charge =
        -worth.kl().coefficient() * Moments.of(phase.column(CompletionNumbers::klCharge)).mean();
    double[] cutOff = phase.column(CompletionNumbers::cutOff);
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("objective/scores", score);
    metrics.put("objective/non_score_reward", charge);
    metrics.put("objective/rlhf_reward", score + charge);
    metrics.put("objective/entropy", Moments.of(phase.column(CompletionNumbers::surprise)).mean());
    metrics.put("val/num_eos_tokens", cutOff.length - Arrays.stream(cutOff).sum());
    metrics.put("episode", (double) worth.settings().completionsAfter(phase.step()));
    return metrics;
  }
}
