package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;

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

  static final class Assign extends Statement {
    private final Target target;
    private final Expression expression;
    private Target.Bound bound;
    private Map<String, Symbols.Ref> exported = Map.of();

    Assign(int line, Target target, Expression expression) {
      super(line);
      this.target = target;
      this.expression = expression;
    }

    @Override
    void walk(Names names) {
      target.walk(names);
      expression.walk(names);
    }

    @Override
    void analyze(Symbols symbols) {
      expression.analyze(symbols);
      target.analyze(symbols, Target.As.STORE);
    }

    @Override
    void bind(Frame frame) {
      bound = target.bind(frame.symbols(), line);
      expression.bind(frame);
      exported = exported(target, frame, line);
    }

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      bound.check(activation);
      bound.assign(rendering, activation, expression.value(rendering, activation));
      export(exported, activation);
      return Flow.NEXT;
    }
  }

  private static Map<String, Symbols.Ref> exported(Target target, Frame frame, int line) {
    Map<String, Symbols.Ref> exported = new HashMap<>();
    if (frame.kind() == Frame.Kind.TOP) {
      List<String> names = new ArrayList<>();
      target.names(names);
      names.forEach(name -> exported.put(name, frame.symbols().ref(name, line)));
    }
    return exported;
  }

  private static void export(Map<String, Symbols.Ref> exported, Activation activation) {
    exported.forEach((name, ref) -> activation.context().assign(name, activation.read(ref)));
  }

  static final class AssignBlock extends Statement {
    private final Target target;
    private final Optional<Expression> filter;
    private final List<Statement> body;
    private Target.Bound bound;
    private Symbols.Plan plan;
    private Map<String, Symbols.Ref> exported = Map.of();

    AssignBlock(int line, Target target, Optional<Expression> filter, List<Statement> body) {
      super(line);
      this.target = target;
      this.filter = filter;
      this.body = body;
    }

    @Override
    void walk(Names names) {
      target.walk(names);
      walkOptional(filter, names);
      walkAll(body, names);
    }

    @Override
    void analyze(Symbols symbols) {
      target.analyze(symbols, Target.As.STORE);
    }

    @Override
    void bind(Frame frame) {
      Frame inner = frame.inner(Frame.Kind.OTHER);
      analyzeAll(body, inner.symbols());
      bindAll(body, inner);
      filter.ifPresent(expression -> expression.bind(inner));
      plan = inner.symbols().plan();
      bound = target.bind(frame.symbols(), line);
      exported = exported(target, frame, line);
    }

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      Activation inner = activation.inner(rendering, plan).enter(rendering);
      StringBuilder captured = new StringBuilder();
      Flow flow = runAll(body, rendering, inner, captured);
      if (flow != Flow.NEXT) {
        return flow;
      }
      String text = rendering.captured(captured);
      Object value = text;
      if (filter.isPresent()) {
        rendering.filter(text);
        value = filter.get().value(rendering, inner);
      }
      bound.assign(rendering, activation, value);
      export(exported, activation);
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
    private final List<Target.Bound> bound = new ArrayList<>();
    private Symbols.Plan plan;

    With(int line, List<Target> targets, List<Expression> values, List<Statement> body) {
      super(line);
      this.targets = targets;
      this.values = values;
      this.body = body;
    }

    @Override
    void walk(Names names) {
      targets.forEach(target -> target.walk(names));
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
      targets.forEach(target -> target.analyze(inner.symbols(), Target.As.PARAMETER));
      analyzeAll(body, inner.symbols());
      targets.forEach(target -> bound.add(target.bind(inner.symbols(), line)));
      values.forEach(value -> value.bind(frame));
      bindAll(body, inner);
      plan = inner.symbols().plan();
    }

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      Activation inner = activation.inner(rendering, plan).enter(rendering);
      for (int i = 0; i < bound.size(); i++) {
        bound.get(i).assign(rendering, inner, values.get(i).value(rendering, activation));
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

  static final class For extends Statement {
    private final Target target;
    private final Expression iterable;
    private final Optional<Expression> test;
    private final boolean recursive;
    private final List<Statement> body;
    private final List<Statement> otherwise;
    private Symbols.Plan bodyPlan;
    private Symbols.Plan testPlan;
    private Symbols.Plan otherwisePlan;
    private Target.Bound bodyTarget;
    private Target.Bound testTarget;
    private Symbols.Ref loop;

    For(
        int line,
        Target target,
        Expression iterable,
        Optional<Expression> test,
        boolean recursive,
        List<Statement> body,
        List<Statement> otherwise) {
      super(line);
      this.target = target;
      this.iterable = iterable;
      this.test = test;
      this.recursive = recursive;
      this.body = body;
      this.otherwise = otherwise;
    }

    @Override
    void walk(Names names) {
      target.walk(names);
      iterable.walk(names);
      walkAll(body, names);
      walkAll(otherwise, names);
      walkOptional(test, names);
    }

    @Override
    void analyze(Symbols symbols) {
      iterable.analyze(symbols);
    }

    @Override
    void bind(Frame frame) {
      Frame inner = frame.inner(Frame.Kind.LOOP);
      // Jinja2 declares it only where it is used, which no template can tell.
      loop = inner.symbols().parameter("loop");
      target.analyze(inner.symbols(), Target.As.PARAMETER);
      analyzeAll(body, inner.symbols());
      Frame otherwiseFrame = frame.inner(Frame.Kind.OTHER);
      analyzeAll(otherwise, otherwiseFrame.symbols());
      iterable.bind(frame);
      if (test.isPresent()) {
        Frame testFrame = frame.inner(Frame.Kind.OTHER);
        target.analyze(testFrame.symbols(), Target.As.PARAMETER);
        test.get().analyze(testFrame.symbols());
        testTarget = target.bind(testFrame.symbols(), line);
        test.get().bind(testFrame);
        testPlan = testFrame.symbols().plan();
      }
      bodyTarget = target.bind(inner.symbols(), line);
      bindAll(body, inner);
      bodyPlan = inner.symbols().plan();
      bindAll(otherwise, otherwiseFrame);
      otherwisePlan = otherwiseFrame.symbols().plan();
    }

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      Object elements = iterable.value(rendering, activation);
      if (!recursive) {
        return loop(rendering, activation, elements, 0, out);
      }
      rendering.append(out, recurse(rendering, activation, elements, 0));
      return Flow.NEXT;
    }

    private String recurse(Rendering rendering, Activation activation, Object elements, int depth) {
      StringBuilder captured = new StringBuilder();
      loop(rendering, activation, elements, depth, captured);
      return rendering.captured(captured);
    }

    private Flow loop(
        Rendering rendering, Activation activation, Object elements, int depth, StringBuilder out) {
      Object source = elements;
      if (test.isPresent()) {
        source =
            new Generator(filtered(rendering, activation, Values.iterate(rendering, elements)));
      }
      rendering.spend(12);
      Loop context =
          new Loop(
              source,
              Values.iterate(rendering, source),
              depth,
              recursive
                  ? Optional.of(inner -> recurse(rendering, activation, inner, depth + 1))
                  : Optional.empty());
      Activation inner = activation.inner(rendering, bodyPlan);
      boolean none = true;
      while (context.next()) {
        rendering.step();
        bodyTarget.assign(rendering, inner, context.current());
        inner.write(loop, context);
        inner.enter(rendering);
        Flow flow = runAll(body, rendering, inner, out);
        if (flow == Flow.BREAK) {
          break;
        }
        // As in Jinja2, only an iteration that runs to its end keeps the else from running.
        none &= flow == Flow.CONTINUE;
      }
      inner.leave();
      if (none && !otherwise.isEmpty()) {
        Activation otherwiseActivation =
            activation.inner(rendering, otherwisePlan).enter(rendering);
        Flow flow = runAll(otherwise, rendering, otherwiseActivation, out);
        otherwiseActivation.leave();
        return flow;
      }
      return Flow.NEXT;
    }

    private Iterator<Object> filtered(
        Rendering rendering, Activation activation, Iterator<Object> elements) {
      Activation inner = activation.inner(rendering, testPlan);
      return new Iterator<>() {
        private Object found = Values.MISSING;

        @Override
        public boolean hasNext() {
          while (found == Values.MISSING && elements.hasNext()) {
            Object element = elements.next();
            testTarget.assign(rendering, inner, element);
            inner.enter(rendering);
            if (Values.truth(rendering, test.get().value(rendering, inner))) {
              found = element;
            }
          }
          return found != Values.MISSING;
        }

        @Override
        public Object next() {
          if (!hasNext()) {
            throw new NoSuchElementException();
          }
          Object element = found;
          found = Values.MISSING;
          return element;
        }
      };
    }
  }

  static final class DefineMacro extends Statement {
    private final String name;
    private final Macro.Definition definition;
    private Symbols.Ref ref;
    private boolean top;

    DefineMacro(int line, String name, Macro.Definition definition) {
      super(line);
      this.name = name;
      this.definition = definition;
    }

    @Override
    void walk(Names names) {
      definition.walk(names);
    }

    @Override
    void analyze(Symbols symbols) {
      symbols.store(name);
    }

    @Override
    void bind(Frame frame) {
      definition.bind(frame);
      ref = frame.symbols().ref(name, line);
      top = frame.kind() == Frame.Kind.TOP;
    }

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      rendering.spend(2);
      Macro macro = new Macro(definition, activation);
      activation.write(ref, macro);
      if (top) {
        activation.context().assign(name, macro);
      }
      return Flow.NEXT;
    }
  }

  static final class CallBlock extends Statement {
    private final Expression.Call call;
    private final Macro.Definition caller;

    CallBlock(int line, Expression.Call call, Macro.Definition caller) {
      super(line);
      this.call = call;
      this.caller = caller;
    }

    @Override
    void walk(Names names) {
      call.walk(names);
      caller.walk(names);
    }

    @Override
    void analyze(Symbols symbols) {
      call.analyze(symbols);
    }

    @Override
    void bind(Frame frame) {
      caller.bind(frame);
      call.bind(frame);
    }

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      rendering.spend(4);
      Object value = call.evaluateWithCaller(rendering, activation, new Macro(caller, activation));
      rendering.append(out, Values.str(rendering, value));
      return Flow.NEXT;
    }
  }

  /** Marks what the assistant says. */
  static final class Generation extends Statement {
    private final Macro.Definition body;

    Generation(int line, Macro.Definition body) {
      super(line);
      this.body = body;
    }

    @Override
    void walk(Names names) {
      body.walk(names);
    }

    @Override
    void analyze(Symbols symbols) {}

    @Override
    void bind(Frame frame) {
      body.bind(frame);
    }

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      Object text = new Macro(body, activation).call(rendering, Arguments.NONE);
      rendering.markGenerated((String) text);
      rendering.append(out, (String) text);
      return Flow.NEXT;
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

  /** A block of names that do not leak; what {@code autoescape} makes. */
  static final class Scope extends Statement {
    private final Expression escape;
    private final List<Statement> body;
    private Symbols.Plan plan;

    Scope(int line, Expression escape, List<Statement> body) {
      super(line);
      this.escape = escape;
      this.body = body;
    }

    @Override
    void walk(Names names) {
      escape.walk(names);
      walkAll(body, names);
    }

    @Override
    void analyze(Symbols symbols) {}

    @Override
    void bind(Frame frame) {
      Frame inner = frame.inner(Frame.Kind.OTHER);
      escape.analyze(inner.symbols());
      analyzeAll(body, inner.symbols());
      escape.bind(inner);
      bindAll(body, inner);
      plan = inner.symbols().plan();
    }

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      Activation inner = activation.inner(rendering, plan).enter(rendering);
      if (Values.truth(rendering, escape.value(rendering, inner))) {
        throw PyError.runtime("autoescape is not supported");
      }
      Flow flow = runAll(body, rendering, inner, out);
      inner.leave();
      return flow;
    }
  }

  /** A named block; without inheritance it is printed where it stands, in a scope of its own. */
  static final class Block extends Statement {
    private final boolean scoped;
    private final boolean required;
    private final List<Statement> body;
    private Symbols.Plan plan;
    private Map<String, Symbols.Ref> locals = Map.of();

    Block(int line, boolean scoped, boolean required, List<Statement> body) {
      super(line);
      this.scoped = scoped;
      this.required = required;
      this.body = body;
    }

    @Override
    void walk(Names names) {}

    @Override
    void analyze(Symbols symbols) {}

    @Override
    void bind(Frame frame) {
      Frame root = new Frame(frame.symbols().beside(), Frame.Kind.OTHER, false);
      analyzeAll(body, root.symbols());
      bindAll(body, root);
      plan = root.symbols().plan();
      if (scoped) {
        locals = frame.symbols().assigned();
      }
    }

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      if (required) {
        throw PyError.runtime("a required block is not filled");
      }
      rendering.spend(8 + plan.layout().size());
      Context context = activation.context();
      if (scoped) {
        Map<String, Object> values = new HashMap<>();
        locals.forEach((name, ref) -> values.put(name, activation.read(ref)));
        context = context.derived(rendering, values);
      }
      return runAll(body, rendering, new Activation(plan, null, context).enter(rendering), out);
    }
  }

  /** include, import and extends: there are no other templates. */
  static final class Unavailable extends Statement {
    private final String tag;
    private final Expression template;
    private final List<String> names;

    Unavailable(int line, String tag, Expression template, List<String> names) {
      super(line);
      this.tag = tag;
      this.template = template;
      this.names = names;
    }

    @Override
    void walk(Names visitor) {
      template.walk(visitor);
    }

    @Override
    void analyze(Symbols symbols) {
      template.analyze(symbols);
      names.forEach(symbols::store);
    }

    @Override
    void bind(Frame frame) {
      if (tag.equals("extends") && frame.kind() != Frame.Kind.TOP) {
        throw new TemplateSyntaxException("extends stands only at the top level", line);
      }
      template.bind(frame);
    }

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      throw PyError.type("'" + tag + "' needs another template, and a chat template has none");
    }
  }
}
