package io.plumbline.text;

import java.io.Serializable;
import java.time.Clock;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.util.Set;
import java.util.TreeMap;

/**
 * How a run renders conversations, the same for every one of them and on every machine.
 *
 * @param template the text of a template that takes the place of the model's own; empty for those
 * @param variables by name, of JSON's types; what a row gives itself goes before them
 * @param date what {@code strftime_now} says, as ISO-8601 with an offset; empty for the time of
 *     each rendering
 */
public record TemplateSettings(String template, TreeMap<String, Object> variables, String date)
    implements Serializable {

  /** The model's own template, rendered with what rows say. */
  public static final TemplateSettings NONE = new TemplateSettings("", new TreeMap<>(), "");

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
    variables = new TreeMap<>(variables);
  }

  Clock clock() {
    if (date.isEmpty()) {
      return Clock.system(ZoneId.systemDefault());
    }
    OffsetDateTime fixed = OffsetDateTime.parse(date);
    return Clock.fixed(fixed.toInstant(), fixed.getOffset());
  }
}
