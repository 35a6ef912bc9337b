package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A part of a template that has a value. */
abstract class Expression extends Node {
  /** How deep the tree below is, this node included. */
  final int height;

  Expression(int line, int childHeight) {
    super(line);
    this.height = childHeight + 1;
  }

  /** Resolves the names; runs once, before any rendering. */
  abstract void bind(Frame frame);

  abstract Object evaluate(Rendering rendering, Activation activation);

  final Object value(Rendering rendering, Activation activation) {
    rendering.enter(line);
    Object value = evaluate(rendering, activation);
    rendering.leave();
    return value;
  }

  final void analyze(Symbols symbols) {
    walk(
        (name, use) -> {
          if (use == Use.LOAD) {
            symbols.load(name);
          }
        });
  }

  static int heightOf(List<? extends Expression> children) {
    int height = 0;
    for (Expression child : children) {
      height = Math.max(height, child.height);
    }
    return height;
  }

  static final class Literal extends Expression {
    final Object constant;

    Literal(int line, Object constant) {
      super(line, 0);
      this.constant = constant;
    }

    @Override
    void walk(Names names) {}

    @Override
    void bind(Frame frame) {}

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      return constant;
    }
  }

  static final class Name extends Expression {
    final String name;
    private Symbols.Ref ref;

    Name(int line, String name) {
      super(line, 0);
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

  /** An expression made of others, all of them read. */
  abstract static class Compound extends Expression {
    final List<Expression> children;

    Compound(int line, List<Expression> children) {
      super(line, heightOf(children));
      this.children = children;
    }

    @Override
    void walk(Names names) {
      walkAll(children, names);
    }

    @Override
    void bind(Frame frame) {
      for (Expression child : children) {
        child.bind(frame);
      }
    }

    final List<Object> values(Rendering rendering, Activation activation) {
      rendering.spend(4 + children.size() / 2);
      List<Object> values = new ArrayList<>(children.size());
      for (Expression child : children) {
        values.add(child.value(rendering, activation));
      }
      return values;
    }
  }

  static final class TupleLiteral extends Compound {
    TupleLiteral(int line, List<Expression> items) {
      super(line, items);
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      return new Tuple(values(rendering, activation));
    }
  }

  static final class ListLiteral extends Compound {
    ListLiteral(int line, List<Expression> items) {
      super(line, items);
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      return values(rendering, activation);
    }
  }

  /** Keys and values in turn. */
  static final class DictLiteral extends Compound {
    DictLiteral(int line, List<Expression> keysAndValues) {
      super(line, keysAndValues);
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      List<Object> values = values(rendering, activation);
      rendering.spend(10);
      PyDict dict = new PyDict();
      for (int i = 0; i < values.size(); i += 2) {
        dict.put(rendering, values.get(i), values.get(i + 1));
      }
      return dict;
    }
  }

  static final class Concat extends Compound {
    Concat(int line, List<Expression> parts) {
      super(line, parts);
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      TextBuilder text = new TextBuilder(rendering);
      for (Object value : values(rendering, activation)) {
        text.add(Values.str(rendering, value));
      }
      return text.build();
    }
  }

  static final class Unary extends Compound {
    private final String operator;

    Unary(int line, String operator, Expression operand) {
      super(line, List.of(operand));
      this.operator = operator;
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      Object value = children.get(0).value(rendering, activation);
      return switch (operator) {
        case "not" -> !Values.truth(rendering, value);
        case "-" -> Operators.negative(rendering, value);
        default -> Operators.positive(value);
      };
    }
  }

  static final class Binary extends Compound {
    private final String operator;

    Binary(int line, String operator, Expression left, Expression right) {
      super(line, List.of(left, right));
      this.operator = operator;
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      Object left = children.get(0).value(rendering, activation);
      if (operator.equals("and")) {
        return Values.truth(rendering, left) ? children.get(1).value(rendering, activation) : left;
      }
      if (operator.equals("or")) {
        return Values.truth(rendering, left) ? left : children.get(1).value(rendering, activation);
      }
      Object right = children.get(1).value(rendering, activation);
      return Operators.binary(rendering, operator, left, right);
    }
  }

  static final class Compare extends Compound {
    private final List<String> operators;

    Compare(int line, List<Expression> operands, List<String> operators) {
      super(line, operands);
      this.operators = operators;
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      Object left = children.get(0).value(rendering, activation);
      for (int i = 0; i < operators.size(); i++) {
        Object right = children.get(i + 1).value(rendering, activation);
        if (!Operators.compare(rendering, operators.get(i), left, right)) {
          return false;
        }
        left = right;
      }
      return true;
    }
  }

  static final class Conditional extends Expression {
    private final Expression test;
    private final Expression then;
    private final Optional<Expression> otherwise;

    Conditional(int line, Expression test, Expression then, Optional<Expression> otherwise) {
      super(
          line,
          Math.max(Math.max(test.height, then.height), otherwise.map(e -> e.height).orElse(0)));
      this.test = test;
      this.then = then;
      this.otherwise = otherwise;
    }

    @Override
    void walk(Names names) {
      test.walk(names);
      then.walk(names);
      walkOptional(otherwise, names);
    }

    @Override
    void bind(Frame frame) {
      Frame soft = frame.softened();
      test.bind(soft);
      then.bind(soft);
      otherwise.ifPresent(expression -> expression.bind(soft));
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      if (Values.truth(rendering, test.value(rendering, activation))) {
        return then.value(rendering, activation);
      }
      if (otherwise.isPresent()) {
        return otherwise.get().value(rendering, activation);
      }
      rendering.spend(4);
      return Undefined.because("an inline if without an else was false");
    }
  }

  static final class Attribute extends Compound {
    private final String attribute;

    Attribute(int line, Expression object, String attribute) {
      super(line, List.of(object));
      this.attribute = attribute;
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      return Attributes.attribute(
          rendering, children.get(0).value(rendering, activation), attribute);
    }
  }

  static final class Item extends Compound {
    Item(int line, Expression object, Expression key) {
      super(line, List.of(object, key));
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      Object object = children.get(0).value(rendering, activation);
      return Attributes.item(rendering, object, children.get(1).value(rendering, activation));
    }
  }

  static final class Slice extends Expression {
    private final Expression object;
    private final List<Optional<Expression>> bounds;

    Slice(int line, Expression object, List<Optional<Expression>> bounds) {
      super(
          line,
          Math.max(
              object.height,
              bounds.stream().mapToInt(b -> b.map(e -> e.height).orElse(0)).max().orElse(0)));
      this.object = object;
      this.bounds = bounds;
    }

    @Override
    void walk(Names names) {
      object.walk(names);
      bounds.forEach(bound -> walkOptional(bound, names));
    }

    @Override
    void bind(Frame frame) {
      object.bind(frame);
      bounds.forEach(bound -> bound.ifPresent(expression -> expression.bind(frame)));
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      Object value = object.value(rendering, activation);
      Object[] values = new Object[3];
      for (int i = 0; i < 3; i++) {
        if (bounds.get(i).isPresent()) {
          values[i] = bounds.get(i).get().value(rendering, activation);
        }
      }
      return Operators.slice(rendering, value, values[0], values[1], values[2]);
    }
  }

  /** The arguments of a call as they stand in the source. */
  static final class ArgumentList extends Node {
    final List<Expression> positional;
    final Map<String, Expression> named;
    final Optional<Expression> spread;
    final Optional<Expression> namedSpread;

    ArgumentList(
        int line,
        List<Expression> positional,
        Map<String, Expression> named,
        Optional<Expression> spread,
        Optional<Expression> namedSpread) {
      super(line);
      this.positional = positional;
      this.named = named;
      this.spread = spread;
      this.namedSpread = namedSpread;
    }

    static ArgumentList of(int line, List<Expression> positional) {
      return new ArgumentList(line, positional, Map.of(), Optional.empty(), Optional.empty());
    }

    int height() {
      int height = Math.max(heightOf(positional), heightOf(List.copyOf(named.values())));
      height = Math.max(height, spread.map(e -> e.height).orElse(0));
      return Math.max(height, namedSpread.map(e -> e.height).orElse(0));
    }

    @Override
    void walk(Names names) {
      walkAll(positional, names);
      walkAll(List.copyOf(named.values()), names);
      walkOptional(spread, names);
      walkOptional(namedSpread, names);
    }

    void bind(Frame frame) {
      positional.forEach(expression -> expression.bind(frame));
      named.values().forEach(expression -> expression.bind(frame));
      spread.ifPresent(expression -> expression.bind(frame));
      namedSpread.ifPresent(expression -> expression.bind(frame));
    }

    Arguments evaluate(Rendering rendering, Activation activation) {
      if (positional.isEmpty() && named.isEmpty() && spread.isEmpty() && namedSpread.isEmpty()) {
        return Arguments.NONE;
      }
      rendering.spend(4 + positional.size() / 2 + 8L * named.size());
      List<Object> values = new ArrayList<>(positional.size());
      for (Expression expression : positional) {
        values.add(expression.value(rendering, activation));
      }
      Map<String, Object> byName = new LinkedHashMap<>();
      if (spread.isPresent()) {
        values.addAll(Values.listOf(rendering, spread.get().value(rendering, activation)));
      }
      for (Map.Entry<String, Expression> entry : named.entrySet()) {
        byName.put(entry.getKey(), entry.getValue().value(rendering, activation));
      }
      if (namedSpread.isPresent()) {
        if (!(namedSpread.get().value(rendering, activation) instanceof PyDict dict)) {
          throw PyError.type("the argument after ** must be a mapping");
        }
        rendering.spend(8L * dict.size());
        for (PyDict.Entry entry : dict.entries()) {
          if (!(entry.key() instanceof String name)) {
            throw PyError.type("keywords must be strings");
          }
          if (byName.containsKey(name)) {
            throw PyError.type(
                "got multiple values for keyword argument '" + PyError.shown(name) + "'");
          }
          byName.put(name, entry.value());
        }
      }
      return new Arguments(values, byName);
    }
  }

  static final class Call extends Expression {
    private final Expression callee;
    private final ArgumentList arguments;

    Call(int line, Expression callee, ArgumentList arguments) {
      super(line, Math.max(callee.height, arguments.height()));
      this.callee = callee;
      this.arguments = arguments;
    }

    @Override
    void walk(Names names) {
      callee.walk(names);
      arguments.walk(names);
    }

    @Override
    void bind(Frame frame) {
      callee.bind(frame);
      arguments.bind(frame);
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      Object function = callee.value(rendering, activation);
      return Attributes.call(rendering, function, arguments.evaluate(rendering, activation));
    }

    Object evaluateWithCaller(Rendering rendering, Activation activation, Macro caller) {
      Object function = callee.value(rendering, activation);
      Arguments plain = arguments.evaluate(rendering, activation);
      rendering.spend(8L * plain.named().size());
      Arguments given = plain.withNamed("caller", caller);
      return Attributes.call(rendering, function, given);
    }
  }

  /** A filter or a test; the input of a filter block is absent. */
  static final class Applied extends Expression {
    private final Optional<Expression> input;
    private final boolean filter;
    private final String name;
    private final ArgumentList arguments;

    private Applied(
        int line, Optional<Expression> input, boolean filter, String name, ArgumentList arguments) {
      super(line, Math.max(input.map(e -> e.height).orElse(0), arguments.height()));
      this.input = input;
      this.filter = filter;
      this.name = name;
      this.arguments = arguments;
    }

    static Applied filter(
        int line, Optional<Expression> input, String name, ArgumentList arguments) {
      return new Applied(line, input, true, name, arguments);
    }

    static Applied test(int line, Expression input, String name, ArgumentList arguments) {
      return new Applied(line, Optional.of(input), false, name, arguments);
    }

    @Override
    void walk(Names names) {
      walkOptional(input, names);
      arguments.walk(names);
    }

    @Override
    void bind(Frame frame) {
      boolean known = filter ? Filters.exists(name) : Tests.exists(name);
      if (!known && !frame.soft()) {
        throw new TemplateSyntaxException(
            "there is no " + (filter ? "filter" : "test") + " named '" + name + "'", line);
      }
      input.ifPresent(expression -> expression.bind(frame));
      arguments.bind(frame);
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      Object value =
          input.isPresent() ? input.get().value(rendering, activation) : rendering.filtered();
      Arguments given = arguments.evaluate(rendering, activation);
      return filter
          ? Filters.apply(rendering, name, value, given)
          : (Object) Tests.apply(rendering, name, value, given);
    }
  }
}
