package io.plumbline.text;

import java.util.List;
import java.util.Map;

/** A chat template, rendered as transformers renders it with Jinja2. */
public final class ChatTemplate {
  private ChatTemplate() {}

  /**
   * A part of the text that {@code {% generation %}} marks: characters from start to before end.
   */
  public record Span(int start, int end) {}

  /**
   * @param text the rendered conversation
   * @param assistantSpans what {@code {% generation %}} blocks mark; empty if the template has none
   */
  public record Rendered(String text, List<Span> assistantSpans) {}

  /** Parses a template; {@code specialTokens} are variables such as bos_token and eos_token. */
  public static ChatTemplate parse(String source, Map<String, Object> specialTokens) {
    throw new UnsupportedOperationException();
  }

  public Rendered render(ChatRequest request) {
    throw new UnsupportedOperationException();
  }
}
