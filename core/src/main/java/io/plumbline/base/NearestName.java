package io.plumbline.base;

import java.util.Collection;
import java.util.Optional;

/** Finds what somebody who mistyped a name probably meant. */
public final class NearestName {
  private NearestName() {}

  /** The candidate that is fewest edits away, if it is near enough to be meant. */
  public static Optional<String> among(Collection<String> candidates, String name) {
    String best = null;
    int fewest = Integer.MAX_VALUE;
    for (String candidate : candidates) {
      int edits = edits(name, candidate);
      if (candidate.length() > name.length() && name.length() >= 3) {
        // A name that was cut short is a likelier slip than so many letters left out.
        edits = Math.min(edits, edits(name, candidate.substring(0, name.length())) + 1);
      }
      if (edits < fewest) {
        fewest = edits;
        best = candidate;
      }
    }
    int allowed = Math.max(1, name.length() / 3);
    return fewest <= allowed ? Optional.ofNullable(best) : Optional.empty();
  }

  /** Levenshtein distance; a swap of two neighbours counts as one edit. */
  public static int edits(String a, String b) {
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      d[i][0] = i;
    }
    for (int j = 0; j <= b.length(); j++) {
      d[0][j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      for (int j = 1; j <= b.length(); j++) {
        int replace = d[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        d[i][j] = Math.min(replace, Math.min(d[i - 1][j], d[i][j - 1]) + 1);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    return d[a.length()][b.length()];
  }
}
