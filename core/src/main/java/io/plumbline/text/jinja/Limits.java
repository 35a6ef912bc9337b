package io.plumbline.text.jinja;

/**
 * Bounds that keep a hostile or broken template from taking the process with it. Past one of them
 * rendering ends with BAD_TEMPLATE.
 *
 * @param steps evaluated nodes and copied elements over one rendering
 * @param depth nested evaluations, macro calls among them
 * @param nesting nested expressions and blocks in the source
 * @param outputLength UTF-16 units of rendered text
 * @param valueSize characters of a string or elements of a list made on the way
 * @param sourceLength UTF-16 units of template source
 */
public record Limits(
    long steps, int depth, int nesting, int outputLength, int valueSize, int sourceLength) {
  /** Far above what any known chat template needs. */
  public static final Limits STANDARD =
      new Limits(20_000_000L, 1_000, 150, 32_000_000, 16_000_000, 4_000_000);
}
