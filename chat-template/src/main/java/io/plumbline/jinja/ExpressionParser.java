package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** Builds the trees of expressions. */
final class ExpressionParser {
  private static final int MAXIMAL_HEIGHT = 400;
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

  private final TokenStream tokens;

  ExpressionParser(TokenStream tokens) {
    this.tokens = tokens;
  }

  private <E extends Expression> E checked(E expression) {
    if (expression.height > MAXIMAL_HEIGHT) {
      throw tokens.failure("an expression is more than " + MAXIMAL_HEIGHT + " operations deep");
    }
    return expression;
  }

  /** What an assignment writes to; {@code end} is a name that cannot be a part of it. */
  Target target(boolean namespaces, Optional<String> end) {
    return Target.of(commaSeparated(() -> primary(namespaces), end, "a name", false));
  }

  /** An expression, or several that make a tuple. */
  Expression tuple() {
    return commaSeparated(this::expression, Optional.empty(), "an expression", false);
  }

  /** An expression without a conditional at its end; {@code end} is a name that ends it. */
  Expression unconditional(Optional<String> end) {
    return commaSeparated(this::or, end, "an expression", false);
  }

  private Expression commaSeparated(
      Supplier<Expression> item, Optional<String> end, String expected, boolean mayBeEmpty) {
    int line = tokens.current().line();
    List<Expression> items = new ArrayList<>();
    boolean isTuple = false;
    while (!ends(end)) {
      items.add(item.get());
      if (!tokens.skipOperator(",")) {
        break;
      }
      isTuple = true;
    }
    if (items.isEmpty() && !mayBeEmpty) {
      throw tokens.unexpected(expected);
    }
    return items.size() == 1 && !isTuple
        ? items.get(0)
        : checked(new Expression.TupleLiteral(line, items));
  }

  private boolean ends(Optional<String> end) {
    Token token = tokens.current();
    return token.is(Token.Type.VARIABLE_END)
        || token.is(Token.Type.BLOCK_END)
        || token.isOperator(")")
        || (end.isPresent() && token.isName(end.get()));
  }

  Expression expression() {
    tokens.nest();
    Expression value = or();
    while (tokens.current().isName("if")) {
      int line = tokens.next().line();
      Expression test = or();
      List<Expression> parts = new ArrayList<>(List.of(test, value));
      if (tokens.skipName("else")) {
        parts.add(expression());
      }
      value = checked(new Expression.Conditional(line, parts));
    }
    tokens.leave();
    return value;
  }

  private Expression or() {
    return namedOperators("or", this::and);
  }

  private Expression and() {
    return namedOperators("and", this::not);
  }

  /** Operands with a word between each two. */
  private Expression namedOperators(String operator, Supplier<Expression> operand) {
    Expression left = operand.get();
    while (tokens.current().isName(operator)) {
      int line = tokens.next().line();
      left = checked(Expression.binary(line, operator, left, operand.get()));
    }
    return left;
  }

  /** Operands with one of some operators between each two. */
  private Expression operators(Set<String> operators, Supplier<Expression> operand) {
    Expression left = operand.get();
    while (tokens.current().is(Token.Type.OPERATOR)
        && operators.contains(tokens.current().text())) {
      Token operator = tokens.next();
      left = checked(Expression.binary(operator.line(), operator.text(), left, operand.get()));
    }
    return left;
  }

  private Expression not() {
    if (tokens.current().isName("not")) {
      int line = tokens.next().line();
      tokens.nest();
      Expression operand = not();
      tokens.leave();
      return checked(Expression.unary(line, "not", operand));
    }
    return comparison();
  }

  private Expression comparison() {
    int line = tokens.current().line();
    List<Expression> operands = new ArrayList<>(List.of(sum()));
    List<String> operators = new ArrayList<>();
    while (true) {
      Token token = tokens.current();
      if (token.is(Token.Type.OPERATOR) && COMPARISONS.contains(token.text())) {
        tokens.next();
        operators.add(token.text());
      } else if (token.isName("in")) {
        tokens.next();
        operators.add("in");
      } else if (token.isName("not") && tokens.look().isName("in")) {
        tokens.next();
        tokens.next();
        operators.add("not in");
      } else {
        break;
      }
      operands.add(sum());
    }
    return operators.isEmpty()
        ? operands.get(0)
        : checked(Expression.comparison(line, operands, operators));
  }

