package io.plumbline.spark.training;

import io.plumbline.advantage.Advantages;
import io.plumbline.objective.rollout.GrpoSettings;
import java.io.Serializable;
import java.util.List;
import java.util.Optional;

/**
 * How an algorithm that learns from its own completions samples and scores them, and what holds it
 * back. Names are TRL's where TRL has them.
 *
 * @param rewards reward functions, as {@code --reward} has them
 * @param costs cost functions with their limits, as {@code --cost} has them
 * @param numGenerations completions of a prompt
 * @param maxCompletionLength greatest length of a completion, in tokens
 * @param topK draws from so many tokens; 0 from all
 * @param stop texts that end a completion
 * @param stepsPerGeneration updates that one pass over a phase's rollouts makes
 * @param numIterations passes over a phase's rollouts
 * @param truncated what becomes of completions that reached the greatest length
 * @param overlongCache tokens before the greatest length from which on length costs reward; 0 for
 *     none
 * @param dynamicSampling how often prompts are sampled, at most, until enough groups differ in
 *     reward; 1 to take groups as they are
 * @param curriculumPool of how many times the prompts that are wanted those are chosen that teach
 *     most; 1 to take prompts as they come
 * @param maxFailedRewards rewards that may fail in all; negative where the share counts
 * @param maxFailedRewardsShare share of a phase's rewards that may fail
 * @param evalGenerations completions of a held-out prompt
 * @param klIn where the distance to the reference is charged
 * @param klTarget nats a completion that an adaptive coefficient steers to; 0 for a fixed one
 * @param klHorizon completions over which an adaptive coefficient moves
 * @param klBudget nats a completion over which updates lower the distance and nothing else; 0 for
 *     no budget
 * @param maxUpdateKl nats a token over which further updates on the same rollouts are left out; 0
 *     for no such limit
 * @param costLearningRate of the Lagrange multipliers
 * @param loss the numbers of the loss
 * @param advantages how rewards become advantages
 * @param topEntropyQuantile share of the tokens, those of the highest entropy, that are learned
 *     from
 * @param critic what completions are compared with, one; none to compare them within their group
 */
public record RolloutSettings(
    List<String> rewards,
    List<String> costs,
    int numGenerations,
    int maxCompletionLength,
    double temperature,
    double topP,
    int topK,
    double minP,
    double repetitionPenalty,
    List<String> stop,
    int stepsPerGeneration,
    int numIterations,
    TruncatedCompletions truncated,
    int overlongCache,
    int dynamicSampling,
    int curriculumPool,
    long maxFailedRewards,
    double maxFailedRewardsShare,
    int evalGenerations,
    KlCharge klIn,
    double klTarget,
    double klHorizon,
    double klBudget,
    double maxUpdateKl,
    double costLearningRate,
    GrpoSettings loss,
    Advantages.Settings advantages,
    double topEntropyQuantile,
    List<CriticSettings> critic)
    implements Serializable {

  /** The clipped policy gradient of PPO: a mean over the tokens of the batch. */
  public static final String PPO_LOSS = "bnpo";

  public RolloutSettings {
    rewards = List.copyOf(rewards);
    costs = List.copyOf(costs);
    stop = List.copyOf(stop);
    critic = List.copyOf(critic);
  }

  /** What becomes of completions that were cut off. */
  public enum TruncatedCompletions {
    LEARNED,
    /** TRL's mask_truncated_completions. */
    MASKED
  }

  /** Where the distance to the reference is charged. */
  public enum KlCharge {
    LOSS,
    REWARD
  }

  /** The critic's settings, of an algorithm that has one. */
  Optional<CriticSettings> withCritic() {
    return critic.stream().findFirst();
  }

  /** Updates that learn from one phase of rollouts. */
  int stepsPerPhase() {
    return stepsPerGeneration * numIterations;
  }
}
