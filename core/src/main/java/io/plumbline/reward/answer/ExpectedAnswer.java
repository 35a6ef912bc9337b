package io.plumbline.reward.answer;

import io.plumbline.reward.FinalPart;
import io.plumbline.reward.answer.FinalAnswer.Extract;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An answer that is right.
 *
 * @param reading what it says
 */
record ExpectedAnswer(AnswerReading reading) {
  /** Statements that are looked at, from the last on, for one that has a number. */
  private static final int MOST_STATEMENTS = 3;

  private static final Pattern CHOICE = Pattern.compile("[A-J]");

  /** What begins a reason or a remark behind an answer. */
  private static final Pattern REMARK =
      Pattern.compile(
          "\\b(?:since|because|as|where|which|when|so|but|if|given|for|after|considering|based|and"
              + " (?:then|so|the|not|this|that|it))\\b|[,;] (?=\\p{L})|[,;]?+ \\((?=\\p{L})");

  private static final Pattern NEGATED =
      Pattern.compile("(?i)^\\W*(?:not|never|neither|isn't|no longer)\\b");

  /** What says the answer behind what it is not. */
  private static final Pattern BUT =
      Pattern.compile("(?i)[ ,;]but (?:it is |it's |rather )?|[,;] (?:it is|it's|rather) ");

  /** The letter of a choice before the answer itself. */
  private static final Pattern LABEL = Pattern.compile("(?s)\\(?[A-J][).:]\\s++(\\S.*+)");

  private static final Pattern COMPARED =
      Pattern.compile("(?i)\\b(?:not|between|(?:less|more|greater|fewer|other) than)\\s*+[$]?$");

  /** A second answer right behind the first one. */
  private static final Pattern HEDGED =
      Pattern.compile(
          "\\s*+[\\p{L}]*+\\s*+(?:or|to|and|,|/|-|\\\\pm)\\s*+[$]?[-+]?[\\d.\\\\].*+",
          Pattern.DOTALL);

  /** Reads what a column holds, which may be a solution with its answer in a mark. */
  static ExpectedAnswer of(String text) {
    Optional<String> boxed = FinalAnswer.boxed(text).content();
    Optional<String> marked = FinalAnswer.afterHashes(text);
    if (boxed.isPresent() && marked.isPresent() && !AnswerReading.of(marked.get()).isNumber()) {
      marked = boxed; // Hashes of a heading.
    }
    String answer = marked.or(() -> boxed).or(() -> statedOnly(text)).orElse(text).strip();
    return new ExpectedAnswer(AnswerReading.of(answer));
  }

  /** The answer of a solution of several lines, or of a sentence, that states one. */
  private static Optional<String> statedOnly(String text) {
    List<String> stated = FinalAnswer.stated(text, 1);
    boolean solution = text.strip().indexOf('\n') > 0 || FinalAnswer.isStatement(text);
    return solution
        ? stated.stream()
            .map(String::strip)
            .filter(s -> s.chars().anyMatch(Character::isLetterOrDigit))
            .findFirst()
        : Optional.empty();
  }

  static ExpectedAnswer of(Number value) {
    return of(
        ExactNumber.of(value)
            .filter(ExactNumber::isWhole)
            .map(whole -> whole.numerator().toString())
            .orElse(value.toString()));
  }

  String text() {
    return reading.text();
  }

  /** Whether a completion gives this answer. */
  boolean isIn(String completion, Extract extract, Tolerance tolerance) {
    Optional<String> part = FinalPart.of(completion);
    return part.isPresent() && isInPart(part.get(), extract, tolerance);
  }

  private boolean isInPart(String part, Extract extract, Tolerance tolerance) {
    return switch (extract) {
      case BOXED ->
          FinalAnswer.boxed(part).content().filter(x -> isBoxed(x, tolerance)).isPresent();
      case HASHES -> FinalAnswer.afterHashes(part).filter(x -> isLine(x, tolerance)).isPresent();
      case LAST_NUMBER -> isLast(part, tolerance);
      case WHOLE -> is(part, tolerance);
      case AUTO -> isMarked(part, tolerance);
    };
  }

  private boolean isMarked(String part, Tolerance tolerance) {
    FinalAnswer.Box box = FinalAnswer.boxed(part);
    if (box.found() != FinalAnswer.Found.NONE) {
      // One that is not closed was cut off: what it was to hold, nobody knows.
      return box.content().filter(x -> isBoxed(x, tolerance)).isPresent();
    }
    Optional<String> hashes =
        FinalAnswer.afterHashes(part).filter(line -> isAnswerLine(part, line));
    if (hashes.isPresent()) {
      return isLine(hashes.get(), tolerance);
    }
    List<String> stated = FinalAnswer.stated(part, MOST_STATEMENTS);
    if (!stated.isEmpty()) {
      return isStated(stated, tolerance);
    }
    if (is(part, tolerance)) {
      return true;
    }
    if (reading.clock().isPresent()) {
      return reading.clock().get().isLastIn(AnswerText.plain(part));
    }
    return reading.isNumber()
        ? !AnswerReading.of(part).isNumber() && isLast(part, tolerance)
        : FinalAnswer.lastFormula(part).filter(x -> is(x.text(), tolerance)).isPresent();
  }

