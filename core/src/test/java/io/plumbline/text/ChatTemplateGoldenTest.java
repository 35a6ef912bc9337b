package io.plumbline.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.jinja.Limits;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Real templates of published models, rendered by transformers, must come out to the letter. */
class ChatTemplateGoldenTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Real templates and conversations stay far from the limits. */
  private static final Limits HUNDREDTH =
      new Limits(
          Limits.STANDARD.steps() / 100,
          Limits.STANDARD.depth(),
          Limits.STANDARD.nesting(),
          Limits.STANDARD.outputLength() / 100,
          Limits.STANDARD.valueSize() / 100,
          Limits.STANDARD.sourceLength(),
          Limits.STANDARD.time());

  private static final String FILE = "golden/chat-templates.json";

  private static JsonNode golden() throws IOException {
    Optional<Path> path = Fixtures.shared(FILE);
    assumeTrue(
        path.isPresent(),
        "skipped: ../shared/" + FILE + " holds third-party templates and is not on this machine");
    return JSON.readTree(path.get().toFile());
  }

  @TestFactory
  Stream<DynamicTest> everyTemplateRendersToTheLetter() throws IOException {
    JsonNode golden = golden();
    Map<String, List<JsonNode>> byTemplate = new LinkedHashMap<>();
    for (JsonNode node : golden.get("cases")) {
      byTemplate.computeIfAbsent(node.get("template").asText(), k -> new ArrayList<>()).add(node);
    }
    return byTemplate.entrySet().stream()
        .map(
            entry ->
                DynamicTest.dynamicTest(
                    entry.getKey(),
                    () -> {
                      String source = golden.get("templates").get(entry.getKey()).asText();
                      for (JsonNode node : entry.getValue()) {
                        check(source, node);
                      }
                    }));
  }

  @Test
  void everyCaseIsThere() throws IOException {
    JsonNode golden = golden();
    assertThat(golden.get("templates")).hasSize(68);
    assertThat(golden.get("cases")).hasSize(680);
  }

  private static void check(String source, JsonNode node) {
    Map<String, Object> specialTokens = new HashMap<>();
    specialTokens.put("bos_token", node.get("bos_token").asText());
    specialTokens.put("eos_token", node.get("eos_token").asText());
    ChatRequest request =
        new ChatRequest(
            JSON.convertValue(node.get("messages"), Json.LIST_OF_MAPS),
            node.get("tools").isNull()
                ? Optional.empty()
                : Optional.of(JSON.convertValue(node.get("tools"), Json.LIST)),
            node.get("add_generation_prompt").asBoolean()
                ? ChatRequest.GenerationPrompt.ADDED
                : ChatRequest.GenerationPrompt.ABSENT,
            JSON.convertValue(node.get("variables"), Json.MAP));
    ChatTemplate template = ChatTemplate.parse(source, specialTokens, HUNDREDTH);
    if (node.has("error")) {
      assertThatThrownBy(() -> template.render(request))
          .as(node.toString())
          .isInstanceOfSatisfying(
              PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_TEMPLATE))
          .hasMessageContaining("line ");
      return;
    }
    ChatTemplate.Rendered rendered = template.render(request);
    assertThat(rendered.text()).as(node.toString()).isEqualTo(node.get("expected").asText());
    if (node.has("assistant_spans")) {
      List<ChatTemplate.Span> spans = new ArrayList<>();
      node.get("assistant_spans")
          .forEach(s -> spans.add(new ChatTemplate.Span(s.get(0).asInt(), s.get(1).asInt())));
      assertThat(rendered.assistantSpans()).as(node.toString()).isEqualTo(spans);
    } else {
      assertThat(rendered.assistantSpans()).as(node.toString()).isEmpty();
    }
  }
}
