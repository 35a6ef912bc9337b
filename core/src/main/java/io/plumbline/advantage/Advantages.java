package io.plumbline.advantage;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.statistics.Moments;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * How much better completions are than others of the same prompt. A pure function of the scores of
 * a whole batch, in which the completions of a prompt, a group, stand side by side.
 *
 * <p>Numbers are those of TRL's GRPO and RLOO trainers: deviations have n − 1 in the denominator,
 * 1e-4 is added to what divides, and a completion of which no function said anything is left out of
 * every mean and deviation.
 *
 * @param advantages by completion; 0 where it is unscorable, or has no other of its group to be
 *     compared with
 * @param rewards by completion the weighted sum of its scores; NaN where it is unscorable
 * @param groupDeviations by group the deviation of its rewards; 0 where fewer than two are known
 * @param zeroSpread by group what TRL's {@code frac_reward_zero_std} is the mean of: whether the
 *     deviation that it compares with is 0. That is the batch's, the same for every group, where
 *     the batch's divides; and a group with fewer than two known rewards has none that could be 0.
 *     To tell which groups have something to learn from, ask {@link #teaches}.
 * @param unscorable by completion whether no function said anything of it
 */
public record Advantages(
    double[] advantages,
    double[] rewards,
    double[] groupDeviations,
    boolean[] zeroSpread,
    boolean[] unscorable) {
  /** Added to a deviation that divides. */
  private static final double EPSILON = 1e-4;

  /** The greatest value that counts as 0: that of torch.isclose. */
  private static final double ZERO = 1e-8;

  /** What rewards are divided by: TRL's {@code scale_rewards}. */
  public enum Scale {
    /** The deviation of the group (Shao et al. 2024, DeepSeekMath, section 4.1.2). */
    GROUP,
    /**
     * The deviation of the batch (Liu et al. 2025, arXiv 2508.08221); with a leave-one-out baseline
     * TRL's {@code normalize_advantages}.
     */
    BATCH,
    /** Nothing (Liu et al. 2025, Dr. GRPO, arXiv 2503.20783). */
    NONE
  }

  /** How the scores of several functions become one: TRL's {@code multi_objective_aggregation}. */
  public enum Aggregation {
    SUM_THEN_NORMALIZE,
    /**
     * The scores of each function are normalised in the group, summed, and divided by the deviation
     * of the batch (GDPO, arXiv 2601.05242).
     */
    NORMALIZE_THEN_SUM
  }

  /** What a reward is compared with. */
  public enum Baseline {
    GROUP_MEAN,
    /** The mean of the others of the group (Ahmadian et al. 2024, RLOO, arXiv 2402.14740). */
    LEAVE_ONE_OUT
  }

  /** How rewards become advantages. */
  @Heading("Loss and advantages")
  public record Settings(
      @Option(
              name = "scale-rewards",
              help =
                  "What advantages are divided by: the deviation of the group's rewards, the batch's,"
                      + " or nothing. By default group; none for rloo.",
              absent = "group",
              follows = "loss-type")
          Scale scale,
      @Option(
              name = "multi-objective-aggregation",
              help = "Several rewards are summed and then normalised, or the other way round.",
              standard = "sum_then_normalize")
          Aggregation aggregation,
      @Option(
              name = "advantage-baseline",
              help =
                  "What a reward is compared with: the group's mean, or that of the group's others."
                      + " By default group_mean; leave_one_out for rloo.",
              absent = "group_mean",
              follows = "loss-type")
          Baseline baseline)
      implements Serializable {
    /**
     * @throws PlumblineException with {@link ErrorCode#BAD_USAGE} for what TRL's trainers cannot
     *     do, or would ignore
     */
    public Settings {
      boolean normalizedFirst = aggregation == Aggregation.NORMALIZE_THEN_SUM;
      if (baseline == Baseline.LEAVE_ONE_OUT && normalizedFirst) {
        throw badUsage(
            "Rewards that are normalised before they are summed are compared with the mean of"
                + " their group, not with that of the others: sum first, or take the baseline"
                + " group_mean.");
      }
      if (baseline == Baseline.LEAVE_ONE_OUT && scale == Scale.GROUP) {
        throw badUsage(
            "With a leave-one-out baseline, advantages are scaled by the batch or not at all:"
                + " choose batch or none to scale rewards, not group.");
      }
      if (normalizedFirst && scale != Scale.GROUP) {
        throw badUsage(
            "Rewards that are normalised before they are summed are scaled by their group: choose"
                + " group to scale rewards, or sum first.");
      }
    }

    /** Those of GRPO in TRL. */
    public static Settings defaults() {
      return new Settings(Scale.GROUP, Aggregation.SUM_THEN_NORMALIZE, Baseline.GROUP_MEAN);
    }
  }

  /**
   * The reward of a step of a completion.
   *
   * @param end tokens of the completion up to the end of the step
   */
  public record TokenStep(int end, double value) {}

  /**
   * Compares the completions of a batch.
   *
   * @param scores [completions][functions], a group's completions side by side; NaN where a
   *     function has nothing to say
   * @param weights by function
   * @param groupSize completions of a prompt
   * @throws PlumblineException with {@link ErrorCode#BAD_USAGE} for groups of fewer than two
   */
  public static Advantages of(
      double[][] scores, double[] weights, int groupSize, Settings settings) {
    if (groupSize < 2) {
      throw badUsage(
          String.format(
              Locale.ROOT,
              "Advantages compare completions of the same prompt, so each prompt needs at least two"
                  + " generations, not %d.",
              groupSize));
    }
    if (scores.length % groupSize != 0) {
      throw new IllegalArgumentException(
          scores.length + " completions are not groups of " + groupSize);
    }
    double[] rewards = weightedSums(scores, weights);
    Moments[] groups = byGroup(rewards, groupSize);
    double[] compared =
        settings.aggregation() == Aggregation.NORMALIZE_THEN_SUM
            ? weightedSums(normalized(scores, groupSize), weights)
            : differences(rewards, groups, settings.baseline());
    // Differences sum to 0 in every group, so the batch has no mean that is to be taken off.
    Moments spread =
        settings.baseline() == Baseline.LEAVE_ONE_OUT
                || settings.aggregation() == Aggregation.NORMALIZE_THEN_SUM
            ? Moments.of(compared)
            : Moments.of(rewards);
    boolean byBatch =
        settings.scale() == Scale.BATCH || settings.aggregation() == Aggregation.NORMALIZE_THEN_SUM;
    double[] advantages = new double[rewards.length];
    boolean[] unscorable = new boolean[rewards.length];
    for (int i = 0; i < rewards.length; i++) {
      unscorable[i] = Double.isNaN(rewards[i]);
      double divisor =
          byBatch
              ? spread.deviation() + EPSILON
              : settings.scale() == Scale.GROUP ? groups[i / groupSize].deviation() + EPSILON : 1;
      advantages[i] = Double.isNaN(compared[i]) ? 0 : compared[i] / divisor;
    }
    double[] deviations = new double[groups.length];
    boolean[] zeroSpread = new boolean[groups.length];
    for (int g = 0; g < groups.length; g++) {
      deviations[g] = groups[g].deviation();
      // RLOO looks at the group also where it divides by the batch.
      Moments looked = byBatch && settings.baseline() == Baseline.GROUP_MEAN ? spread : groups[g];
      zeroSpread[g] = looked.count() > 1 && looked.deviation() <= ZERO;
    }
    return new Advantages(advantages, rewards, deviations, zeroSpread, unscorable);
  }

  /** Whether there is anything to learn from comparing a group's completions. */
  public boolean teaches(int group) {
    int groupSize = advantages.length / zeroSpread.length;
    return Arrays.stream(advantages, group * groupSize, (group + 1) * groupSize)
        .anyMatch(advantage -> Math.abs(advantage) > ZERO);
  }

  /**
   * Advantages of process rewards (Shao et al. 2024, DeepSeekMath, section 4.1.3): step rewards are
   * normalised over all steps of the group, and a token's advantage is the sum of those of the
   * steps that end at or after it. The deviation is taken as that of {@link #of} is.
   *
   * @param steps by completion of one group; a completion may have none
   * @param lengths by completion, in tokens; a step that ends past it ends with it
   * @return by completion and token; 0 where the steps do not differ
   */
  public static List<double[]> ofSteps(List<List<TokenStep>> steps, int[] lengths) {
    Moments all =
        Moments.of(steps.stream().flatMap(List::stream).mapToDouble(TokenStep::value).toArray());
    List<double[]> advantages = new ArrayList<>();
    for (int i = 0; i < lengths.length; i++) {
      double[] tokens = new double[lengths[i]];
      for (TokenStep step : steps.get(i)) {
        int end = Math.min(step.end(), tokens.length);
        if (end > 0) {
          tokens[end - 1] += (step.value() - all.mean()) / (all.deviation() + EPSILON);
        }
      }
      for (int t = tokens.length - 2; t >= 0; t--) {
        tokens[t] += tokens[t + 1];
      }
      advantages.add(tokens);
    }
    return advantages;
  }

  /** What each reward is over its baseline; NaN where it has none. */
  private static double[] differences(double[] rewards, Moments[] groups, Baseline baseline) {
    int groupSize = rewards.length / Math.max(1, groups.length);
    double[] differences = new double[rewards.length];
    for (int i = 0; i < rewards.length; i++) {
      Moments group = groups[i / groupSize];
      differences[i] = rewards[i] - group.mean();
      if (baseline == Baseline.LEAVE_ONE_OUT) {
        // r − (Σ − r) / (n − 1) = (r − Σ / n) · n / (n − 1); a lone reward has none to be held to.
        differences[i] *= group.count() < 2 ? Double.NaN : group.count() / (group.count() - 1.0);
      }
    }
    return differences;
  }

  /** The scores of each function over the mean and by the deviation of their group. */
  private static double[][] normalized(double[][] scores, int groupSize) {
    double[][] normalized = new double[scores.length][];
    Arrays.setAll(normalized, i -> new double[scores[i].length]);
    for (int f = 0; scores.length > 0 && f < scores[0].length; f++) {
      int function = f;
      double[] ofFunction = Arrays.stream(scores).mapToDouble(row -> row[function]).toArray();
      Moments[] groups = byGroup(ofFunction, groupSize);
      for (int i = 0; i < scores.length; i++) {
        Moments group = groups[i / groupSize];
        normalized[i][f] = (ofFunction[i] - group.mean()) / (group.deviation() + EPSILON);
      }
    }
    return normalized;
  }

  private static Moments[] byGroup(double[] values, int groupSize) {
    Moments[] groups = new Moments[values.length / groupSize];
    Arrays.setAll(groups, g -> Moments.of(values, g * groupSize, (g + 1) * groupSize));
    return groups;
  }

  /** By completion, of the scores that are known; NaN where none is. */
  private static double[] weightedSums(double[][] scores, double[] weights) {
    double[] sums = new double[scores.length];
    for (int i = 0; i < sums.length; i++) {
      if (scores[i].length != weights.length) {
        throw new IllegalArgumentException(
            scores[i].length + " scores of a completion for " + weights.length + " weights");
      }
      boolean known = false;
      for (int f = 0; f < weights.length; f++) {
        if (!Double.isNaN(scores[i][f])) {
          sums[i] += weights[f] * scores[i][f];
          known = true;
        }
      }
      sums[i] = known ? sums[i] : Double.NaN;
    }
    return sums;
  }

  private static PlumblineException badUsage(String sentence) {
    return new PlumblineException(ErrorCode.BAD_USAGE, sentence);
  }
}
