package io.plumbline.jinja;

/** A statement whose body is a function. */
abstract class MacroStatement extends Statement {
  final Macro.Definition definition;

  private MacroStatement(int line, Macro.Definition definition) {
    super(line);
    this.definition = definition;
  }

  @Override
  void walk(Names names) {
    definition.walk(names);
  }

  @Override
  void bind(Frame frame) {
    definition.bind(frame);
  }

  static final class Define extends MacroStatement {
    private final String name;
    private Symbols.Ref ref;
    private boolean top;

    Define(int line, String name, Macro.Definition definition) {
      super(line, definition);
      this.name = name;
    }

    @Override
    void analyze(Symbols symbols) {
      symbols.store(name);
    }

    @Override
    void bind(Frame frame) {
      super.bind(frame);
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

  /** Calls a macro, and gives it its body as {@code caller}. */
  static final class CallBlock extends MacroStatement {
    private final Expression.Call call;

    CallBlock(int line, Expression.Call call, Macro.Definition caller) {
      super(line, caller);
      this.call = call;
    }

    @Override
    void walk(Names names) {
      call.walk(names);
      super.walk(names);
    }

    @Override
    void analyze(Symbols symbols) {
      call.analyze(symbols);
    }

    @Override
    void bind(Frame frame) {
      super.bind(frame);
      call.bind(frame);
    }

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      rendering.spend(4);
      Macro caller = new Macro(definition, activation);
      Object value = call.evaluateWithCaller(rendering, activation, caller);
      rendering.append(out, Values.str(rendering, value));
      return Flow.NEXT;
    }
  }

  /** Marks what the assistant says. */
  static final class Generation extends MacroStatement {
    Generation(int line, Macro.Definition body) {
      super(line, body);
    }

    @Override
    void analyze(Symbols symbols) {}

    @Override
    Flow run(Rendering rendering, Activation activation, StringBuilder out) {
      Object text = new Macro(definition, activation).call(rendering, Arguments.NONE);
      rendering.markGenerated((String) text);
      rendering.append(out, (String) text);
      return Flow.NEXT;
    }
  }
}
