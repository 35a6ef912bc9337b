package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A macro, or the body of a call block, with the scope that it was defined in. */
final class Macro implements Callable {
  private final Definition definition;
  private final Activation outer;

  Macro(Definition definition, Activation outer) {
    this.definition = definition;
    this.outer = outer;
  }

  /** A macro as it stands in the source. */
  static final class Definition {
    private final int line;
    private final Optional<String> name;
    private final List<String> parameters;
    private final List<Expression> defaults;
    private final List<Statement> body;
    private Symbols.Plan plan;
    private final List<Symbols.Ref> parameterRefs = new ArrayList<>();
    private Optional<Symbols.Ref> caller = Optional.empty();
    private Optional<Symbols.Ref> named = Optional.empty();
    private Optional<Symbols.Ref> rest = Optional.empty();

    Definition(
        int line,
        Optional<String> name,
        List<String> parameters,
        List<Expression> defaults,
        List<Statement> body) {
      this.line = line;
      this.name = name;
      this.parameters = parameters;
      this.defaults = defaults;
      this.body = body;
    }

    void walk(Node.Names names) {
      parameters.forEach(parameter -> names.name(parameter, Node.Use.PARAMETER));
      Node.walkAll(defaults, names);
      Node.walkAll(body, names);
    }

    private void analyze(Symbols symbols) {
      parameters.forEach(symbols::parameter);
      defaults.forEach(expression -> expression.analyze(symbols));
      body.forEach(statement -> statement.analyze(symbols));
    }

    void bind(Node.Frame outer) {
      Node.Frame frame = outer.inner(Node.Frame.Kind.OTHER);
      Symbols symbols = frame.symbols();
      analyze(symbols);
      if (Set.copyOf(parameters).size() < parameters.size()) {
        throw new TemplateSyntaxException("a macro names a parameter twice", line);
      }
      Set<String> undeclared =
          Node.undeclared(symbols, body, Set.of("caller", "kwargs", "varargs"));
      if (undeclared.contains("caller")) {
        int explicit = parameters.indexOf("caller");
        if (explicit < 0) {
          caller = Optional.of(symbols.parameter("caller"));
        } else if (explicit < parameters.size() - defaults.size()) {
          throw new TemplateSyntaxException(
              "the macro parameter 'caller' must be left out or have a default", line);
        }
      }
      if (undeclared.contains("kwargs") && !parameters.contains("kwargs")) {
        named = Optional.of(symbols.parameter("kwargs"));
      }
      if (undeclared.contains("varargs") && !parameters.contains("varargs")) {
        rest = Optional.of(symbols.parameter("varargs"));
      }
      analyze(symbols);
      for (String parameter : parameters) {
        parameterRefs.add(symbols.ref(parameter, line));
      }
      defaults.forEach(expression -> expression.bind(frame));
      body.forEach(statement -> statement.bind(frame));
      plan = symbols.plan();
    }
  }

  /** The attributes that templates may look at. */
  Object attribute(Rendering rendering, String attribute) {
    rendering.spend(4L + definition.parameters.size());
    return switch (attribute) {
      case "name" -> definition.name.orElse(null);
      case "arguments" -> new Tuple(new ArrayList<>(definition.parameters));
      case "catch_kwargs" -> definition.named.isPresent();
      case "catch_varargs" -> definition.rest.isPresent();
      case "caller" -> definition.caller.isPresent();
      default -> Values.MISSING;
    };
  }

  @Override
  public String describe() {
    return "<Macro " + definition.name.map(known -> "'" + known + "'").orElse("anonymous") + ">";
  }

  private String described() {
    return "the macro " + definition.name.map(known -> "'" + known + "'").orElse("of a call block");
  }

  @Override
  public Object call(Rendering rendering, Arguments arguments) {
    rendering.spend(10L + definition.parameters.size() + 4L * arguments.named().size());
    Activation activation = outer.inner(rendering, definition.plan);
    Map<String, Object> named = new LinkedHashMap<>(arguments.named());
    List<Object> positional = arguments.positional();
    List<String> parameters = definition.parameters;
    boolean foundCaller = positional.size() >= parameters.size() && parameters.contains("caller");
    for (int i = 0; i < parameters.size(); i++) {
      Object value;
      if (i < positional.size()) {
        value = positional.get(i);
      } else {
        String parameter = parameters.get(i);
        value = named.containsKey(parameter) ? named.remove(parameter) : Values.MISSING;
        foundCaller |= parameter.equals("caller");
      }
      activation.write(definition.parameterRefs.get(i), value);
    }
    if (definition.caller.isPresent() && !foundCaller) {
      Object caller = named.remove("caller");
      activation.write(
          definition.caller.get(),
          caller == null ? Undefined.because("no caller is defined") : caller);
    }
    if (definition.named.isPresent()) {
      PyDict dict = new PyDict();
      dict.putAll(rendering, named);
      activation.write(definition.named.get(), dict);
    } else if (!named.isEmpty()) {
      throw PyError.type(
          described() + " takes no keyword argument '" + named.keySet().iterator().next() + "'");
    }
    if (definition.rest.isPresent()) {
      List<Object> rest =
          positional.size() > parameters.size()
              ? positional.subList(parameters.size(), positional.size())
              : List.of();
      rendering.makeElements(rest.size());
      activation.write(definition.rest.get(), new Tuple(new ArrayList<>(rest)));
    } else if (positional.size() > parameters.size()) {
      throw PyError.type(described() + " takes not more than " + parameters.size() + " arguments");
    }
    activation.enter(rendering);
    fillDefaults(rendering, activation);
    StringBuilder out = new StringBuilder();
    rendering.enter(definition.line);
    Statement.runAll(definition.body, rendering, activation, out);
    rendering.leave();
    return rendering.captured(out);
  }

  private void fillDefaults(Rendering rendering, Activation activation) {
    List<String> parameters = definition.parameters;
    int firstDefault = parameters.size() - definition.defaults.size();
    for (int i = 0; i < parameters.size(); i++) {
      Symbols.Ref ref = definition.parameterRefs.get(i);
      if (activation.read(ref) == Values.MISSING) {
        String parameter = parameters.get(i);
        activation.write(
            ref,
            i < firstDefault
                ? new Undefined(() -> "parameter '" + parameter + "' was not provided")
                : definition.defaults.get(i - firstDefault).value(rendering, activation));
      }
    }
  }
}
