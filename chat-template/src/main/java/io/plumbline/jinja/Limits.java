package io.plumbline.jinja;

import java.time.Duration;

/**
 * Bounds that keep a hostile or broken template from taking the process with it. Past one of them
 * parsing or rendering ends.
 *
 * @param steps what parsing and one rendering may each spend. A step pays for an evaluated node, a
 *     compared element, eight characters that are read, three that are made, or about twelve bytes
 *     of any other value: never for work that grows with what it works on. So steps bound the time
 *     and the memory alike, and do so by the template and its values alone.
 * @param depth nested evaluations, macro calls among them
 * @param nesting nested expressions and blocks in the source
 * @param outputLength UTF-16 units of rendered text
 * @param valueSize characters of a string or elements of a list made on the way
 * @param sourceLength UTF-16 units of template source
 * @param time how long a parse or a rendering may take, for the case that a machine is so slow that
 *     its steps do not end in time
 */
public record Limits(
    long steps,
    int depth,
    int nesting,
    int outputLength,
    int valueSize,
    int sourceLength,
    Duration time) {
  /** Far above what any known chat template needs. */
  public static final Limits STANDARD =
      new Limits(
          20_000_000L, 1_000, 150, 32_000_000, 16_000_000, 1_000_000, Duration.ofSeconds(10));
}
