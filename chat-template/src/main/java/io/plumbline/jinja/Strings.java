package io.plumbline.jinja;

import java.util.List;

/** Python's strings, counted in Unicode code points. */
final class Strings {
  private static final String[] CHARACTERS = new String[256];

  static {
    for (int i = 0; i < CHARACTERS.length; i++) {
      CHARACTERS[i] = String.valueOf((char) i);
    }
  }

  private Strings() {}

  /** Order by code points, which is not that of UTF-16 units. */
  static int compare(String a, String b) {
    int most = Math.min(a.length(), b.length());
    for (int i = 0; i < most; i++) {
      char x = a.charAt(i);
      char y = b.charAt(i);
      if (x != y) {
        boolean bothSurrogates = Character.isSurrogate(x) == Character.isSurrogate(y);
        if (bothSurrogates) {
          return Character.compare(x, y);
        }
        return Character.isSurrogate(x) ? 1 : -1;
      }
    }
    return Integer.compare(a.length(), b.length());
  }

  static int count(Rendering rendering, String text) {
    rendering.read(text.length() / 2);
    return text.codePointCount(0, text.length());
  }

  /** A character as a string; those that are common are not made anew. */
  static String character(Rendering rendering, int codePoint) {
    if (codePoint < CHARACTERS.length) {
      return CHARACTERS[codePoint];
    }
    rendering.spend(4);
    return Character.toString(codePoint);
  }

  /** A character of Latin-1 as a string that exists once. */
  static String ascii(char c) {
    return CHARACTERS[c];
  }

  /** The character at an index, which may count from the end; or null beyond the text. */
  static String at(Rendering rendering, String text, int index) {
    long distance = index < 0 ? -(long) index : index + 1L;
    if (distance > text.length()) {
      return null;
    }
    rendering.read(distance / 2);
    try {
      int from = index < 0 ? text.length() : 0;
      int at = text.offsetByCodePoints(from, index);
      return at < text.length() ? character(rendering, text.codePointAt(at)) : null;
    } catch (IndexOutOfBoundsException e) {
      return null;
    }
  }

  /** Characters of a text of {@code size} characters, from first to before last. */
  static String slice(Rendering rendering, String text, int size, int first, int last, int stride) {
    if (stride == 1) {
      if (first >= last) {
        return "";
      }
      if (size == text.length()) {
        rendering.makeText(last - first);
        return text.substring(first, last);
      }
      rendering.read(last / 2);
      int start = text.offsetByCodePoints(0, first);
      int end = text.offsetByCodePoints(start, last - first);
      rendering.makeText(end - start);
      return text.substring(start, end);
    }
    rendering.read(text.length());
    TextBuilder out = new TextBuilder(rendering);
    if (stride > 0 ? first >= last : first <= last) {
      return "";
    }
    int at = text.offsetByCodePoints(0, first);
    for (long i = first; stride > 0 ? i < last : i > last; ) {
      out.add(text.codePointAt(at));
      i += stride;
      if (stride > 0 ? i < last : i > last) {
        at = text.offsetByCodePoints(at, stride);
      }
    }
    return out.build();
  }

  static String replace(Rendering rendering, String text, String old, String with, int most) {
    rendering.read(text.length());
    if (most == 0) {
      return text;
    }
    TextBuilder out = new TextBuilder(rendering);
    int done = 0;
    if (old.isEmpty()) {
      int at = 0;
      while (at <= text.length() && (most < 0 || done < most)) {
        rendering.step();
        out.add(with);
        done++;
        if (at == text.length()) {
          return out.build();
        }
        int units = Character.charCount(text.codePointAt(at));
        out.add(text, at, at + units);
        at += units;
      }
      return out.add(text, at, text.length()).build();
    }
    Search search = new Search(rendering, old);
    int start = 0;
    while (most < 0 || done < most) {
      int at = search.next(text, start);
      if (at < 0) {
        break;
      }
      rendering.step();
      out.add(text, start, at).add(with);
      start = at + old.length();
      done++;
    }
    return start == 0 ? text : out.add(text, start, text.length()).build();
  }

  static String join(Rendering rendering, String separator, List<Object> parts) {
    TextBuilder out = new TextBuilder(rendering);
    for (int i = 0; i < parts.size(); i++) {
      rendering.step();
      if (!Values.isString(parts.get(i))) {
        throw PyError.type(
            "sequence item " + i + ": expected str instance, %s found", parts.get(i));
      }
      if (i > 0) {
        out.add(separator);
      }
      out.add(Values.text(parts.get(i)));
    }
    return out.build();
  }

  // Arguments

  static int integer(Object value) {
    if (!Numbers.isInteger(value)) {
      throw PyError.type("an integer is required, not %s", value);
    }
    return Numbers.index(value);
  }

  /** A start or end as Python's methods take them: negative from the end, None for none. */
  static int bound(Object value, int otherwise, int size) {
    if (value == Values.MISSING || value == null) {
      return otherwise;
    }
    int index = integer(value);
    return index < 0 ? Math.max(0, index + size) : Math.min(index, size);
  }
}
