package io.plumbline.spark.source;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What can be told of a query by its words, literals and comments left out. */
final class QueryText {
  private static final List<String> BEGINNINGS =
      List.of("select", "with", "from", "values", "table", "map", "reduce", "(");

  private final String sql;
  private final List<String> topLevelWords;

  private QueryText(String sql, List<String> topLevelWords) {
    this.sql = sql;
    this.topLevelWords = topLevelWords;
  }

  static QueryText of(String sql) {
    String query = sql.strip();
    while (query.endsWith(";")) {
      query = query.substring(0, query.length() - 1).stripTrailing();
    }
    return new QueryText(query, new Words(query).topLevel());
  }

  /** The query without the semicolon that a shell habit put behind it. */
  String sql() {
    return sql;
  }

  /** The first word, in small letters; empty where there is none. */
  String firstWord() {
    return topLevelWords.isEmpty() ? "" : topLevelWords.get(0);
  }

  boolean beginsLikeQuery() {
    return BEGINNINGS.contains(firstWord());
  }

  /**
   * The query as a part of another, where Spark's grammar allows nothing but a query: a command
   * cannot be run by analysing it.
   */
  String asSubquery() {
    return "SELECT * FROM (\n" + sql + "\n)";
  }

  /**
   * Whether ORDER BY stands at the top level, with nothing behind it that could change the order.
   * Windows and subqueries have theirs between parentheses.
   */
  boolean endsInOrderBy() {
    boolean ordered = false;
    for (int i = 0; i < topLevelWords.size(); i++) {
      String word = topLevelWords.get(i);
      String next = i + 1 < topLevelWords.size() ? topLevelWords.get(i + 1) : "";
      if (word.equals("order") && next.equals("by")) {
        ordered = true;
      } else if (word.equals("|>") && !next.equals("limit") && !next.equals("offset")) {
        ordered = false;
      }
    }
    return ordered;
  }

  /** Splits Spark's SQL as far as needed to leave out what is no word. */
  private static final class Words {
    private final String sql;
    private final List<String> words = new ArrayList<>();
    private int at;
    private int depth;

    private Words(String sql) {
      this.sql = sql;
    }

    private List<String> topLevel() {
      while (at < sql.length()) {
        char c = sql.charAt(at);
        if (sql.startsWith("--", at)) {
          int end = sql.indexOf('\n', at);
          at = end < 0 ? sql.length() : end;
        } else if (sql.startsWith("/*", at)) {
          skipComment();
        } else if (c == '\'' || c == '"') {
          skipText(c, Escapes.BACKSLASH);
        } else if (c == '`') {
          skipText(c, Escapes.NONE);
        } else if (c == '(') {
          add("(");
          depth++;
          at++;
        } else if (c == ')') {
          depth--;
          at++;
        } else if (sql.startsWith("|>", at)) {
          add("|>");
          at += 2;
        } else if (Character.isLetterOrDigit(c) || c == '_') {
          word();
        } else {
          at++;
        }
      }
      return words;
    }

    private void add(String word) {
      if (depth == 0) {
        words.add(word);
      }
    }

    private void word() {
      int start = at;
      while (at < sql.length()
          && (Character.isLetterOrDigit(sql.charAt(at)) || signAt(at) == '_')) {
        at++;
      }
      String word = sql.substring(start, at).toLowerCase(Locale.ROOT);
      if (word.equals("r") && (signAt(at) == '\'' || signAt(at) == '"')) {
        skipText(signAt(at), Escapes.NONE);
      } else if (signAt(start - 1) != '.' && signAt(at) != '.') {
        // A part of a dotted name is no keyword.
        add(word);
      }
    }

    private char signAt(int index) {
      return index >= 0 && index < sql.length() ? sql.charAt(index) : ' ';
    }

    private enum Escapes {
      BACKSLASH,
      NONE
    }

    /** A quote within, doubled, looks like the end of one text and the beginning of the next. */
    private void skipText(char quote, Escapes escapes) {
      at++;
      while (at < sql.length() && sql.charAt(at) != quote) {
        at += escapes == Escapes.BACKSLASH && sql.charAt(at) == '\\' ? 2 : 1;
      }
      at++;
    }

    /** Spark's comments of this kind nest. */
    private void skipComment() {
      int open = 0;
      do {
        if (sql.startsWith("/*", at)) {
          open++;
          at += 2;
        } else if (sql.startsWith("*/", at)) {
          open--;
          at += 2;
        } else {
          at++;
        }
      } while (open > 0 && at < sql.length());
    }
  }
}
