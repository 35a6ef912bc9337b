package io.plumbline.jinja;

/**
 * Looks for a string in another in time linear in both (Knuth, Morris and Pratt), as the search of
 * {@link String} is not. A pass over the text is paid for by the caller.
 */
final class Search {
  /** Up to this length a search by trial is a few comparisons a place. */
  private static final int SHORT = 16;

  private final Budget budget;
  private final String wanted;
  private int[] borders;
  private int[] bordersFromRight;

  /** Characters that trials have compared in vain, and those that a search may so lose. */
  private long compared;

  private long allowed = 1024;

  Search(Budget budget, String wanted) {
    this.budget = budget;
    this.wanted = wanted;
  }

  static boolean contains(Budget budget, String text, String wanted) {
    return wanted.length() <= text.length() && new Search(budget, wanted).next(text, 0) >= 0;
  }

  int length() {
    return wanted.length();
  }

  /** The first place at or after start, or -1. */
  int next(String text, int start) {
    if (wanted.length() <= SHORT) {
      return text.indexOf(wanted, start);
    }
    return borders == null ? byTrial(text, start) : byBorders(text, start);
  }

  private int byTrial(String text, int start) {
    char first = wanted.charAt(0);
    int last = text.length() - wanted.length();
    int from = start;
    while (from <= last) {
      int at = text.indexOf(first, from);
      if (at < 0 || at > last) {
        return -1;
      }
      int matched = 1;
      while (matched < wanted.length() && text.charAt(at + matched) == wanted.charAt(matched)) {
        matched++;
      }
      if (matched == wanted.length()) {
        return at;
      }
      compared += matched;
      allowed += 4L * (at + 1 - from);
      from = at + 1;
      if (compared > allowed) {
        return byBorders(text, from);
      }
    }
    return -1;
  }

  private int byBorders(String text, int start) {
    if (borders == null) {
      borders = borders(wanted.toCharArray());
    }
    int matched = 0;
    for (int i = start; i < text.length(); i++) {
      char c = text.charAt(i);
      while (matched > 0 && wanted.charAt(matched) != c) {
        matched = borders[matched - 1];
      }
      if (wanted.charAt(matched) == c && ++matched == wanted.length()) {
        return i + 1 - matched;
      }
    }
    return -1;
  }

  /** The last place where the whole ends at or before end, or -1. */
  int previous(String text, int end) {
    if (end < wanted.length()) {
      return -1;
    }
    if (wanted.length() <= SHORT) {
      return text.lastIndexOf(wanted, end - wanted.length());
    }
    int last = wanted.length() - 1;
    if (bordersFromRight == null) {
      char[] reversed = new char[wanted.length()];
      for (int i = 0; i <= last; i++) {
        reversed[i] = wanted.charAt(last - i);
      }
      bordersFromRight = borders(reversed);
    }
    int matched = 0;
    for (int i = end - 1; i >= 0; i--) {
      char c = text.charAt(i);
      while (matched > 0 && wanted.charAt(last - matched) != c) {
        matched = bordersFromRight[matched - 1];
      }
      if (wanted.charAt(last - matched) == c && ++matched == wanted.length()) {
        return i;
      }
    }
    return -1;
  }

  /** For every start of the string the length of its longest proper border. */
  private int[] borders(char[] string) {
    budget.spend(string.length / 2);
    int[] lengths = new int[string.length];
    int length = 0;
    for (int i = 1; i < string.length; i++) {
      while (length > 0 && string[length] != string[i]) {
        length = lengths[length - 1];
      }
      if (string[length] == string[i]) {
        length++;
      }
      lengths[i] = length;
    }
    return lengths;
  }
}
