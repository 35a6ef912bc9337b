package io.plumbline.rollout.reward;

import io.plumbline.rollout.reward.FinalAnswer.Extract;
import java.text.Normalizer;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An answer that is right.
 *
 * @param text as the data has it
 * @param number the same as a number, where it is one
 */
record ExpectedAnswer(String text, Optional<ExactNumber> number) {
  /** Longer candidates are no answers but texts in which one may stand. */
  private static final int MOST_CHARACTERS = 1_000;

  private static final Pattern TEXT_COMMAND =
      Pattern.compile("\\\\(?:text|textbf|mathrm|mathbf|mbox|operatorname)\\s?\\{([^{}]*)\\}");

  private static final Pattern NAMED = Pattern.compile("\\\\?[\\p{L}]\\w{0,20}\\s?=\\s?");

  /** Words, degrees, powers of units: what may follow a number without being a part of it. */
  private static final Pattern UNIT =
      Pattern.compile(
          "(?:\\s|°|\\^?\\{?\\\\(?:circ|degree)|\\p{L}{2})[\\p{L}\\s°./'’{}\\\\²³-]*+(?:\\^?\\{?[23]\\}?)?+\\.?+");

  private static final Pattern PUNCTUATION_AROUND =
      Pattern.compile("^[\\s\"'“”‘’`*_.,;:!?()\\[\\]]++|[\\s\"'“”‘’`*_.,;:!?()\\[\\]]++$");

  /** Reads what a column holds, which may be a solution with its answer in a mark. */
  static ExpectedAnswer of(String text) {
    String marked = FinalAnswer.afterHashes(text).or(() -> FinalAnswer.boxed(text)).orElse(text);
    return new ExpectedAnswer(marked.strip(), number(marked));
  }

  static ExpectedAnswer of(Number value) {
    return new ExpectedAnswer(value.toString(), ExactNumber.of(value));
  }

  /** Whether a completion gives this answer. */
  boolean isIn(String completion, Extract extract, Tolerance tolerance) {
    Optional<String> part = FinalPart.of(completion);
    return part.isPresent() && isInPart(part.get(), extract, tolerance);
  }

  private boolean isInPart(String part, Extract extract, Tolerance tolerance) {
    return switch (extract) {
      case BOXED -> FinalAnswer.boxed(part).filter(x -> is(x, tolerance)).isPresent();
      case HASHES -> FinalAnswer.afterHashes(part).filter(x -> is(x, tolerance)).isPresent();
      case LAST_NUMBER -> FinalAnswer.lastNumber(part).filter(x -> is(x, tolerance)).isPresent();
      case WHOLE -> is(part, tolerance);
      case AUTO -> {
        Optional<String> marked = FinalAnswer.boxed(part).or(() -> FinalAnswer.afterHashes(part));
        if (marked.isPresent()) {
          yield is(marked.get(), tolerance);
        }
        Optional<String> stated = FinalAnswer.stated(part);
        if (stated.isPresent()) {
          yield isStated(stated.get(), tolerance);
        }
        boolean whole = number.isEmpty() || number(part).isPresent();
        yield whole
            ? is(part, tolerance)
            : FinalAnswer.lastNumber(part).filter(x -> is(x, tolerance)).isPresent();
      }
    };
  }

  /** Whether a text is this answer and nothing else. */
  boolean is(String candidate, Tolerance tolerance) {
    if (candidate.length() > MOST_CHARACTERS && candidate.length() > 2 * text.length()) {
      return false;
    }
    Optional<ExactNumber> given = number.isPresent() ? number(candidate) : Optional.empty();
    return given.isPresent()
        ? given.get().isNear(number.get(), tolerance)
        : normal(candidate).equals(normal(text));
  }

  /** Whether a sentence that goes on with the answer states this one. */
  private boolean isStated(String sentence, Tolerance tolerance) {
    if (number.isEmpty()) {
      int comma = sentence.indexOf(',');
      return is(sentence, tolerance) || (comma > 0 && is(sentence.substring(0, comma), tolerance));
    }
    if (number(sentence).isPresent()) {
      return is(sentence, tolerance);
    }
    // A calculation states its result last: "16 - 3 = 13".
    String result = sentence.substring(sentence.lastIndexOf('=') + 1);
    return FinalAnswer.firstNumber(result).filter(x -> is(x, tolerance)).isPresent();
  }

  /** A text as a number, with what may stand around one: math delimiters, a name, a unit. */
  static Optional<ExactNumber> number(String text) {
    String bare = bare(text);
    if (bare.length() > MOST_CHARACTERS) {
      return Optional.empty();
    }
    Matcher named = NAMED.matcher(bare);
    String value = named.lookingAt() ? bare.substring(named.end()) : bare;
    Optional<ExactNumber> whole = ExactNumber.parse(value);
    if (whole.isPresent()) {
      return whole;
    }
    int end = FinalAnswer.endOfLeadingNumber(value);
    return end > 0 && UNIT.matcher(value.substring(end)).matches()
        ? ExactNumber.parse(value.substring(0, end))
        : Optional.empty();
  }

  /** Without what only says how a text is set. */
  private static String bare(String text) {
    String bare = TEXT_COMMAND.matcher(text).replaceAll(" $1").strip();
    bare = bare.replace("\\left", "").replace("\\right", "").replace("\\displaystyle", "");
    bare = bare.replace("\\(", "").replace("\\)", "").replace("\\[", "").replace("\\]", "");
    bare = bare.replace("**", "").replace("`", "").strip();
    if (bare.endsWith(".") && bare.length() > 1) {
      bare = bare.substring(0, bare.length() - 1);
    }
    boolean math = bare.length() > 1 && bare.startsWith("$") && bare.endsWith("$");
    return math ? bare.substring(1, bare.length() - 1).strip() : bare;
  }

  /** A text by which two that differ in nothing but writing are equal. */
  static String normal(String text) {
    String normal =
        Normalizer.normalize(bare(text), Normalizer.Form.NFKC)
            .toLowerCase(Locale.ROOT)
            .replaceAll("\\\\[,!;: ]|[$]", "")
            .replaceAll("\\s++", " ")
            .replaceAll(" ?+([^\\p{L}\\d ]) ?+", "$1");
    String without = PUNCTUATION_AROUND.matcher(normal).replaceAll("");
    return without.isEmpty() ? normal.strip() : without;
  }
}
