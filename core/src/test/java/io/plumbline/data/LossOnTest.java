package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.data.LengthLimits.Truncation;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Which tokens count, by templates that mark the assistant's turns and by one that does not. */
class LossOnTest {
  private static final String MARKED =
      "{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\\n' }}{%- if m.role == 'assistant' -%}"
          + "{%- generation -%}{{ m.content + '<|im_end|>\\n' }}{%- endgeneration -%}"
          + "{%- else -%}{{ m.content + '<|im_end|>\\n' }}{%- endif -%}{%- endfor -%}"
          + "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}";

  private static final List<Map<String, Object>> CHAT =
      List.of(
          Map.of("role", "user", "content", "Hi"),
          Map.of("role", "assistant", "content", "Hello."),
          Map.of("role", "user", "content", "Seven?"),
          Map.of("role", "assistant", "content", "Days."));

  private static Tokenizer tokenizer(String template) throws Exception {
    TreeMap<String, String> contents = Rows.tokenizerFiles().contents();
    if (!template.isEmpty()) {
      contents.put("chat_template.jinja", template);
    }
    return Tokenizer.of(new TokenizerFiles(contents));
  }

  private static TokenizedRow row(
      String template, Example example, LossOn lossOn, LengthLimits limits) throws Exception {
    try (Tokenizer tokenizer = tokenizer(template)) {
      return new ExampleTokenizer(tokenizer, limits, lossOn).tokenize(example, 0).row();
    }
  }

  private static Example whole(List<Map<String, Object>> messages) {
    return new Example.WholeChat(messages, new Example.ChatSettings(Optional.empty(), Map.of()));
  }

  private static Example prompted(int promptMessages) {
    return new Example.PromptedChat(
        CHAT.subList(0, promptMessages),
        List.of(CHAT.subList(promptMessages, CHAT.size())),
        new Example.ChatSettings(Optional.empty(), Map.of()));
  }

  /** The text of the tokens that count. */
  private static String learned(TokenizedRow row) throws Exception {
    int[] completion = row.completions().get(0);
    byte[] mask = new byte[completion.length];
    Arrays.fill(mask, (byte) 1);
    if (!row.lossMasks().isEmpty()) {
      mask = row.lossMasks().get(0);
    }
    int[] counted = new int[completion.length];
    int n = 0;
    for (int t = 0; t < mask.length; t++) {
      if (mask[t] == 1) {
        counted[n++] = completion[t];
      }
    }
    try (Tokenizer tokenizer = tokenizer("")) {
      return tokenizer.decode(Arrays.copyOf(counted, n));
    }
  }

  private static String all(TokenizedRow row) throws Exception {
    int[] prompt = row.prompt();
    int[] completion = row.completions().get(0);
    int[] ids = Arrays.copyOf(prompt, prompt.length + completion.length);
    System.arraycopy(completion, 0, ids, prompt.length, completion.length);
    try (Tokenizer tokenizer = tokenizer("")) {
      return tokenizer.decode(ids);
    }
  }

  @Test
  void theAssistantsTurnsCountWhetherTheTemplateMarksThemOrNot() throws Exception {
    TokenizedRow marked = row(MARKED, whole(CHAT), LossOn.ASSISTANT, LengthLimits.none());
    TokenizedRow found = row("", whole(CHAT), LossOn.ASSISTANT, LengthLimits.none());
    assertThat(learned(marked)).isEqualTo("Hello.<|im_end|>\nDays.<|im_end|>\n");
    assertThat(all(marked))
        .isEqualTo(
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n"
                + "<|im_start|>user\nSeven?<|im_end|>\n<|im_start|>assistant\nDays.<|im_end|>\n");
    assertThat(found.fingerprint()).isEqualTo(marked.fingerprint());
    // A prompt's turns do not count, as TRL learns completions only.
    for (String template : List.of(MARKED, "")) {
      TokenizedRow last = row(template, prompted(3), LossOn.ASSISTANT, LengthLimits.none());
      assertThat(learned(last)).isEqualTo("Days.<|im_end|>\n");
      assertThat(last.lossMasks()).isEmpty();
      assertThat(learned(row(template, prompted(1), LossOn.ASSISTANT, LengthLimits.none())))
          .isEqualTo("Hello.<|im_end|>\nDays.<|im_end|>\n");
    }
    assertThat(row(MARKED, prompted(3), LossOn.ASSISTANT, LengthLimits.none()).fingerprint())
        .isEqualTo(row("", prompted(3), LossOn.COMPLETION, LengthLimits.none()).fingerprint());
  }

