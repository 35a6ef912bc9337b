package io.plumbline.jinja;

import java.util.List;

/** The tokens of a template as its parser takes them, one after the other. */
final class TokenStream {
  private final List<Token> tokens;
  private final Budget budget;
  private int position;
  private int nesting;

  TokenStream(List<Token> tokens, Budget budget) {
    this.tokens = tokens;
    this.budget = budget;
  }

  Token current() {
    return tokens.get(position);
  }

  /** The token behind the current one. */
  Token look() {
    return tokens.get(Math.min(position + 1, tokens.size() - 1));
  }

  Token next() {
    Token token = current();
    budget.spend(8);
    if (!token.is(Token.Type.EOF)) {
      position++;
    }
    return token;
  }

  TemplateSyntaxException failure(String message) {
    return new TemplateSyntaxException(message, current().line());
  }

  /** What was expected, and the token that stands there. */
  TemplateSyntaxException unexpected(String expected) {
    return failure("expected " + expected + ", got '" + current().describe() + "'");
  }

  boolean skipOperator(String operator) {
    boolean found = current().isOperator(operator);
    if (found) {
      next();
    }
    return found;
  }

  boolean skipName(String name) {
    boolean found = current().isName(name);
    if (found) {
      next();
    }
    return found;
  }

  void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw unexpected("'" + operator + "'");
    }
  }

  void expect(Token.Type type) {
    if (!current().is(type)) {
      throw unexpected(new Token(type, 0, "", null).describe());
    }
    next();
  }

  String expectName() {
    if (!current().is(Token.Type.NAME)) {
      throw unexpected("a name");
    }
    return next().text();
  }

  /** Begins an expression or a block within another. */
  void nest() {
    int most = budget.limits().nesting();
    if (++nesting > most) {
      throw failure("expressions or blocks are nested deeper than " + most);
    }
  }

  void leave() {
    nesting--;
  }
}
