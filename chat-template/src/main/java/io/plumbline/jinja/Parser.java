package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Builds the tree of a template. */
final class Parser {
  private static final Set<String> TAGS =
      Unsupported.names("for if set with macro call filter generation break continue");

  private final TokenStream tokens;
  private final ExpressionParser expressions;
  private int loopDepth;

  private Parser(TokenStream tokens) {
    this.tokens = tokens;
    this.expressions = new ExpressionParser(tokens);
  }

  static List<Statement> parse(String source, Budget budget) {
    Parser parser = new Parser(new TokenStream(Lexer.tokenize(source, budget), budget));
    return parser.statementsUntil(Set.of());
  }

  private List<Statement> statementsUntil(Set<String> ends) {
    List<Statement> statements = new ArrayList<>();
    List<Expression> parts = new ArrayList<>();
    while (!tokens.current().is(Token.Type.EOF)) {
      Token token = tokens.current();
      switch (token.type()) {
        case DATA -> {
          parts.add(new Expression.Literal(token.line(), token.text()));
          tokens.next();
        }
        case VARIABLE_BEGIN -> {
          tokens.next();
          parts.add(expressions.tuple());
          tokens.expect(Token.Type.VARIABLE_END);
        }
        case BLOCK_BEGIN -> {
          flush(parts, statements);
          tokens.next();
          if (tokens.current().is(Token.Type.NAME) && ends.contains(tokens.current().text())) {
            return statements;
          }
          statements.add(statement());
          tokens.expect(Token.Type.BLOCK_END);
        }
        default -> throw tokens.failure("unexpected '" + token.describe() + "'");
      }
    }
    if (!ends.isEmpty()) {
      String expected = String.join(", ", ends.stream().sorted().toList());
      throw tokens.failure("the template ends where one of " + expected + " is expected");
    }
    flush(parts, statements);
    return statements;
  }

  private static void flush(List<Expression> parts, List<Statement> statements) {
    if (!parts.isEmpty()) {
      statements.add(new Statement.Output(parts.get(0).line, List.copyOf(parts)));
      parts.clear();
    }
  }

  /** The body of a block up to one of its end tags, which is left as the current token. */
  private List<Statement> body(Set<String> ends) {
    tokens.skipOperator(":");
    tokens.expect(Token.Type.BLOCK_END);
    tokens.nest();
    List<Statement> statements = statementsUntil(ends);
    tokens.leave();
    return statements;
  }

  private List<Statement> bodyAndEnd(String end) {
    List<Statement> statements = body(Set.of(end));
    tokens.next();
    return statements;
  }

  /** A body that becomes a function: loops around it cannot be left from inside. */
  private List<Statement> functionBody(String end) {
    int outer = loopDepth;
    loopDepth = 0;
    List<Statement> statements = bodyAndEnd(end);
    loopDepth = outer;
    return statements;
  }

  private Statement statement() {
    if (!tokens.current().is(Token.Type.NAME)) {
      throw tokens.unexpected("the name of a tag");
    }
    String tag = tokens.current().text();
    int line = tokens.current().line();
    if (Unsupported.TAGS.containsKey(tag)) {
      throw Unsupported.tag(tag, line);
    }
    if (!TAGS.contains(tag)) {
      throw tokens.failure("unknown tag '" + tag + "'");
    }
    tokens.next();
    return switch (tag) {
      case "for" -> parseFor(line);
      case "if" -> parseIf(line);
      case "set" -> parseSet(line);
      case "with" -> parseWith(line);
      case "macro" -> parseMacro(line);
      case "call" -> parseCall(line);
      case "filter" -> {
        Expression filter = expressions.filters(Optional.empty(), true);
        yield new Statement.FilterBlock(line, filter, bodyAndEnd("endfilter"));
      }
      case "generation" ->
          new MacroStatement.Generation(
              line,
              new Macro.Definition(
                  line, Optional.empty(), List.of(), List.of(), functionBody("endgeneration")));
      default -> parseLoopControl(line, tag);
    };
  }

  private Statement parseLoopControl(int line, String tag) {
    if (loopDepth == 0) {
      throw tokens.failure("'" + tag + "' stands outside of a loop");
    }
    Statement.Flow flow = tag.equals("break") ? Statement.Flow.BREAK : Statement.Flow.CONTINUE;
    return new Statement.LoopControl(line, flow);
  }

