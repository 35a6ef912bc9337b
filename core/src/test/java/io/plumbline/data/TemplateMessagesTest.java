package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.Fixtures;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.text.ChatTemplate;
import io.plumbline.text.Tokenizer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What templates know is found out by rendering; what they do not know is not learned as text. */
class TemplateMessagesTest {
  /** Writes any role down: ChatML, as most models have it. */
  private static final String ANY =
      "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}";

  /** ChatGLM's own name for what a tool says. */
  private static final String OBSERVING =
      "{% for m in messages %}{% if m.role == 'observation' %}<obs>{{ m.content }}"
          + "{% elif m.role in ['user', 'assistant', 'system'] %}<|{{ m.role }}|>{{ m.content }}"
          + "{% else %}{{ raise_exception('no role ' + m.role) }}{% endif %}{% endfor %}";

  /** Leaves out what it does not expect. */
  private static final String DROPPING =
      "{% for m in messages %}{% if m.role == 'user' %}[INST]{{ m.content }}[/INST]"
          + "{% elif m.role == 'assistant' %}{{ m.content }}{% endif %}{% endfor %}";

  /** Takes whatever is no user for the assistant. */
  private static final String ELSE_ASSISTANT =
      "{% for m in messages %}{% if m.role == 'user' %}[INST]{{ m.content }}[/INST]"
          + "{% else %}{{ m.content }}</s>{% endif %}{% endfor %}";

  private static final String CALLING =
      "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% if m.tool_calls %}"
          + "{% for c in m.tool_calls %}<call>{{ c.function | tojson }}</call>{% endfor %}{% endif %}"
          + "{% endfor %}";

  /** Reads parts of a content, as templates of models that see do. */
  private static final String PARTS =
      "{% for m in messages %}<|{{ m.role }}|>{% if m.content is string %}{{ m.content }}{% else %}"
          + "{% for p in m.content %}<p>{{ p.text }}{% endfor %}{% endif %}{% endfor %}";

  private static TemplateMessages of(String template) {
    return new TemplateMessages(Optional.of(ChatTemplate.parse(template, Map.of())));
  }

  private static String role(String template, String role) throws RefusedRowException {
    return String.valueOf(
        of(template).ready(List.of(Map.of("role", role, "content", "x"))).get(0).get("role"));
  }

  private static void assertRefused(String template, String role, String why) {
    assertThatThrownBy(() -> role(template, role))
        .as("%s by %s", role, template)
        .hasMessageContaining(role)
        .hasMessageContaining(why)
        .extracting(e -> ((RefusedRowException) e).reason())
        .isEqualTo(RefusalReason.UNKNOWN_ROLE);
  }

  @Test
  void aRoleIsTheTemplatesOrRefused() throws Exception {
    for (String role : List.of("system", "user", "assistant", "tool")) {
      assertThat(role(ANY, role)).isEqualTo(role);
    }
    assertThat(role(ANY, "observation")).isEqualTo("tool");
    assertThat(role(ANY, "function")).isEqualTo("tool");
    assertThat(role(ANY, "developer")).isEqualTo("system");
    assertThat(role(ANY, "model")).isEqualTo("assistant");
    assertThat(role(OBSERVING, "observation")).isEqualTo("observation");
    assertThat(role(OBSERVING, "tool")).isEqualTo("observation");
    assertRefused(ANY, "critic", "does not know");
    assertRefused(ELSE_ASSISTANT, "critic", "does not know");
    assertRefused(OBSERVING, "critic", "does not know");
    assertRefused(DROPPING, "system", "leaves out");
    assertRefused(DROPPING, "tool", "leaves out");
    // Without a template nothing is rendered, and what is wrong is told elsewhere.
    assertThat(
            new TemplateMessages(Optional.empty())
                .ready(List.of(Map.of("role", "critic", "content", "x"))))
        .containsExactly(Map.of("role", "critic", "content", "x"));
  }

  @Test
  void callsOfToolsAreWrittenOrRefused() throws Exception {
    List<Map<String, Object>> call =
        RowMessages.read(
            List.of(
                Map.of(
                    "from",
                    "function_call",
                    "value",
                    "{\"name\": \"look\", \"arguments\": {\"at\": 1}}")),
            "conversations");
    assertThat(call.get(0).get("role")).isEqualTo("assistant");
    assertThat(of(CALLING).ready(call).get(0).get("tool_calls").toString()).contains("look");
    assertThatThrownBy(() -> of(ANY).ready(call)).hasMessageContaining("leaves out calls");
    assertThatThrownBy(
            () ->
                RowMessages.read(
                    List.of(Map.of("from", "function_call", "value", "look at 1")),
                    "conversations"))
        .hasMessageContaining("function_call");
    assertThat(of(ANY).hidesTools()).isTrue();
    assertThat(of("{{ tools | tojson }}" + ANY).hidesTools()).isFalse();
  }

  /** What a stopped rendering seems to say must not be taken for what the template knows. */
  @Test
  void aTaskThatIsToStopTeachesNothingOfATemplate() throws Exception {
    List<Map<String, Object>> said = List.of(Map.of("role", "tool", "content", "x"));
    TemplateMessages messages = of(DROPPING);
    Thread.currentThread().interrupt();
    try {
      assertThatThrownBy(() -> messages.ready(said))
          .isInstanceOfSatisfying(
              PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INTERRUPTED));
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThatThrownBy(() -> messages.ready(said)).hasMessageContaining("leaves out");

    try (Tokenizer tokenizer = Tokenizer.of(Fixtures.tokenizerFiles())) {
      Example.ChatSettings settings = new Example.ChatSettings(Optional.empty(), Map.of());
      for (LossOn lossOn : List.of(LossOn.COMPLETION, LossOn.ASSISTANT)) {
        Thread.currentThread().interrupt();
        try {
          assertThatThrownBy(() -> TurnEnds.note(tokenizer, lossOn, settings))
              .isInstanceOfSatisfying(
                  PlumblineException.class,
                  e -> assertThat(e.code()).isEqualTo(ErrorCode.INTERRUPTED));
        } finally {
          assertThat(Thread.interrupted()).isTrue();
        }
      }
    }
  }

  @Test
  void partsOfTextAreJoinedUnlessTheTemplateReadsThem() throws Exception {
    List<Map<String, Object>> parts =
        RowMessages.read(
            List.of(
                Map.of(
                    "role",
                    "user",
                    "content",
                    List.of(
                        Map.of("type", "text", "text", "a"), Map.of("type", "text", "text", "b")))),
            "messages");
    assertThat(of(ANY).ready(parts).get(0).get("content")).isEqualTo("ab");
    assertThat(of(PARTS).ready(parts)).isEqualTo(parts);
  }
}
