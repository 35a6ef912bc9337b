package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A part of a template that has a value. */
abstract class Expression extends Node {
  /** The expressions that it is made of. */
  final List<Expression> children;

  /** How deep the tree below is, this node included. */
  final int height;

  Expression(int line, List<Expression> children) {
    super(line);
    this.children = children;
    int most = 0;
    for (Expression child : children) {
      most = Math.max(most, child.height);
    }
    this.height = most + 1;
  }

  abstract Object evaluate(Rendering rendering, Activation activation);

  final Object value(Rendering rendering, Activation activation) {
    rendering.enter(line);
    Object value = evaluate(rendering, activation);
    rendering.leave();
    return value;
  }

  @Override
  void walk(Names names) {
    walkAll(children, names);
  }

  /** Resolves the names; runs once, before any rendering. */
  void bind(Frame frame) {
    for (Expression child : children) {
      child.bind(frame);
    }
  }

  final void analyze(Symbols symbols) {
    walk(
        (name, use) -> {
          if (use == Use.LOAD) {
            symbols.load(name);
          }
        });
  }

  final Object child(int index, Rendering rendering, Activation activation) {
    return children.get(index).value(rendering, activation);
  }

  final List<Object> values(Rendering rendering, Activation activation) {
    rendering.spend(4 + children.size() / 2);
    List<Object> values = new ArrayList<>(children.size());
    for (Expression child : children) {
      values.add(child.value(rendering, activation));
    }
    return values;
  }

  /** How a value is made of those of the children. */
  private interface Evaluation {
    Object of(Expression expression, Rendering rendering, Activation activation);
  }

  /** An expression that is its children and one operation. */
  private static final class Computed extends Expression {
    private final Evaluation evaluation;

    Computed(int line, List<Expression> children, Evaluation evaluation) {
      super(line, children);
      this.evaluation = evaluation;
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      return evaluation.of(this, rendering, activation);
    }
  }

  static Expression list(int line, List<Expression> items) {
    return new Computed(line, items, Expression::values);
  }

  static Expression dict(int line, List<Expression> keysAndValues) {
    return new Computed(
        line,
        keysAndValues,
        (e, rendering, activation) -> {
          List<Object> values = e.values(rendering, activation);
          rendering.spend(10);
          PyDict dict = new PyDict();
          for (int i = 0; i < values.size(); i += 2) {
            dict.put(rendering, values.get(i), values.get(i + 1));
          }
          return dict;
        });
  }

  static Expression concat(int line, List<Expression> parts) {
    return new Computed(
        line,
        parts,
        (e, rendering, activation) -> {
          TextBuilder text = new TextBuilder(rendering);
          e.values(rendering, activation).forEach(v -> text.add(Values.str(rendering, v)));
          return text.build();
        });
  }

  static Expression unary(int line, String operator, Expression operand) {
    return new Computed(
        line,
        List.of(operand),
        (e, rendering, activation) -> {
          Object value = e.child(0, rendering, activation);
          return switch (operator) {
            case "not" -> !Values.truth(rendering, value);
            case "-" -> Operators.negative(value);
            default -> Operators.positive(value);
          };
        });
  }

  static Expression binary(int line, String operator, Expression left, Expression right) {
    return new Computed(
        line,
        List.of(left, right),
        (e, rendering, activation) -> {
          Object first = e.child(0, rendering, activation);
          boolean logical = operator.equals("and") || operator.equals("or");
          if (logical && Values.truth(rendering, first) == operator.equals("or")) {
            return first;
          }
          Object second = e.child(1, rendering, activation);
          return logical ? second : Operators.binary(rendering, operator, first, second);
        });
  }

  /** Operands with an operator between each two, all of which hold. */
  static Expression comparison(int line, List<Expression> operands, List<String> operators) {
    return new Computed(
        line,
        operands,
        (e, rendering, activation) -> {
          Object left = e.child(0, rendering, activation);
          for (int i = 0; i < operators.size(); i++) {
            Object right = e.child(i + 1, rendering, activation);
            if (!Operators.compare(rendering, operators.get(i), left, right)) {
              return false;
            }
            left = right;
          }
          return true;
        });
  }

  static Expression attribute(int line, Expression object, String name) {
    return new Computed(
        line,
        List.of(object),
        (e, rendering, activation) ->
            Attributes.attribute(rendering, e.child(0, rendering, activation), name));
  }

