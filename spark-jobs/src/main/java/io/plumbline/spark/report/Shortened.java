package io.plumbline.spark.report;

/** Texts cut to a length, with a sign that they were. */
final class Shortened {
  private Shortened() {}

  /** At most so many characters; a pair of surrogates is never cut in two. */
  static String of(String text, int longest) {
    int length = text.codePointCount(0, text.length());
    return length <= longest
        ? text
        : text.substring(0, text.offsetByCodePoints(0, longest - 1)) + "…";
  }
}
