package io.plumbline.jinja;

import java.util.List;

/** A part of a template that does something. */
abstract class Statement extends Node {
  Statement(int line) {
    super(line);
  }

  /** How a statement ends. */
  enum Flow {
    NEXT,
    BREAK,
    CONTINUE
  }

  /** Notes what names this statement reads and assigns in the scope that it stands in. */
  abstract void analyze(Symbols symbols);

  /** Resolves the names; runs once, before any rendering. */
  abstract void bind(Frame frame);

  abstract Flow run(Rendering rendering, Activation activation, StringBuilder out);

  static Flow runAll(
      List<Statement> statements, Rendering rendering, Activation activation, StringBuilder out) {
    for (Statement statement : statements) {
      rendering.enter(statement.line);
      Flow flow = statement.run(rendering, activation, out);
      rendering.leave();
      if (flow != Flow.NEXT) {
        return flow;
      }
    }
    return Flow.NEXT;
  }

  static void analyzeAll(List<Statement> statements, Symbols symbols) {
    statements.forEach(statement -> statement.analyze(symbols));
  }

  static void bindAll(List<Statement> statements, Frame frame) {
    statements.forEach(statement -> statement.bind(frame));
  }

  /** Text and values, printed one after the other. */
  static final class Output extends Statement {
    private final List<Expression> parts;

    Output(int line, List<Expression> parts) {
      super(line);
      this.parts = parts;
    }

    @Override
    void walk(Names names) {
      walkAll(parts, names);
    }

    @Override
    void analyze(Symbols symbols) {
      parts.forEach(part -> part.analyze(symbols));
    }

    @Override
    void bind(Frame frame) {
      parts.forEach(part -> part.bind(frame));
    }

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      for (Expression part : parts) {
        rendering.append(out, Values.str(rendering, part.value(rendering, activation)));
      }
      return Flow.NEXT;
    }
  }

  static final class FilterBlock extends Statement {
    private final Expression filter;
    private final List<Statement> body;
    private Symbols.Plan plan;

    FilterBlock(int line, Expression filter, List<Statement> body) {
      super(line);
      this.filter = filter;
      this.body = body;
    }

    @Override
    void walk(Names names) {
      walkAll(body, names);
      filter.walk(names);
    }

    @Override
    void analyze(Symbols symbols) {
      filter.analyze(symbols);
    }

    @Override
    void bind(Frame frame) {
      Frame inner = frame.inner(Frame.Kind.OTHER);
      analyzeAll(body, inner.symbols());
      filter.analyze(inner.symbols());
      bindAll(body, inner);
      filter.bind(inner);
      plan = inner.symbols().plan();
    }

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      Activation inner = activation.inner(rendering, plan).enter(rendering);
      StringBuilder captured = new StringBuilder();
      Flow flow = runAll(body, rendering, inner, captured);
      if (flow != Flow.NEXT) {
        return flow;
      }
      rendering.filter(rendering.captured(captured));
      rendering.append(out, Values.str(rendering, filter.value(rendering, inner)));
      return Flow.NEXT;
    }
  }

  static final class With extends Statement {
    private final List<Target> targets;
    private final List<Expression> values;
    private final List<Statement> body;
    private Symbols.Plan plan;

    With(int line, List<Target> targets, List<Expression> values, List<Statement> body) {
      super(line);
      this.targets = targets;
      this.values = values;
      this.body = body;
    }

    @Override
    void walk(Names names) {
      targets.forEach(target -> target.walk((name, use) -> names.name(name, Use.PARAMETER)));
      walkAll(values, names);
      walkAll(body, names);
    }

    @Override
    void analyze(Symbols symbols) {
      values.forEach(value -> value.analyze(symbols));
    }

    @Override
    void bind(Frame frame) {
      Frame inner = frame.inner(Frame.Kind.OTHER);
      targets.forEach(target -> target.analyze(inner.symbols(), Symbols::parameter));
      analyzeAll(body, inner.symbols());
      targets.forEach(target -> target.bind(inner.symbols(), line));
      values.forEach(value -> value.bind(frame));
      bindAll(body, inner);
      plan = inner.symbols().plan();
    }

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      Activation inner = activation.inner(rendering, plan).enter(rendering);
      for (int i = 0; i < targets.size(); i++) {
        targets.get(i).assign(rendering, inner, values.get(i).value(rendering, activation));
      }
      Flow flow = runAll(body, rendering, inner, out);
      inner.leave();
      return flow;
    }
  }

  static final class If extends Statement {
    private final Expression test;
    private final List<Statement> body;
    private final List<If> elifs;
    private final List<Statement> otherwise;

    If(int line, Expression test, List<Statement> body, List<If> elifs, List<Statement> otherwise) {
      super(line);
      this.test = test;
      this.body = body;
      this.elifs = elifs;
      this.otherwise = otherwise;
    }

    @Override
    void walk(Names names) {
      test.walk(names);
      walkAll(body, names);
      walkAll(elifs, names);
      walkAll(otherwise, names);
    }

    @Override
    void analyze(Symbols symbols) {
      test.analyze(symbols);
      symbols.branches(
          List.of(
              branch -> analyzeAll(body, branch),
              branch -> elifs.forEach(elif -> elif.analyze(branch)),
              branch -> analyzeAll(otherwise, branch)));
    }

    @Override
    void bind(Frame frame) {
      Frame soft = frame.softened();
      test.bind(soft);
      bindAll(body, soft);
      for (If elif : elifs) {
        elif.test.bind(soft);
        bindAll(elif.body, soft);
      }
      bindAll(otherwise, soft);
    }

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      if (Values.truth(rendering, test.value(rendering, activation))) {
        return runAll(body, rendering, activation, out);
      }
      for (If elif : elifs) {
        if (Values.truth(rendering, elif.test.value(rendering, activation))) {
          return runAll(elif.body, rendering, activation, out);
        }
      }
      return runAll(otherwise, rendering, activation, out);
    }
  }

  static final class LoopControl extends Statement {
    private final Flow flow;

    LoopControl(int line, Flow flow) {
      super(line);
      this.flow = flow;
    }

    @Override
    void walk(Names names) {}

    @Override
    void analyze(Symbols symbols) {}

    @Override
    void bind(Frame frame) {}

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      return flow;
    }
  }
}