  private Statement parseFor(int line) {
    Target target = expressions.target(false, Optional.of("in"));
    if (!tokens.skipName("in")) {
      throw tokens.unexpected("'in'");
    }
    Expression iterable = expressions.unconditional(Optional.of("recursive"));
    Optional<Expression> test =
        tokens.skipName("if") ? Optional.of(expressions.expression()) : Optional.empty();
    boolean recursive = tokens.skipName("recursive");
    int outer = loopDepth;
    loopDepth = recursive ? 1 : outer + 1;
    List<Statement> body = body(Set.of("endfor", "else"));
    loopDepth = recursive ? 0 : outer;
    List<Statement> otherwise = tokens.next().isName("else") ? bodyAndEnd("endfor") : List.of();
    loopDepth = outer;
    return new ForLoop(line, target, iterable, test, recursive, body, otherwise);
  }

  private Statement parseIf(int line) {
    Expression test = expressions.unconditional(Optional.empty());
    List<Statement> body = body(Set.of("elif", "else", "endif"));
    List<Statement.If> elifs = new ArrayList<>();
    Token end = tokens.next();
    while (end.isName("elif")) {
      Expression elifTest = expressions.unconditional(Optional.empty());
      List<Statement> elifBody = body(Set.of("elif", "else", "endif"));
      elifs.add(new Statement.If(end.line(), elifTest, elifBody, List.of(), List.of()));
      end = tokens.next();
    }
    List<Statement> otherwise = end.isName("else") ? bodyAndEnd("endif") : List.of();
    return new Statement.If(line, test, body, elifs, otherwise);
  }

  private Statement parseSet(int line) {
    Target target = expressions.target(true, Optional.empty());
    if (tokens.skipOperator("=")) {
      return new Assignment(line, target, expressions.tuple());
    }
    Optional<Expression> filter =
        tokens.current().isOperator("|")
            ? Optional.of(expressions.filters(Optional.empty(), false))
            : Optional.empty();
    return new Assignment.OfBlock(line, target, filter, bodyAndEnd("endset"));
  }

  private Statement parseWith(int line) {
    List<Target> targets = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!tokens.current().is(Token.Type.BLOCK_END)) {
      if (!targets.isEmpty()) {
        tokens.expectOperator(",");
      }
      targets.add(expressions.target(false, Optional.empty()));
      tokens.expectOperator("=");
      values.add(expressions.expression());
    }
    return new Statement.With(line, targets, values, bodyAndEnd("endwith"));
  }

  private void signature(List<String> parameters, List<Expression> defaults) {
    tokens.expectOperator("(");
    while (!tokens.current().isOperator(")")) {
      if (!parameters.isEmpty()) {
        tokens.expectOperator(",");
      }
      parameters.add(assignableName());
      if (tokens.skipOperator("=")) {
        defaults.add(expressions.expression());
      } else if (!defaults.isEmpty()) {
        throw tokens.failure("a parameter without a default follows one with a default");
      }
    }
    tokens.expectOperator(")");
  }

  private String assignableName() {
    String name = tokens.expectName();
    if (Target.CONSTANTS.contains(name)) {
      throw tokens.failure("cannot assign to '" + name + "'");
    }
    return name;
  }

  private Statement parseMacro(int line) {
    String name = assignableName();
    List<String> parameters = new ArrayList<>();
    List<Expression> defaults = new ArrayList<>();
    signature(parameters, defaults);
    return new MacroStatement.Define(
        line,
        name,
        new Macro.Definition(
            line, Optional.of(name), parameters, defaults, functionBody("endmacro")));
  }

  private Statement parseCall(int line) {
    List<String> parameters = new ArrayList<>();
    List<Expression> defaults = new ArrayList<>();
    if (tokens.current().isOperator("(")) {
      signature(parameters, defaults);
    }
    if (!(expressions.expression() instanceof Expression.Call call)) {
      throw new TemplateSyntaxException("a call block needs a call", line);
    }
    return new MacroStatement.CallBlock(
        line,
        call,
        new Macro.Definition(
            line, Optional.empty(), parameters, defaults, functionBody("endcall")));
  }
}
