package io.plumbline.jinja;

import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * What an assignment, a loop or a with writes to. Bound to one scope: what writes in two, has two.
 */
abstract class Target {
  static final Set<String> CONSTANTS = Set.of("true", "false", "none", "True", "False", "None");

  /** Told of every name that is assigned. */
  abstract void walk(Node.Names names);

  /** Notes the names as parameters of a scope, or as assigned in it. */
  abstract void analyze(Symbols symbols, BiConsumer<Symbols, String> as);

  /** Resolves the names. */
  abstract void bind(Symbols symbols, int line);

  abstract void assign(Rendering rendering, Activation activation, Object value);

  /** A target that writes to the same names in another scope. */
  abstract Target copy();

  /** Fails unless every namespace that is written to is one. */
  void check(Activation activation) {}

  static Target of(Expression expression) {
    if (expression instanceof Expression.Name name) {
      return new OfName(name.name);
    }
    if (expression instanceof Expression.TupleLiteral tuple) {
      return new OfTuple(tuple.children.stream().map(Target::of).toList());
    }
    if (expression instanceof NamespaceAttribute attribute) {
      return new OfAttribute(attribute);
    }
    throw new TemplateSyntaxException("cannot assign to this expression", expression.line);
  }

  /** {@code name.attribute} on the left of an assignment. */
  static final class NamespaceAttribute extends Expression {
    private final String namespace;
    private final String attribute;

    NamespaceAttribute(int line, String namespace, String attribute) {
      super(line, List.of());
      this.namespace = namespace;
      this.attribute = attribute;
    }

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      throw PyError.of("'" + namespace + "." + attribute + "' is no value here");
    }
  }

  private static final class OfName extends Target {
    private final String name;
    private Symbols.Ref ref;

    OfName(String name) {
      this.name = name;
    }

    @Override
    Target copy() {
      return new OfName(name);
    }

    @Override
    void walk(Node.Names names) {
      names.name(name, Node.Use.STORE);
    }

    @Override
    void analyze(Symbols symbols, BiConsumer<Symbols, String> as) {
      as.accept(symbols, name);
    }

    @Override
    void bind(Symbols symbols, int line) {
      if (CONSTANTS.contains(name)) {
        throw new TemplateSyntaxException("cannot assign to '" + name + "'", line);
      }
      ref = symbols.ref(name, line);
    }

    @Override
    void assign(Rendering rendering, Activation activation, Object value) {
      activation.write(ref, value);
    }
  }

  private static final class OfTuple extends Target {
    private final List<Target> targets;

    OfTuple(List<Target> targets) {
      this.targets = targets;
    }

    @Override
    Target copy() {
      return new OfTuple(targets.stream().map(Target::copy).toList());
    }

    @Override
    void walk(Node.Names names) {
      targets.forEach(target -> target.walk(names));
    }

    @Override
    void analyze(Symbols symbols, BiConsumer<Symbols, String> as) {
      targets.forEach(target -> target.analyze(symbols, as));
    }

    @Override
    void bind(Symbols symbols, int line) {
      targets.forEach(target -> target.bind(symbols, line));
    }

    @Override
    void assign(Rendering rendering, Activation activation, Object value) {
      List<Object> values = Values.listOf(rendering, value);
      if (values.size() != targets.size()) {
        throw PyError.of(
            "cannot unpack " + values.size() + " values into " + targets.size() + " names");
      }
      rendering.spend(values.size());
      for (int i = 0; i < values.size(); i++) {
        targets.get(i).assign(rendering, activation, values.get(i));
      }
    }

    @Override
    void check(Activation activation) {
      targets.forEach(target -> target.check(activation));
    }
  }

  private static final class OfAttribute extends Target {
    private final NamespaceAttribute place;
    private Symbols.Ref ref;

    OfAttribute(NamespaceAttribute place) {
      this.place = place;
    }

    @Override
    Target copy() {
      return new OfAttribute(place);
    }

    @Override
    void walk(Node.Names names) {}

    @Override
    void analyze(Symbols symbols, BiConsumer<Symbols, String> as) {
      symbols.load(place.namespace);
    }

    @Override
    void bind(Symbols symbols, int line) {
      ref = symbols.ref(place.namespace, line);
    }

    @Override
    void check(Activation activation) {
      if (!(activation.read(ref) instanceof Namespace)) {
        throw PyError.of(
            "cannot assign the attribute '%s' on '%s', which is no namespace"
                .formatted(place.attribute, place.namespace));
      }
    }

    @Override
    void assign(Rendering rendering, Activation activation, Object value) {
      check(activation);
      ((Namespace) activation.read(ref)).set(rendering, place.attribute, value);
    }
  }
}
