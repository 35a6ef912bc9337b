package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Builds the tree of a template. */
final class Parser {
  private static final int MAXIMAL_HEIGHT = 400;
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

  private final List<Token> tokens;
  private final Budget budget;
  private int position;
  private int nesting;
  private int loopDepth;
  private int loopStores;
  private final Set<String> blockNames = new HashSet<>();

  private Parser(List<Token> tokens, Budget budget) {
    this.tokens = tokens;
    this.budget = budget;
  }

  static List<Statement> parse(String source, Budget budget) {
    Parser parser = new Parser(Lexer.tokenize(source, budget), budget);
    return parser.statementsUntil(Set.of());
  }

  private Token current() {
    return tokens.get(position);
  }

  private Token look() {
    return tokens.get(Math.min(position + 1, tokens.size() - 1));
  }

  private Token next() {
    Token token = current();
    budget.spend(8);
    if (!token.is(Token.Type.EOF)) {
      position++;
    }
    return token;
  }

  private TemplateSyntaxException failure(String message) {
    return new TemplateSyntaxException(message, current().line());
  }

  private boolean skipOperator(String operator) {
    if (current().isOperator(operator)) {
      next();
      return true;
    }
    return false;
  }

  private boolean skipName(String name) {
    if (current().isName(name)) {
      next();
      return true;
    }
    return false;
  }

