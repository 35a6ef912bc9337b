package io.plumbline.spark.evaluate;

import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How a policy treats preference pairs, as means over pairs. The implicit reward of a completion y
 * after prompt x is r(x, y) = β · (log π(y|x) − log π_ref(y|x)), with log-probabilities summed over
 * the tokens that count (Rafailov et al., 2023, arXiv:2305.18290, section 4).
 *
 * @param pairs how many
 * @param rewardsChosen mean implicit reward of the chosen completions
 * @param rewardsRejected the same of the rejected
 * @param margin mean of the chosen reward less the rejected one
 * @param accuracy share of pairs whose chosen reward is greater than the rejected one; equal
 *     rewards do not count, so a policy that is the reference has 0
 * @param prefersChosen share of pairs whose chosen completion has the higher mean log-probability a
 *     token under the policy; needs no reference
 * @param logpsChosen mean summed log-probability of the chosen completions under the policy, in
 *     nats
 * @param logpsRejected the same of the rejected
 */
public record PairMetrics(
    long pairs,
    double rewardsChosen,
    double rewardsRejected,
    double margin,
    double accuracy,
    double prefersChosen,
    double logpsChosen,
    double logpsRejected)
    implements Serializable {

  /** By name, TRL's where it has one, each after {@code prefix}, such as {@code eval_}. */
  public Map<String, Double> metrics(String prefix) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put(prefix + "rewards/chosen", rewardsChosen);
    metrics.put(prefix + "rewards/rejected", rewardsRejected);
    metrics.put(prefix + "rewards/accuracies", accuracy);
    metrics.put(prefix + "rewards/margins", margin);
    metrics.put(prefix + "logps/chosen", logpsChosen);
    metrics.put(prefix + "logps/rejected", logpsRejected);
    metrics.put(prefix + "prefers_chosen", prefersChosen);
    metrics.put(prefix + "pairs", (double) pairs);
    return metrics;
  }
}
