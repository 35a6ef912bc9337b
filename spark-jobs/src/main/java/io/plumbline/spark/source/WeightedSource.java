package io.plumbline.spark.source;

import io.plumbline.error.PlumblineException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A value {@code SOURCE[:WEIGHT]}: whatever stands behind the last colon of a path, a table's name
 * or a query, and reads as a number, is a weight. What is all of the name, as in {@code csv:2024},
 * or a port, as in {@code hdfs://host:8020}, is none.
 *
 * @param source without its weight
 * @param weight as it was written, which may be no number above 0
 */
public record WeightedSource(String source, Optional<String> weight) {
  private static final Pattern WEIGHT =
      Pattern.compile(
          "(.*[^/:\\s])\\s*:\\s*([-+]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:[eE][-+]?[0-9]+)?)",
          Pattern.DOTALL);

  /** A host with its port and no path behind it. */
  private static final Pattern AUTHORITY = Pattern.compile("[a-zA-Z][a-zA-Z0-9+.-]*://[^/]*");

  private static final Pattern PREFIX =
      Pattern.compile("(?:table|sql|delta|iceberg):\\s*", Pattern.DOTALL);

  /** Reads what a user wrote. */
  public static WeightedSource of(String text) {
    String prefix = prefix(text);
    String name = text.substring(prefix.length());
    Matcher parts = WEIGHT.matcher(name);
    return parts.matches() && !AUTHORITY.matcher(name).matches()
        ? new WeightedSource(prefix + parts.group(1), Optional.of(parts.group(2)))
        : new WeightedSource(text, Optional.empty());
  }

  private static String prefix(String text) {
    if (DelimitedFiles.isNamedBy(text)) {
      try {
        return text.substring(0, text.length() - DelimitedFiles.pathIn(text).length());
      } catch (PlumblineException e) {
        return text; // Told where the source is read.
      }
    }
    Matcher prefix = PREFIX.matcher(text);
    return prefix.lookingAt() ? prefix.group() : "";
  }
}
