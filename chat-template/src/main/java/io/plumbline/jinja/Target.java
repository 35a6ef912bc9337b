package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What an assignment, a loop or a with writes to. */
abstract class Target {
  private static final Set<String> CONSTANTS =
      Set.of("true", "false", "none", "True", "False", "None");

  /** Whether names are parameters of their scope or assigned in it. */
  enum As {
    PARAMETER,
    STORE
  }

  abstract void walk(Node.Names names);

  abstract void analyze(Symbols symbols, As as);

  /** The same target with its names resolved. */
  abstract Bound bind(Symbols symbols, int line);

  /** Namespaces that must be such before anything is evaluated. */
  abstract void names(List<String> names);

  /** Where values go. */
  interface Bound {
    void assign(Rendering rendering, Activation activation, Object value);

    /** Fails unless every namespace that is written to is one. */
    default void check(Activation activation) {}
  }

  static Target of(Expression expression) {
    if (expression instanceof Expression.Name name) {
      return new NameTarget(name.name);
    }
    if (expression instanceof Expression.TupleLiteral tuple) {
      List<Target> targets = new ArrayList<>();
      for (Expression item : tuple.children) {
        targets.add(of(item));
      }
      return new TupleTarget(targets);
    }
    if (expression instanceof NamespaceAttribute attribute) {
      return new AttributeTarget(attribute.namespace, attribute.attribute);
    }
    throw new TemplateSyntaxException("cannot assign to this expression", expression.line);
  }

  /** {@code name.attribute} on the left of an assignment. */
  static final class NamespaceAttribute extends Expression {
    private final String namespace;
    private final String attribute;

    NamespaceAttribute(int line, String namespace, String attribute) {
      super(line, 0);
      this.namespace = namespace;
      this.attribute = attribute;
    }

    @Override
    void walk(Names names) {}

    @Override
    void bind(Frame frame) {}

    @Override
    Object evaluate(Rendering rendering, Activation activation) {
      throw PyError.runtime("'" + namespace + "." + attribute + "' is no value here");
    }
  }

  private static final class NameTarget extends Target {
    private final String name;

    NameTarget(String name) {
      this.name = name;
    }

    @Override
    void walk(Node.Names names) {
      names.name(name, Node.Use.STORE);
    }

    @Override
    void analyze(Symbols symbols, As as) {
      if (as == As.PARAMETER) {
        symbols.parameter(name);
      } else {
        symbols.store(name);
      }
    }

    @Override
    Bound bind(Symbols symbols, int line) {
      if (CONSTANTS.contains(name)) {
        throw new TemplateSyntaxException("cannot assign to '" + name + "'", line);
      }
      Symbols.Ref ref = symbols.ref(name, line);
      return (rendering, activation, value) -> activation.write(ref, value);
    }

    @Override
    void names(List<String> names) {
      names.add(name);
    }
  }

  private static final class TupleTarget extends Target {
    private final List<Target> targets;

    TupleTarget(List<Target> targets) {
      this.targets = targets;
    }

    @Override
    void walk(Node.Names names) {
      targets.forEach(target -> target.walk(names));
    }

    @Override
    void analyze(Symbols symbols, As as) {
      targets.forEach(target -> target.analyze(symbols, as));
    }

    @Override
    Bound bind(Symbols symbols, int line) {
      List<Bound> bound = new ArrayList<>();
      for (Target target : targets) {
        bound.add(target.bind(symbols, line));
      }
      return new Bound() {
        @Override
        public void assign(Rendering rendering, Activation activation, Object value) {
          List<Object> values = Values.listOf(rendering, value);
          if (values.size() != bound.size()) {
            throw PyError.value(
                "cannot unpack " + values.size() + " values into " + bound.size() + " names");
          }
          rendering.spend(values.size());
          for (int i = 0; i < values.size(); i++) {
            bound.get(i).assign(rendering, activation, values.get(i));
          }
        }

        @Override
        public void check(Activation activation) {
          bound.forEach(target -> target.check(activation));
        }
      };
    }

    @Override
    void names(List<String> names) {
      targets.forEach(target -> target.names(names));
    }
  }

  private static final class AttributeTarget extends Target {
    private final String namespace;
    private final String attribute;

    AttributeTarget(String namespace, String attribute) {
      this.namespace = namespace;
      this.attribute = attribute;
    }

    @Override
    void walk(Node.Names names) {}

    @Override
    void analyze(Symbols symbols, As as) {
      symbols.load(namespace);
    }

    @Override
    Bound bind(Symbols symbols, int line) {
      Symbols.Ref ref = symbols.ref(namespace, line);
      return new Bound() {
        @Override
        public void assign(Rendering rendering, Activation activation, Object value) {
          if (!(activation.read(ref) instanceof Namespace target)) {
            throw PyError.runtime("cannot assign an attribute on what is no namespace");
          }
          target.set(rendering, attribute, value);
        }

        @Override
        public void check(Activation activation) {
          if (!(activation.read(ref) instanceof Namespace)) {
            throw PyError.runtime(
                "cannot assign the attribute '"
                    + attribute
                    + "' on '"
                    + namespace
                    + "', which is no namespace");
          }
        }
      };
    }

    @Override
    void names(List<String> names) {}
  }
}
