package io.plumbline.collective;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.time.Duration;
import java.util.Locale;

/** The sentences in which a gang fails. */
final class Failures {
  private Failures() {}

  static PlumblineException broken(String sentence, Throwable cause) {
    return new PlumblineException(ErrorCode.GANG_BROKEN, sentence, cause);
  }

  static PlumblineException interrupted(int rank, String doing) {
    return new PlumblineException(
        ErrorCode.INTERRUPTED, "Rank %d was told to stop during %s.".formatted(rank, doing));
  }

  static PlumblineException mismatch(int rank, String mine, int peer, String theirs) {
    return broken(
        "Ranks called different operations: rank %d called %s, rank %d called %s; every rank must call the same operations in the same order."
            .formatted(rank, mine, peer, theirs),
        null);
  }

  static PlumblineException late(int rank, Duration deadline, String peers, String doing) {
    return broken(
        "Rank %d waited %s for %s during %s; look there for a slow or stuck process, or raise --collective-deadline."
            .formatted(rank, seconds(deadline), peers, doing),
        null);
  }

  static PlumblineException gone(int rank, int peer, String doing, Throwable cause) {
    return broken(
        "Rank %d went away during %s of rank %d; its log says why.".formatted(peer, doing, rank),
        cause);
  }

  static PlumblineException left(int rank, int peer, String doing) {
    return broken(
        "Rank %d left the gang although rank %d still called %s; every rank must call the same operations in the same order."
            .formatted(peer, rank, doing),
        null);
  }

  /** What a rank throws when {@code peer} has said why it failed. */
  static PlumblineException told(int peer, PlumblineException theirs) {
    return broken("Rank %d failed: %s".formatted(peer, theirs.getMessage()), theirs);
  }

  static PlumblineException again(PlumblineException first) {
    PlumblineException again =
        new PlumblineException(first.code(), first.getMessage(), first.getCause());
    again.addSuppressed(first);
    return again;
  }

  static PlumblineException closed(int rank) {
    return new PlumblineException(
        ErrorCode.INTERNAL, "Rank %d called an operation after closing.".formatted(rank));
  }

  /** The failure that set off this one. */
  static PlumblineException origin(PlumblineException failure) {
    PlumblineException origin = failure;
    while (origin.code() == ErrorCode.GANG_BROKEN
        && origin.getCause() instanceof PlumblineException deeper) {
      origin = deeper;
    }
    return origin;
  }

  static void checkRoot(int root, int worldSize) {
    if (root < 0 || root >= worldSize) {
      throw new PlumblineException(
          ErrorCode.INTERNAL,
          "A broadcast from rank %d is not possible among %d ranks.".formatted(root, worldSize));
    }
  }

  static String seconds(Duration time) {
    return String.format(Locale.ROOT, "%.1f s", time.toMillis() / 1e3);
  }
}
