package io.plumbline.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code set}, with an expression. */
final class Assignment extends Statement {
  private final Sink sink;
  private final Expression expression;

  Assignment(int line, Target target, Expression expression) {
    super(line);
    this.sink = new Sink(target);
    this.expression = expression;
  }

  @Override
  void walk(Names names) {
    sink.target.walk(names);
    expression.walk(names);
  }

  @Override
  void analyze(Symbols symbols) {
    expression.analyze(symbols);
    sink.target.analyze(symbols, Symbols::store);
  }

  @Override
  void bind(Frame frame) {
    sink.bind(frame, line);
    expression.bind(frame);
  }

  @Override
  Flow run(Rendering rendering, Activation activation, StringBuilder out) {
    sink.target.check(activation);
    sink.assign(rendering, activation, expression.value(rendering, activation));
    return Flow.NEXT;
  }

  /** A target; what is assigned at the top level is a variable of the template as well. */
  private static final class Sink {
    private final Target target;
    private final Map<String, Symbols.Ref> exported = new HashMap<>();

    Sink(Target target) {
      this.target = target;
    }

    void bind(Frame frame, int line) {
      target.bind(frame.symbols(), line);
      if (frame.kind() == Frame.Kind.TOP) {
        target.walk((name, use) -> exported.put(name, frame.symbols().ref(name, line)));
      }
    }

    void assign(Rendering rendering, Activation activation, Object value) {
      target.assign(rendering, activation, value);
      exported.forEach((name, ref) -> activation.context().assign(name, activation.read(ref)));
    }
  }

  /** {@code set}, with what its block prints. */
  static final class OfBlock extends Statement {
    private final Sink sink;
    private final Optional<Expression> filter;
    private final List<Statement> body;
    private Symbols.Plan plan;

    OfBlock(int line, Target target, Optional<Expression> filter, List<Statement> body) {
      super(line);
      this.sink = new Sink(target);
      this.filter = filter;
      this.body = body;
    }

    @Override
    void walk(Names names) {
      sink.target.walk(names);
      filter.ifPresent(present -> present.walk(names));
      walkAll(body, names);
    }

    @Override
    void analyze(Symbols symbols) {
      sink.target.analyze(symbols, Symbols::store);
    }

    @Override
    void bind(Frame frame) {
      Frame inner = frame.inner(Frame.Kind.OTHER);
      analyzeAll(body, inner.symbols());
      bindAll(body, inner);
      filter.ifPresent(expression -> expression.bind(inner));
      plan = inner.symbols().plan();
      sink.bind(frame, line);
    }

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      Activation inner = activation.inner(rendering, plan).enter(rendering);
      StringBuilder captured = new StringBuilder();
      Flow flow = runAll(body, rendering, inner, captured);
      if (flow != Flow.NEXT) {
        return flow;
      }
      Object value = rendering.captured(captured);
      if (filter.isPresent()) {
        rendering.filter((String) value);
        value = filter.get().value(rendering, inner);
      }
      sink.assign(rendering, activation, value);
      return Flow.NEXT;
    }
  }
}
