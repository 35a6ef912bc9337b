package io.plumbline.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What can be said of a value of any type. */
public final class Values {
  private Values() {}

  /** For sentences. */
  public static String type(Object value) {
    if (value == null) {
      return "null";
    }
    if (value instanceof String) {
      return "text";
    }
    if (value instanceof Number) {
      return "a number";
    }
    if (value instanceof Boolean) {
      return "true or false";
    }
    if (value instanceof byte[]) {
      return "bytes (a Parquet column of the type binary that does not say that it is text)";
    }
    return value instanceof List ? "a list" : "an object";
  }

  /** A number as it is, of anything else its type: for sentences. */
  static String said(Object value) {
    return value instanceof Number ? value.toString() : type(value);
  }

  /** The columns of a row with those that have no value, for sentences. */
  public static String columns(Map<String, Object> row) {
    List<String> columns = new ArrayList<>();
    new TreeMap<>(row)
        .forEach((name, value) -> columns.add(value == null ? name + " (null)" : name));
    return String.join(", ", columns);
  }

  /** JSON can spell half of a surrogate pair, which no tokenizer can take. */
  static void requireUnbroken(String text, String where) throws RefusedRowException {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        boolean pair =
            Character.isHighSurrogate(c)
                && i + 1 < text.length()
                && Character.isLowSurrogate(text.charAt(i + 1));
        if (!pair) {
          throw new RefusedRowException(
              RefusalReason.NOT_UTF8, where + " has half of a surrogate pair");
        }
        i++;
      }
    }
  }

  static void requireUnbrokenDeeply(Object value, String where) throws RefusedRowException {
    if (value instanceof String text) {
      requireUnbroken(text, where);
    } else if (value instanceof List<?> list) {
      for (Object element : list) {
        requireUnbrokenDeeply(element, where);
      }
    } else if (value instanceof Map<?, ?> map) {
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        requireUnbrokenDeeply(entry.getKey(), where);
        requireUnbrokenDeeply(entry.getValue(), where);
      }
    }
  }
}
