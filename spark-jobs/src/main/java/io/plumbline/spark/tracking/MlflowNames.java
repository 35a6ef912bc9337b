package io.plumbline.spark.tracking;

import java.util.Locale;

/** Names of metrics, parameters and tags as MLflow takes them. */
final class MlflowNames {
  /** MLflow's limits, in characters. */
  private static final int LONGEST_NAME = 250;

  private static final int LONGEST_PARAMETER = 6000;
  private static final int LONGEST_TAG = 5000;

  private MlflowNames() {}

  /**
   * Letters, digits, underscores, dashes, dots, blanks and slashes stay; any other character
   * becomes {@code _x} with its code in hexadecimal digits, so that names which differ there stay
   * apart. What MLflow would read as a path of another name ({@code //}, {@code ..}, a slash at an
   * end) is treated alike.
   */
  static String of(String name) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      char before = i == 0 ? '/' : name.charAt(i - 1);
      boolean pathLike =
          (c == '/' && before == '/') || (c == '.' && (before == '/' || before == '.'));
      boolean last = i == name.length() - 1 && c == '/';
      boolean plain = c < 128 && (Character.isLetterOrDigit(c) || "_-. /".indexOf(c) >= 0);
      text.append(plain && !pathLike && !last ? c : String.format(Locale.ROOT, "_x%02x", (int) c));
    }
    return shortened(text.toString(), LONGEST_NAME);
  }

  static String parameter(String value) {
    return shortened(value, LONGEST_PARAMETER);
  }

  static String tag(String value) {
    return shortened(value, LONGEST_TAG);
  }

  private static String shortened(String text, int longest) {
    return text.length() <= longest ? text : text.substring(0, longest - 1) + "~";
  }
}
