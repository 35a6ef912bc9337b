package io.plumbline.statistics;

import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.function.ToDoubleFunction;

/**
 * What the best policy at a price of β a nat would reach, from completions of the reference alone.
 * The optimum of E[r] − β·KL(π‖π_ref) is π*(y|x) = π_ref(y|x)·exp(r(x, y)/β) / Z(x) with Z(x) =
 * E_ref[exp(r/β)] (Rafailov et al., 2023, arXiv:2305.18290, equation 4; Korbak et al., 2022,
 * arXiv:2205.11275). So k completions y_i ~ π_ref(·|x), weighted by w_i = exp(r_i/β), give
 *
 * <pre>
 * log Z  = log (1/k) Σ w_i
 * E*[r]  = Σ w_i r_i / Σ w_i
 * KL     = KL(π*‖π_ref) = E*[r]/β − log Z
 * ESS    = (Σ w_i)² / Σ w_i²
 * </pre>
 *
 * <p>The first three are functions of means and therefore biased by O(1/k); they are corrected by
 * the jackknife over the completions of a prompt, which also gives their sampling errors (Efron and
 * Stein, 1981; Quenouille, 1956). Where the effective sample size comes near 1 neither helps: take
 * more completions, or a larger β.
 *
 * <p>Rewards are by prompt, of each prompt those of its completions: at least two, without NaN.
 * Log-probabilities and KL are in nats, a completion.
 */
public final class Tilt {
  /** In units of the spread, for a tilt that is nearly flat; four points halve it. */
  private static final double LARGEST_BETA = 4;

  private static final int FRONTIER_POINTS = 25;
  private static final double GOLDEN = (Math.sqrt(5) - 1) / 2;
  private static final double MOST_BETA = 1e7;
  private static final double LEAST_BETA = 1e-4;
  private static final int SEARCH_STEPS = 80;

  private Tilt() {}

  /**
   * The optimum at one price.
   *
   * @param beta the price of a nat, in units of reward
   * @param logPartition log Z(x), mean over prompts
   * @param reward E*[r]
   * @param kl KL(π*‖π_ref)
   * @param effectiveSampleSize of the completions of a prompt, mean over prompts; from 1 to k
   */
  public record Optimum(
      double beta,
      Estimate logPartition,
      Estimate reward,
      Estimate kl,
      double effectiveSampleSize) {}

  /**
   * The best of n completions of the reference.
   *
   * @param reward expected reward of the best; see {@link #bestOfN} for its errors
   * @param klBound what KL(π_best‖π_ref) is at most: log n − (n − 1)/n (Beirami et al., 2024,
   *     arXiv:2401.01879)
   */
  public record BestOfN(int n, Estimate reward, double klBound) {}

  /**
   * The most reward that any policy can have at a KL.
   *
   * @param kl the policy's distance from the reference
   * @param reward E*[r] of the optimum with this KL
   * @param error standard error of {@code reward}, that of {@code kl} included
   * @param beta the price at which the optimum has this KL; 0 where {@code reach} is {@link
   *     Reach#BEYOND}, infinite where the KL is 0
   */
  public record Place(double kl, double reward, double error, double beta, Reach reach) {}

  /** Whether the completions show the frontier at a KL. */
  public enum Reach {
    WITHIN,
    /**
     * The KL is more than these completions can tell of: the reward is that of the best completion
     * of each prompt, and the frontier lies there or higher.
     */
    BEYOND
  }

  /** Log of a sum of weights, and the weighted mean of the rewards under it. */
  private record Weighted(double logSum, double mean) {
    static final Weighted NONE = new Weighted(Double.NEGATIVE_INFINITY, 0);

    Weighted plus(Weighted other) {
      if (logSum == Double.NEGATIVE_INFINITY) {
        return other;
      }
      if (other.logSum == Double.NEGATIVE_INFINITY) {
        return this;
      }
      double most = Math.max(logSum, other.logSum);
      double mine = Math.exp(logSum - most);
      double theirs = Math.exp(other.logSum - most);
      double sum = mine + theirs;
      return new Weighted(most + Math.log(sum), (mine * mean + theirs * other.mean) / sum);
    }
  }

  /** What the weights of some completions say, before any correction. */
  private record Statistics(double logPartition, double reward, double kl) {
    static Statistics of(Weighted weighted, int completions, double beta) {
      double logPartition = weighted.logSum() - Math.log(completions);
      return new Statistics(logPartition, weighted.mean(), weighted.mean() / beta - logPartition);
    }
  }