  @Test
  void everyTokenOrTheCompletionCount() throws Exception {
    TokenizedRow every = row("", prompted(3), LossOn.ALL, LengthLimits.none());
    assertThat(every.prompt()).hasSize(1);
    assertThat(every.lossMasks()).isEmpty();
    assertThat(every.fingerprint())
        .isEqualTo(row("", whole(CHAT), LossOn.COMPLETION, LengthLimits.none()).fingerprint())
        .isEqualTo(row("", whole(CHAT), LossOn.ALL, LengthLimits.none()).fingerprint());
    Example text = new Example.PromptedText("Seven days", List.of(" make a week."));
    TokenizedRow learned = row("", text, LossOn.ALL, LengthLimits.none());
    assertThat(all(learned)).isEqualTo("Seven days make a week.<|im_end|>");
    assertThat(learned.prompt()).hasSize(1);
    int[] ids = learned.completions().get(0);
    TokenizedRow cut = row("", text, LossOn.ALL, new LengthLimits(4, 0, Truncation.KEEP_START));
    assertThat(cut.completions().get(0)).isEqualTo(Arrays.copyOf(ids, 3));
  }

  @Test
  void truncationKeepsWhatCountsOrRefusesTheRow() throws Exception {
    TokenizedRow whole = row(MARKED, whole(CHAT), LossOn.ASSISTANT, LengthLimits.none());
    int tokens = whole.tokens();
    for (int max = 2; max < tokens; max++) {
      for (Truncation truncation : List.of(Truncation.KEEP_START, Truncation.KEEP_END)) {
        LengthLimits limits = new LengthLimits(max, 0, truncation);
        if (truncation == Truncation.KEEP_START && max <= whole.prompt().length) {
          assertThatThrownBy(() -> row(MARKED, whole(CHAT), LossOn.ASSISTANT, limits))
              .hasMessageContaining("--max-length")
              .extracting(e -> ((RefusedRowException) e).reason())
              .isEqualTo(RefusalReason.COMPLETION_TRUNCATED);
          continue;
        }
        TokenizedRow cut = row(MARKED, whole(CHAT), LossOn.ASSISTANT, limits);
        assertThat(cut.tokens()).isEqualTo(max);
        String text = all(whole);
        assertThat(truncation == Truncation.KEEP_START ? text : reversed(text))
            .startsWith(truncation == Truncation.KEEP_START ? all(cut) : reversed(all(cut)));
      }
    }
    assertThatThrownBy(
            () ->
                row(MARKED, whole(CHAT), LossOn.ASSISTANT, new LengthLimits(4, 0, Truncation.OFF)))
        .hasMessageContaining("tokens are more than --max-length 4");
  }

  private static String reversed(String text) {
    return new StringBuilder(text).reverse().toString();
  }

  @Test
  void turnsThatCannotBeToldAreRefused() {
    // The last turn alone shows its number: what comes before a turn does not begin the text.
    String counting =
        "{{ messages | length }}"
            + MARKED.replace("{%- generation -%}", "").replace("{%- endgeneration -%}", "");
    assertThatThrownBy(() -> row(counting, whole(CHAT), LossOn.ASSISTANT, LengthLimits.none()))
        .hasMessageContaining("does not mark the assistant's turns")
        .hasMessageContaining("message 2")
        .extracting(e -> ((RefusedRowException) e).reason())
        .isEqualTo(RefusalReason.TEMPLATE_ERROR);
    // As templates do that drop the reasoning of earlier turns.
    String lastOnly =
        "{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\\n' }}"
            + "{%- if m.role == 'assistant' and loop.last -%}{{ 'Thought.' }}{%- endif -%}"
            + "{{ m.content + '<|im_end|>\\n' }}{%- endfor -%}"
            + "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}";
    assertThatThrownBy(() -> row(lastOnly, whole(CHAT), LossOn.ASSISTANT, LengthLimits.none()))
        .hasMessageContaining("message 2 stands cannot be told, as it is rendered in another way");
    for (String template : List.of(MARKED, "")) {
      assertThatThrownBy(
              () -> row(template, whole(CHAT.subList(0, 1)), LossOn.ASSISTANT, LengthLimits.none()))
          .hasMessageContaining("no assistant's turn to learn")
          .extracting(e -> ((RefusedRowException) e).reason())
          .isEqualTo(RefusalReason.EMPTY_COMPLETION);
    }
    assertThatThrownBy(
            () -> row("", new Example.WholeText("Hi"), LossOn.ASSISTANT, LengthLimits.none()))
        .hasMessageContaining("only messages have")
        .extracting(e -> ((RefusedRowException) e).reason())
        .isEqualTo(RefusalReason.WRONG_TYPE);
  }
}
