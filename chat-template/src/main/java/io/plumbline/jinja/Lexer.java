package io.plumbline.jinja;

import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Cuts a template into tokens, with trim_blocks and lstrip_blocks on and the last newline dropped,
 * as transformers sets its environment up.
 */
final class Lexer {
  private static final List<String> LONG_OPERATORS = List.of("//", "**", "==", "!=", ">=", "<=");
  private static final String SHORT_OPERATORS = "+-/*%~[](){}><=.:|,;";

  private final String source;
  private final Budget budget;
  private final List<Token> tokens = new ArrayList<>();
  private int position;
  private int line = 1;
  private boolean lineStarting = true;

  private Lexer(String source, Budget budget) {
    this.source = source;
    this.budget = budget;
  }

  static List<Token> tokenize(String template, Budget budget) {
    budget.spend(template.length());
    String source = normalizeNewlines(template);
    if (source.endsWith("\n")) {
      source = source.substring(0, source.length() - 1);
    }
    Lexer lexer = new Lexer(source, budget);
    lexer.root();
    lexer.add(Token.Type.EOF, "", null);
    return lexer.tokens;
  }

  private static String normalizeNewlines(String text) {
    return text.indexOf('\r') < 0 ? text : text.replace("\r\n", "\n").replace('\r', '\n');
  }

  private void add(Token.Type type, String text, Object value) {
    budget.spend(4);
    tokens.add(new Token(type, line, text, value));
  }

  private TemplateSyntaxException failure(String message) {
    return new TemplateSyntaxException(message, line);
  }

  private void root() {
    while (position < source.length()) {
      int begin = nextTag();
      if (begin < 0) {
        add(Token.Type.DATA, source.substring(position), null);
        return;
      }
      char kind = source.charAt(begin + 1);
      int after = begin + 2;
      char sign = after < source.length() ? source.charAt(after) : ' ';
      if (sign == '-' || sign == '+') {
        after++;
      } else {
        sign = ' ';
      }
      Optional<Integer> raw = kind == '%' ? rawBegin(after) : Optional.empty();
      text(source.substring(position, begin), sign, kind == '{');
      advance(begin, raw.orElse(after));
      if (raw.isPresent()) {
        rawBody();
      } else if (kind == '#') {
        comment();
      } else {
        tag(kind == '{');
      }
    }
  }

  private int nextTag() {
    int at = position;
    while (true) {
      at = source.indexOf('{', at);
      if (at < 0 || at + 1 >= source.length()) {
        return -1;
      }
      char next = source.charAt(at + 1);
      if (next == '%' || next == '#' || next == '{') {
        return at;
      }
      at++;
    }
  }

  /** Moves to a position, counting lines. */
  private void advance(int from, int to) {
    for (int i = from; i < to; i++) {
      if (source.charAt(i) == '\n') {
        line++;
      }
    }
    lineStarting = to > from && source.charAt(to - 1) == '\n';
    position = to;
  }