  private Expression sum() {
    return operators(Set.of("+", "-"), this::concat);
  }

  private Expression concat() {
    int line = tokens.current().line();
    List<Expression> parts = new ArrayList<>(List.of(product()));
    while (tokens.skipOperator("~")) {
      parts.add(product());
    }
    return parts.size() == 1 ? parts.get(0) : checked(Expression.concat(line, parts));
  }

  private Expression product() {
    return operators(Set.of("*", "/", "//", "%"), this::power);
  }

  private Expression power() {
    return operators(Set.of("**"), () -> unary(true));
  }

  private Expression unary(boolean filtered) {
    Token token = tokens.current();
    Expression value;
    if (token.isOperator("-") || token.isOperator("+")) {
      tokens.next();
      tokens.nest();
      value = checked(Expression.unary(token.line(), token.text(), unary(false)));
      tokens.leave();
    } else {
      value = primary(false);
    }
    value = postfix(value);
    return filtered ? filtersAndTests(value) : value;
  }

  private Expression primary(boolean namespaces) {
    Token token = tokens.current();
    int line = token.line();
    switch (token.type()) {
      case NAME -> {
        tokens.next();
        if (namespaces && tokens.skipOperator(".")) {
          return new Target.NamespaceAttribute(line, token.text(), tokens.expectName());
        }
        return switch (token.text()) {
          case "true", "True" -> new Expression.Literal(line, true);
          case "false", "False" -> new Expression.Literal(line, false);
          case "none", "None" -> new Expression.Literal(line, null);
          default -> new Expression.Name(line, token.text());
        };
      }
      case STRING -> {
        StringBuilder text = new StringBuilder();
        while (tokens.current().is(Token.Type.STRING)) {
          text.append((String) tokens.next().value());
        }
        return new Expression.Literal(line, text.toString());
      }
      case INTEGER, FLOAT -> {
        tokens.next();
        return new Expression.Literal(line, token.value());
      }
      default -> {
        if (tokens.skipOperator("(")) {
          tokens.nest();
          Expression value = commaSeparated(this::expression, Optional.empty(), "", true);
          tokens.leave();
          tokens.expectOperator(")");
          return value;
        }
        if (tokens.skipOperator("[")) {
          return checked(Expression.list(line, items("]", false)));
        }
        if (tokens.skipOperator("{")) {
          return checked(Expression.dict(line, items("}", true)));
        }
        throw tokens.failure("unexpected '" + token.describe() + "'");
      }
    }
  }

  /** What stands between commas, each a key and a value or a value alone. */
  private List<Expression> items(String end, boolean keyed) {
    List<Expression> items = new ArrayList<>();
    while (!tokens.current().isOperator(end)) {
      items.add(expression());
      if (keyed) {
        tokens.expectOperator(":");
        items.add(expression());
      }
      if (!tokens.current().isOperator(end)) {
        tokens.expectOperator(",");
      }
    }
    tokens.next();
    return items;
  }

  private Expression postfix(Expression start) {
    Expression value = start;
    while (true) {
      if (tokens.current().isOperator(".") || tokens.current().isOperator("[")) {
        value = subscript(value);
      } else if (tokens.current().isOperator("(")) {
        value = call(value);
      } else {
        return value;
      }
    }
  }

  private Expression call(Expression callee) {
    int line = tokens.current().line();
    return checked(new Expression.Call(line, callee, callArguments()));
  }

  private Expression filtersAndTests(Expression start) {
    Expression value = start;
    while (true) {
      if (tokens.current().isOperator("|")) {
        value = filters(Optional.of(value), false);
      } else if (tokens.current().isName("is")) {
        value = test(value);
      } else if (tokens.current().isOperator("(")) {
        value = call(value);
      } else {
        return value;
      }
    }
  }

