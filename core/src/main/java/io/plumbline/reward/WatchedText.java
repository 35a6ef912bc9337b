package io.plumbline.reward;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Text on which a regular expression cannot work for ever: reading it fails once the time is up or
 * the thread is interrupted.
 */
final class WatchedText implements CharSequence {
  /** Reads between two looks at the clock, less one: a power of two less one. */
  private static final int READS = 1023;

  private final CharSequence text;
  private final Watch watch;

  /** Shared by a text and its parts. */
  private static final class Watch {
    private final Duration limit;
    private final long deadline;
    private int reads;

    Watch(Duration limit) {
      this.limit = limit;
      this.deadline = System.nanoTime() + limit.toNanos();
    }

    void look() {
      if ((++reads & READS) == 0
          && (System.nanoTime() - deadline > 0 || Thread.currentThread().isInterrupted())) {
        throw new ScoringException(
            "the pattern was not done with a completion within "
                + limit.toMillis()
                + " ms; it backtracks too much: use possessive quantifiers such as [^x]*+");
      }
    }
  }

  private WatchedText(CharSequence text, Watch watch) {
    this.text = text;
    this.watch = watch;
  }

  /**
   * A matcher with bounds on its time and its depth.
   *
   * @param search {@link Matcher#find()} or {@link Matcher#matches()}
   */
  static boolean search(
      Pattern pattern, String text, Duration limit, java.util.function.Predicate<Matcher> search) {
    try {
      return search.test(pattern.matcher(new WatchedText(text, new Watch(limit))));
    } catch (StackOverflowError e) {
      throw new ScoringException(
          "the pattern went too deep on a long completion; use possessive quantifiers in the place"
              + " of repeated alternatives",
          e);
    }
  }

  @Override
  public int length() {
    return text.length();
  }

  @Override
  public char charAt(int index) {
    watch.look();
    return text.charAt(index);
  }

  @Override
  public CharSequence subSequence(int start, int end) {
    return new WatchedText(text.subSequence(start, end), watch);
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
