package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.IntPredicate;

/** Python's ways to cut a string: strip, split, splitlines. */
final class TextParts {
  /** Up to so many characters to strip are looked through one by one. */
  private static final int FEW = 16;

  private TextParts() {}

  /** Where a string is stripped. */
  enum Ends {
    LEFT,
    RIGHT,
    BOTH
  }

  private static IntPredicate stripped(Budget budget, String chars) {
    if (chars == null) {
      return Characters::isSpace;
    }
    if (chars.length() <= FEW) {
      return c -> chars.indexOf(c) >= 0;
    }
    budget.read(2L * chars.length());
    int greatest = chars.codePoints().max().orElse(0);
    budget.spend(greatest / 64);
    BitSet set = new BitSet(greatest + 1);
    chars.codePoints().forEach(set::set);
    return set::get;
  }

  /** The text without the characters, or without white space for null, at its ends. */
  static String strip(Budget budget, String text, String chars, Ends ends) {
    IntPredicate stripped = stripped(budget, chars);
    budget.makeText(text.length());
    int start = 0;
    int end = text.length();
    if (ends != Ends.RIGHT) {
      while (start < end && stripped.test(text.codePointAt(start))) {
        start += Character.charCount(text.codePointAt(start));
      }
    }
    if (ends != Ends.LEFT) {
      while (end > start && stripped.test(text.codePointBefore(end))) {
        end -= Character.charCount(text.codePointBefore(end));
      }
    }
    return text.substring(start, end);
  }

  /** Parts of a text, each paid for when it is cut out. */
  private static final class Parts {
    private final Rendering rendering;
    private final String text;
    private final List<Object> parts = new ArrayList<>();

    Parts(Rendering rendering, String text) {
      this.rendering = rendering;
      this.text = text;
      rendering.read(2L * text.length());
    }

    void add(int start, int end) {
      rendering.makeText(end - start);
      rendering.checkSize(parts.size());
      rendering.step();
      parts.add(text.substring(start, end));
    }

    int size() {
      return parts.size();
    }
  }

  static List<Object> lines(Rendering rendering, String text, boolean keepEnds) {
    Parts lines = new Parts(rendering, text);
    int start = 0;
    for (int i = 0; i < text.length(); i++) {
      if (!Characters.isLineBreak(text.charAt(i))) {
        continue;
      }
      int end = i;
      if (text.charAt(i) == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n') {
        i++;
      }
      lines.add(start, keepEnds ? i + 1 : end);
      start = i + 1;
    }
    if (start < text.length()) {
      lines.add(start, text.length());
    }
    return lines.parts;
  }

  private static List<Object> splitSpaces(Rendering rendering, String text, int most) {
    Parts parts = new Parts(rendering, text);
    int at = 0;
    while (true) {
      while (at < text.length() && Characters.isSpace(text.charAt(at))) {
        at++;
      }
      if (at >= text.length()) {
        return parts.parts;
      }
      if (most >= 0 && parts.size() >= most) {
        int end = text.length();
        while (Characters.isSpace(text.charAt(end - 1))) {
          end--;
        }
        parts.add(at, end);
        return parts.parts;
      }
      int start = at;
      while (at < text.length() && !Characters.isSpace(text.charAt(at))) {
        at++;
      }
      parts.add(start, at);
    }
  }

  static List<Object> split(Rendering rendering, String text, String separator, int most) {
    if (separator == null) {
      return splitSpaces(rendering, text, most);
    }
    if (separator.isEmpty()) {
      throw PyError.of("empty separator");
    }
    Parts parts = new Parts(rendering, text);
    Search search = new Search(rendering, separator);
    int start = 0;
    while (most < 0 || parts.size() < most) {
      int at = search.next(text, start);
      if (at < 0) {
        break;
      }
      parts.add(start, at);
      start = at + separator.length();
    }
    parts.add(start, text.length());
    return parts.parts;
  }
}
