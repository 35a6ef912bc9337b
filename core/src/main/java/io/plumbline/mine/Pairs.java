package io.plumbline.mine;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.List;

/** What strategies that make pairs have in common. */
final class Pairs {
  private Pairs() {}

  static void check(double margin, int pairsPerPrompt) {
    if (!(margin >= 0) || Double.isInfinite(margin)) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE, "margin must be 0 or a positive number, not " + margin);
    }
    if (pairsPerPrompt < 1) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE, "pairs-per-prompt must be at least 1, not " + pairsPerPrompt);
    }
  }

  /** Equal rewards say nothing, whatever the margin. */
  static boolean apart(Candidate chosen, Candidate rejected, double margin) {
    double gap = chosen.reward() - rejected.reward();
    return gap > 0 && gap >= margin;
  }

  /** Why there is no pair among these. */
  static Skip reason(List<Candidate> candidates) {
    return candidates.stream().mapToDouble(Candidate::reward).distinct().count() == 1
        ? Skip.EQUAL_REWARDS
        : Skip.BELOW_MARGIN;
  }
}
