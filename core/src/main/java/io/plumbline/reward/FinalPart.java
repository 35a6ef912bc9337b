package io.plumbline.reward;

import java.util.Optional;

/** The part of a completion that is its answer. */
public final class FinalPart {
  private static final String THINK = "think";
  private static final String ANSWER = "answer";
  private static final String FENCE = "```";

  private FinalPart() {}

  /**
   * A completion's text, with the opening of the reasoning where the prompt ends with that, as some
   * chat templates have it.
   */
  public static String written(Completion completion) {
    String opening = "<" + THINK + ">";
    return endsWith(completion.prompt(), opening) ? opening + completion.text() : completion.text();
  }

  /** Whether a prompt ends with a tag, but for white space. */
  public static boolean endsWith(String prompt, String tag) {
    int end = prompt.length();
    while (end > 0 && Character.isWhitespace(prompt.charAt(end - 1))) {
      end--;
    }
    return prompt.startsWith(tag, end - tag.length());
  }

  /**
   * What stands behind the reasoning, and within the last {@code <answer>} where there is one;
   * empty where the reasoning or the answer has no end, as in a completion that was cut off.
   */
  public static Optional<String> of(String text) {
    int thinkEnd = text.lastIndexOf("</" + THINK + ">");
    String after = thinkEnd < 0 ? text : text.substring(thinkEnd + THINK.length() + 3);
    if (after.contains("<" + THINK + ">")) {
      return Optional.empty();
    }
    int opened = after.lastIndexOf("<" + ANSWER + ">");
    if (opened >= 0 && after.indexOf("</" + ANSWER + ">", opened) < 0) {
      return Optional.empty();
    }
    return Optional.of(inTag(after, ANSWER).orElse(after));
  }

  /** What the last tag of that name holds, where it is opened and closed. */
  public static Optional<String> inTag(String text, String tag) {
    int end = text.lastIndexOf("</" + tag + ">");
    if (end < 0) {
      return Optional.empty();
    }
    String opening = "<" + tag + ">";
    int start = text.lastIndexOf(opening, end);
    return start < 0
        ? Optional.empty()
        : Optional.of(text.substring(start + opening.length(), end));
  }

  /** What the last code fence holds, without its language; the text where there is none. */
  public static String inFence(String text) {
    int end = text.lastIndexOf(FENCE);
    int start = end <= 0 ? -1 : text.lastIndexOf(FENCE, end - 1);
    if (start < 0) {
      return text;
    }
    int line = text.indexOf('\n', start);
    int from = line < 0 || line > end ? start + FENCE.length() : line + 1;
    return from > end ? text : text.substring(from, end);
  }
}
