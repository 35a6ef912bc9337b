package io.plumbline.mine;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.List;

/** What strategies that make rows of one completion have in common. */
final class Rows {
  private Rows() {}

  static void check(double threshold, int rowsPerPrompt) {
    if (Double.isNaN(threshold)) {
      throw new PlumblineException(ErrorCode.BAD_USAGE, "threshold must be a number");
    }
    if (rowsPerPrompt < 1) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE, "rows-per-prompt must be at least 1, not " + rowsPerPrompt);
    }
  }

  static List<Candidate> reaching(List<Candidate> candidates, double threshold) {
    return candidates.stream().filter(candidate -> candidate.reward() >= threshold).toList();
  }
}
