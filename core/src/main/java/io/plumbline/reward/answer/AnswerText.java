package io.plumbline.reward.answer;

import java.text.Normalizer;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Answers in one writing: what Unicode, LaTeX and Markdown can write in several ways becomes one of
 * them. All of it takes time linear in the text.
 */
final class AnswerText {
  /** What a character is written as. */
  private static final Map<Integer, String> WRITTEN =
      Map.ofEntries(
          Map.entry((int) '×', "*"),
          Map.entry((int) '✕', "*"),
          Map.entry((int) '·', "*"),
          Map.entry((int) '⋅', "*"),
          Map.entry((int) '∙', "*"),
          Map.entry((int) '÷', "/"),
          Map.entry((int) '⁄', "/"),
          Map.entry((int) '∕', "/"),
          Map.entry((int) '√', "\\sqrt "),
          Map.entry((int) 'π', "\\pi "),
          Map.entry((int) '∞', "\\infty "),
          Map.entry((int) '∪', "\\cup "),
          Map.entry((int) '≤', "\\le "),
          Map.entry((int) '≥', "\\ge "),
          Map.entry((int) '≠', "\\ne "),
          Map.entry((int) '≈', "\\approx "),
          Map.entry((int) '±', "\\pm "),
          Map.entry((int) '∈', "\\in "),
          Map.entry((int) '°', "^\\circ "),
          Map.entry((int) '’', "'"),
          Map.entry((int) '‘', "'"),
          Map.entry((int) '“', "\""),
          Map.entry((int) '”', "\""),
          Map.entry((int) '٫', "."),
          Map.entry((int) '٬', ","),
          Map.entry((int) '。', ". "),
          Map.entry((int) '、', ", "),
          Map.entry((int) '⟨', "("),
          Map.entry((int) '⟩', ")"));

  private static final String MINUS_SIGNS = "−–‒‐‑﹣－";
  private static final String SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ";
  private static final String OF_SUPERSCRIPTS = "0123456789+-n";
  private static final String SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

  /** Commands that say how their argument looks. */
  private static final String FONTS =
      "text|textbf|textit|textrm|textsf|texttt|textnormal|mathrm|mathbf|mathit|mathbb|mathsf|mathtt"
          + "|boldsymbol|bm|pmb|mbox|operatorname|emph|underline";

  /** Commands by what stands for them; the braces of text commands go with their name. */
  private static final Pattern COMMAND =
      Pattern.compile(
          "\\\\(?:(?<color>(?:text)?color ?(?:\\[\\w{1,20}\\])?\\{[^{}]{0,40}\\})|"
              + "(?<none>(?:left|right|[bB]igg?[lrm]?)(?![a-zA-Z])\\.?|(?:displaystyle|textstyle|scriptstyle|limits|rm|bf|it|bfseries|tiny|small|normalsize|large|Large|LARGE|huge|Huge)(?![a-zA-Z])|!)|(?<blank>[,;:"
              + " ()]|q?quad(?![a-zA-Z])|thinspace|enspace)|(?<frac>[dtc]?frac(?![a-zA-Z]))"
              + "|(?<open>langle(?![a-zA-Z]))|(?<close>rangle(?![a-zA-Z]))|(?<times>(?:times|cdot|ast)(?![a-zA-Z]))|(?<over>div(?![a-zA-Z]))"
              + "|(?<same>(?:leqslant|leq|geqslant|geq|neq|degree|lbrace|rbrace|dots|ldots|cdots)(?![a-zA-Z]))"
              + "|(?<text>(?:"
              + FONTS
              + ")\\s?\\{(?<inside>[^{}]*)\\})"
              // Around something in braces of its own, which then group it.
              + "|(?<font>(?:"
              + FONTS
              + ")(?=\\s?\\{))"
              + "|(?<row>\\\\)|(?<sign>[$%#&]))");

  private static final Pattern POWER = Pattern.compile("(?<=[\\w)}])\\*\\*(?=[\\w({-])");
  private static final Pattern BOLD = Pattern.compile("\\*\\*+|__+|`+");

  /** 1 234 567, 1'234, 1.234.567: groups of three, marked as no other number is. */
  private static final Pattern GROUPED =
      Pattern.compile(
          "(?<![\\w.,^])[1-9]\\d{0,2}(?:(?: \\d{3}){1,20}+(?![\\d'])(?!"
              + " ?/)|(?:'\\d{3}){1,20}+(?!\\d)|(?:\\.\\d{3}){2,20}+(?![.\\d]))");

  /** 0.333..., whose last digits continue: three times the same or more. */
  private static final Pattern GOES_ON =
      Pattern.compile("(?<![\\d.])(\\d{1,20}\\.\\d{0,20}?)(\\d{1,6}?)\\2{2,20}+ ?\\.{3}");

