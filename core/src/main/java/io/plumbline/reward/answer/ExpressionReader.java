package io.plumbline.reward.answer;

import java.math.BigDecimal;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads arithmetic by recursive descent, and calculates as it reads. */
abstract class ExpressionReader {
  /** What ± is taken as. */
  enum Sign {
    PLUS,
    MINUS
  }

  /** As a letter of its own, which equals nothing but itself. */
  static final String INFINITY = "\\infty";

  private static final int MOST_DEPTH = 40;

  private static final Pattern NUMBER =
      Pattern.compile("(\\d++(?:\\.\\d++)?+|\\.\\d++)(?:[eE]([-+]?\\d{1,6})(?![\\w.]))?");
  private static final Pattern GROUPED_NUMBER =
      Pattern.compile("([1-9]\\d{0,2}(?:,\\d{3})++(?!\\d)(?:\\.\\d++)?+)()");
  private static final Pattern REPEATING =
      Pattern.compile("(\\d+)\\.(\\d*)\\\\(?:overline|dot|bar)\\{(\\d{1,50})\\}");

  /** Behind a whole number: the fraction of a mixed one. */
  private static final Pattern MIXED =
      Pattern.compile(
          " (?:and )?(\\d{1,50}) ?/ ?(\\d{1,50})(?![\\d.,]\\d)|() ?\\\\frac"
              + " ?(?:\\{(\\d{1,50})\\}|(\\d)) ?(?:\\{(\\d{1,50})\\}|(\\d))");

  private static final Pattern DEGREE = Pattern.compile("\\^ ?\\{? ?\\\\circ ?\\}?");
  private static final Pattern WORD = Pattern.compile("\\\\?[a-zA-Z]+|\\p{L}");
  private static final Pattern SUBSCRIPT = Pattern.compile("_(?:\\{[\\w ,]{1,10}\\}|\\w)");
  private static final Pattern TIMES = Pattern.compile("\\*|[xX](?= ?\\d)");

  /** Commands of TeX between two expressions. */
  private static final Set<String> NO_FACTORS =
      Set.of("cup", "cap", "le", "ge", "lt", "gt", "in", "pm", "mp", "circ", "ne", "over", "end");

  private static final Set<String> GREEK =
      Set.of(
          "alpha",
          "beta",
          "gamma",
          "delta",
          "epsilon",
          "theta",
          "lambda",
          "mu",
          "rho",
          "sigma",
          "tau",
          "phi",
          "psi",
          "omega",
          "eta",
          "xi",
          "zeta",
          "kappa",
          "nu",
          "varepsilon",
          "varphi",
          "ell");

  private static final Set<String> NO_LETTERS =
      Set.of(
          "and", "or", "is", "in", "of", "to", "no", "if", "so", "we", "it", "as", "at", "by", "on",
          "be", "an", "do", "go", "he", "me", "my", "up", "us");

  private static final Map<String, DoubleUnaryOperator> FUNCTIONS =
      Map.ofEntries(
          Map.entry("sin", Math::sin),
          Map.entry("cos", Math::cos),
          Map.entry("tan", Math::tan),
          Map.entry("cot", x -> 1 / Math.tan(x)),
          Map.entry("sec", x -> 1 / Math.cos(x)),
          Map.entry("csc", x -> 1 / Math.sin(x)),
          Map.entry("arcsin", Math::asin),
          Map.entry("arccos", Math::acos),
          Map.entry("arctan", Math::atan),
          Map.entry("exp", Math::exp),
          Map.entry("ln", Math::log));

  private final String text;
  private final Sign plusMinus;
  private int at;
  private int depth;
  private int brackets;

  ExpressionReader(String text, Sign plusMinus) {
    this.text = text;
    this.plusMinus = plusMinus;
  }

  // Reading.

  final int place() {
    skipBlanks();
    return at;
  }

  final String since(int start) {
    return text.substring(start, at).strip();
  }

  private void skipBlanks() {
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
  }

  /** The next character that is no blank; NUL at the end. */
  final char next() {
    skipBlanks();
    return at < text.length() ? text.charAt(at) : 0;
  }

  final char character() {
    char next = next();
    at++;
    return next;
  }

  final boolean take(String literal) {
    skipBlanks();
    boolean there = text.startsWith(literal, at);
    at += there ? literal.length() : 0;
    return there;
  }

  /** Takes a command, which ends where its letters end. */
  final boolean takeWord(String word) {
    skipBlanks();
    int end = at + word.length();
    boolean there =
        text.startsWith(word, at) && (end == text.length() || !isLetter(text.charAt(end)));
    at = there ? end : at;
    return there;
  }

  final Optional<Matcher> take(Pattern pattern) {
    skipBlanks();
    return takeHere(pattern);
  }

  private Optional<Matcher> takeHere(Pattern pattern) {
    Matcher matcher = pattern.matcher(text).region(at, text.length()).useTransparentBounds(true);
    if (!matcher.lookingAt()) {
      return Optional.empty();
    }
    at = matcher.end();
    return Optional.of(matcher);
  }

