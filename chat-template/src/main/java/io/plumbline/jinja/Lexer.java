package io.plumbline.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into tokens, with trim_blocks and lstrip_blocks on and the last newline dropped,
 * as transformers sets its environment up.
 */
final class Lexer {
  private static final List<String> LONG_OPERATORS = List.of("//", "**", "==", "!=", ">=", "<=");
  private static final String SHORT_OPERATORS = "+-/*%~[](){}><=.:|,;";

  /** Nothing is given back, so that a search is linear. */
  private static final Pattern WHOLE = Pattern.compile("[0-9][0-9_]*+(?<!_)");

  private static final Pattern NUMBER =
      Pattern.compile(
          "[0-9][0-9_]*+(?<!_)(?:\\.[0-9][0-9_]*+(?<!_))?(?:[eE][-+]?[0-9][0-9_]*+(?<!_))?");

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

  private TemplateSyntaxException unsupported(String what, String instead) {
    String sentence = Unsupported.of(what, instead).getMessage();
    return new TemplateSyntaxException(TemplateException.Code.UNSUPPORTED, sentence, line);
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
          && Characters.all(text.substring(start), Characters::isSpace)) {
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
    while (at < source.length() && Characters.isSpace(source.charAt(at))) {
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
    return codePoint == '_' || Characters.isAlnum(codePoint);
  }

  private int name() {
    int end = position;
    while (end < source.length() && isWord(source.codePointAt(end))) {
      end += Character.charCount(source.codePointAt(end));
    }
    String name = source.substring(position, end);
    if (!Characters.isIdentifier(name)) {
      throw failure("invalid character in the identifier '" + name + "'");
    }
    add(Token.Type.NAME, name, null);
    return end;
  }

  private int number() {
    // A number behind a point is an element's.
    boolean element = position > 0 && source.charAt(position - 1) == '.';
    Matcher matcher = (element ? WHOLE : NUMBER).matcher(source).region(position, source.length());
    boolean found = matcher.lookingAt();
    int end = found ? matcher.end() : position + 1;
    String digits = source.substring(position, end).replace("_", "");
    budget.spend(digits.length());
    if (digits.equals("0") && end < source.length() && "xXoObB".indexOf(source.charAt(end)) >= 0) {
      throw unsupported("numbers of other bases than ten are", "write them in base ten");
    }
    if (!digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
      add(Token.Type.FLOAT, "", Double.valueOf(digits));
      return end;
    }
    if (digits.startsWith("0") && !digits.chars().allMatch(c -> c == '0')) {
      throw failure("a number begins with a zero");
    }
    try {
      add(Token.Type.INTEGER, "", Long.valueOf(digits));
    } catch (NumberFormatException e) {
      throw unsupported("whole numbers of more than 64 bits are", "use a float");
    }
    return end;
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

  /** A string with Python's escapes, but for those that name characters. */
  private String unescape(String raw) {
    budget.makeText(raw.length());
    StringBuilder text = new StringBuilder(raw.length());
    int at = 0;
    while (at < raw.length()) {
      char c = raw.charAt(at++);
      if (c != '\\') {
        text.append(c);
        continue;
      }
      char escape = raw.charAt(at++);
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
        case 'x' -> at = code(raw, at, 2, text);
        case 'u' -> at = code(raw, at, 4, text);
        case 'U' -> at = code(raw, at, 8, text);
        case 'N' -> throw unsupported("names of characters in strings are", "write the character");
        case '0', '1', '2', '3', '4', '5', '6', '7' -> {
          int end = digitsEnd(raw, at, at + 2, 8);
          text.appendCodePoint(Integer.parseInt(raw.substring(at - 1, end), 8));
          at = end;
        }
        default -> text.append('\\').append(escape);
      }
    }
    return text.toString();
  }

  private static int digitsEnd(String raw, int at, int last, int radix) {
    int end = at;
    while (end < Math.min(raw.length(), last) && Character.digit(raw.charAt(end), radix) >= 0) {
      end++;
    }
    return end;
  }

  /** Adds the character of a code in base 16, and gives its end. */
  private int code(String raw, int at, int digits, StringBuilder text) {
    int end = digitsEnd(raw, at, at + digits, 16);
    if (end < at + digits) {
      throw failure("a string holds a truncated escape");
    }
    long codePoint = Long.parseLong(raw.substring(at, end), 16);
    if (codePoint > Character.MAX_CODE_POINT) {
      throw failure("a string holds an illegal Unicode character");
    }
    text.appendCodePoint((int) codePoint);
    return end;
  }
}
