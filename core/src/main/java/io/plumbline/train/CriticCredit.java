package io.plumbline.train;

import io.plumbline.advantage.GeneralizedAdvantage;
import io.plumbline.advantage.GeneralizedAdvantage.Estimates;
import io.plumbline.collective.Collective;
import io.plumbline.model.ActorCritic;
import io.plumbline.model.Generation;
import io.plumbline.model.Generation.Finish;
import io.plumbline.objective.rollout.KlEstimator;
import io.plumbline.reward.TokenRewards;
import io.plumbline.reward.TokenRewards.End;
import io.plumbline.train.RolloutSampler.Group;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What tokens are learned for where a critic says what was to be expected: rewards by token, the
 * critic's values, and generalized advantages of these, whitened over the whole gang.
 */
public final class CriticCredit {
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

  /**
   * A group to learn from. Lists are by completion.
   *
   * @param reference log-probabilities by token; empty without a reference
   * @param scores of the whole completions; NaN for those that nothing is learned from
   * @param steps what tokens earn besides; empty for nothing
   */
  record Scored(Group group, List<float[]> reference, double[] scores, List<double[]> steps) {
    boolean learned(int completion) {
      return !Double.isNaN(scores[completion]);
    }
  }

  private final Settings settings;
  private final ActorCritic model;

  /** Asks the critic of a model for its values. */
  public CriticCredit(Settings settings, ActorCritic model) {
    this.settings = settings;
    this.model = model;
  }

  /**
   * The score of a whole completion, before costs: its rewards scaled and clipped, less the penalty
   * of one that does not end.
   */
  double score(double rewards, End end) {
    double scaled = settings.rewardScale() * rewards;
    double clipped = Math.max(-settings.rewardClip(), Math.min(settings.rewardClip(), scaled));
    return clipped - (end == End.CUT_OFF ? settings.missingEosPenalty() : 0);
  }

  /** What a reward within a completion is multiplied with. */
  double rewardScale() {
    return settings.rewardScale();
  }

  static End end(Generation written) {
    return written.finish() == Finish.LENGTH ? End.CUT_OFF : End.ENDED;
  }

  /**
   * Credits this rank's groups; every rank takes part, also without any.
   *
   * @param klCoefficient β of the charge on each token
   * @return in the order of the groups; returns of nothing where nothing is learned
   */
  List<Credit> credit(
      List<Scored> own,
      GroupRows passes,
      KlEstimator estimator,
      double klCoefficient,
      Collective collective) {
    List<List<float[]>> values =
        passes.each(own.stream().map(Scored::group).toList(), model::values);
    TokenRewards tokenRewards = new TokenRewards(estimator, klCoefficient);
    // By completion of all groups, one behind the other; those not learned from are left out.
    List<double[]> rewards = new ArrayList<>();
    List<float[]> expected = new ArrayList<>();
    for (int g = 0; g < own.size(); g++) {
      Scored scored = own.get(g);
      for (int i = 0; i < scored.group().size(); i++) {
        if (scored.learned(i)) {
          Generation written = scored.group().generations().get(i);
          rewards.add(
              tokenRewards.of(
                  written.logps(),
                  scored.reference().isEmpty() ? new float[0] : scored.reference().get(i),
                  scored.steps().isEmpty() ? new double[0] : scored.steps().get(i),
                  scored.scores()[i],
                  end(written)));
          expected.add(values.get(g).get(i));
        }
      }
    }
    if (settings.whitenRewards() == RewardWhitening.ON) {
      Whitening whitening = Whitening.over(collective, rewards);
      rewards.replaceAll(of -> whitening.of(of, Whitening.Mean.KEPT));
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
    List<Credit> credits = new ArrayList<>();
    int next = 0;
    for (int g = 0; g < own.size(); g++) {
      List<double[]> byToken = new ArrayList<>();
      List<double[]> returns = new ArrayList<>();
      boolean[] learned = new boolean[own.get(g).group().size()];
      for (int i = 0; i < learned.length; i++) {
        learned[i] = own.get(g).learned(i);
        if (learned[i]) {
          byToken.add(whitening.of(advantages.get(next), Whitening.Mean.REMOVED));
          returns.add(estimates.get(next).returns());
          next++;
        } else {
          byToken.add(new double[values.get(g).get(i).length - 1]);
          returns.add(new double[0]);
        }
      }
      credits.add(new Credit(byToken, values.get(g), returns, learned));
    }
    return credits;
  }
}
