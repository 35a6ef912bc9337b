package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.data.LengthLimits.Truncation;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Which tokens count, by templates that mark the assistant's turns and by one that does not. */
class LossOnTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final String MARKED =
      "{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\\n"
          + "' }}{%- if m.role == 'assistant' -%}{%- generation -%}{{ m.content + '<|im_end|>\\n"
          + "' }}{%- endgeneration -%}{%- else -%}{{ m.content + '<|im_end|>\\n"
          + "' }}{%- endif -%}{%- endfor -%}{%- if add_generation_prompt -%}{{"
          + " '<|im_start|>assistant\\n"
          + "' }}{%- endif -%}";

  private static final List<Map<String, Object>> CHAT =
      List.of(
          Map.of("role", "user", "content", "Hi"),
          Map.of("role", "assistant", "content", "Hello."),
          Map.of("role", "user", "content", "Seven?"),
          Map.of("role", "assistant", "content", "Days."));

  private static Tokenizer tokenizer(String template) throws Exception {
    TreeMap<String, String> contents = Fixtures.tokenizerFiles().contents();
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
                row(
                    MARKED,
                    whole(CHAT),
                    LossOn.ASSISTANT,
                    new LengthLimits(4, 0, Truncation.REFUSE)))
        .hasMessageContaining("tokens are more than --max-length 4");
  }

  private static String reversed(String text) {
    return new StringBuilder(text).reverse().toString();
  }

  private static final String UNMARKED =
      MARKED.replace("{%- generation -%}", "").replace("{%- endgeneration -%}", "");

  @Test
  void turnsAreFoundInTheWholeWhereTheyAreRenderedOtherwiseAlone() throws Exception {
    // The length of the conversation stands first: nothing that comes before a turn begins it.
    assertThat(learned(row("{{ messages | length }}" + UNMARKED, whole(CHAT))))
        .isEqualTo("Hello.<|im_end|>Days.<|im_end|>\n");
    // As OLMo's: the last turn ends otherwise.
    String lastEnds =
        "{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\\n' + m.content }}"
            + "{%- if m.role == 'assistant' and loop.last -%}{{ '<|endoftext|>' }}"
            + "{%- else -%}{{ '<|im_end|>\\n' }}{%- endif -%}{%- endfor -%}"
            + "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}";
    assertThat(learned(row(lastEnds, whole(CHAT)))).isEqualTo("Hello.<|im_end|>Days.<|endoftext|>");
    // As Qwen 3's: the reasoning of earlier turns is left out, the last turn has it.
    String lastThinks =
        "{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\\n' }}"
            + "{%- if loop.last -%}{{ m.content }}"
            + "{%- else -%}{{ m.content.split('</think>')[-1].lstrip('\\n') }}{%- endif -%}"
            + "{{ '<|im_end|>\\n' }}{%- endfor -%}"
            + "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}";
    List<Map<String, Object>> thinking =
        List.of(
            Map.of("role", "user", "content", "Hi"),
            Map.of("role", "assistant", "content", "<think>\nGreet.\n</think>\n\nHello."),
            Map.of("role", "user", "content", "Seven?"),
            Map.of("role", "assistant", "content", "<think>\nWeek.\n</think>\n\nDays."));
    assertThat(learned(row(lastThinks, whole(thinking))))
        .isEqualTo("Hello.<|im_end|><think>\nWeek.\n</think>\n\nDays.<|im_end|>\n");
    // As DeepSeek R1's: the opening has what the conversation does not.
    String openingThinks =
        UNMARKED.replace("{{ '<|im_start|>assistant\\n' }}", "{{ '<|im_start|>assistant\\n<t>' }}");
    assertThat(openingThinks).isNotEqualTo(UNMARKED);
    assertThat(learned(row(openingThinks, whole(CHAT))))
        .isEqualTo("Hello.<|im_end|>\nDays.<|im_end|>\n");
    // An assistant that speaks first has nothing before it.
    assertThat(learned(row(UNMARKED, whole(CHAT.subList(1, 4)))))
        .isEqualTo("Hello.<|im_end|>\nDays.<|im_end|>\n");
  }

  /** As Phi 3's: behind the last turn's own end stands that of the text. */
  @Test
  void aTurnDoesNotHoldTheTokenThatOpensTheNextOne() throws Exception {
    String textEnds = UNMARKED + "{%- if not add_generation_prompt -%}<|endoftext|>{%- endif -%}";
    assertThat(learned(row(textEnds, whole(CHAT))))
        .isEqualTo("Hello.<|im_end|>\nDays.<|im_end|>\n<|endoftext|>");
    assertThat(learned(row(textEnds, whole(CHAT.subList(0, 3))))).isEqualTo("Hello.<|im_end|>\n");
  }

  /** Some files add the tokens that end turns, and do not call them special. */
  @Test
  void aTurnHoldsTheTokenThatEndsItWhereItIsNotCalledSpecial() throws Exception {
    TreeMap<String, String> contents = Fixtures.tokenizerFiles().contents();
    ObjectNode definition = (ObjectNode) JSON.readTree(contents.get("tokenizer.json"));
    ObjectNode token = (ObjectNode) definition.path("added_tokens").get(0).deepCopy();
    int next = definition.path("model").path("vocab").size();
    token.put("id", next).put("content", "<|end|>").put("special", false);
    definition.withArray("added_tokens").add(token);
    contents.put("tokenizer.json", definition.toString());
    contents.put(
        "chat_template.jinja",
        "{%- for m in messages -%}{{ m.role + ': ' + m.content }}"
            + "{{ '<|endoftext|>' if loop.last and m.role == 'assistant' else '<|end|>\n' }}"
            + "{%- endfor -%}{%- if add_generation_prompt -%}{{ 'assistant: ' }}{%- endif -%}");
    try (Tokenizer tokenizer = Tokenizer.of(new TokenizerFiles(contents))) {
      int end = tokenizer.encodeWithoutSpecialTokens("<|end|>")[0];
      assertThat(tokenizer.isSpecial(end)).isFalse();
      TokenizedRow row =
          new ExampleTokenizer(tokenizer, LengthLimits.none(), LossOn.ASSISTANT)
              .tokenize(whole(CHAT), 0)
              .row();
      int[] ids = row.completions().get(0);
      byte[] mask = row.lossMasks().get(0);
      List<Integer> ends = new ArrayList<>();
      for (int i = 0; i < ids.length; i++) {
        if (ids[i] == end) {
          ends.add((int) mask[i]);
        }
      }
      // That of the assistant's first turn, and not that of the user's turn behind it.
      assertThat(ends).containsExactly(1, 0);
    }
  }

  private static TokenizedRow row(String template, Example example) throws Exception {
    return row(template, example, LossOn.ASSISTANT, LengthLimits.none());
  }

  @Test
  void aTurnThatLeavesOutWhatEndsItIsSaid() throws Exception {
    String endsOutside =
        MARKED.replace(
            "{{ m.content + '<|im_end|>\\n' }}{%- endgeneration -%}",
            "{{ m.content }}{%- endgeneration -%}{{ '<|im_end|>\\n' }}");
    assertThat(endsOutside).isNotEqualTo(MARKED);
    String neverEnds =
        "{%- for m in messages -%}{{ m.role + ': ' + m.content + '\\n' }}{%- endfor -%}";
    for (String good : List.of(MARKED, UNMARKED)) {
      for (LossOn lossOn : LossOn.values()) {
        assertThat(stopping(good, lossOn)).as(good).isEmpty();
      }
    }
    assertThat(stopping(endsOutside, LossOn.ASSISTANT).orElseThrow())
        .contains("<|im_end|>")
        .contains("{% generation %}");
    assertThat(stopping(endsOutside, LossOn.COMPLETION)).isEmpty();
    for (LossOn lossOn : LossOn.values()) {
      assertThat(stopping(neverEnds, lossOn).orElseThrow()).contains("learn to stop");
    }
    // What a template refuses tells nothing.
    assertThat(stopping("{{ raise_exception('no') }}", LossOn.ASSISTANT)).isEmpty();
  }

  private static Optional<String> stopping(String template, LossOn lossOn) throws Exception {
    try (Tokenizer tokenizer = tokenizer(template)) {
      return TurnEnds.note(tokenizer, lossOn, new Example.ChatSettings(Optional.empty(), Map.of()));
    }
  }

  @Test
  void turnsThatCannotBeToldAreRefused() {
    // Marks around the contents would change what the template says of them.
    String counting = "{{ messages | length }}{{ messages[0].content | length }}" + UNMARKED;
    assertThatThrownBy(() -> row(counting, whole(CHAT), LossOn.ASSISTANT, LengthLimits.none()))
        .hasMessageContaining("does not mark the assistant's turns")
        .hasMessageContaining("message 2")
        .extracting(e -> ((RefusedRowException) e).reason())
        .isEqualTo(RefusalReason.TEMPLATE_ERROR);
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
