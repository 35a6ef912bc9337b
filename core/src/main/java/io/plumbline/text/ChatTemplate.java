package io.plumbline.text;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.jinja.JinjaTemplate;
import io.plumbline.jinja.Limits;
import io.plumbline.jinja.TemplateException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * A chat template, rendered as transformers renders it with Jinja2. Templates come from strangers:
 * they reach nothing but what they are given, and bounds on steps, depth and size end what would
 * not end by itself. Immutable and safe to use from many threads.
 */
public final class ChatTemplate {
  /** The function by which a template reads the date. */
  static final String CLOCK = "strftime_now";

  /** Names that a message's reasoning goes by; the first is what templates read. */
  private static final List<String> REASONING =
      List.of("reasoning_content", "thinking", "reasoning");

  private final String source;
  private final JinjaTemplate template;
  private final Map<String, Object> specialTokens;
  private final TemplateSettings rendering;

  private ChatTemplate(
      String source,
      JinjaTemplate template,
      Map<String, Object> specialTokens,
      TemplateSettings rendering) {
    this.source = source;
    this.template = template;
    this.specialTokens = specialTokens;
    this.rendering = rendering;
  }

  /**
   * A part of the text that {@code {% generation %}} marks, in Unicode code points (as Python
   * counts characters): from start to before end.
   */
  public record Span(int start, int end) {}

  /**
   * @param text the rendered conversation
   * @param assistantSpans what {@code {% generation %}} blocks mark; empty if the template has none
   */
  public record Rendered(String text, List<Span> assistantSpans) {}

  /**
   * Parses a template; {@code specialTokens} are variables such as bos_token and eos_token. Fails
   * with BAD_TEMPLATE where the template is no Jinja2.
   */
  public static ChatTemplate parse(String source, Map<String, Object> specialTokens) {
    return parse(source, specialTokens, Limits.STANDARD);
  }

  static ChatTemplate parse(String source, Map<String, Object> specialTokens, Limits limits) {
    try {
      return new ChatTemplate(
          source,
          JinjaTemplate.parse(source, limits),
          new HashMap<>(specialTokens),
          TemplateSettings.NONE);
    } catch (TemplateException e) {
      throw failure(e);
    }
  }

  /** This template with what a run says about rendering. */
  ChatTemplate with(TemplateSettings other) {
    return new ChatTemplate(source, template, specialTokens, other);
  }

  /**
   * Renders a conversation. As transformers does, what a message gives as null is left out, and
   * reasoning that a message gives under one of its names is given under the others that templates
   * read. Fails with BAD_TEMPLATE where the template fails, refuses the conversation, goes past its
   * bounds, or does not show the last message that is to be continued.
   */
  public Rendered render(ChatRequest request) {
    Map<String, Object> variables = new HashMap<>(specialTokens);
    variables.putAll(rendering.variables());
    variables.putAll(request.variables());
    List<Object> messages = new ArrayList<>();
    for (Map<String, Object> message : request.messages()) {
      if (message == null) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA, "A message of a conversation is null; give it a role and content.");
      }
      messages.add(withReasoning(message));
    }
    boolean continued = request.generationPrompt() == ChatRequest.GenerationPrompt.CONTINUED;
    String open = continued ? ContinuedMessage.mark(messages, source) : "";
    variables.put("messages", messages);
    variables.put("tools", request.tools().orElse(null));
    variables.putIfAbsent("documents", null);
    variables.put(
        "add_generation_prompt", request.generationPrompt() == ChatRequest.GenerationPrompt.ADDED);
    JinjaTemplate.Rendered rendered = rendered(variables);
    return new Rendered(
        continued ? ContinuedMessage.cut(rendered.text(), open) : rendered.text(),
        rendered.generated().stream().map(span -> new Span(span.start(), span.end())).toList());
  }

  private JinjaTemplate.Rendered rendered(Map<String, Object> variables) {
    try {
      return template.render(variables, rendering.clock());
    } catch (TemplateException e) {
      throw failure(e);
    }
  }

  private static PlumblineException failure(TemplateException e) {
    boolean interrupted = e.code() == TemplateException.Code.INTERRUPTED;
    return new PlumblineException(
        interrupted ? ErrorCode.INTERRUPTED : ErrorCode.BAD_TEMPLATE, e.getMessage(), e);
  }

  /**
   * Whether a rendering failed because it was stopped: its thread is to stop, or the clock ran out
   * on a machine that is too slow. Neither the template nor what it was given is at fault then, and
   * nothing may be concluded about them: another time they may well be rendered.
   */
  public static boolean wasStopped(PlumblineException failure) {
    return failure.code() == ErrorCode.INTERRUPTED
        || (failure.getCause() instanceof TemplateException cause
            && cause.code() == TemplateException.Code.TIMEOUT);
  }

  /** Whether what it says depends on the date. */
  boolean readsDate() {
    return reads(source, CLOCK);
  }

  /** Whether a variable of that name stands anywhere in a template. */
  public static boolean reads(String source, String variable) {
    return Pattern.compile("(?<![\\w.])" + Pattern.quote(variable) + "(?!\\w)")
        .matcher(source)
        .find();
  }

  private static Map<String, Object> withReasoning(Map<String, Object> given) {
    Map<String, Object> message = new LinkedHashMap<>(given);
    message.values().removeIf(Objects::isNull);
    for (String name : REASONING) {
      Object reasoning = message.get(name);
      if (reasoning != null) {
        Map<String, Object> aliased = new LinkedHashMap<>();
        aliased.put("thinking", reasoning);
        aliased.putAll(message);
        aliased.put("reasoning_content", reasoning);
        return aliased;
      }
    }
    return message;
  }
}
