package io.plumbline.rollout;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.reward.FailureLimit;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;

/** Counts rollouts without a reward over a run, and ends it where there are too many. */
final class FailedRewards {
  private final FailureLimit limit;
  private long inAll;

  FailedRewards(FailureLimit limit) {
    this.limit = limit;
  }

  long inAll() {
    return inAll;
  }

  void goTo(long failedInAll) {
    inAll = failedInAll;
  }

  /**
   * Counts those of a phase.
   *
   * @throws PlumblineException REWARD_FAILED where more failed than may
   */
  void add(Phase phase) {
    double[] marks = phase.column(CompletionNumbers::failed);
    long failed = (long) Arrays.stream(marks).sum();
    inAll += failed;
    if (!limit.isOver(inAll, failed, marks.length)) {
      return;
    }
    String example =
        phase.rounds().stream()
            .flatMap(round -> round.groups().stream())
            .flatMap(group -> IntStream.range(0, group.size()).mapToObj(group::failure))
            .flatMap(Optional::stream)
            .findFirst()
            .map(sentence -> " (for example: " + sentence + ")")
            .orElse("");
    throw new PlumblineException(
        ErrorCode.REWARD_FAILED,
        String.format(
            Locale.ROOT,
            "%,d of %,d rollouts of the newest phase have no reward, because a function failed%s;"
                + " the ledger has the reason of each: %s",
            failed,
            marks.length,
            example,
            limit.remedy(failed, marks.length)));
  }
}
