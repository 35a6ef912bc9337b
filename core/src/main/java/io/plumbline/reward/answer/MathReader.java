package io.plumbline.reward.answer;

import io.plumbline.reward.answer.MathValue.Collection;
import io.plumbline.reward.answer.MathValue.Equation;
import io.plumbline.reward.answer.MathValue.Named;
import io.plumbline.reward.answer.MathValue.Scalar;
import io.plumbline.reward.answer.MathValue.Sequence;
import io.plumbline.reward.answer.MathValue.Union;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads answers such as {@code \frac{1}{2}}, {@code x = 5}, {@code [0, 1) \cup \{3\}}, {@code \pm
 * 2\sqrt{3}}, {@code 10^6}. Texts are in the writing of {@link AnswerText}. What is not understood
 * as a whole is not read at all. A text costs at most its length times its greatest depth, both of
 * which are bounded.
 */
final class MathReader extends ExpressionReader {
  private static final int MOST_CHARACTERS = 1_000;
  private static final int MOST_ELEMENTS = 64;

  private static final Pattern MONEY = Pattern.compile("[$€£¥₹]");
  private static final Pattern SIGNED = Pattern.compile("\\\\(?:pm|mp)(?![a-zA-Z])");
  private static final Pattern CALCULATES = Pattern.compile("[\\d\\\\^*/+=<>|(\\[-]");
  private static final Pattern NAME =
      Pattern.compile(
          "(?:\\\\?\\p{L}[\\w ]{0,20}(?:_\\{\\w{1,10}\\})?(?:\\((?:\\p{L}|-?\\d{1,9})\\))?"
              + "|\\|\\p{Lu}{2}\\|)"
              + " ?(?::?=|\\\\in(?![a-zA-Z])) ?(?!=)");
  private static final Pattern RELATION =
      Pattern.compile("<=?|>=?|\\\\(?:le|ge|lt|gt)(?![a-zA-Z])|=");
  private static final Pattern MATRIX = Pattern.compile("\\\\begin ?\\{[pb]matrix\\}");
  private static final Pattern MATRIX_END = Pattern.compile("\\\\end ?\\{[pb]matrix\\}");
  private static final Pattern LETTER = Pattern.compile("\\\\?\\p{L}+");
  private static final Pattern SEPARATOR =
      Pattern.compile("[,;] ?(?:(?:and|or)\\b)?|(?:and|or)\\b");

  private MathReader(String text, Sign plusMinus) {
    super(text, plusMinus);
  }

  /** What a text says; empty where it is no expression, or one that only consists of words. */
  static Optional<MathValue> read(String plain) {
    String text = MONEY.matcher(plain).replaceAll("").strip();
    while (text.endsWith(".") || text.endsWith(",") || text.endsWith(";")) {
      text = text.substring(0, text.length() - 1).strip();
    }
    if (text.isEmpty() || text.length() > MOST_CHARACTERS || !CALCULATES.matcher(text).find()) {
      return Optional.empty();
    }
    try {
      MathValue first = new MathReader(text, Sign.PLUS).all();
      if (!SIGNED.matcher(text).find()) {
        return Optional.of(first);
      }
      MathValue second = new MathReader(text, Sign.MINUS).all();
      List<MathValue> both = new ArrayList<>(elements(first));
      both.addAll(elements(second));
      return Optional.of(new Collection(both));
    } catch (NoMathException | ArithmeticException e) {
      return Optional.empty();
    }
  }

  private static List<MathValue> elements(MathValue value) {
    return value instanceof Collection collection ? collection.elements() : List.of(value);
  }

  private MathValue all() {
    List<MathValue> elements = separated(this::element);
    requireEnd();
    return elements.size() == 1 ? elements.get(0) : new Collection(elements);
  }

  private List<MathValue> separated(Supplier<MathValue> element) {
    List<MathValue> elements = new ArrayList<>();
    do {
      elements.add(element.get());
      requireFew(elements);
    } while (take(SEPARATOR).isPresent());
    return elements;
  }

  private static void requireFew(List<MathValue> parts) {
    if (parts.size() > MOST_ELEMENTS) {
      throw new NoMathException();
    }
  }

  private MathValue element() {
    MathValue first = part();
    if (!takeWord("\\cup")) {
      return first;
    }
    List<MathValue> parts = new ArrayList<>(List.of(first));
    do {
      requireFew(parts);
      parts.add(part());
    } while (takeWord("\\cup"));
    return new Union(parts);
  }

