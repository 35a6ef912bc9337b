package io.plumbline.jinja;

import java.time.LocalDateTime;
import java.time.format.TextStyle;
import java.util.Locale;
import java.util.Map;

/** Python's strftime in the C locale: the directives for dates and times that people read. */
final class Strftime {
  private static final Map<Character, String> COMPOSED =
      Map.of(
          'c', "%a %b %e %H:%M:%S %Y",
          'D', "%m/%d/%y",
          'F', "%Y-%m-%d",
          'R', "%H:%M",
          'T', "%H:%M:%S",
          'X', "%H:%M:%S",
          'x', "%m/%d/%y");

  private Strftime() {}

  static String format(Rendering rendering, LocalDateTime now, String format) {
    TextBuilder out = new TextBuilder(rendering);
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 >= format.length()) {
        out.add(c);
        continue;
      }
      rendering.spend(20);
      c = format.charAt(++i);
      boolean bare = c == '-' && i + 1 < format.length();
      if (bare) {
        c = format.charAt(++i);
      }
      String composed = COMPOSED.get(c);
      out.add(
          composed != null ? format(rendering, now, composed) : directive(now, c, bare ? 1 : 2));
    }
    return out.build();
  }

  private static String directive(LocalDateTime now, char c, int digits) {
    return switch (c) {
      case 'Y' -> Integer.toString(now.getYear());
      case 'y' -> padded(now.getYear() % 100, digits);
      case 'm' -> padded(now.getMonthValue(), digits);
      case 'd' -> padded(now.getDayOfMonth(), digits);
      case 'e' -> (digits > 1 && now.getDayOfMonth() < 10 ? " " : "") + now.getDayOfMonth();
      case 'H' -> padded(now.getHour(), digits);
      case 'I' -> padded((now.getHour() + 11) % 12 + 1, digits);
      case 'M' -> padded(now.getMinute(), digits);
      case 'S' -> padded(now.getSecond(), digits);
      case 'j' -> padded(now.getDayOfYear(), digits > 1 ? 3 : 1);
      case 'p' -> now.getHour() < 12 ? "AM" : "PM";
      case 'A' -> now.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
      case 'a' -> now.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
      case 'B' -> now.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
      case 'b' -> now.getMonth().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
      case '%' -> "%";
      default ->
          throw Unsupported.of(
              "the directive '%" + c + "' of strftime_now is",
              "supported are A, B, D, F, H, I, M, R, S, T, X, Y, a, b, c, d, e, j, m, p, x, y");
    };
  }

  private static String padded(int value, int digits) {
    String text = Integer.toString(value);
    return "0".repeat(Math.max(0, digits - text.length())) + text;
  }
}
