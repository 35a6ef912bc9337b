package io.plumbline.reward.answer;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A time of day, as 2:30, 14:30:05 or 2:30 p.m.
 *
 * @param hour as it is written
 * @param half a or p, or empty where it is not said
 */
record ClockTime(int hour, int minute, int second, String half) {
  private static final Pattern WRITTEN =
      Pattern.compile(
          "(?<![\\d:.])(\\d{1,2}):(\\d{2})(?::(\\d{2}))?+(?![\\d:])(?: ?([aApP])\\.?[mM]\\b\\.?)?+");

  private static final Pattern END = Pattern.compile("[.$]$");
  private static final Pattern START = Pattern.compile("^[$]");

  /** A text that is a time and nothing else. */
  static Optional<ClockTime> read(String plain) {
    String ended = END.matcher(plain.strip()).replaceAll("");
    Matcher matcher = WRITTEN.matcher(START.matcher(ended).replaceAll(""));
    return matcher.matches() ? Optional.of(of(matcher)) : Optional.empty();
  }

  private static ClockTime of(Matcher written) {
    return new ClockTime(
        Integer.parseInt(written.group(1)),
        Integer.parseInt(written.group(2)),
        written.group(3) == null ? 0 : Integer.parseInt(written.group(3)),
        written.group(4) == null ? "" : written.group(4).toLowerCase(Locale.ROOT));
  }

  boolean isFullHour() {
    return minute == 0 && second == 0;
  }

  /** Whether the last time in a text is this one. */
  boolean isLastIn(String plain) {
    Matcher matcher = WRITTEN.matcher(plain);
    Optional<ClockTime> last = Optional.empty();
    while (matcher.find()) {
      last = Optional.of(of(matcher));
    }
    return last.filter(this::isSame).isPresent();
  }

  /** The same time; where one does not say which half of the day it is, it is that of the other. */
  boolean isSame(ClockTime other) {
    boolean open = half.isEmpty() || other.half.isEmpty();
    boolean sameHour =
        hourOfDay() == other.hourOfDay() || (open && hour == other.hour && hour <= 12);
    return sameHour && minute == other.minute && second == other.second;
  }

  private int hourOfDay() {
    return half.isEmpty() ? hour : hour % 12 + (half.equals("p") ? 12 : 0);
  }
}
