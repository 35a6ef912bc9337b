package io.plumbline.rollout.reward;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a completion states its answer. All of it takes time linear in the text, whatever the text
 * is: it was written by a model in training.
 */
final class FinalAnswer {
  /** How the answer is marked. */
  enum Extract {
    /**
     * The first of these that is there: {@code \boxed{…}}, {@code #### …}, "the answer is …", and
     * else the last number for an answer that is a number, the whole text for another.
     */
    AUTO,
    /** The last {@code \boxed{…}}. */
    BOXED,
    /** What follows the last {@code ####}, as in GSM8K. */
    HASHES,
    LAST_NUMBER,
    /** The whole text. */
    WHOLE
  }

  /**
   * A number within prose. A sign that stands behind a number or a letter is an operator, a number
   * that stands behind ^ an exponent.
   */
  private static final Pattern NUMBER =
      Pattern.compile(
          "(?:(?<![\\p{L}\\d)\\]}])[-+−])?+(?:\\\\?[$]|[€£¥₹])?+(?:(?<!\\d)[-−])?+(?:"
              // A fraction, mixed or not.
              + "(?<![\\p{L}\\d_]|\\d\\.)(?:\\d{1,30} ?)??\\\\[dt]?frac(?:\\{-?[\\d.,]{1,30}\\}|\\d)(?:\\{-?[\\d.,]{1,30}\\}|\\d)"
              + "|(?<![\\p{L}\\d_]|\\d\\.)(?:\\d{1,30} )?\\d{1,30} ?/ ?\\d{1,30}(?![\\d/])"
              + "|(?<![\\p{L}\\d_^]|\\d\\.|\\^\\{)(?:\\d{1,3}(?:,\\d{3}){1,20}+(?!\\d)|\\d++)(?:\\.\\d++)?+(?:[eE][-+]?\\d{1,4}(?!\\w))?+"
              + "|(?<![\\p{L}\\d_])\\.\\d++"
              + ")(?:\\s?\\\\?%)?+");

  private static final Pattern STATED =
      Pattern.compile(
          "(?:(?i:\\banswer)[*_]{0,3}\\s{0,3}(?:(?i:is|equals)\\b|[:=])|^A:)[\\s:*_]{0,10}",
          Pattern.MULTILINE);

  private static final Pattern SENTENCE_END = Pattern.compile("\\.(?:\\s|$)|\\n");

  private FinalAnswer() {}

  /** What the last {@code \boxed} or {@code \fbox} holds, if it is closed. */
  static Optional<String> boxed(String text) {
    int boxed = text.lastIndexOf("\\boxed");
    int framed = text.lastIndexOf("\\fbox");
    int at = Math.max(boxed, framed);
    if (at < 0) {
      return Optional.empty();
    }
    int open = at + (at == boxed ? "\\boxed" : "\\fbox").length();
    while (open < text.length() && text.charAt(open) == ' ') {
      open++;
    }
    if (open >= text.length() || text.charAt(open) != '{') {
      return Optional.empty();
    }
    int depth = 0;
    for (int i = open; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\') {
        i++; // \{ and \} are no braces.
      } else if (c == '{') {
        depth++;
      } else if (c == '}' && --depth == 0) {
        return Optional.of(text.substring(open + 1, i));
      }
    }
    return Optional.empty();
  }

  /** What stands behind the last {@code ####}, to the end of the line. */
  static Optional<String> afterHashes(String text) {
    int at = text.lastIndexOf("####");
    if (at < 0) {
      return Optional.empty();
    }
    String after = text.substring(at + 4).strip();
    int line = after.indexOf('\n');
    String answer = line < 0 ? after : after.substring(0, line).strip();
    return answer.isEmpty() ? Optional.empty() : Optional.of(answer);
  }

  /** The sentence that the last "answer is" or "Answer:" begins, without these words. */
  static Optional<String> stated(String text) {
    Matcher matcher = STATED.matcher(text);
    int from = -1;
    while (matcher.find()) {
      from = matcher.end();
    }
    if (from < 0 || from == text.length()) {
      return Optional.empty();
    }
    Matcher end = SENTENCE_END.matcher(text);
    return Optional.of(end.find(from) ? text.substring(from, end.start()) : text.substring(from));
  }

  static Optional<String> firstNumber(String text) {
    Matcher matcher = NUMBER.matcher(text);
    return matcher.find() ? Optional.of(matcher.group()) : Optional.empty();
  }

  static Optional<String> lastNumber(String text) {
    Matcher matcher = NUMBER.matcher(text);
    Optional<String> last = Optional.empty();
    while (matcher.find()) {
      last = Optional.of(matcher.group());
    }
    return last;
  }

  /** The end of the number that a text begins with; 0 where it begins with none. */
  static int endOfLeadingNumber(String text) {
    Matcher matcher = NUMBER.matcher(text);
    return matcher.lookingAt() ? matcher.end() : 0;
  }
}