  /**
   * The optimum at a price.
   *
   * @param beta above 0
   */
  public static Optimum optimum(List<double[]> rewards, double beta) {
    check(rewards);
    if (!(beta > 0)) {
      throw new IllegalArgumentException("beta must be above 0, not " + beta);
    }
    int prompts = rewards.size();
    double[][] means = new double[3][prompts];
    double[][] errors = new double[3][prompts];
    double effective = 0;
    List<ToDoubleFunction<Statistics>> wanted =
        List.of(Statistics::logPartition, Statistics::reward, Statistics::kl);
    for (int p = 0; p < prompts; p++) {
      double[] group = rewards.get(p);
      int k = group.length;
      Weighted[] before = new Weighted[k + 1];
      Weighted[] behind = new Weighted[k + 1];
      before[0] = Weighted.NONE;
      behind[k] = Weighted.NONE;
      for (int i = 0; i < k; i++) {
        before[i + 1] = before[i].plus(new Weighted(group[i] / beta, group[i]));
        int j = k - 1 - i;
        behind[j] = behind[j + 1].plus(new Weighted(group[j] / beta, group[j]));
      }
      Statistics all = Statistics.of(before[k], k, beta);
      Statistics[] without = new Statistics[k];
      for (int i = 0; i < k; i++) {
        without[i] = Statistics.of(before[i].plus(behind[i + 1]), k - 1, beta);
      }
      for (int s = 0; s < wanted.size(); s++) {
        ToDoubleFunction<Statistics> statistic = wanted.get(s);
        Moments left = Moments.of(Arrays.stream(without).mapToDouble(statistic).toArray());
        means[s][p] = statistic.applyAsDouble(all) * k - (k - 1) * left.mean();
        // (k − 1)/k Σ (θ₋ᵢ − mean)², where the deviation has k − 1 in the denominator.
        errors[s][p] = left.deviation() * (k - 1) / Math.sqrt(k);
      }
      double logOfSquares =
          logSumExp(Arrays.stream(group).map(reward -> 2 * reward / beta).toArray());
      effective += Math.exp(2 * before[k].logSum() - logOfSquares);
    }
    return new Optimum(
        beta,
        Estimate.of(means[0], errors[0]),
        Estimate.of(means[1], errors[1]),
        Estimate.of(means[2], errors[2]),
        effective / prompts);
  }

  /**
   * The frontier of reward against KL: optima at prices from a few times the spread of the rewards,
   * where the tilt is nearly flat, down to where the best completion has nearly all weight. Empty
   * where all rewards of every prompt are the same, so that no tilt changes anything.
   */
  public static List<Optimum> frontier(List<double[]> rewards) {
    check(rewards);
    double spread = spread(rewards);
    if (spread == 0) {
      return List.of();
    }
    Optimum[] optima = new Optimum[FRONTIER_POINTS];
    for (int i = 0; i < FRONTIER_POINTS; i++) {
      optima[i] = optimum(rewards, spread * LARGEST_BETA * Math.pow(2, -i / 4.0));
    }
    return List.of(optima);
  }

  /**
   * The best of n completions, for n from 1 to the fewest that a prompt has. The reward is the mean
   * of the greatest over all subsets of n of the k completions, which is unbiased: Σ_i C(i−1,
   * n−1)/C(k, n)·r_(i) over the rewards in rising order (the order statistics; Chen et al., 2021,
   * arXiv:2107.03374, has the same for pass@k). Its sampling variance is at most n/k times that of
   * the greatest of n (Hoeffding, 1948), which the empirical distribution gives; near n = k it
   * knows too little of the greatest for more than a rough figure.
   */
  public static List<BestOfN> bestOfN(List<double[]> rewards) {
    check(rewards);
    int most = rewards.stream().mapToInt(group -> group.length).min().orElseThrow();
    List<double[]> sorted = rewards.stream().map(group -> sorted(group)).toList();
    BestOfN[] best = new BestOfN[most];
    for (int n = 1; n <= most; n++) {
      double[] means = new double[sorted.size()];
      double[] errors = new double[sorted.size()];
      for (int p = 0; p < means.length; p++) {
        means[p] = meanOfGreatest(sorted.get(p), n);
        errors[p] = errorOfGreatest(sorted.get(p), n);
      }
      best[n - 1] = new BestOfN(n, Estimate.of(means, errors), Math.log(n) - (n - 1.0) / n);
    }
    return List.of(best);
  }

