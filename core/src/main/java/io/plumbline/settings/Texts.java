package io.plumbline.settings;

import java.util.Locale;
import java.util.stream.Stream;

/**
 * How the texts of options become values. Each fails with an {@link IllegalArgumentException} whose
 * message continues from "--name is TEXT and ".
 */
public final class Texts {
  private Texts() {}

  public static String notEmpty(String text) {
    if (text.isBlank()) {
      throw new IllegalArgumentException("must not be empty");
    }
    return text;
  }

  public static boolean truth(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true", "yes", "on" -> true;
      case "false", "no", "off" -> false;
      default -> throw new IllegalArgumentException("must be true or false");
    };
  }

  /** A whole number from {@code least} to {@code most}, both included. */
  public static long wholeNumber(String text, long least, long most) {
    String wanted =
        "must be a whole number"
            + (least == Long.MIN_VALUE ? "" : " of at least " + least)
            + (most >= Integer.MAX_VALUE ? "" : " and at most " + most);
    long number;
    try {
      number = Long.parseLong(text.replace("_", ""));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(wanted, e);
    }
    if (number < least || number > most) {
      throw new IllegalArgumentException(wanted);
    }
    return number;
  }

  /** A finite number from {@code least} to {@code most}, both included. */
  public static double realNumber(String text, double least, double most) {
    String wanted =
        "must be a number"
            + (Double.isInfinite(least) ? "" : " of at least " + plain(least))
            + (Double.isInfinite(most) ? "" : " and at most " + plain(most));
    double number;
    try {
      number = Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(wanted, e);
    }
    if (!Double.isFinite(number) || number < least || number > most) {
      throw new IllegalArgumentException(wanted);
    }
    return number;
  }

  /** A finite number above 0. */
  public static double positiveNumber(String text) {
    return positiveNumber(text, Double.POSITIVE_INFINITY);
  }

  /** A finite number above 0 and up to {@code most}, included. */
  public static double positiveNumber(String text, double most) {
    String wanted =
        "must be a number above 0" + (Double.isInfinite(most) ? "" : " and at most " + plain(most));
    try {
      double number = Double.parseDouble(text);
      if (number > 0 && number <= most && Double.isFinite(number)) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(wanted, e);
    }
    throw new IllegalArgumentException(wanted);
  }

  /** The constant that a text names, in small letters and with either dash. */
  public static <E extends Enum<E>> E constant(Class<E> type, String text) {
    String wanted = text.toLowerCase(Locale.ROOT).replace('-', '_');
    for (E constant : type.getEnumConstants()) {
      if (word(constant).equals(wanted)) {
        return constant;
      }
    }
    throw new IllegalArgumentException(
        "must be one of "
            + String.join(", ", Stream.of(type.getEnumConstants()).map(Texts::word).toList()));
  }

  /** A constant as users write it. */
  public static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static String plain(double number) {
    return number == Math.rint(number) && Math.abs(number) < 1e9
        ? Long.toString((long) number)
        : Double.toString(number);
  }
}