  /** In a box, a mark behind a number is a factorial. */
  private boolean isBoxed(String content, Tolerance tolerance) {
    if (content.strip().endsWith("!")) {
      AnswerReading boxed = AnswerReading.of(content);
      if (boxed.value().isPresent()) {
        return reading.says(boxed, tolerance);
      }
    }
    return isLine(content, tolerance);
  }

  /** Whether a text is this answer, or a sentence that states it. */
  private boolean isLine(String line, Tolerance tolerance) {
    if (is(line, tolerance)) {
      return true;
    }
    List<String> stated = FinalAnswer.stated(AnswerText.plain(line), MOST_STATEMENTS);
    return !stated.isEmpty() && isStated(stated, tolerance);
  }

  /** A line of hashes is a heading where more follows, and it has not the form of this answer. */
  private boolean isAnswerLine(String part, String line) {
    boolean last = part.strip().endsWith(line);
    return last || (reading.isNumber() && AnswerReading.of(line).isNumber());
  }

  /** Whether the last number of a text is this one; a formula behind it counts as one. */
  private boolean isLast(String part, Tolerance tolerance) {
    Optional<FinalAnswer.Place> number = FinalAnswer.lastNumber(part);
    Optional<FinalAnswer.Place> formula = FinalAnswer.lastFormula(part);
    if (formula.isPresent()
        && (number.isEmpty() || formula.get().end() >= number.get().end())
        && AnswerReading.of(formula.get().text()).isNumber()) {
      return is(formula.get().text(), tolerance);
    }
    return number.filter(x -> is(x.text(), tolerance)).isPresent();
  }

  /** Whether a text is this answer and nothing else. */
  boolean is(String candidate, Tolerance tolerance) {
    if (candidate.length() > AnswerReading.MOST_CHARACTERS
        && candidate.length() > 2 * text().length()) {
      return false;
    }
    if (reading.says(AnswerReading.of(candidate), tolerance)) {
      return true;
    }
    String marked = candidate.strip();
    if (marked.endsWith("!") || marked.endsWith("?")) {
      // An exclamation, if it is no factorial.
      return reading.says(AnswerReading.of(marked.substring(0, marked.length() - 1)), tolerance);
    }
    if (CHOICE.matcher(text()).matches()) {
      return AnswerWords.chooses(candidate, text());
    }
    Matcher label = LABEL.matcher(AnswerText.plain(candidate).strip());
    return label.matches() && reading.says(AnswerReading.of(label.group(1)), tolerance);
  }

  /** Whether sentences that state an answer, the last one first, state this one. */
  private boolean isStated(List<String> sentences, Tolerance tolerance) {
    for (String sentence : sentences) {
      Optional<String> stated = reading.isNumber() ? number(sentence) : Optional.of(sentence);
      if (stated.isPresent()) {
        return is(stated.get(), tolerance)
            || (!reading.isNumber() && isBeforeRemark(sentence, tolerance));
      }
    }
    return false;
  }

  private boolean isBeforeRemark(String sentence, Tolerance tolerance) {
    Matcher remark = REMARK.matcher(sentence);
    return remark.find()
        && remark.start() > 0
        && is(sentence.substring(0, remark.start()), tolerance);
  }

  /** The number that a sentence states: the result of the calculation that it begins with. */
  private static Optional<String> number(String sentence) {
    AnswerReading whole = AnswerReading.of(sentence);
    if (whole.isNumber()) {
      return Optional.of(sentence);
    }
    String plain = AnswerText.plain(sentence);
    if (NEGATED.matcher(plain).find()) {
      Matcher but = BUT.matcher(plain);
      return but.find() ? number(plain.substring(but.end())) : Optional.of("");
    }
    Matcher remark = REMARK.matcher(plain);
    String clause = remark.find() ? plain.substring(0, remark.start()) : plain;
    if (AnswerReading.of(clause).isNumber()
        || (clause.equals(plain) && whole.value().isPresent())) {
      return Optional.of(clause); // Another answer than a number is none of its numbers.
    }
    Optional<FinalAnswer.Place> first = result(clause);
    if (first.isEmpty()) {
      clause = plain;
      first = result(clause);
    }
    if (first.isEmpty()) {
      return Optional.empty();
    }
    String before = clause.substring(0, first.get().start());
    String behind = clause.substring(first.get().end());
    boolean doubtful = COMPARED.matcher(before).find() || HEDGED.matcher(behind).matches();
    return Optional.of(doubtful ? "" : first.get().text());
  }

  /** The first number behind the last equals sign: "16 - 3 = 13". */
  private static Optional<FinalAnswer.Place> result(String clause) {
    return FinalAnswer.firstNumber(clause, clause.lastIndexOf('=') + 1);
  }
}
