package io.plumbline.data;

import io.plumbline.data.TokenizedRow.Desirability;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A row of the input that has the right fields, before it is tokenized. */
public sealed interface Example {
  /** What a conversation that is learned says to the chat template; empty for others. */
  default Optional<ChatSettings> chatSettings() {
    return Optional.empty();
  }

  /**
   * Text with text after it.
   *
   * @param completions the chosen and the rejected one, or the only one
   */
  record PromptedText(String prompt, List<String> completions, Judgement judgement)
      implements Example {
    public PromptedText(String prompt, List<String> completions) {
      this(prompt, completions, Judgement.NONE);
    }
  }

  /** Text to learn as a whole. */
  record WholeText(String text) implements Example {}

  /**
   * A conversation with messages after it.
   *
   * @param prompt messages, each with {@code role}
   * @param completions the chosen and the rejected one, or the only one
   */
  record PromptedChat(
      List<Map<String, Object>> prompt,
      List<List<Map<String, Object>>> completions,
      ChatSettings settings,
      Judgement judgement)
      implements Example {
    public PromptedChat(
        List<Map<String, Object>> prompt,
        List<List<Map<String, Object>>> completions,
        ChatSettings settings) {
      this(prompt, completions, settings, Judgement.NONE);
    }

    @Override
    public Optional<ChatSettings> chatSettings() {
      return Optional.of(settings);
    }
  }

  /**
   * Text for a model to continue.
   *
   * @param columns all columns of the row, as {@link Columns} writes them
   */
  record TextPrompt(String prompt, String columns) implements Example {}

  /**
   * A conversation for a model to continue.
   *
   * @param prompt messages, each with {@code role}, at least one
   * @param columns all columns of the row, as {@link Columns} writes them
   */
  record ChatPrompt(List<Map<String, Object>> prompt, ChatSettings settings, String columns)
      implements Example {}

  /** A conversation to learn as a whole. */
  record WholeChat(List<Map<String, Object>> messages, ChatSettings settings) implements Example {
    @Override
    public Optional<ChatSettings> chatSettings() {
      return Optional.of(settings);
    }
  }

  /**
   * What a row says of its completions besides which one was chosen.
   *
   * @param margin the column {@code margin} of a pair; NaN where there is none
   * @param desirability the column {@code label} of an unpaired row
   */
  record Judgement(double margin, Desirability desirability) {
    /** Nothing is said. */
    public static final Judgement NONE = new Judgement(Double.NaN, Desirability.UNSTATED);
  }

  /**
   * What a row says to the chat template besides its messages.
   *
   * @param tools the column {@code tools}
   * @param variables the column {@code chat_template_kwargs}
   */
  record ChatSettings(Optional<List<Object>> tools, Map<String, Object> variables) {}
}
