package io.plumbline.jinja;

import java.time.LocalDateTime;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.IsoFields;
import java.util.Locale;
import java.util.Map;

/** Python's strftime. */
final class Strftime {
  private static final Map<Character, String> COMPOSED =
      Map.of(
          'c', "%a %b %e %H:%M:%S %Y",
          'D', "%m/%d/%y",
          'F', "%Y-%m-%d",
          'R', "%H:%M",
          'T', "%H:%M:%S",
          'X', "%H:%M:%S",
          'x', "%m/%d/%y",
          'r', "%I:%M:%S %p",
          'h', "%b");

  private Strftime() {}

  /** strftime in the C locale. */
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
      if (COMPOSED.containsKey(c)) {
        out.add(format(rendering, now, COMPOSED.get(c)));
        continue;
      }
      int hour12 = now.getHour() % 12 == 0 ? 12 : now.getHour() % 12;
      int sunday = (now.getDayOfYear() + 6 - now.getDayOfWeek().getValue() % 7) / 7;
      int monday = (now.getDayOfYear() + 6 - (now.getDayOfWeek().getValue() - 1)) / 7;
      String text =
          switch (c) {
            case 'Y' -> Integer.toString(now.getYear());
            case 'G' -> Integer.toString(now.get(IsoFields.WEEK_BASED_YEAR));
            case 'C' -> padded(now.getYear() / 100, 2, bare);
            case 'y' -> padded(now.getYear() % 100, 2, bare);
            case 'm' -> padded(now.getMonthValue(), 2, bare);
            case 'd' -> padded(now.getDayOfMonth(), 2, bare);
            case 'e' -> padded(now.getDayOfMonth(), ' ', bare);
            case 'H' -> padded(now.getHour(), 2, bare);
            case 'k' -> padded(now.getHour(), ' ', bare);
            case 'I' -> padded(hour12, 2, bare);
            case 'l' -> padded(hour12, ' ', bare);
            case 'M' -> padded(now.getMinute(), 2, bare);
            case 'S' -> padded(now.getSecond(), 2, bare);
            case 'f' -> padded(now.get(ChronoField.MICRO_OF_SECOND), 6, false);
            case 'j' -> padded(now.getDayOfYear(), 3, bare);
            case 'U' -> padded(sunday, 2, bare);
            case 'W' -> padded(monday, 2, bare);
            case 'V' -> padded(now.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR), 2, bare);
            case 'u' -> Integer.toString(now.getDayOfWeek().getValue());
            case 'w' -> Integer.toString(now.getDayOfWeek().getValue() % 7);
            case 'p' -> now.getHour() < 12 ? "AM" : "PM";
            case 'P' -> now.getHour() < 12 ? "am" : "pm";
            case 'A' -> now.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'a' -> now.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'B' -> now.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'b' -> now.getMonth().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'Z', 'z' -> "";
            case 'n' -> "\n";
            case 't' -> "\t";
            case '%' -> "%";
            default -> "%" + (bare ? "-" : "") + c;
          };
      out.add(text);
    }
    return out.build();
  }

  private static String padded(int value, char fill, boolean bare) {
    return (bare || value >= 10 ? "" : String.valueOf(fill)) + value;
  }

  private static String padded(int value, int digits, boolean bare) {
    String text = Integer.toString(value);
    return bare ? text : "0".repeat(Math.max(0, digits - text.length())) + text;
  }
}
