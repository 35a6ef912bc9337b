package io.plumbline.jinja;

import java.util.Locale;

/**
 * Upper and lower case as Python has them. {@link String#toUpperCase} copies the whole text again
 * for every letter that becomes several, and {@link String#toLowerCase} cuts it into words for
 * every capital sigma: both take time quadratic in the text.
 */
final class LetterCase {
  private static final char CAPITAL_SIGMA = '\u03a3';
  private static final String FINAL_SIGMA = "\u03c2";
  private static final String SIGMA = "\u03c3";
  private static final int CAPITAL_I_WITH_DOT = 0x130;

  /** Marks within words: of the property Word_Break MidLetter, MidNumLet and Single_Quote. */
  private static final String WITHIN_WORDS =
      "':.\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a";

  private LetterCase() {}

  static String upper(Rendering rendering, String text) {
    rendering.makeText(text.length());
    if (text.chars().allMatch(c -> c < 0x80)) {
      return text.toUpperCase(Locale.ROOT);
    }
    rendering.spend(text.length());
    TextBuilder out = new TextBuilder(rendering);
    text.codePoints().forEach(c -> out.add(Character.toString(c).toUpperCase(Locale.ROOT)));
    return out.build();
  }

  static String lower(Rendering rendering, String text) {
    rendering.makeText(text.length());
    if (text.indexOf(CAPITAL_SIGMA) < 0 && text.indexOf(CAPITAL_I_WITH_DOT) < 0) {
      return text.toLowerCase(Locale.ROOT);
    }
    rendering.spend(text.length());
    TextBuilder out = new TextBuilder(rendering);
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      addLower(out, text, i, c);
      i += Character.charCount(c);
    }
    return out.build();
  }

  private static boolean isCased(int c) {
    return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
  }

  private static boolean isIgnored(int c) {
    return switch (Character.getType(c)) {
      case Character.NON_SPACING_MARK,
          Character.ENCLOSING_MARK,
          Character.FORMAT,
          Character.MODIFIER_LETTER,
          Character.MODIFIER_SYMBOL ->
          true;
      default -> WITHIN_WORDS.indexOf(c) >= 0;
    };
  }

  /** The small sigma at a place: final after a cased letter with none behind it. */
  private static String sigma(String text, int place) {
    int before = place;
    while (before > 0 && isIgnored(text.codePointBefore(before))) {
      before -= Character.charCount(text.codePointBefore(before));
    }
    if (before == 0 || !isCased(text.codePointBefore(before))) {
      return SIGMA;
    }
    int after = place + 1;
    while (after < text.length() && isIgnored(text.codePointAt(after))) {
      after += Character.charCount(text.codePointAt(after));
    }
    return after < text.length() && isCased(text.codePointAt(after)) ? SIGMA : FINAL_SIGMA;
  }

  /** One character of a text in lower case. */
  private static void addLower(TextBuilder out, String text, int place, int c) {
    if (c == CAPITAL_SIGMA) {
      out.add(sigma(text, place));
    } else if (c == CAPITAL_I_WITH_DOT) {
      out.add("i\u0307");
    } else {
      out.add(Character.toLowerCase(c));
    }
  }

  private static void addTitle(TextBuilder out, int c) {
    if (c < 0x80) {
      out.add(Character.toUpperCase(c));
      return;
    }
    String upper = Character.toString(c).toUpperCase(Locale.ROOT);
    int units = Character.charCount(upper.codePointAt(0));
    if (upper.length() > units) {
      out.add(upper.substring(0, units));
      out.add(upper.substring(units).toLowerCase(Locale.ROOT));
    } else {
      out.add(Character.toTitleCase(c));
    }
  }

  static String capitalize(Rendering rendering, String text) {
    rendering.read(8L * text.length());
    TextBuilder out = new TextBuilder(rendering);
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      if (i == 0) {
        addTitle(out, c);
      } else {
        addLower(out, text, i, c);
      }
      i += Character.charCount(c);
    }
    return out.build();
  }

  /** {@code str.title}: a letter after one that has no case begins a word. */
  static String title(Rendering rendering, String text) {
    rendering.read(8L * text.length());
    TextBuilder out = new TextBuilder(rendering);
    boolean inWord = false;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      if (inWord) {
        addLower(out, text, i, c);
      } else {
        addTitle(out, c);
      }
      inWord = isCased(c);
      i += Character.charCount(c);
    }
    return out.build();
  }

  static boolean isLower(String text) {
    return text.codePoints().anyMatch(Character::isLowerCase)
        && text.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
  }

  static boolean isUpper(String text) {
    return text.codePoints().anyMatch(Character::isUpperCase)
        && text.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
  }
}
