package io.plumbline.jinja;

import java.util.Locale;

/**
 * Upper and lower case as Python has them. {@link String#toUpperCase} copies the whole text again
 * for every letter that becomes several, and {@link String#toLowerCase} cuts it into words for
 * every capital sigma: both take time quadratic in the text.
 */
final class LetterCase {
  /** Copies within so many letters are few. */
  private static final int CHUNK = 16;

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
    if (text.length() <= CHUNK || isAscii(text)) {
      return text.toUpperCase(Locale.ROOT);
    }
    rendering.spend(text.length());
    TextBuilder out = new TextBuilder(rendering);
    for (int at = 0; at < text.length(); ) {
      int end = chunkEnd(text, at);
      out.add(text.substring(at, end).toUpperCase(Locale.ROOT));
      at = end;
    }
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

  /** {@code str.casefold}: as lower case, but that no sigma is final. */
  static String folded(Rendering rendering, String text) {
    String lower = lower(rendering, upper(rendering, text));
    rendering.makeText(lower.length());
    return lower.replace(FINAL_SIGMA, SIGMA);
  }

  private static boolean isAscii(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) >= 0x80) {
        return false;
      }
    }
    return true;
  }

  private static int chunkEnd(String text, int start) {
    int end = start + CHUNK;
    if (end >= text.length()) {
      return text.length();
    }
    return Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end;
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

  static String swapCase(Rendering rendering, String text) {
    rendering.spend(2L * text.length());
    TextBuilder out = new TextBuilder(rendering);
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      if (Character.isUpperCase(c)) {
        addLower(out, text, i, c);
      } else if (Character.isLowerCase(c)) {
        out.add(c < 0x80 ? "" + Character.toUpperCase((char) c) : upperOf(c));
      } else {
        out.add(c);
      }
      i += Character.charCount(c);
    }
    return out.build();
  }

  private static String upperOf(int c) {
    return Character.toString(c).toUpperCase(Locale.ROOT);
  }

  static boolean isTitle(String text) {
    boolean cased = false;
    boolean previousCased = false;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      if (Character.isUpperCase(c) || Character.isTitleCase(c)) {
        if (previousCased) {
          return false;
        }
        previousCased = true;
        cased = true;
      } else if (Character.isLowerCase(c)) {
        if (!previousCased) {
          return false;
        }
        previousCased = true;
        cased = true;
      } else {
        previousCased = false;
      }
    }
    return cased;
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
