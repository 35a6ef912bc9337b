package io.plumbline.spark.source;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** Which of the names that exist somebody may have meant. */
final class NearNames {
  private static final int SHOWN = 3;

  private NearNames() {}

  /** The nearest first, none that is far off. */
  static List<String> among(Collection<String> names, String given) {
    String small = given.toLowerCase(Locale.ROOT);
    int allowed = Math.max(2, given.length() / 2);
    return names.stream()
        .filter(name -> distance(small, name.toLowerCase(Locale.ROOT)) <= allowed)
        .sorted(
            Comparator.<String>comparingInt(name -> distance(small, name.toLowerCase(Locale.ROOT)))
                .thenComparing(Comparator.naturalOrder()))
        .limit(SHOWN)
        .toList();
  }

  /** Levenshtein distance; a name that was cut short is a likelier slip than its length says. */
  private static int distance(String a, String b) {
    if (a.length() >= 3 && b.length() >= 3 && (a.startsWith(b) || b.startsWith(a))) {
      return 1;
    }
    int[] above = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      above[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replace = above[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replace, 1 + Math.min(above[j], row[j - 1]));
      }
      above = row;
    }
    return above[b.length()];
  }
}