  /**
   * Where the frontier is at a policy's KL. The most reward at a KL of κ is min_β β·κ + β·E_x[log
   * Z(x)], the dual of the constrained problem, which is convex in β; at its minimum the optimum's
   * own KL is κ. By the envelope theorem the error is β times that of log Z and κ.
   *
   * @param kl κ, an estimate as well; a mean below 0 counts as 0
   */
  public static Place place(List<double[]> rewards, Estimate kl) {
    check(rewards);
    double target = Math.max(0, kl.mean());
    double spread = spread(rewards);
    if (target == 0 || spread == 0) {
      Estimate mean = bestOfN(rewards).get(0).reward();
      return new Place(target, mean.mean(), mean.error(), Double.POSITIVE_INFINITY, Reach.WITHIN);
    }
    if (target >= rewards.stream().mapToDouble(Tilt::greatestKl).average().orElseThrow()) {
      double[] greatest = rewards.stream().mapToDouble(group -> greatest(group)).toArray();
      double[] errors =
          rewards.stream()
              .mapToDouble(group -> errorOfGreatest(sorted(group), group.length))
              .toArray();
      Estimate best = Estimate.of(greatest, errors);
      return new Place(target, best.mean(), best.error(), 0, Reach.BEYOND);
    }
    double beta =
        Math.exp(
            least(
                logBeta -> {
                  double b = Math.exp(logBeta);
                  return b * (target + meanLogPartition(rewards, b));
                },
                Math.log(spread * LEAST_BETA),
                Math.log(spread * MOST_BETA)));
    Estimate logPartition = optimum(rewards, beta).logPartition();
    return new Place(
        target,
        beta * (target + logPartition.mean()),
        beta * Math.hypot(logPartition.error(), kl.error()),
        beta,
        Reach.WITHIN);
  }

  /** The KL of a tilt that takes the best completions alone: log (k / how many are the best). */
  private static double greatestKl(double[] group) {
    double greatest = greatest(group);
    long best = Arrays.stream(group).filter(reward -> reward == greatest).count();
    return Math.log((double) group.length / best);
  }

  private static double greatest(double[] group) {
    return Arrays.stream(group).max().orElseThrow();
  }

  /** The place of the least value of a function that falls and then rises: golden sections. */
  private static double least(DoubleUnaryOperator function, double from, double to) {
    double a = from;
    double b = to;
    double left = b - GOLDEN * (b - a);
    double right = a + GOLDEN * (b - a);
    double atLeft = function.applyAsDouble(left);
    double atRight = function.applyAsDouble(right);
    for (int i = 0; i < SEARCH_STEPS; i++) {
      if (atLeft < atRight) {
        b = right;
        right = left;
        atRight = atLeft;
        left = b - GOLDEN * (b - a);
        atLeft = function.applyAsDouble(left);
      } else {
        a = left;
        left = right;
        atLeft = atRight;
        right = a + GOLDEN * (b - a);
        atRight = function.applyAsDouble(right);
      }
    }
    return (a + b) / 2;
  }

  private static double meanLogPartition(List<double[]> rewards, double beta) {
    double sum = 0;
    for (double[] group : rewards) {
      sum +=
          logSumExp(Arrays.stream(group).map(reward -> reward / beta).toArray())
              - Math.log(group.length);
    }
    return sum / rewards.size();
  }

  private static double logSumExp(double[] values) {
    double most = greatest(values);
    double sum = 0;
    for (double value : values) {
      sum += Math.exp(value - most);
    }
    return most + Math.log(sum);
  }

  /** The greatest difference between two rewards of one prompt. */
  private static double spread(List<double[]> rewards) {
    double spread = 0;
    for (double[] group : rewards) {
      spread = Math.max(spread, greatest(group) - Arrays.stream(group).min().orElseThrow());
    }
    return spread;
  }

  private static double[] sorted(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted;
  }

  /** Mean of the greatest over all subsets of n. */
  private static double meanOfGreatest(double[] sorted, int n) {
    int k = sorted.length;
    // C(k−1, n−1)/C(k, n) is the greatest's share; each below has (i − n + 1)/i of the one above.
    double share = (double) n / k;
    double mean = 0;
    for (int i = k - 1; i >= n - 1; i--) {
      mean += share * sorted[i];
      share *= (double) (i - n + 1) / i;
    }
    return mean;
  }

  private static double errorOfGreatest(double[] sorted, int n) {
    int k = sorted.length;
    double mean = 0;
    double square = 0;
    for (int i = 0; i < k; i++) {
      double probability = Math.pow((i + 1.0) / k, n) - Math.pow((double) i / k, n);
      // From the greatest on, so that large rewards that are all alike have no variance.
      double below = sorted[i] - sorted[k - 1];
      mean += probability * below;
      square += probability * below * below;
    }
    double variance = Math.max(0, square - mean * mean) * k / (k - 1.0);
    return Math.sqrt(Math.min(1, (double) n / k) * variance);
  }

  private static void check(List<double[]> rewards) {
    if (rewards.isEmpty()) {
      throw new IllegalArgumentException("a tilt needs at least one prompt");
    }
    for (double[] group : rewards) {
      if (group.length < 2) {
        throw new IllegalArgumentException("a tilt needs at least two completions a prompt");
      }
      for (double reward : group) {
        if (Double.isNaN(reward) || Double.isInfinite(reward)) {
          throw new IllegalArgumentException("a reward is a finite number, not " + reward);
        }
      }
    }
  }
}