  static Expression item(int line, Expression object, Expression key) {
    return new Computed(
        line,
        List.of(object, key),
        (e, rendering, activation) -> {
          List<Object> values = e.values(rendering, activation);
          return Attributes.item(rendering, values.get(0), values.get(1));
        });
  }

  /** A part of an object: where it starts, where it ends, and in what steps. */
  static Expression slice(int line, List<Expression> objectAndBounds) {
    return new Computed(
        line,
        objectAndBounds,
        (e, rendering, activation) -> {
          List<Object> values = e.values(rendering, activation);
          return Operators.slice(
              rendering, values.get(0), values.get(1), values.get(2), values.get(3));
        });
  }

  static final class Literal extends Expression {
    private final Object constant;

    Literal(int line, Object constant) {
      super(line, List.of());
      this.constant = constant;
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      return constant;
    }
  }

  static final class Name extends Expression {
    final String name;
    private Symbols.Ref ref;

    Name(int line, String name) {
      super(line, List.of());
      this.name = name;
    }

    @Override
    void walk(Names names) {
      names.name(name, Use.LOAD);
    }

    @Override
    void bind(Frame frame) {
      ref = frame.symbols().ref(name, line);
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      Object value = activation.read(ref);
      if (value == Values.MISSING) {
        rendering.spend(4);
        return Undefined.name(name);
      }
      return value;
    }
  }

  static final class TupleLiteral extends Expression {
    TupleLiteral(int line, List<Expression> items) {
      super(line, items);
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      return new Tuple(values(rendering, activation));
    }
  }

  /** A test, the value where it holds, and perhaps the value where it does not. */
  static final class Conditional extends Expression {
    Conditional(int line, List<Expression> testAndValues) {
      super(line, testAndValues);
    }

    @Override
    void bind(Frame frame) {
      super.bind(frame.softened());
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      if (Values.truth(rendering, child(0, rendering, activation))) {
        return child(1, rendering, activation);
      }
      if (children.size() > 2) {
        return child(2, rendering, activation);
      }
      rendering.spend(4);
      return Undefined.because("an inline if without an else was false");
    }
  }

  private static List<Expression> with(Optional<Expression> first, ArgumentList arguments) {
    List<Expression> all = new ArrayList<>(first.stream().toList());
    all.addAll(arguments.expressions());
    return all;
  }

  static final class Call extends Expression {
    private final ArgumentList arguments;

    Call(int line, Expression callee, ArgumentList arguments) {
      super(line, with(Optional.of(callee), arguments));
      this.arguments = arguments;
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      Object function = child(0, rendering, activation);
      return Attributes.call(rendering, function, arguments.evaluate(rendering, activation));
    }

    Object evaluateWithCaller(Rendering rendering, Activation activation, Macro caller) {
      Object function = child(0, rendering, activation);
      Arguments plain = arguments.evaluate(rendering, activation);
      rendering.spend(8L * plain.named().size());
      return Attributes.call(rendering, function, plain.withNamed("caller", caller));
    }
  }

  /** A filter; its input is absent in a filter block. */
  static final class Filter extends Expression {
    private final boolean inBlock;
    private final String name;
    private final ArgumentList arguments;

    Filter(int line, Optional<Expression> input, String name, ArgumentList arguments) {
      super(line, with(input, arguments));
      this.inBlock = input.isEmpty();
      this.name = name;
      this.arguments = arguments;
    }

    @Override
    void bind(Frame frame) {
      if (!Filters.exists(name) && !frame.soft()) {
        throw new TemplateSyntaxException("there is no filter named '" + name + "'", line);
      }
      super.bind(frame);
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      Object value = inBlock ? rendering.filtered() : child(0, rendering, activation);
      return Filters.apply(rendering, name, value, arguments.evaluate(rendering, activation));
    }
  }

  /** What {@code is} says. */
  static final class Test extends Expression {
    private final String name;
    private final ArgumentList arguments;

    Test(int line, Expression input, String name, ArgumentList arguments) {
      super(line, with(Optional.of(input), arguments));
      this.name = name;
      this.arguments = arguments;
    }

    @Override
    void bind(Frame frame) {
      if (!Tests.exists(name) && !frame.soft()) {
        throw new TemplateSyntaxException("there is no test named '" + name + "'", line);
      }
      super.bind(frame);
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      Object value = child(0, rendering, activation);
      return Tests.apply(rendering, name, value, arguments.evaluate(rendering, activation));
    }
  }
}
