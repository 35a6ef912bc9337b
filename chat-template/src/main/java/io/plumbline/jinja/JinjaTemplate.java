package io.plumbline.jinja;

import io.plumbline.jinja.TemplateException.Code;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A parsed template in the Jinja2 language, as transformers sets it up for chat templates: an
 * immutable sandbox, trim_blocks, lstrip_blocks, loop controls, generation blocks. It cannot reach
 * anything but the values it is given, and {@link Limits} bound what it spends.
 *
 * <p>Instances are immutable and may be used by many threads at once.
 */
public final class JinjaTemplate {
  /** A part of the text, in Unicode code points: from start to before end. */
  public record Span(int start, int end) {}

  /**
   * @param text what the template prints
   * @param generated what {@code {% generation %}} blocks mark, in the order they end
   */
  public record Rendered(String text, List<Span> generated) {}

  private final List<Statement> body;
  private final Symbols.Plan plan;
  private final Limits limits;

  private JinjaTemplate(List<Statement> body, Symbols.Plan plan, Limits limits) {
    this.body = body;
    this.plan = plan;
    this.limits = limits;
  }

  /** Parses a template, or fails with the line where it goes wrong. */
  public static JinjaTemplate parse(String source, Limits limits) {
    if (source.length() > limits.sourceLength()) {
      throw new TemplateException(
          Code.LIMIT,
          "The chat template has "
              + source.length()
              + " characters; more than "
              + limits.sourceLength()
              + " are not accepted.");
    }
    try {
      Budget budget = new Budget(limits);
      List<Statement> body = Parser.parse(source, budget);
      Symbols symbols = Symbols.root(budget);
      body.forEach(statement -> statement.analyze(symbols));
      Node.Frame frame = new Node.Frame(symbols, Node.Frame.Kind.TOP, false);
      body.forEach(statement -> statement.bind(frame));
      return new JinjaTemplate(body, symbols.plan(), limits);
    } catch (TemplateSyntaxException e) {
      throw failure(e.code(), "cannot be parsed", e.line(), e.getMessage());
    } catch (PyError e) {
      throw failure(e, "cannot be parsed", 1);
    } catch (StackOverflowError e) {
      throw failure(Code.LIMIT, "cannot be parsed", 1, "it is nested too deeply");
    }
  }

  /**
   * Renders with variables of plain JSON values (maps, lists, strings, numbers, booleans, null), or
   * fails with the line and the reason; what the template's own raise_exception says is the reason
   * then.
   */
  public Rendered render(Map<String, ?> variables, Clock clock) {
    Rendering rendering = new Rendering(limits, clock);
    Map<String, Object> values = new HashMap<>();
    try {
      variables.forEach((name, value) -> values.put(name, Values.ofJson(value)));
    } catch (PyError e) {
      throw failure(e, "failed", 1);
    } catch (StackOverflowError e) {
      throw failure(Code.LIMIT, "was stopped", 1, "its variables are nested too deeply");
    }
    return render(values, rendering);
  }

  /** Renders once with values of this package, in a state that shows afterwards what was spent. */
  Rendered render(Map<String, Object> values, Rendering rendering) {
    try {
      Map<String, Object> context = new HashMap<>(Globals.all());
      context.putAll(values);
      rendering.spend(plan.layout().size());
      Activation activation = new Activation(plan, null, new Context(context)).enter(rendering);
      Statement.runAll(body, rendering, activation, rendering.root());
      return new Rendered(rendering.root().toString(), List.copyOf(rendering.generated()));
    } catch (PyError e) {
      throw failure(e, "failed", rendering.line());
    } catch (StackOverflowError e) {
      throw failure(Code.LIMIT, "was stopped", rendering.line(), "evaluation is nested too deeply");
    }
  }

  private static TemplateException failure(PyError error, String what, int line) {
    String happened =
        switch (error.code()) {
          case LIMIT, TIMEOUT -> "was stopped";
          case REFUSED -> "refused the conversation";
          default -> what;
        };
    return error.code() == Code.INTERRUPTED
        ? new TemplateException(error.code(), error.getMessage())
        : failure(error.code(), happened, line, error.getMessage());
  }

  private static TemplateException failure(Code code, String what, int line, String reason) {
    String sentence = reason == null || reason.isBlank() ? "no reason was given" : reason.strip();
    String end = sentence.endsWith(".") || sentence.endsWith("!") ? "" : ".";
    return new TemplateException(
        code, "The chat template " + what + " at line " + line + ": " + sentence + end);
  }
}
