package io.plumbline.reward.answer;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.regex.MatchResult;
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

  /** Whether there is a box. */
  enum Found {
    NONE,
    CLOSED,
    /** The last one has no end: the completion was cut off in it. */
    OPEN
  }

  /**
   * What is boxed.
   *
   * @param content where {@link Found#CLOSED}
   */
  record Box(Found found, Optional<String> content) {}

  /** A part of a text in its plain writing. */
  record Place(int start, int end, String text) {}

  /**
   * A number within prose. A sign that stands behind a number or a letter is an operator, a number
   * that stands behind ^ an exponent. What makes another number of it belongs to it: a power, a
   * root, a letter that it is multiplied with, minutes behind hours.
   */
  private static final Pattern NUMBER =
      Pattern.compile(
          "(?:(?<![\\p{L}\\d)\\]}])[-+])?+[$€£¥₹]?+(?:(?<!\\d)-)?+(?:"
              // A fraction, mixed or not.
              + "(?<![\\p{L}\\d_]|\\d[.:])(?:\\d{1,30} ?)??\\\\frac ?(?:\\{-?[\\d.,]{1,30}\\}|\\d)"
              + " ?(?:\\{-?[\\d.,]{1,30}\\}|\\d)|(?<![\\p{L}\\d_^]|\\d[.:]|\\^\\{)(?:\\d{1,30}"
              + " )?\\d{1,30} ?/ ?\\d{1,30}(?![\\d/])"
              + "|(?<![\\p{L}\\d_^]|\\d[.:]|\\^\\{)(?:[1-9]\\d{0,2}(?:,\\d{3}){1,20}+(?!\\d)|\\d++)(?:\\.\\d++)?+(?:[eE][-+]?\\d{1,9}(?!\\w))?+(?::\\d{1,2}+)*+(?:"
              + " ?[*xX] ?10 ?(?=\\^)|\\\\overline\\{\\d{1,50}\\})?+"
              + "|(?<![\\p{L}\\d_])\\.\\d++|(?<![\\p{L}\\d_\\\\])\\\\(?:sqrt"
              + " ?(?:\\{\\d{1,30}\\}|\\d{1,30})|pi(?![a-zA-Z])))(?:\\^(?:\\{[-+]?\\d{1,9}\\}|[-+]?\\d{1,9}))?+(?:"
              + " ?\\\\(?:sqrt"
              + " ?(?:\\{\\d{1,30}\\}|\\d{1,30})|pi(?![a-zA-Z])))?+(?:[a-zA-Z](?![\\p{L}\\d]))?+(?:"
              + " ?%)?+");

  private static final Pattern STATED =
      Pattern.compile(
          "(?:(?i:\\b(?:answer|(?:correct|right) (?:option|choice)))[*_]{0,3}(?:\\s{0,3}(?i:(?:[\\w'’]{1,15}"
              + " ){0,6}?(?:is(?:n['’]t)?|equals|be)\\b)|\\s{0,3}[:=：])|答案(?:是|为|為|：)|^A:)[\\s:*_]{0,10}",
          Pattern.MULTILINE);

  /** A statement of what the answer is not. */
  private static final Pattern STATED_NOT =
      Pattern.compile("(?i)\\b(?:not|cannot|never)\\b|n['’]t\\b");

  /** What denies the number behind it, at the end of what stands before. */
  private static final Pattern DENIED_BEFORE =
      Pattern.compile("(?i)(?:\\b(?:not|never|cannot)|n['’]t)(?: be| equal)?\\s{0,2}[$]?$");

  /** What denies the number before it. */
  private static final Pattern DENIED_BEHIND =
      Pattern.compile(
          "(?i)^[$*]{0,3}\\s{0,2}(?:(?:is|was)(?:n['’]t\\b| (?:not|wrong|incorrect|false)\\b)"
              + "|cannot be\\b|can['’]t be\\b)");

  private static final int DENIAL = 30;

  /** A formula may begin on a line of its own. */
  private static final Pattern DISPLAYED =
      Pattern.compile("(?:\\$\\$|\\\\\\[)([^$]{0,1000}?)(?:\\$\\$|\\\\\\])", Pattern.DOTALL);

  private static final Pattern SENTENCE_END = Pattern.compile("[.!?](?:\\s|$)|\\n|[。！？]");

  /** Between boxes that make one answer together. */
  private static final Pattern BETWEEN_BOXES = Pattern.compile("[\\s,;$]*+(?:and|or)?+[\\s,;$]*+");

  private static final String[] FORMULA_ENDS = {"$$", "$", "\\)", "\\]"};
  private static final String[] FORMULA_STARTS = {"$$", "$", "\\(", "\\["};

  private FinalAnswer() {}

  // Boxes.

  /** What the last {@code \boxed} or {@code \fbox} holds, with boxes that stand right before it. */
  static Box boxed(String text) {
    List<int[]> boxes = new ArrayList<>();
    int[] closing = closings(text);
    int end = 0;
    int at = next(text, 0);
    while (at >= 0) {
      int open = at + (text.startsWith("\\boxed", at) ? 6 : 5);
      while (open < text.length() && Character.isWhitespace(text.charAt(open))) {
        open++;
      }
      int close =
          open < text.length() && text.charAt(open) == '{' ? closing[open] : bareEnd(text, open);
      if (close < 0) {
        boxes.clear();
      }
      // Boxes within a box are what that holds.
      if (close >= 0 && at >= end) {
        boxes.add(new int[] {at, open, close});
        end = close;
      }
      at = next(text, at + 1);
      if (close < 0 && at < 0) {
        return new Box(Found.OPEN, Optional.empty());
      }
    }
    if (boxes.isEmpty()) {
      return new Box(Found.NONE, Optional.empty());
    }
    return new Box(Found.CLOSED, Optional.of(joined(text, boxes, closing)));
  }

  private static int next(String text, int from) {
    int boxed = text.indexOf("\\boxed", from);
    int framed = text.indexOf("\\fbox", from);
    return boxed < 0 ? framed : framed < 0 ? boxed : Math.min(boxed, framed);
  }

  /** Of a box without braces, as in {@code \boxed 5}. */
  private static int bareEnd(String text, int open) {
    int end = open;
    while (end < text.length()
        && (Character.isLetterOrDigit(text.charAt(end)) || text.charAt(end) == '-')) {
      end++;
    }
    return end > open ? end : -1;
  }

  /** For each opening brace where its closing one stands; −1 where there is none. */
  private static int[] closings(String text) {
    int[] closing = new int[text.length()];
    Arrays.fill(closing, -1);
    Deque<Integer> open = new ArrayDeque<>();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\') {
        i++; // \{ and \} are no braces.
      } else if (c == '{') {
        open.push(i);
      } else if (c == '}' && !open.isEmpty()) {
        closing[open.pop()] = i;
      }
    }
    return closing;
  }

  private static String joined(String text, List<int[]> boxes, int[] closing) {
    int first = boxes.size() - 1;
    int[] last = boxes.get(first);
    if (text.charAt(last[1]) == '{' && text.substring(last[1] + 1, last[2]).isBlank()) {
      return ""; // An empty box takes the answers before it back.
    }
    while (first > 0
        && BETWEEN_BOXES
            .matcher(text.substring(boxes.get(first - 1)[2], boxes.get(first)[0]).replace("}", ""))
            .matches()) {
      first--;
    }
    List<String> contents = new ArrayList<>();
    for (int[] box : boxes.subList(first, boxes.size())) {
      int from = text.charAt(box[1]) == '{' ? box[1] + 1 : box[1];
      contents.add(unwrapped(text.substring(from, box[2]), text, box[2], closing));
    }
    return String.join(", ", contents);
  }

  /** What a box holds whose parts may be boxed again: a formula as a whole, or the inner one. */
  private static String unwrapped(String content, String text, int end, int[] closing) {
    int inner = content.lastIndexOf("\\boxed");
    if (inner < 0) {
      return content;
    }
    String whole = content.replaceAll("\\\\(?:boxed|fbox) *+(?=\\{)", "");
    int open = end - content.length() + inner + "\\boxed".length();
    return AnswerReading.of(whole).value().isEmpty() && open < end && closing[open] >= 0
        ? text.substring(open + 1, closing[open])
        : whole;
  }

  // Other marks.

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

  /**
   * The sentences that "answer is" or "Answer:" begin, without these words, the last one first;
   * behind "not" where they say what the answer is not.
   *
   * @param most so many
   */
  static List<String> stated(String text, int most) {
    Matcher matcher = STATED.matcher(text);
    Deque<MatchResult> found = new ArrayDeque<>();
    while (matcher.find()) {
      found.push(matcher.toMatchResult());
    }
    Matcher end = SENTENCE_END.matcher(text);
    Matcher displayed = DISPLAYED.matcher(text);
    return found.stream()
        .limit(most)
        .filter(match -> match.end() < text.length())
        .map(
            match -> {
              int from = match.end();
              String sentence =
                  displayed.region(from, text.length()).lookingAt()
                      ? displayed.group(1)
                      : end.find(from) ? text.substring(from, end.start()) : text.substring(from);
              return STATED_NOT.matcher(match.group()).find() ? "not " + sentence : sentence;
            })
        .toList();
  }

  /** Whether a text is nothing but the statement of an answer. */
  static boolean isStatement(String text) {
    String start = text.strip();
    Matcher matcher = STATED.matcher(start);
    return matcher.find()
        && start
            .substring(0, matcher.start())
            .matches("(?i)\\W*(?:(?:so|thus|therefore|hence),? )?(?:the )?(?:\\w+ )?");
  }

  // Numbers and formulas in prose.

  static Optional<Place> firstNumber(String plain, int from) {
    Matcher matcher = NUMBER.matcher(plain);
    return matcher.find(from) ? Optional.of(place(matcher)) : Optional.empty();
  }

  /**
   * The last number of a text; its place is that in the plain writing. Empty where the text says
   * that it is not the answer.
   */
  static Optional<Place> lastNumber(String text) {
    String plain = plainWithDollars(text);
    Matcher matcher = NUMBER.matcher(plain);
    Optional<Place> last = Optional.empty();
    while (matcher.find()) {
      last = Optional.of(place(matcher));
    }
    return last.filter(number -> !isDenied(plain, number));
  }

  private static boolean isDenied(String plain, Place number) {
    String before = plain.substring(Math.max(0, number.start() - DENIAL), number.start());
    String behind = plain.substring(number.end(), Math.min(plain.length(), number.end() + DENIAL));
    return DENIED_BEFORE.matcher(before).find() || DENIED_BEHIND.matcher(behind).find();
  }

  /** The plain writing of a text whose formulas stand in dollars or in TeX's round brackets. */
  private static String plainWithDollars(String text) {
    return AnswerText.plain(text.replace("\\(", "$").replace("\\)", "$"));
  }

  private static Place place(Matcher matcher) {
    return new Place(matcher.start(), matcher.end(), matcher.group());
  }

  /** The end of the number that a plain text begins with; 0 where it begins with none. */
  static int endOfLeadingNumber(String plain) {
    Matcher matcher = NUMBER.matcher(plain);
    return matcher.lookingAt() ? matcher.end() : 0;
  }

  /** What the last formula of a text holds, between dollars or brackets of TeX. */
  static Optional<Place> lastFormula(String text) {
    int last = -1;
    String ending = "";
    for (String mark : FORMULA_ENDS) {
      int at = text.lastIndexOf(mark);
      if (at > last || (at == last - 1 && mark.equals("$$"))) {
        last = at;
        ending = mark;
      }
    }
    if (last < 0) {
      return Optional.empty();
    }
    if (ending.equals("$") && last > 0 && text.charAt(last - 1) == '$') {
      ending = "$$";
      last--;
    }
    String starting = FORMULA_STARTS[Arrays.asList(FORMULA_ENDS).indexOf(ending)];
    int from = text.lastIndexOf(starting, last - 1);
    int start = from + starting.length();
    if (from < 0 || start > last || last - from > AnswerReading.MOST_CHARACTERS) {
      return Optional.empty();
    }
    String inside = text.substring(start, last);
    int end = plainWithDollars(text.substring(0, last)).length();
    return inside.isBlank() ? Optional.empty() : Optional.of(new Place(from, end, inside));
  }
}
