package io.plumbline.objective.rollout;

/** The loss of a completion that is a whole batch. */
public final class LoneRollout {
  private LoneRollout() {}

  /**
   * The entropy bonus is taken over the completion as if it were the whole batch: with {@link
   * RolloutObjective.Normalization#TOKENS} and no threshold the mean over the batch's tokens all
   * the same, with {@link RolloutObjective.Normalization#SEQUENCES} a mean over completions of each
   * one's mean, as TRL has it where a process holds one completion at a time.
   */
  public static RolloutLoss loss(
      RolloutObjective objective, RolloutLogps rollout, double entropyThreshold) {
    int learned = 0;
    for (int t = 0; t < rollout.length(); t++) {
      learned += rollout.counts(t) && rollout.entropies()[t] >= entropyThreshold ? 1 : 0;
    }
    double normalizer =
        switch (objective.normalization()) {
          case SEQUENCES -> 1;
          case TOKENS -> Math.max(1, rollout.tokens());
          case SEQUENCES_TIMES_MAX_LENGTH ->
              ((PolicyGradient) objective).settings().maxCompletionLength();
        };
    return objective.loss(rollout, entropyThreshold, normalizer / Math.max(1, learned));
  }
}
