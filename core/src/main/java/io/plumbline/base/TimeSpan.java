package io.plumbline.base;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A time as options have it: {@code 90s}, {@code 5m}, {@code 2h}, {@code 0}. */
public record TimeSpan(Duration duration) {
  private static final Pattern TEXT = Pattern.compile("([0-9]{1,9})([smh]?)");

  public TimeSpan {
    if (duration.isNegative()) {
      throw new IllegalArgumentException("a time of " + duration);
    }
  }

  /**
   * Reads a time. A number alone is seconds.
   *
   * @throws IllegalArgumentException whose message says what it must be
   */
  public static TimeSpan parse(String text) {
    Matcher matcher = TEXT.matcher(text.strip());
    if (!matcher.matches()) {
      throw new IllegalArgumentException("must be a time such as 90s, 5m or 2h, or 0");
    }
    long count = Long.parseLong(matcher.group(1));
    return new TimeSpan(
        switch (matcher.group(2)) {
          case "m" -> Duration.ofMinutes(count);
          case "h" -> Duration.ofHours(count);
          default -> Duration.ofSeconds(count);
        });
  }

  /** A text that {@link #parse} reads again, in the largest unit without a remainder. */
  public Object text() {
    return text(duration);
  }

  /** A time in whole seconds, as people read it. */
  public static String text(Duration duration) {
    long seconds = Math.max(0, duration.plusMillis(500).toSeconds());
    if (seconds == 0) {
      return "0";
    }
    if (seconds % 3600 == 0) {
      return seconds / 3600 + "h";
    }
    return seconds % 60 == 0 ? seconds / 60 + "m" : seconds + "s";
  }

  @Override
  public String toString() {
    return text(duration);
  }
}
