package io.plumbline.spark.evaluate;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.Serializable;

/** Sums over preference pairs, which add up in any grouping. */
final class PairTotals implements Serializable {
  private static final long serialVersionUID = 1L;

  /**
   * One pair's sums.
   *
   * @param chosen sum of the policy's log-probabilities of the chosen completion
   * @param chosenTokens tokens in that sum
   */
  record Pair(
      double chosen,
      double rejected,
      double referenceChosen,
      double referenceRejected,
      int chosenTokens,
      int rejectedTokens) {
    /** The implicit reward of the chosen completion. */
    double chosenReward(double beta) {
      return beta * (chosen - referenceChosen);
    }

    /** That of the rejected one. */
    double rejectedReward(double beta) {
      return beta * (rejected - referenceRejected);
    }
  }

  private long pairs;
  private double rewardsChosen;
  private double rewardsRejected;
  private long accurate;
  private long prefersChosen;
  private double logpsChosen;
  private double logpsRejected;

  void add(Pair pair, double beta) {
    double chosen = pair.chosenReward(beta);
    double rejected = pair.rejectedReward(beta);
    pairs++;
    rewardsChosen += chosen;
    rewardsRejected += rejected;
    accurate += chosen > rejected ? 1 : 0;
    prefersChosen +=
        pair.chosen() / pair.chosenTokens() > pair.rejected() / pair.rejectedTokens() ? 1 : 0;
    logpsChosen += pair.chosen();
    logpsRejected += pair.rejected();
  }

  void add(PairTotals other) {
    pairs += other.pairs;
    rewardsChosen += other.rewardsChosen;
    rewardsRejected += other.rewardsRejected;
    accurate += other.accurate;
    prefersChosen += other.prefersChosen;
    logpsChosen += other.logpsChosen;
    logpsRejected += other.logpsRejected;
  }

  PairMetrics means() {
    if (pairs == 0) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "There is no pair to evaluate on; give held-out data with --eval-data that has rows"
              + " with chosen and rejected.");
    }
    return new PairMetrics(
        pairs,
        rewardsChosen / pairs,
        rewardsRejected / pairs,
        (rewardsChosen - rewardsRejected) / pairs,
        (double) accurate / pairs,
        (double) prefersChosen / pairs,
        logpsChosen / pairs,
        logpsRejected / pairs);
  }
}
