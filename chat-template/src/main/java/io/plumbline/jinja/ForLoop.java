package io.plumbline.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/** A loop over elements, perhaps those that pass a test. */
final class ForLoop extends Statement {
  private final Target target;
  private final Target testTarget;
  private final Expression iterable;
  private final Optional<Expression> test;
  private final boolean recursive;
  private final List<Statement> body;
  private final List<Statement> otherwise;
  private Symbols.Plan bodyPlan;
  private Symbols.Plan testPlan;
  private Symbols.Plan otherwisePlan;
  private Symbols.Ref loop;

  ForLoop(
      int line,
      Target target,
      Expression iterable,
      Optional<Expression> test,
      boolean recursive,
      List<Statement> body,
      List<Statement> otherwise) {
    super(line);
    this.target = target;
    this.testTarget = target.copy();
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
    test.ifPresent(present -> present.walk(names));
  }

  @Override
  void analyze(Symbols symbols) {
    iterable.analyze(symbols);
  }

  @Override
  void bind(Frame frame) {
    walk(
        (name, use) -> {
          frame.symbols().visited();
          if (use == Use.STORE && name.equals("loop")) {
            throw new TemplateSyntaxException(
                "the variable 'loop' of a loop cannot be assigned", line);
          }
        });
    Frame inner = frame.inner(Frame.Kind.LOOP);
    // Jinja2 declares it only where it is used, which no template can tell.
    loop = inner.symbols().parameter("loop");
    target.analyze(inner.symbols(), Symbols::parameter);
    analyzeAll(body, inner.symbols());
    Frame otherwiseFrame = frame.inner(Frame.Kind.OTHER);
    analyzeAll(otherwise, otherwiseFrame.symbols());
    iterable.bind(frame);
    if (test.isPresent()) {
      Frame testFrame = frame.inner(Frame.Kind.OTHER);
      testTarget.analyze(testFrame.symbols(), Symbols::parameter);
      test.get().analyze(testFrame.symbols());
      testTarget.bind(testFrame.symbols(), line);
      test.get().bind(testFrame);
      testPlan = testFrame.symbols().plan();
    }
    target.bind(inner.symbols(), line);
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
      source = new Generator(filtered(rendering, activation, Values.iterate(rendering, elements)));
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
      target.assign(rendering, inner, context.current());
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
      Activation otherwiseActivation = activation.inner(rendering, otherwisePlan).enter(rendering);
      Flow flow = runAll(otherwise, rendering, otherwiseActivation, out);
      otherwiseActivation.leave();
      return flow;
    }
    return Flow.NEXT;
  }

  private Iterator<Object> filtered(
      Rendering rendering, Activation activation, Iterator<Object> elements) {
    Activation inner = activation.inner(rendering, testPlan);
    return new Lazy() {
      @Override
      Object find() {
        while (elements.hasNext()) {
          Object element = elements.next();
          testTarget.assign(rendering, inner, element);
          inner.enter(rendering);
          if (Values.truth(rendering, test.get().value(rendering, inner))) {
            return element;
          }
        }
        return Values.MISSING;
      }
    };
  }
}
