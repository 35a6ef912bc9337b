package io.plumbline.text;

import java.io.Serializable;
import java.time.Clock;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What one run says about chat templates, the same for every conversation that it renders.
 *
 * @param chatTemplate a template's text, or where it is to be found; empty for the model's own
 * @param chatTemplateKwargs variables for the template; what a row gives itself goes before them
 * @param chatTemplateDate what {@code strftime_now} says; empty for the time of each rendering
 */
public record TemplateSettings(
    Optional<String> chatTemplate,
    Map<String, Object> chatTemplateKwargs,
    Optional<OffsetDateTime> chatTemplateDate) {

  /** The model's own template, rendered with what rows say. */
  public static final TemplateSettings NONE =
      new TemplateSettings(Optional.empty(), Map.of(), Optional.empty());

  /** Names that are the trainer's to say, or would be code. */
  public static final Set<String> RESERVED =
      Set.of(
          "add_generation_prompt",
          "chat_template",
          "continue_final_message",
          "conversation",
          "max_length",
          "messages",
          "padding",
          "return_assistant_tokens_mask",
          "return_dict",
          "return_tensors",
          "sanitize_control_tokens",
          "tokenize",
          "tokenizer_kwargs",
          "tools",
          "truncation");

  public TemplateSettings {
    chatTemplateKwargs = new LinkedHashMap<>(chatTemplateKwargs);
  }

  public TemplateSettings withTemplate(Optional<String> other) {
    return new TemplateSettings(other, chatTemplateKwargs, chatTemplateDate);
  }

  public TemplateSettings withDate(OffsetDateTime date) {
    return new TemplateSettings(chatTemplate, chatTemplateKwargs, Optional.of(date));
  }

  /** What travels with the tokenizer's files. */
  Rendering rendering() {
    return new Rendering(
        new LinkedHashMap<>(chatTemplateKwargs),
        chatTemplateDate.map(OffsetDateTime::toString).orElse(""));
  }

  /**
   * How templates are rendered.
   *
   * @param variables by name, of JSON's types
   * @param date ISO-8601 with an offset; empty for the time of each rendering
   */
  record Rendering(LinkedHashMap<String, Object> variables, String date) implements Serializable {
    static final Rendering PLAIN = new Rendering(new LinkedHashMap<>(), "");

    Clock clock() {
      if (date.isEmpty()) {
        return Clock.system(ZoneId.systemDefault());
      }
      OffsetDateTime fixed = OffsetDateTime.parse(date);
      return Clock.fixed(fixed.toInstant(), fixed.getOffset());
    }
  }
}
