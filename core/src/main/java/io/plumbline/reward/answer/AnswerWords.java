package io.plumbline.reward.answer;

import java.util.Locale;
import java.util.regex.Pattern;

/** Compares answers that are words, without regard to how they are set. */
final class AnswerWords {
  private static final Pattern MARKS_AROUND =
      Pattern.compile("^[\\s\"'`*_.,;:!?]++|[\\s\"'`*_.,;:!?]++$");

  private static final Pattern MATRIX = Pattern.compile("\\{(?:p|b|v|small)?matrix\\}");

  private AnswerWords() {}

  static boolean same(String a, String b) {
    return normal(a).equals(normal(b));
  }

  /** A text by which two that differ in nothing but writing are equal. */
  static String normal(String text) {
    String normal =
        MATRIX
            .matcher(AnswerText.plain(text).toLowerCase(Locale.ROOT))
            .replaceAll("{matrix}")
            .replaceAll("[$]", "")
            .replaceAll("\\s++", " ")
            .replaceAll(" ?+([^\\p{L}\\d ]) ?+", "$1");
    String without = normal;
    for (int i = 0; i < 4; i++) {
      String before = without;
      without = withoutPair(MARKS_AROUND.matcher(without).replaceAll(""));
      if (before.equals(without)) {
        break;
      }
    }
    return without.isEmpty() ? normal.strip() : without;
  }

  /** Brackets around a whole text say nothing where they hold one thing: (B), but not (0,1). */
  private static String withoutPair(String text) {
    if (text.length() < 3) {
      return text;
    }
    char open = text.charAt(0);
    int pair = "([{".indexOf(open);
    String inside = text.substring(1, text.length() - 1);
    boolean pure =
        pair >= 0
            && text.charAt(text.length() - 1) == ")]}".charAt(pair)
            && inside.chars().noneMatch(c -> "()[]{},;\\".indexOf(c) >= 0);
    return pure ? inside : text;
  }

  /**
   * Whether a text chooses a letter, as in {@code (B) Paris} and {@code B. Paris}.
   *
   * @param letter a capital
   */
  static boolean chooses(String text, String letter) {
    String plain = AnswerText.plain(text).strip();
    return plain.matches(
        "(?s)[\"'*]?(?i:(?:(?:option|choice|answer) )?)(?:\\(X\\)|\\[X\\]|X[).:]|(?<=(?i:option|choice|answer) )X\\b)(?:\\s.*+)?[.]?"
            .replace("X", Pattern.quote(letter)));
  }
}
