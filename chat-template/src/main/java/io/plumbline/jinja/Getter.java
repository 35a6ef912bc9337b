package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Reads the attribute that a filter names from each element. */
final class Getter {
  private Getter() {}

  private static List<Object> attributeParts(Rendering rendering, Object attribute) {
    List<Object> parts = new ArrayList<>();
    if (attribute == null) {
      return parts;
    }
    if (!Values.isString(attribute)) {
      parts.add(attribute);
      return parts;
    }
    for (Object cut : TextParts.split(rendering, Values.text(attribute), ".", -1)) {
      String part = (String) cut;
      boolean number = !part.isEmpty() && part.chars().allMatch(c -> c >= '0' && c <= '9');
      if (number && part.length() > 9) {
        throw PyError.of("a number of " + part.length() + " digits is too long");
      }
      parts.add(number ? (Object) Long.valueOf(part) : part);
    }
    return parts;
  }

  /** Reads an attribute such as {@code a.0.b}; the default, if not null, stands in for absence. */
  static Function<Object, Object> of(
      Rendering rendering, Object attribute, boolean ignoreCase, Object otherwise) {
    List<Object> parts = attributeParts(rendering, attribute);
    return item -> {
      Object value = item;
      for (Object part : parts) {
        rendering.spend(4);
        value = Attributes.item(rendering, value, part);
        if (otherwise != null && value instanceof Undefined) {
          value = otherwise;
        }
      }
      return ignoreCase ? folded(rendering, value) : value;
    };
  }

  static Object folded(Rendering rendering, Object value) {
    return Values.isString(value) ? LetterCase.lower(rendering, Values.text(value)) : value;
  }
}