  final void requireEnd() {
    if (next() != 0 || at < text.length()) {
      throw new NoMathException();
    }
  }

  final <T> T deeper(Supplier<T> reading) {
    if (++depth > MOST_DEPTH) {
      throw new NoMathException();
    }
    T read = reading.get();
    depth--;
    return read;
  }

  /** Reads where a comma parts elements and no thousands. */
  final <T> T inBrackets(Supplier<T> reading) {
    brackets++;
    T read = reading.get();
    brackets--;
    return read;
  }

  private static boolean isLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }

  /** Whether the bracket here holds elements that a comma or a semicolon parts. */
  final boolean holdsSeveral() {
    int open = 0;
    boolean several = false;
    for (int i = at; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\') {
        i++;
      } else if (i == at || c == '(' || c == '[' || c == '{') {
        if (open == 1 && c == '[' && text.charAt(at) == ']') {
          return several;
        }
        open++;
      } else if (c == ')' || c == ']' || c == '}') {
        if (--open == 0) {
          return several;
        }
      } else if (open == 1 && (c == ',' || c == ';')) {
        several = true;
      }
    }
    return false;
  }

  // Arithmetic.

  final Quantity expression() {
    return deeper(this::quotient);
  }

  private Quantity quotient() {
    Quantity above = sum();
    return takeWord("\\over") ? above.dividedBy(sum()) : above;
  }

  private Quantity sum() {
    Optional<Sign> sign = sign();
    Quantity value = signed(sign, product());
    while (true) {
      Optional<Sign> operator = sign();
      if (operator.isEmpty()) {
        return value;
      }
      Optional<Sign> termSign = sign();
      value = value.plus(signed(operator, signed(termSign, product())));
    }
  }

  private static Quantity signed(Optional<Sign> sign, Quantity value) {
    return sign.isPresent() && sign.get() == Sign.MINUS ? value.negated() : value;
  }

  private Optional<Sign> sign() {
    if (take("+")) {
      return Optional.of(Sign.PLUS);
    }
    if (take("-")) {
      return Optional.of(Sign.MINUS);
    }
    if (takeWord("\\pm")) {
      return Optional.of(plusMinus);
    }
    return takeWord("\\mp")
        ? Optional.of(plusMinus == Sign.PLUS ? Sign.MINUS : Sign.PLUS)
        : Optional.empty();
  }

  private Quantity product() {
    Quantity value = factor();
    while (true) {
      if (take(TIMES).isPresent()) {
        value = value.times(signed(sign(), factor()));
      } else if (next() == '/') {
        at++;
        value = value.dividedBy(signed(sign(), factor()));
      } else if (continuesProduct()) {
        value = value.times(factor());
      } else {
        return value;
      }
    }
  }

  /** Whether a factor follows without a sign. A number would be one more answer, and no factor. */
  private boolean continuesProduct() {
    char next = next();
    if (next == '(' || next == '{') {
      return !holdsSeveral();
    }
    Matcher word = WORD.matcher(text).region(at, text.length());
    if (!word.lookingAt() || NO_LETTERS.contains(word.group())) {
      return false;
    }
    return next != '\\' || isFactor(word.group().substring(1));
  }

  private static boolean isFactor(String command) {
    return !NO_FACTORS.contains(command);
  }

  private Quantity factor() {
    Quantity value = primary();
    while (true) {
      if (take(DEGREE).isPresent() || takeWord("\\circ")) {
        continue; // 90° is 90.
      }
      if (next() == '^') {
        at++;
        value = value.toThe(exponent());
      } else if (next() == '!' && !text.startsWith("!=", at)) {
        at++;
        value = value.factorial();
      } else if (next() == '%') {
        at++;
        value = value.percent();
      } else {
        return value;
      }
    }
  }

  private Quantity exponent() {
    Optional<Sign> sign = sign();
    return signed(sign, deeper(this::power));
  }

  private Quantity power() {
    Quantity base = primary();
    if (next() == '^') {
      at++;
      return base.toThe(exponent());
    }
    return base;
  }

  private Quantity primary() {
    char next = next();
    if ((next >= '0' && next <= '9') || next == '.') {
      return number();
    }
    if (next == '(' || next == '[' || next == '{') {
      return inside();
    }
    if (next == '|') {
      at++;
      Quantity value = expression();
      requireTaken(take("|"));
      return value.absolute();
    }
    return word(take(WORD).orElseThrow(NoMathException::new).group());
  }

  static void requireTaken(boolean taken) {
    if (!taken) {
      throw new NoMathException();
    }
  }

  /** What a pair of brackets holds. */
  private Quantity inside() {
    char open = character();
    Quantity value = open == '{' ? expression() : inBrackets(this::expression);
    requireTaken(take(open == '(' ? ")" : open == '[' ? "]" : "}"));
    return value;
  }

  private Quantity number() {
    Optional<Matcher> repeating = takeHere(REPEATING);
    if (repeating.isPresent()) {
      return repeating(repeating.get());
    }
    Optional<Matcher> grouped = brackets > 0 ? Optional.empty() : takeHere(GROUPED_NUMBER);
    Matcher written = grouped.or(() -> takeHere(NUMBER)).orElseThrow(NoMathException::new);
    String exponent = written.group(2) == null ? "" : written.group(2);
    BigDecimal number =
        ExactNumber.decimal(written.group(1), exponent).orElseThrow(NoMathException::new);
    Quantity value = Quantity.of(number);
    if (!value.isWhole() || !exponent.isEmpty()) {
      return value;
    }
    return takeHere(MIXED).map(fraction -> value.plus(fraction(fraction))).orElse(value);
  }

  private static Quantity fraction(Matcher matcher) {
    String above =
        matcher.group(1) != null ? matcher.group(1) : either(matcher.group(4), matcher.group(5));
    String below =
        matcher.group(2) != null ? matcher.group(2) : either(matcher.group(6), matcher.group(7));
    return Quantity.of(new BigDecimal(above)).dividedBy(Quantity.of(new BigDecimal(below)));
  }

  private static String either(String first, String second) {
    return first == null ? second : first;
  }

  /** 0.1 and then 6 again and again: the whole digits less those before, over 90. */
  private static Quantity repeating(Matcher m) {
    int before = m.group(2).length();
    int period = m.group(3).length();
    if (m.group(1).length() + before > 100) {
      throw new NoMathException();
    }
    BigDecimal all = new BigDecimal(m.group(1) + m.group(2) + m.group(3));
    BigDecimal once = new BigDecimal(m.group(1) + m.group(2));
    BigDecimal below = BigDecimal.TEN.pow(before + period).subtract(BigDecimal.TEN.pow(before));
    return Quantity.of(all.subtract(once)).dividedBy(Quantity.of(below));
  }

  /** An argument in braces, or the one digit or word that TeX takes. */
  private Quantity argument() {
    char next = next();
    if (next == '{') {
      return inside();
    }
    if (next >= '0' && next <= '9') {
      at++;
      return Quantity.of(next - '0');
    }
    return deeper(this::primary);
  }

  private Quantity word(String word) {
    String name = word.startsWith("\\") ? word.substring(1) : word;
    boolean command = word.startsWith("\\");
    return switch (name) {
      case "frac" -> argument().dividedBy(argument());
      case "sqrt" -> root();
      case "pi" -> Quantity.constant(Math.PI);
      case "e" -> Quantity.constant(Math.E);
      case "infty", "inf", "infinity" -> Quantity.variable(INFINITY);
      case "binom" -> binomial(argument(), argument());
      case "log" -> logarithm();
      default -> functionOrVariable(command, name);
    };
  }

  private Quantity functionOrVariable(boolean command, String name) {
    DoubleUnaryOperator function = FUNCTIONS.get(name);
    if (function != null) {
      return applied(function);
    }
    if (command
        ? name.length() > 12 || !isGreek(name)
        : name.length() > 2 || NO_LETTERS.contains(name)) {
      throw new NoMathException();
    }
    return variables(command, name);
  }

  private static boolean isGreek(String name) {
    return GREEK.contains(name.toLowerCase(java.util.Locale.ROOT));
  }

  private Quantity variables(boolean command, String name) {
    int last = command ? 0 : name.length() - 1;
    Quantity value = Quantity.of(1);
    for (int i = 0; i <= last; i++) {
      String letter = command ? name : name.substring(i, i + 1);
      String index =
          i == last
              ? takeHere(SUBSCRIPT).map(m -> m.group().replaceAll("[{}]", "")).orElse("")
              : "";
      value = value.times(Quantity.variable(letter + index));
    }
    return value;
  }

  private Quantity root() {
    if (next() != '[') {
      return (next() == '{' || next() == '(' ? inside() : deeper(this::primary)).root();
    }
    Quantity order = inside();
    Quantity radicand = argument();
    return order.isWhole() && order.isNear(Quantity.of(2), Tolerance.EXACT)
        ? radicand.root()
        : radicand.toThe(Quantity.of(1).dividedBy(order));
  }

  private static Quantity binomial(Quantity n, Quantity k) {
    return n.factorial().dividedBy(k.factorial().times(n.minus(k).factorial()));
  }

  /** Without a base, its base is a number that no answer names. */
  private Quantity logarithm() {
    Quantity base = Quantity.variable("\\log");
    if (next() == '_') {
      at++;
      base = argument();
    }
    Quantity logarithm = applied(Math::log);
    return logarithm.dividedBy(base.applied(Math::log));
  }

  private Quantity applied(DoubleUnaryOperator function) {
    Optional<Quantity> power = Optional.empty();
    if (next() == '^') {
      at++;
      power = Optional.of(exponent());
    }
    Quantity argument = deeper(next() == '(' ? this::factor : this::implicitProduct);
    Quantity value = argument.applied(function);
    return power.isPresent() ? value.toThe(power.get()) : value;
  }

  private Quantity implicitProduct() {
    Quantity value = factor();
    while (continuesProduct()) {
      value = value.times(factor());
    }
    return value;
  }
}