  private static final Pattern BLANKS = Pattern.compile(" {2,}");

  private AnswerText() {}

  /** A text with each thing in one writing. */
  static String plain(String text) {
    String plain = commands(characters(text));
    plain = BOLD.matcher(POWER.matcher(plain).replaceAll("^")).replaceAll("");
    plain = BLANKS.matcher(plain).replaceAll(" ");
    plain = GOES_ON.matcher(plain).replaceAll("$1\\\\overline{$2}");
    return GROUPED.matcher(plain).replaceAll(group -> group.group().replaceAll("[ '.]", ""));
  }

  private static String characters(String text) {
    StringBuilder plain = new StringBuilder(text.length() + 16);
    int at = 0;
    while (at < text.length()) {
      int c = text.codePointAt(at);
      if (c < 128) {
        plain.append((char) c);
        at++;
        continue;
      }
      int raised = SUPERSCRIPTS.indexOf(c);
      int lowered = SUBSCRIPTS.indexOf(c);
      String letters = raised >= 0 ? SUPERSCRIPTS : SUBSCRIPTS;
      if (raised >= 0 || lowered >= 0) {
        plain.append(raised >= 0 ? "^{" : "_{");
        while (at < text.length() && letters.indexOf(text.charAt(at)) >= 0) {
          plain.append(OF_SUPERSCRIPTS.charAt(letters.indexOf(text.charAt(at))));
          at++;
        }
        plain.append('}');
        continue;
      }
      boolean unspaced = isWrittenWithoutBlanks(c);
      if (unspaced && plain.length() > 0 && isDigit(plain.charAt(plain.length() - 1))) {
        plain.append(' ');
      }
      append(plain, c);
      at += Character.charCount(c);
      if (unspaced && at < text.length() && Character.isDigit(text.codePointAt(at))) {
        plain.append(' ');
      }
    }
    return plain.toString();
  }

  private static void append(StringBuilder plain, int c) {
    String written = WRITTEN.get(c);
    if (written != null) {
      plain.append(written);
    } else if (MINUS_SIGNS.indexOf(c) >= 0) {
      plain.append('-');
    } else if (Character.getType(c) == Character.DECIMAL_DIGIT_NUMBER) {
      plain.append(Character.digit(c, 10));
    } else if (Character.isSpaceChar(c)) {
      plain.append(' ');
    } else if ((c >= 0x200B && c <= 0x200D) || c == 0x2060 || c == 0xFEFF) {
      return; // Without a width.
    } else {
      String composed = Normalizer.normalize(Character.toString(c), Normalizer.Form.NFKC);
      boolean fraction = composed.indexOf('⁄') > 0;
      // 2½ is a mixed number, and not 21/2.
      boolean mixed = fraction && plain.length() > 0 && isDigit(plain.charAt(plain.length() - 1));
      plain.append(mixed ? " " : "").append(composed.replace('⁄', '/'));
    }
  }

  /** Whether a letter is of a script that leaves no blank between a word and a number. */
  private static boolean isWrittenWithoutBlanks(int c) {
    if (!Character.isLetter(c)) {
      return false;
    }
    return switch (Character.UnicodeScript.of(c)) {
      case HAN, HIRAGANA, KATAKANA, HANGUL, THAI, LAO, KHMER, MYANMAR -> true;
      default -> false;
    };
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static String commands(String text) {
    if (text.indexOf('\\') < 0 && text.indexOf('{') < 0 && text.indexOf('~') < 0) {
      return text;
    }
    return COMMAND
        .matcher(text.replace("{,}", ",").replace("{:}", ":").replace("{.}", ".").replace('~', ' '))
        .replaceAll(command -> Matcher.quoteReplacement(written((Matcher) command)));
  }

  private static String written(Matcher command) {
    if (command.group("none") != null
        || command.group("color") != null
        || command.group("font") != null) {
      return "";
    }
    if (command.group("frac") != null) {
      return "\\frac";
    }
    if (command.group("times") != null) {
      return "*";
    }
    if (command.group("open") != null) {
      return "(";
    }
    if (command.group("close") != null) {
      return ")";
    }
    if (command.group("row") != null) {
      return "\\\\";
    }
    if (command.group("over") != null) {
      return "/";
    }
    if (command.group("text") != null) {
      return " " + command.group("inside") + " ";
    }
    if (command.group("sign") != null) {
      return command.group("sign");
    }
    if (command.group("same") != null) {
      return switch (command.group("same")) {
        case "leq", "leqslant" -> "\\le ";
        case "geq", "geqslant" -> "\\ge ";
        case "neq" -> "\\ne ";
        case "degree" -> "\\circ ";
        case "lbrace" -> "\\{";
        case "rbrace" -> "\\}";
        default -> "...";
      };
    }
    return " ";
  }
}