  private void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw failure("expected '" + operator + "', got '" + current().describe() + "'");
    }
  }

  private void expect(Token.Type type) {
    if (!current().is(type)) {
      throw failure(
          "expected "
              + new Token(type, 0, "", null).describe()
              + ", got '"
              + current().describe()
              + "'");
    }
    next();
  }

  private String expectName() {
    if (!current().is(Token.Type.NAME)) {
      throw failure("expected a name, got '" + current().describe() + "'");
    }
    return next().text();
  }

  private void nest() {
    int most = budget.limits().nesting();
    if (++nesting > most) {
      throw failure("expressions or blocks are nested deeper than " + most);
    }
  }

  private <E extends Expression> E checked(E expression) {
    if (expression.height > MAXIMAL_HEIGHT) {
      throw failure("an expression is more than " + MAXIMAL_HEIGHT + " operations deep");
    }
    return expression;
  }

  // Statements

  private List<Statement> statementsUntil(Set<String> ends) {
    List<Statement> statements = new ArrayList<>();
    List<Expression> parts = new ArrayList<>();
    while (!current().is(Token.Type.EOF)) {
      Token token = current();
      switch (token.type()) {
        case DATA -> {
          parts.add(new Expression.Literal(token.line(), token.text()));
          next();
        }
        case VARIABLE_BEGIN -> {
          next();
          parts.add(tuple(true, false));
          expect(Token.Type.VARIABLE_END);
        }
        case BLOCK_BEGIN -> {
          flush(parts, statements);
          next();
          if (current().is(Token.Type.NAME) && ends.contains(current().text())) {
            return statements;
          }
          statement().ifPresent(statements::add);
          expect(Token.Type.BLOCK_END);
        }
        default -> throw failure("unexpected '" + token.describe() + "'");
      }
    }
    if (!ends.isEmpty()) {
      throw failure("the template ends where one of " + sorted(ends) + " is expected");
    }
    flush(parts, statements);
    return statements;
  }

  private static String sorted(Set<String> ends) {
    return String.join(", ", ends.stream().sorted().toList());
  }

  private static void flush(List<Expression> parts, List<Statement> statements) {
    if (!parts.isEmpty()) {
      statements.add(new Statement.Output(parts.get(0).line, List.copyOf(parts)));
      parts.clear();
    }
  }

  /** The body of a block up to one of its end tags, which is left as the current token. */
  private List<Statement> body(Set<String> ends) {
    skipOperator(":");
    expect(Token.Type.BLOCK_END);
    nest();
    List<Statement> statements = statementsUntil(ends);
    nesting--;
    return statements;
  }

  private List<Statement> bodyAndEnd(String end) {
    List<Statement> statements = body(Set.of(end));
    next();
    return statements;
  }

  private Optional<Statement> statement() {
    Token token = current();
    if (!token.is(Token.Type.NAME)) {
      throw failure("expected the name of a tag, got '" + token.describe() + "'");
    }
    int line = token.line();
    switch (token.text()) {
      case "for" -> {
        return Optional.of(parseFor());
      }
      case "if" -> {
        next();
        return Optional.of(parseIf(line));
      }
      case "set" -> {
        next();
        return Optional.of(parseSet(line));
      }
      case "with" -> {
        next();
        return Optional.of(parseWith(line));
      }
      case "macro" -> {
        next();
        return Optional.of(parseMacro(line));
      }
      case "call" -> {
        next();
        return Optional.of(parseCall(line));
      }
      case "filter" -> {
        next();
        Expression filter = filters(Optional.empty(), true);
        return Optional.of(new Statement.FilterBlock(line, filter, bodyAndEnd("endfilter")));
      }
      case "generation" -> {
        next();
        return Optional.of(
            new Statement.Generation(
                line,
                new Macro.Definition(
                    line, Optional.empty(), List.of(), List.of(), functionBody("endgeneration"))));
      }
      case "break", "continue" -> {
        next();
        if (loopDepth == 0) {
          throw failure("'" + token.text() + "' stands outside of a loop");
        }
        return Optional.of(
            new Statement.LoopControl(
                line,
                token.text().equals("break") ? Statement.Flow.BREAK : Statement.Flow.CONTINUE));
      }
      case "print" -> {
        next();
        List<Expression> parts = new ArrayList<>();
        while (!current().is(Token.Type.BLOCK_END)) {
          if (!parts.isEmpty()) {
            expectOperator(",");
          }
          parts.add(expression());
        }
        return Optional.of(new Statement.Output(line, parts));
      }
      case "block" -> {
        next();
        return Optional.of(parseBlock(line));
      }
      case "autoescape" -> {
        next();
        Expression escape = expression();
        return Optional.of(new Statement.Scope(line, escape, bodyAndEnd("endautoescape")));
      }
      case "include", "import", "from", "extends" -> {
        next();
        return Optional.of(parseUnavailable(token.text(), line));
      }
      default -> throw failure("unknown tag '" + token.text() + "'");
    }
  }

  /** A body that becomes a function: loops around it cannot be left from inside. */
  private List<Statement> functionBody(String end) {
    int outer = loopDepth;
    loopDepth = 0;
    List<Statement> statements = bodyAndEnd(end);
    loopDepth = outer;
    return statements;
  }

  private Statement parseFor() {
    int line = next().line();
    int storesBefore = loopStores;
    Target target = assignTarget(false, Optional.of("in"), true);
    if (!skipName("in")) {
      throw failure("expected 'in', got '" + current().describe() + "'");
    }
    Expression iterable = tuple(false, false, Optional.of("recursive"));
    Optional<Expression> test = skipName("if") ? Optional.of(expression()) : Optional.empty();
    boolean recursive = skipName("recursive");
    int outer = loopDepth;
    loopDepth = recursive ? 1 : outer + 1;
    List<Statement> body = body(Set.of("endfor", "else"));
    loopDepth = recursive ? 0 : outer;
    List<Statement> otherwise = List.of();
    if (next().isName("else")) {
      otherwise = bodyAndEnd("endfor");
    }
    loopDepth = outer;
    if (loopStores > storesBefore) {
      throw new TemplateSyntaxException("the variable 'loop' of a loop cannot be assigned", line);
    }
    return new Statement.For(line, target, iterable, test, recursive, body, otherwise);
  }

  private Statement parseIf(int line) {
    Expression test = tuple(false, false);
    List<Statement> body = body(Set.of("elif", "else", "endif"));
    List<Statement.If> elifs = new ArrayList<>();
    List<Statement> otherwise = List.of();
    Token end = next();
    while (end.isName("elif")) {
      int elifLine = end.line();
      Expression elifTest = tuple(false, false);
      List<Statement> elifBody = body(Set.of("elif", "else", "endif"));
      elifs.add(new Statement.If(elifLine, elifTest, elifBody, List.of(), List.of()));
      end = next();
    }
    if (end.isName("else")) {
      otherwise = bodyAndEnd("endif");
    }
    return new Statement.If(line, test, body, elifs, otherwise);
  }

  private Statement parseSet(int line) {
    Target target = assignTarget(true, Optional.empty(), true);
    if (skipOperator("=")) {
      return new Statement.Assign(line, target, tuple(true, false));
    }
    Optional<Expression> filter =
        current().isOperator("|")
            ? Optional.of(filters(Optional.empty(), false))
            : Optional.empty();
    return new Statement.AssignBlock(line, target, filter, bodyAndEnd("endset"));
  }

  private Statement parseWith(int line) {
    List<Target> targets = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!current().is(Token.Type.BLOCK_END)) {
      if (!targets.isEmpty()) {
        expectOperator(",");
      }
      targets.add(assignTarget(false, Optional.empty(), false));
      expectOperator("=");
      values.add(expression());
    }
    return new Statement.With(line, targets, values, bodyAndEnd("endwith"));
  }

  private void signature(List<String> parameters, List<Expression> defaults) {
    expectOperator("(");
    while (!current().isOperator(")")) {
      if (!parameters.isEmpty()) {
        expectOperator(",");
      }
      parameters.add(assignableName());
      if (skipOperator("=")) {
        defaults.add(expression());
      } else if (!defaults.isEmpty()) {
        throw failure("a parameter without a default follows one with a default");
      }
    }
    expectOperator(")");
  }

  private String assignableName() {
    String name = expectName();
    if (Set.of("true", "false", "none", "True", "False", "None").contains(name)) {
      throw failure("cannot assign to '" + name + "'");
    }
    return name;
  }

  private Statement parseMacro(int line) {
    String name = assignableName();
    List<String> parameters = new ArrayList<>();
    List<Expression> defaults = new ArrayList<>();
    signature(parameters, defaults);
    return new Statement.DefineMacro(
        line,
        name,
        new Macro.Definition(
            line, Optional.of(name), parameters, defaults, functionBody("endmacro")));
  }

  private Statement parseCall(int line) {
    List<String> parameters = new ArrayList<>();
    List<Expression> defaults = new ArrayList<>();
    if (current().isOperator("(")) {
      signature(parameters, defaults);
    }
    if (!(expression() instanceof Expression.Call call)) {
      throw new TemplateSyntaxException("a call block needs a call", line);
    }
    return new Statement.CallBlock(
        line,
        call,
        new Macro.Definition(
            line, Optional.empty(), parameters, defaults, functionBody("endcall")));
  }

  private Statement parseBlock(int line) {
    String name = expectName();
    if (!blockNames.add(name)) {
      throw failure("the block '" + name + "' is defined twice");
    }
    boolean scoped = skipName("scoped");
    boolean required = skipName("required");
    List<Statement> body = functionBody("endblock");
    skipName(name);
    return new Statement.Block(line, scoped, required, body);
  }

  private Statement parseUnavailable(String tag, int line) {
    Expression template = expression();
    List<String> names = new ArrayList<>();
    switch (tag) {
      case "import" -> {
        if (!skipName("as")) {
          throw failure("expected 'as', got '" + current().describe() + "'");
        }
        names.add(assignableName());
        skipContext();
      }
      case "from" -> {
        if (!skipName("import")) {
          throw failure("expected 'import', got '" + current().describe() + "'");
        }
        do {
          if (skipContext()) {
            break;
          }
          String name = assignableName();
          if (name.startsWith("_")) {
            throw failure("names that begin with an underscore cannot be imported");
          }
          names.add(skipName("as") ? assignableName() : name);
        } while (!skipContext() && skipOperator(","));
      }
      case "include" -> {
        if (current().isName("ignore") && look().isName("missing")) {
          next();
          next();
        }
        skipContext();
      }
      default -> {}
    }
    return new Statement.Unavailable(line, tag, template, names);
  }

  private boolean skipContext() {
    if ((current().isName("with") || current().isName("without")) && look().isName("context")) {
      next();
      next();
      return true;
    }
    return false;
  }

  private Target assignTarget(boolean namespaces, Optional<String> end, boolean store) {
    int start = position;
    List<Expression> items = new ArrayList<>();
    boolean isTuple = false;
    while (true) {
      if (!items.isEmpty()) {
        expectOperator(",");
      }
      if (tupleEnds(end)) {
        break;
      }
      items.add(primary(namespaces));
      if (!current().isOperator(",")) {
        break;
      }
      isTuple = true;
    }
    if (items.isEmpty()) {
      throw failure("expected a name, got '" + current().describe() + "'");
    }
    Expression target =
        isTuple ? new Expression.TupleLiteral(items.get(0).line, items) : items.get(0);
    if (store) {
      for (int i = start; i < position; i++) {
        if (tokens.get(i).isName("loop")
            && !(i + 1 < position && tokens.get(i + 1).isOperator("."))) {
          loopStores++;
        }
      }
    }
    return Target.of(target);
  }

  // Expressions

  private boolean tupleEnds(Optional<String> end) {
    Token token = current();
    return token.is(Token.Type.VARIABLE_END)
        || token.is(Token.Type.BLOCK_END)
        || token.isOperator(")")
        || (end.isPresent() && token.isName(end.get()));
  }

  private Expression tuple(boolean conditional, boolean parenthesized) {
    return tuple(conditional, parenthesized, Optional.empty());
  }

  private Expression tuple(boolean conditional, boolean parenthesized, Optional<String> end) {
    int line = current().line();
    List<Expression> items = new ArrayList<>();
    boolean isTuple = false;
    while (true) {
      if (!items.isEmpty()) {
        expectOperator(",");
      }
      if (tupleEnds(end)) {
        break;
      }
      items.add(conditional ? expression() : or());
      if (!current().isOperator(",")) {
        break;
      }
      isTuple = true;
    }
    if (!isTuple) {
      if (!items.isEmpty()) {
        return items.get(0);
      }
      if (!parenthesized) {
        throw failure("expected an expression, got '" + current().describe() + "'");
      }
    }
    return checked(new Expression.TupleLiteral(line, items));
  }

  private Expression expression() {
    nest();
    Expression value = or();
    while (current().isName("if")) {
      int line = next().line();
      Expression test = or();
      Optional<Expression> otherwise =
          skipName("else") ? Optional.of(expression()) : Optional.empty();
      value = checked(new Expression.Conditional(line, test, value, otherwise));
    }
    nesting--;
    return value;
  }

  private Expression or() {
    Expression left = and();
    while (current().isName("or")) {
      int line = next().line();
      left = checked(new Expression.Binary(line, "or", left, and()));
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (current().isName("and")) {
      int line = next().line();
      left = checked(new Expression.Binary(line, "and", left, not()));
    }
    return left;
  }

  private Expression not() {
    if (current().isName("not")) {
      int line = next().line();
      nest();
      Expression operand = not();
      nesting--;
      return checked(new Expression.Unary(line, "not", operand));
    }
    return comparison();
  }

  private Expression comparison() {
    int line = current().line();
    List<Expression> operands = new ArrayList<>(List.of(sum()));
    List<String> operators = new ArrayList<>();
    while (true) {
      Token token = current();
      if (token.is(Token.Type.OPERATOR) && COMPARISONS.contains(token.text())) {
        next();
        operators.add(token.text());
      } else if (token.isName("in")) {
        next();
        operators.add("in");
      } else if (token.isName("not") && look().isName("in")) {
        next();
        next();
        operators.add("not in");
      } else {
        break;
      }
      operands.add(sum());
    }
    return operators.isEmpty()
        ? operands.get(0)
        : checked(new Expression.Compare(line, operands, operators));
  }

  private Expression sum() {
    Expression left = concat();
    while (current().isOperator("+") || current().isOperator("-")) {
      Token operator = next();
      left = checked(new Expression.Binary(operator.line(), operator.text(), left, concat()));
    }
    return left;
  }

  private Expression concat() {
    int line = current().line();
    List<Expression> parts = new ArrayList<>(List.of(product()));
    while (skipOperator("~")) {
      parts.add(product());
    }
    return parts.size() == 1 ? parts.get(0) : checked(new Expression.Concat(line, parts));
  }

  private Expression product() {
    Expression left = power();
    while (current().isOperator("*")
        || current().isOperator("/")
        || current().isOperator("//")
        || current().isOperator("%")) {
      Token operator = next();
      left = checked(new Expression.Binary(operator.line(), operator.text(), left, power()));
    }
    return left;
  }

  private Expression power() {
    Expression left = unary(true);
    while (current().isOperator("**")) {
      int line = next().line();
      left = checked(new Expression.Binary(line, "**", left, unary(true)));
    }
    return left;
  }

  private Expression unary(boolean filtered) {
    Token token = current();
    Expression value;
    if (token.isOperator("-") || token.isOperator("+")) {
      next();
      nest();
      value = checked(new Expression.Unary(token.line(), token.text(), unary(false)));
      nesting--;
    } else {
      value = primary(false);
    }
    value = postfix(value);
    return filtered ? filtersAndTests(value) : value;
  }

  private Expression primary(boolean namespaces) {
    Token token = current();
    int line = token.line();
    switch (token.type()) {
      case NAME -> {
        next();
        switch (token.text()) {
          case "true", "True" -> {
            return new Expression.Literal(line, true);
          }
          case "false", "False" -> {
            return new Expression.Literal(line, false);
          }
          case "none", "None" -> {
            return new Expression.Literal(line, null);
          }
          default -> {
            if (namespaces && skipOperator(".")) {
              return new Target.NamespaceAttribute(line, token.text(), expectName());
            }
            return new Expression.Name(line, token.text());
          }
        }
      }
      case STRING -> {
        StringBuilder text = new StringBuilder();
        while (current().is(Token.Type.STRING)) {
          text.append((String) next().value());
        }
        return new Expression.Literal(line, text.toString());
      }
      case INTEGER, FLOAT -> {
        next();
        return new Expression.Literal(line, token.value());
      }
      default -> {
        if (skipOperator("(")) {
          nest();
          Expression value = tuple(true, true);
          nesting--;
          expectOperator(")");
          return value;
        }
        if (skipOperator("[")) {
          return listLiteral(line);
        }
        if (skipOperator("{")) {
          return dictLiteral(line);
        }
        throw failure("unexpected '" + token.describe() + "'");
      }
    }
  }

  private Expression listLiteral(int line) {
    List<Expression> items = new ArrayList<>();
    while (!current().isOperator("]")) {
      if (!items.isEmpty()) {
        expectOperator(",");
      }
      if (current().isOperator("]")) {
        break;
      }
      items.add(expression());
    }
    expectOperator("]");
    return checked(new Expression.ListLiteral(line, items));
  }

  private Expression dictLiteral(int line) {
    List<Expression> items = new ArrayList<>();
    while (!current().isOperator("}")) {
      if (!items.isEmpty()) {
        expectOperator(",");
      }
      if (current().isOperator("}")) {
        break;
      }
      items.add(expression());
      expectOperator(":");
      items.add(expression());
    }
    expectOperator("}");
    return checked(new Expression.DictLiteral(line, items));
  }

  private Expression postfix(Expression start) {
    Expression value = start;
    while (true) {
      if (current().isOperator(".") || current().isOperator("[")) {
        value = subscript(value);
      } else if (current().isOperator("(")) {
        value = call(value);
      } else {
        return value;
      }
    }
  }

  private Expression call(Expression callee) {
    int line = current().line();
    return checked(new Expression.Call(line, callee, callArguments()));
  }

  private Expression filtersAndTests(Expression start) {
    Expression value = start;
    while (true) {
      if (current().isOperator("|")) {
        value = filters(Optional.of(value), false);
      } else if (current().isName("is")) {
        value = test(value);
      } else if (current().isOperator("(")) {
        value = call(value);
      } else {
        return value;
      }
    }
  }

  private Expression subscript(Expression object) {
    int line = current().line();
    if (next().isOperator(".")) {
      Token attribute = next();
      if (attribute.is(Token.Type.NAME)) {
        return checked(new Expression.Attribute(line, object, attribute.text()));
      }
      if (!attribute.is(Token.Type.INTEGER)) {
        throw failure("expected a name or a number after '.'");
      }
      return checked(
          new Expression.Item(line, object, new Expression.Literal(line, attribute.value())));
    }
    List<Expression> keys = new ArrayList<>();
    Optional<Expression> slice = Optional.empty();
    while (!current().isOperator("]")) {
      if (!keys.isEmpty() || slice.isPresent()) {
        expectOperator(",");
        if (slice.isPresent()) {
          throw failure("a slice stands alone in its brackets");
        }
      }
      Optional<Expression> start =
          current().isOperator(":") ? Optional.empty() : Optional.of(expression());
      if (!current().isOperator(":")) {
        keys.add(start.orElseThrow());
        continue;
      }
      if (!keys.isEmpty()) {
        throw failure("a slice stands alone in its brackets");
      }
      slice = Optional.of(slice(line, object, start));
    }
    expectOperator("]");
    if (slice.isPresent()) {
      return slice.get();
    }
    Expression key =
        keys.size() == 1 ? keys.get(0) : checked(new Expression.TupleLiteral(line, keys));
    return checked(new Expression.Item(line, object, key));
  }

  private Expression slice(int line, Expression object, Optional<Expression> start) {
    expectOperator(":");
    Optional<Expression> stop = sliceBound();
    Optional<Expression> step = skipOperator(":") ? sliceBound() : Optional.empty();
    return checked(new Expression.Slice(line, object, List.of(start, stop, step)));
  }

  private Optional<Expression> sliceBound() {
    return current().isOperator(":") || current().isOperator("]") || current().isOperator(",")
        ? Optional.empty()
        : Optional.of(expression());
  }

  private Expression.ArgumentList callArguments() {
    int line = current().line();
    expectOperator("(");
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    Optional<Expression> spread = Optional.empty();
    Optional<Expression> namedSpread = Optional.empty();
    boolean first = true;
    while (!current().isOperator(")")) {
      if (!first) {
        expectOperator(",");
        if (current().isOperator(")")) {
          break;
        }
      }
      first = false;
      if (current().isOperator("*")) {
        ensure(spread.isEmpty() && namedSpread.isEmpty());
        next();
        spread = Optional.of(expression());
      } else if (current().isOperator("**")) {
        ensure(namedSpread.isEmpty());
        next();
        namedSpread = Optional.of(expression());
      } else if (current().is(Token.Type.NAME) && look().isOperator("=")) {
        ensure(namedSpread.isEmpty());
        String name = next().text();
        next();
        if (named.put(name, expression()) != null) {
          throw failure("the keyword argument '" + name + "' is repeated");
        }
      } else {
        ensure(spread.isEmpty() && namedSpread.isEmpty() && named.isEmpty());
        positional.add(expression());
      }
    }
    expectOperator(")");
    return new Expression.ArgumentList(line, positional, named, spread, namedSpread);
  }

  private void ensure(boolean valid) {
    if (!valid) {
      throw failure("the arguments of a call are in a wrong order");
    }
  }

  private String dottedName() {
    StringBuilder name = new StringBuilder(expectName());
    while (skipOperator(".")) {
      name.append('.').append(expectName());
    }
    return name.toString();
  }

  private Expression filters(Optional<Expression> input, boolean startsInline) {
    Optional<Expression> value = input;
    boolean inline = startsInline;
    while (inline || current().isOperator("|")) {
      if (!inline) {
        next();
      }
      inline = false;
      int line = current().line();
      String name = dottedName();
      Expression.ArgumentList arguments =
          current().isOperator("(") ? callArguments() : Expression.ArgumentList.of(line, List.of());
      value = Optional.of(checked(Expression.Applied.filter(line, value, name, arguments)));
    }
    return value.orElseThrow();
  }

  private Expression test(Expression value) {
    int line = next().line();
    boolean negated = skipName("not");
    String name = dottedName();
    Expression.ArgumentList arguments;
    Token token = current();
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
        throw failure("tests with 'is' cannot be chained");
      }
      arguments = Expression.ArgumentList.of(line, List.of(postfix(primary(false))));
    } else {
      arguments = Expression.ArgumentList.of(line, List.of());
    }
    Expression test = checked(Expression.Applied.test(line, value, name, arguments));
    return negated ? checked(new Expression.Unary(line, "not", test)) : test;
  }
}
