package io.plumbline.jinja;

/**
 * Looks for a string in others in time linear in both (Knuth, Morris and Pratt), as the search of
 * {@link String} is not. A pass over the text is paid for by the caller.
 */
final class Search {
  /** Up to this length a search by trial is a few comparisons a place. */
  private static final int SHORT = 16;

  private final String wanted;

  /** For every start of a long string the length of its longest proper border. */
  private final int[] borders;

  Search(Budget budget, String wanted) {
    this.wanted = wanted;
    this.borders = new int[wanted.length() <= SHORT ? 0 : wanted.length()];
    budget.spend(borders.length / 2);
    int length = 0;
    for (int i = 1; i < borders.length; i++) {
      while (length > 0 && wanted.charAt(length) != wanted.charAt(i)) {
        length = borders[length - 1];
      }
      if (wanted.charAt(length) == wanted.charAt(i)) {
        length++;
      }
      borders[i] = length;
    }
  }

  static boolean contains(Budget budget, String text, String wanted) {
    return wanted.length() <= text.length() && new Search(budget, wanted).next(text, 0) >= 0;
  }

  /** The first place at or after start, or -1. */
  int next(String text, int start) {
    if (borders.length == 0) {
      return text.indexOf(wanted, start);
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
}