  /** Emits text in front of a tag, stripped as the tag's sign and lstrip_blocks ask for. */
  private void text(String text, char sign, boolean variable) {
    String kept = text;
    if (sign == '-') {
      kept = TextParts.strip(budget, text, null, TextParts.Ends.RIGHT);
    } else if (sign != '+' && !variable) {
      int start = text.lastIndexOf('\n') + 1;
      if ((start > 0 || lineStarting)
          && start < text.length()
          && Strings.isSpace(text.substring(start))) {
        kept = text.substring(0, start);
      }
    }
    if (!kept.isEmpty()) {
      add(Token.Type.DATA, kept, null);
    }
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) == '\n') {
        line++;
      }
    }
  }

  private int skipSpace(int at) {
    while (at < source.length() && Strings.isSpace(source.charAt(at))) {
      at++;
    }
    return at;
  }

  /** The end of the tag that begins a raw block, if this is one. */
  private Optional<Integer> rawBegin(int after) {
    int at = skipSpace(after);
    if (!source.startsWith("raw", at)) {
      return Optional.empty();
    }
    at = skipSpace(at + 3);
    if (source.startsWith("-%}", at)) {
      return Optional.of(skipSpace(at + 3));
    }
    return source.startsWith("%}", at) ? Optional.of(at + 2) : Optional.empty();
  }

  /** The end of a closing delimiter of two characters with its sign, or -1. */
  private int closing(int at, String delimiter) {
    if (source.startsWith("-" + delimiter, at)) {
      return skipSpace(at + 3);
    }
    if (!delimiter.equals("}}") && source.startsWith("+" + delimiter, at)) {
      return at + 3;
    }
    if (!source.startsWith(delimiter, at)) {
      return -1;
    }
    boolean trimmed =
        !delimiter.equals("}}") && at + 2 < source.length() && source.charAt(at + 2) == '\n';
    return trimmed ? at + 3 : at + 2;
  }

  private void comment() {
    for (int at = position; at < source.length(); at++) {
      int end = closing(at, "#}");
      if (end >= 0) {
        advance(position, end);
        return;
      }
    }
    throw failure("the end of a comment is missing");
  }

  private void rawBody() {
    for (int at = source.indexOf("{%", position); at >= 0; at = source.indexOf("{%", at + 1)) {
      int after = at + 2;
      char sign = after < source.length() ? source.charAt(after) : ' ';
      if (sign == '-' || sign == '+') {
        after++;
      } else {
        sign = ' ';
      }
      after = skipSpace(after);
      if (!source.startsWith("endraw", after)) {
        continue;
      }
      int end = closing(skipSpace(after + 6), "%}");
      if (end >= 0) {
        text(source.substring(position, at), sign, false);
        advance(at, end);
        return;
      }
    }
    throw failure("the end of a raw block is missing");
  }

  private void tag(boolean variable) {
    String delimiter = variable ? "}}" : "%}";
    add(variable ? Token.Type.VARIABLE_BEGIN : Token.Type.BLOCK_BEGIN, "", null);
    Deque<Character> open = new ArrayDeque<>();
    while (position < source.length()) {
      if (open.isEmpty()) {
        int end = closing(position, delimiter);
        if (end >= 0) {
          add(variable ? Token.Type.VARIABLE_END : Token.Type.BLOCK_END, "", null);
          advance(position, end);
          return;
        }
      }
      int space = skipSpace(position);
      if (space > position) {
        advance(position, space);
        continue;
      }
      int end = token(open);
      advance(position, end);
    }
    // The parser meets the end of the template and says what it still waits for.
  }

  private int token(Deque<Character> open) {
    char c = source.charAt(position);
    if (c >= '0' && c <= '9') {
      return number();
    }
    if (c == '\'' || c == '"') {
      return string(c);
    }
    int codePoint = source.codePointAt(position);
    if (isWord(codePoint)) {
      return name();
    }
    String longer = source.substring(position, Math.min(position + 2, source.length()));
    int longOperator = LONG_OPERATORS.indexOf(longer);
    if (longOperator >= 0) {
      add(Token.Type.OPERATOR, LONG_OPERATORS.get(longOperator), null);
      return position + 2;
    }
    if (SHORT_OPERATORS.indexOf(c) < 0) {
      throw failure("unexpected character '" + Character.toString(codePoint) + "'");
    }
    balance(c, open);
    // One string for all tokens of an operator, of which a template may have a million.
    add(Token.Type.OPERATOR, Strings.ascii(c), null);
    return position + 1;
  }

  private void balance(char c, Deque<Character> open) {
    switch (c) {
      case '{' -> open.push('}');
      case '(' -> open.push(')');
      case '[' -> open.push(']');
      case '}', ')', ']' -> {
        if (open.isEmpty()) {
          throw failure("unexpected '" + c + "'");
        }
        char expected = open.pop();
        if (expected != c) {
          throw failure("unexpected '" + c + "', expected '" + expected + "'");
        }
      }
      default -> {}
    }
  }

  private static boolean isWord(int codePoint) {
    return codePoint == '_' || Strings.isAlnum(codePoint);
  }

  private int name() {
    int end = position;
    while (end < source.length() && isWordOrMark(source.codePointAt(end))) {
      end += Character.charCount(source.codePointAt(end));
    }
    String name = source.substring(position, end);
    if (!Strings.isIdentifier(name)) {
      throw failure("invalid character in the identifier '" + name + "'");
    }
    add(Token.Type.NAME, name, null);
    return end;
  }

  private static boolean isWordOrMark(int codePoint) {
    return isWord(codePoint);
  }

  /** The end of digits with single underscores between them, or the start where there are none. */
  private int digits(int at, int radix) {
    int end = at;
    while (end < source.length() && digit(end, radix)) {
      end++;
      if (end + 1 < source.length() && source.charAt(end) == '_' && digit(end + 1, radix)) {
        end++;
      }
    }
    return end;
  }

  private boolean digit(int at, int radix) {
    char c = source.charAt(at);
    return c < 128 && Character.digit(c, radix) >= 0;
  }

  private int number() {
    int end = digits(position, 10);
    boolean afterDot = position > 0 && source.charAt(position - 1) == '.';
    int floatEnd = afterDot ? -1 : floatEnd(end);
    if (floatEnd > 0) {
      String digits = source.substring(position, floatEnd).replace("_", "");
      budget.spend(digits.length());
      add(Token.Type.FLOAT, "", Double.valueOf(digits));
      return floatEnd;
    }
    if (source.charAt(position) == '0' && position + 2 < source.length()) {
      int radix =
          switch (source.charAt(position + 1)) {
            case 'x', 'X' -> 16;
            case 'o', 'O' -> 8;
            case 'b', 'B' -> 2;
            default -> 0;
          };
      if (radix > 0) {
        int start = position + 2;
        if (source.charAt(start) == '_' && start + 1 < source.length() && digit(start + 1, radix)) {
          start++;
        }
        int radixEnd = digits(start, radix);
        if (radixEnd > start) {
          integer(source.substring(start, radixEnd), radix);
          return radixEnd;
        }
      }
    }
    if (source.charAt(position) == '0') {
      end = position + 1;
      while (end < source.length()) {
        if (source.charAt(end) == '0') {
          end++;
        } else if (source.startsWith("_0", end)) {
          end += 2;
        } else {
          break;
        }
      }
    }
    integer(source.substring(position, end), 10);
    return end;
  }

  /** The end of a float whose whole part ends at {@code end}, or -1 if it is an integer. */
  private int floatEnd(int end) {
    int at = end;
    if (at < source.length() && source.charAt(at) == '.') {
      int fraction = digits(at + 1, 10);
      if (fraction == at + 1) {
        return -1;
      }
      at = fraction;
    }
    if (at < source.length() && (source.charAt(at) == 'e' || source.charAt(at) == 'E')) {
      int start = at + 1;
      if (start < source.length() && (source.charAt(start) == '+' || source.charAt(start) == '-')) {
        start++;
      }
      int exponent = digits(start, 10);
      if (exponent > start) {
        return exponent;
      }
    }
    return at > end ? at : -1;
  }

  private void integer(String text, int radix) {
    String digits = text.replace("_", "");
    if (digits.length() > 4300) {
      throw failure("a number of " + digits.length() + " digits is too long");
    }
    Numbers.paySquare(budget, 4L * digits.length());
    Object value =
        digits.length() < 10 && radix == 10
            ? (Object) Long.valueOf(digits)
            : Numbers.normalize(new BigInteger(digits, radix));
    add(Token.Type.INTEGER, "", value);
  }

  private int string(char quote) {
    int end = position + 1;
    while (end < source.length() && source.charAt(end) != quote) {
      end += source.charAt(end) == '\\' ? 2 : 1;
    }
    if (end >= source.length()) {
      throw failure("unexpected character '" + quote + "'");
    }
    String raw = source.substring(position + 1, end);
    add(Token.Type.STRING, "", raw.indexOf('\\') < 0 ? raw : unescape(raw));
    return end + 1;
  }

  /** Python's unicode-escape decoding of the text after its characters beyond ASCII are escaped. */
  private String unescape(String raw) {
    TextBuilder escaped = new TextBuilder(budget);
    for (int i = 0; i < raw.length(); ) {
      int c = raw.codePointAt(i);
      i += Character.charCount(c);
      if (c < 0x80) {
        escaped.add((char) c);
      } else {
        escaped.addEscaped(c);
      }
    }
    String ascii = escaped.build();
    StringBuilder text = new StringBuilder(raw.length());
    int at = 0;
    while (at < ascii.length()) {
      char c = ascii.charAt(at++);
      if (c != '\\') {
        text.append(c);
        continue;
      }
      if (at >= ascii.length()) {
        throw failure("a string ends with a single backslash");
      }
      char escape = ascii.charAt(at++);
      switch (escape) {
        case '\n' -> {}
        case '\\', '\'', '"' -> text.append(escape);
        case 'a' -> text.append('\u0007');
        case 'b' -> text.append('\b');
        case 'f' -> text.append('\f');
        case 'n' -> text.append('\n');
        case 'r' -> text.append('\r');
        case 't' -> text.append('\t');
        case 'v' -> text.append('\u000b');
        case 'x' -> at = hex(ascii, at, 2, text);
        case 'u' -> at = hex(ascii, at, 4, text);
        case 'U' -> at = hex(ascii, at, 8, text);
        case 'N' -> at = named(ascii, at, text);
        case '0', '1', '2', '3', '4', '5', '6', '7' -> {
          int end = at;
          while (end < ascii.length()
              && end < at + 2
              && Character.digit(ascii.charAt(end), 8) >= 0) {
            end++;
          }
          text.appendCodePoint(Integer.parseInt(ascii.substring(at - 1, end), 8));
          at = end;
        }
        default -> text.append('\\').append(escape);
      }
    }
    return text.toString();
  }

  private int hex(String ascii, int at, int digits, StringBuilder text) {
    int end = at;
    while (end < ascii.length()
        && end < at + digits
        && Character.digit(ascii.charAt(end), 16) >= 0) {
      end++;
    }
    if (end < at + digits) {
      throw failure("a string holds a truncated escape");
    }
    long codePoint = Long.parseLong(ascii.substring(at, end), 16);
    if (codePoint > Character.MAX_CODE_POINT) {
      throw failure("a string holds an illegal Unicode character");
    }
    text.appendCodePoint((int) codePoint);
    return end;
  }

  private int named(String ascii, int at, StringBuilder text) {
    budget.spend(20);
    int end = ascii.indexOf("}", at);
    if (at >= ascii.length() || ascii.charAt(at) != '{' || end < 0) {
      throw failure("a string holds a malformed \\N character escape");
    }
    try {
      text.appendCodePoint(Character.codePointOf(ascii.substring(at + 1, end)));
    } catch (IllegalArgumentException e) {
      throw failure("a string names an unknown Unicode character");
    }
    return end + 1;
  }
}