  private Expression subscript(Expression object) {
    int line = tokens.current().line();
    if (tokens.next().isOperator(".")) {
      Token attribute = tokens.next();
      if (attribute.is(Token.Type.NAME)) {
        return checked(Expression.attribute(line, object, attribute.text()));
      }
      if (!attribute.is(Token.Type.INTEGER)) {
        throw tokens.failure("expected a name or a number after '.'");
      }
      return checked(
          Expression.item(line, object, new Expression.Literal(line, attribute.value())));
    }
    Expression none = new Expression.Literal(line, null);
    Expression start = tokens.current().isOperator(":") ? none : expression();
    if (tokens.skipOperator(":")) {
      Expression stop = sliceBound(none);
      Expression step = tokens.skipOperator(":") ? sliceBound(none) : none;
      tokens.expectOperator("]");
      return checked(Expression.slice(line, List.of(object, start, stop, step)));
    }
    List<Expression> keys = new ArrayList<>(List.of(start));
    while (tokens.skipOperator(",")) {
      keys.add(expression());
    }
    tokens.expectOperator("]");
    Expression key = keys.size() == 1 ? start : checked(new Expression.TupleLiteral(line, keys));
    return checked(Expression.item(line, object, key));
  }

  private Expression sliceBound(Expression none) {
    Token token = tokens.current();
    return token.isOperator(":") || token.isOperator("]") ? none : expression();
  }

  private ArgumentList callArguments() {
    tokens.expectOperator("(");
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    Optional<Expression> spread = Optional.empty();
    Optional<Expression> namedSpread = Optional.empty();
    boolean first = true;
    while (!tokens.current().isOperator(")")) {
      if (!first) {
        tokens.expectOperator(",");
        if (tokens.current().isOperator(")")) {
          break;
        }
      }
      first = false;
      if (tokens.current().isOperator("*")) {
        ensure(spread.isEmpty() && namedSpread.isEmpty());
        tokens.next();
        spread = Optional.of(expression());
      } else if (tokens.current().isOperator("**")) {
        ensure(namedSpread.isEmpty());
        tokens.next();
        namedSpread = Optional.of(expression());
      } else if (tokens.current().is(Token.Type.NAME) && tokens.look().isOperator("=")) {
        ensure(namedSpread.isEmpty());
        String name = tokens.next().text();
        tokens.next();
        if (named.put(name, expression()) != null) {
          throw tokens.failure("the keyword argument '" + name + "' is repeated");
        }
      } else {
        ensure(spread.isEmpty() && namedSpread.isEmpty() && named.isEmpty());
        positional.add(expression());
      }
    }
    tokens.expectOperator(")");
    return new ArgumentList(positional, named, spread, namedSpread);
  }

  private void ensure(boolean valid) {
    if (!valid) {
      throw tokens.failure("the arguments of a call are in a wrong order");
    }
  }

  private String dottedName() {
    StringBuilder name = new StringBuilder(tokens.expectName());
    while (tokens.skipOperator(".")) {
      name.append('.').append(tokens.expectName());
    }
    return name.toString();
  }

  Expression filters(Optional<Expression> input, boolean startsInline) {
    Optional<Expression> value = input;
    boolean inline = startsInline;
    while (inline || tokens.current().isOperator("|")) {
      if (!inline) {
        tokens.next();
      }
      inline = false;
      int line = tokens.current().line();
      String name = dottedName();
      ArgumentList arguments =
          tokens.current().isOperator("(") ? callArguments() : ArgumentList.of(List.of());
      value = Optional.of(checked(new Expression.Filter(line, value, name, arguments)));
    }
    return value.orElseThrow();
  }

  private Expression test(Expression value) {
    int line = tokens.next().line();
    boolean negated = tokens.skipName("not");
    String name = dottedName();
    ArgumentList arguments;
    Token token = tokens.current();
    boolean argument =
        switch (token.type()) {
          case NAME ->
              !token.text().equals("else")
                  && !token.text().equals("or")
                  && !token.text().equals("and");
          case STRING, INTEGER, FLOAT -> true;
          default -> token.isOperator("[") || token.isOperator("{");
        };
    if (token.isOperator("(")) {
      arguments = callArguments();
    } else if (argument) {
      if (token.isName("is")) {
        throw tokens.failure("tests with 'is' cannot be chained");
      }
      arguments = ArgumentList.of(List.of(postfix(primary(false))));
    } else {
      arguments = ArgumentList.of(List.of());
    }
    Expression test = checked(new Expression.Test(line, value, name, arguments));
    return negated ? checked(Expression.unary(line, "not", test)) : test;
  }
}