  private MathValue part() {
    if (take(MATRIX).isPresent()) {
      return inBrackets(() -> deeper(this::matrix));
    }
    if (take("\\{")) {
      return set("\\}");
    }
    if (takeWord("\\emptyset") || takeWord("\\varnothing")) {
      return new Collection(List.of());
    }
    Optional<Matcher> name = take(NAME);
    if (name.isPresent()) {
      String written = name.get().group().replaceAll("[ ={}:]|\\\\in ?$", "");
      return deeper(() -> new Named(written, element()));
    }
    char next = next();
    if (next == '{' && holdsSeveral()) {
      character();
      return set("}");
    }
    if ((next == '(' || next == '[' || next == ']') && holdsSeveral()) {
      return deeper(this::sequence);
    }
    return relation();
  }

  /** Rows of cells, each a tuple of its own. */
  private MathValue matrix() {
    List<MathValue> rows = new ArrayList<>();
    while (take(MATRIX_END).isEmpty()) {
      List<MathValue> cells = new ArrayList<>();
      do {
        cells.add(new Scalar(expression()));
        requireFew(cells);
      } while (take("&"));
      rows.add(new Sequence('M', 'M', cells));
      requireFew(rows);
      if (!take("\\\\")) {
        requireTaken(take(MATRIX_END).isPresent());
        break;
      }
    }
    return new Sequence('M', 'M', rows);
  }

  private MathValue set(String close) {
    if (take(close)) {
      return new Collection(List.of());
    }
    List<MathValue> elements = inBrackets(() -> separated(() -> deeper(this::element)));
    requireTaken(take(close));
    return new Collection(elements);
  }

  private MathValue sequence() {
    char open = character();
    List<MathValue> elements = inBrackets(() -> separated(this::element));
    char close = character();
    if (close != ')' && close != ']' && !(close == '[' && elements.size() == 2)) {
      throw new NoMathException();
    }
    // ]0, 1[ is the open interval as well.
    return new Sequence(open == ']' ? '(' : open, close == '[' ? ')' : close, elements);
  }

  /** A number, an equation, or an inequality that bounds a letter. */
  private MathValue relation() {
    int start = place();
    Quantity left = expression();
    String leftText = since(start);
    Optional<Matcher> first = take(RELATION);
    if (first.isEmpty()) {
      return new Scalar(left);
    }
    int middleStart = place();
    Quantity middle = expression();
    String middleText = since(middleStart);
    String sign = first.get().group();
    Optional<Matcher> second = take(RELATION);
    if (sign.equals("=")) {
      return equation(left, middle, middleText, second);
    }
    if (second.isEmpty()) {
      return LETTER.matcher(leftText).matches()
          ? bound(sign, middle)
          : bound(turned(sign), require(LETTER.matcher(middleText).matches(), left));
    }
    Quantity right = expression();
    boolean same = isLess(sign) == isLess(second.get().group());
    require(same && LETTER.matcher(middleText).matches(), right);
    Sequence upper = bound(isLess(sign) ? second.get().group() : sign, isLess(sign) ? right : left);
    Sequence lower =
        bound(turned(isLess(sign) ? sign : second.get().group()), isLess(sign) ? left : right);
    return new Sequence(
        lower.open(), upper.close(), List.of(lower.elements().get(0), upper.elements().get(1)));
  }

  /** A calculation says its result, an equation with a letter alone what the letter is. */
  private MathValue equation(
      Quantity left, Quantity right, String rightText, Optional<Matcher> further) {
    if (further.isPresent()) {
      require(further.get().group().equals("=") && !left.variables(), right);
      int start = place();
      Quantity last = expression();
      return equation(right, last, since(start), take(RELATION));
    }
    if (left.variables()) {
      return new Equation(left.minus(right));
    }
    return LETTER.matcher(rightText).matches()
        ? new Named(rightText, new Scalar(left))
        : new Scalar(right);
  }

  private static Quantity require(boolean holds, Quantity value) {
    if (!holds) {
      throw new NoMathException();
    }
    return value;
  }

  /** The interval of a letter that has this sign and this bound behind it. */
  private static Sequence bound(String sign, Quantity bound) {
    boolean closed = sign.endsWith("=") || sign.equals("\\le") || sign.equals("\\ge");
    Quantity infinite = Quantity.variable(INFINITY);
    return isLess(sign)
        ? new Sequence(
            '(', closed ? ']' : ')', List.of(new Scalar(infinite.negated()), new Scalar(bound)))
        : new Sequence(closed ? '[' : '(', ')', List.of(new Scalar(bound), new Scalar(infinite)));
  }

  private static boolean isLess(String sign) {
    return sign.startsWith("<") || sign.equals("\\le") || sign.equals("\\lt");
  }

  private static String turned(String sign) {
    boolean closed = sign.endsWith("=") || sign.equals("\\le") || sign.equals("\\ge");
    return isLess(sign) ? (closed ? ">=" : ">") : (closed ? "<=" : "<");
  }
}
