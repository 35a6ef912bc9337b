package io.plumbline.spark.training;

import java.io.Serializable;
import java.util.List;

/**
 * What an algorithm with a critic has besides. Names are those of TRL's PPO trainer where it has
 * them.
 *
 * @param model what a critic of its own trunk starts from: a reward model, or a language model
 *     under a fresh head; empty for one on the policy's trunk
 * @param trunk whose hidden states the critic reads
 * @param gamma discount of a token's distance
 * @param lam λ of generalized advantages
 * @param cliprangeValue how far a value may move from what it was
 * @param vfCoef weight of the critic's loss
 * @param whitenRewards whether rewards are scaled to variance 1
 * @param rewardScale what rewards are multiplied with, first
 * @param rewardClip how far from 0 they may be then; infinite for no limit
 * @param missingEosPenalty what a completion loses that was cut off
 * @param ptxData pretraining rows that each update learns besides; empty for none
 * @param ptxCoef their weight
 * @param ptxMaxLength they are cut to so many tokens
 */
public record CriticSettings(
    String model,
    Trunk trunk,
    double gamma,
    double lam,
    double cliprangeValue,
    double vfCoef,
    RewardScaling whitenRewards,
    double rewardScale,
    double rewardClip,
    double missingEosPenalty,
    List<String> ptxData,
    double ptxCoef,
    int ptxMaxLength)
    implements Serializable {

  public CriticSettings {
    ptxData = List.copyOf(ptxData);
  }

  /** Whose hidden states a critic reads. */
  public enum Trunk {
    OWN,
    /** The policy's, which learns for both. */
    SHARED
  }

  /** Whether rewards are scaled by what a phase's are. */
  public enum RewardScaling {
    AS_THEY_ARE,
    WHITENED
  }

  /** Whether updates learn pretraining rows too. */
  boolean mixes() {
    return !ptxData.isEmpty();
  }
}
