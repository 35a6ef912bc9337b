package io.plumbline.spark.source;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * As much of YAML as the heads of data sets' cards have: maps, lists and texts in blocks, and lists
 * in brackets. A library for YAML takes the rest of a stranger's file for more than it is.
 */
final class CardYaml {
  private record Line(int indent, String text) {}

  private final List<Line> lines = new ArrayList<>();
  private int next;

  private CardYaml(String yaml) {
    for (String line : yaml.split("\n", -1)) {
      String text = line.strip();
      if (!text.isEmpty() && !text.startsWith("#")) {
        lines.add(new Line(line.length() - line.stripLeading().length(), text));
      }
    }
  }

  /**
   * The value of a key of the outermost map: a map, a list or a text; empty where there is none.
   */
  static Optional<Object> value(String yaml, String key) {
    CardYaml card = new CardYaml(yaml);
    for (int i = 0; i < card.lines.size(); i++) {
      Line line = card.lines.get(i);
      if (line.indent() == 0 && line.text().startsWith(key + ":")) {
        card.next = i;
        return Optional.ofNullable(card.map(0).get(key));
      }
    }
    return Optional.empty();
  }

  private boolean at(int indent) {
    return next < lines.size() && lines.get(next).indent() == indent;
  }

  private static boolean isItem(String text) {
    return text.equals("-") || text.startsWith("- ");
  }

  private Object block(int indent) {
    return isItem(lines.get(next).text()) ? list(indent) : map(indent);
  }

  private List<Object> list(int indent) {
    List<Object> items = new ArrayList<>();
    while (at(indent) && isItem(lines.get(next).text())) {
      String text = lines.get(next).text().substring(1);
      int inside = indent + 1 + text.length() - text.stripLeading().length();
      String item = text.strip();
      if (item.isEmpty()) {
        next++;
        items.add(below(indent).orElse(""));
      } else if (colon(item) > 0) {
        lines.set(next, new Line(inside, item));
        items.add(map(inside));
      } else {
        next++;
        items.add(scalar(item));
      }
    }
    return items;
  }

  private Map<String, Object> map(int indent) {
    Map<String, Object> map = new LinkedHashMap<>();
    while (at(indent) && !isItem(lines.get(next).text())) {
      String text = lines.get(next++).text();
      int colon = colon(text);
      if (colon < 0) {
        continue; // A text that continues.
      }
      String value = text.substring(colon + 1).strip();
      Object parsed = scalar(value);
      if (value.isEmpty()) {
        // A list may stand as far out as its key.
        boolean items = at(indent) && isItem(lines.get(next).text());
        parsed = items ? list(indent) : below(indent).orElse("");
      }
      map.put(String.valueOf(scalar(text.substring(0, colon).strip())), parsed);
    }
    return map;
  }

  /** The block that stands further in. */
  private Optional<Object> below(int indent) {
    if (next >= lines.size() || lines.get(next).indent() <= indent) {
      return Optional.empty();
    }
    int inside = lines.get(next).indent();
    Object block = block(inside);
    while (next < lines.size() && lines.get(next).indent() > indent) {
      next++; // What is of no form that is known here.
    }
    return Optional.of(block);
  }

  /** Where a key ends; -1 where the text is no key with a value. */
  private static int colon(String text) {
    if (text.endsWith(":") && text.indexOf(": ") < 0) {
      return text.length() - 1;
    }
    return text.startsWith("[") ? -1 : text.indexOf(": ");
  }

  private static Object scalar(String text) {
    if (text.startsWith("[") && text.endsWith("]")) {
      List<Object> items = new ArrayList<>();
      for (String item : text.substring(1, text.length() - 1).split(",", -1)) {
        if (!item.isBlank()) {
          items.add(scalar(item.strip()));
        }
      }
      return items;
    }
    for (String quote : List.of("\"", "'")) {
      if (text.length() >= 2 && text.startsWith(quote) && text.endsWith(quote)) {
        return text.substring(1, text.length() - 1);
      }
    }
    int comment = text.indexOf(" #");
    return comment < 0 ? text : text.substring(0, comment).strip();
  }
}
