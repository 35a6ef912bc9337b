package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.Fixtures;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * A message's weight says whether it is learned: OpenAI's fine-tuning format, and train and
 * training of axolotl.
 */
class MessageWeightTest {
  private static final String MARKED =
      "{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\\n' }}{%- if m.role == 'assistant' -%}"
          + "{%- generation -%}{{ m.content + '<|im_end|>' }}{%- endgeneration -%}"
          + "{%- else -%}{{ m.content + '<|im_end|>' }}{%- endif -%}{{ '\\n' }}{%- endfor -%}"
          + "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}";

  private static Map<String, Object> said(String role, String text) {
    return new LinkedHashMap<>(Map.of("role", role, "content", text));
  }

  private static List<Map<String, Object>> conversation(String name, Object value) {
    List<Map<String, Object>> messages =
        List.of(
            said("user", "Hi"),
            said("assistant", "bad"),
            said("user", "Ho"),
            said("assistant", "good"));
    messages.get(1).put(name, value);
    return messages;
  }

  private static String learned(String template, LossOn lossOn, Map<String, Object> row)
      throws Exception {
    TreeMap<String, String> contents = Fixtures.tokenizerFiles().contents();
    if (!template.isEmpty()) {
      contents.put("chat_template.jinja", template);
    }
    try (Tokenizer tokenizer = Tokenizer.of(new TokenizerFiles(contents))) {
      ExampleShape shape = ExampleShape.of(ExampleKind.SUPERVISED, row).orElseThrow();
      TokenizedRow made =
          new ExampleTokenizer(tokenizer, LengthLimits.none(), lossOn)
              .tokenize(new ExampleParser(ExampleKind.SUPERVISED, shape).parse(row), 0)
              .row();
      int[] completion = made.completions().get(0);
      byte[] mask = new byte[completion.length];
      Arrays.fill(mask, (byte) 1);
      List<Integer> ids = new ArrayList<>();
      for (int i = 0; i < completion.length; i++) {
        if ((made.lossMasks().isEmpty() ? mask : made.lossMasks().get(0))[i] == 1) {
          ids.add(completion[i]);
        }
      }
      return tokenizer.decode(ids.stream().mapToInt(Integer::intValue).toArray());
    }
  }

  @Test
  void aTurnOfWeight0IsNotLearned() throws Exception {
    for (Map.Entry<String, Object> weight :
        List.of(
            Map.entry("weight", (Object) 0),
            Map.entry("weight", (Object) 0.0),
            Map.entry("train", (Object) false),
            Map.entry("training", (Object) false),
            Map.entry("loss", (Object) false))) {
      Map<String, Object> row =
          Map.of("messages", conversation(weight.getKey(), weight.getValue()));
      assertThat(learned(MARKED, LossOn.ASSISTANT, row))
          .as("%s", weight)
          .isEqualTo("good<|im_end|>");
      assertThat(learned("", LossOn.ASSISTANT, row)).as("%s", weight).isEqualTo("good<|im_end|>\n");
      // Learned whole, the conversation is learned without that turn.
      for (LossOn whole : List.of(LossOn.COMPLETION, LossOn.ALL)) {
        assertThat(learned("", whole, row))
            .contains("good<|im_end|>", "Hi<|im_end|>", "Ho<|im_end|>")
            .doesNotContain("bad");
      }
    }
  }

  @Test
  void aWeightOf1ChangesNothingAndNoTemplateSeesIt() throws Exception {
    String printing =
        MARKED.replace(
            "m.content + '<|im_end|>'",
            "m.content + (m.weight | default('')) | string + (m.train | default('')) | string + '<|im_end|>'");
    Map<String, Object> plain = Map.of("messages", conversation("weight", null));
    for (String name : List.of("weight", "train")) {
      Map<String, Object> row =
          Map.of("messages", conversation(name, name.equals("train") ? true : 1));
      for (LossOn lossOn : LossOn.values()) {
        assertThat(learned(printing, lossOn, row)).isEqualTo(learned(MARKED, lossOn, plain));
      }
    }
  }

  @Test
  void completionsLeaveTurnsOutToo() throws Exception {
    List<Map<String, Object>> all = conversation("weight", 0);
    Map<String, Object> row =
        Map.of("prompt", all.subList(0, 1), "completion", all.subList(1, all.size()));
    assertThat(learned("", LossOn.COMPLETION, row))
        .contains("good<|im_end|>")
        .doesNotContain("bad", "Hi");
    // Learned whole, a prompt is as any other part of the conversation.
    Map<String, Object> lastTurn =
        Map.of("prompt", all.subList(0, 3), "completion", all.subList(3, all.size()));
    assertThat(learned("", LossOn.ALL, lastTurn))
        .contains("Hi<|im_end|>", "Ho<|im_end|>", "good<|im_end|>")
        .doesNotContain("bad");
    assertThat(learned("", LossOn.COMPLETION, lastTurn)).isEqualTo("good<|im_end|>\n");
  }

  @Test
  void whatIsNoWeightIsRefusedWithItsValue() {
    for (Object weight : List.of(0.5, 2, -1)) {
      assertThatThrownBy(
              () ->
                  learned("", LossOn.ASSISTANT, Map.of("messages", conversation("weight", weight))))
          .hasMessageContaining("weight " + weight)
          .hasMessageContaining("0 or 1");
    }
    assertThatThrownBy(
            () -> learned("", LossOn.ASSISTANT, Map.of("messages", conversation("weight", "much"))))
        .hasMessageContaining("0 or 1");
    List<Map<String, Object>> none = conversation("weight", 0);
    none.get(3).put("weight", 0);
    assertThatThrownBy(() -> learned("", LossOn.ASSISTANT, Map.of("messages", none)))
        .hasMessageContaining("every turn to learn has weight 0");
  }
}
