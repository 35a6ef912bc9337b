package io.plumbline.reward;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Tags that a tokenizer has as special tokens. */
class RewardTextTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The golden tokenizer with such tokens, and a template whose prompt ends with the first. */
  private static TokenizerFiles files(String template) throws Exception {
    Path golden = Fixtures.golden("tokenizer");
    ObjectNode definition = (ObjectNode) JSON.readTree(golden.resolve("tokenizer.json").toFile());
    ArrayNode added = (ArrayNode) definition.get("added_tokens");
    int next = definition.path("model").path("vocab").size() + added.size();
    for (String tag : List.of("<think>", "</think>", "<plan>", "<step>")) {
      ObjectNode token = added.get(0).deepCopy();
      added.add(token.put("id", next++).put("content", tag).put("special", true));
    }
    return new TokenizerFiles(
        new TreeMap<>(
            Map.of(
                "tokenizer.json",
                definition.toString(),
                "tokenizer_config.json",
                Files.readString(golden.resolve("tokenizer_config.json")),
                "chat_template.jinja",
                template)));
  }

  @Test
  void keepsWhatFunctionsReadAndLeavesOutTheRest() throws Exception {
    try (Tokenizer tokenizer = Tokenizer.of(files("{{ messages }}"))) {
      String eos = tokenizer.eosToken().orElseThrow();
      int[] tokens =
          tokenizer.encodeWithoutSpecialTokens("<think>one two</think><plan>three<step>" + eos);
      assertThat(tokenizer.decodeSkippingSpecialTokens(tokens)).isEqualTo("one twothree");

      assertThat(new RewardText(tokenizer, Set.of()).of(tokens))
          .isEqualTo("<think>one two</think>three");
      assertThat(new RewardText(tokenizer, Set.of("<step>", "<other>")).of(tokens))
          .isEqualTo("<think>one two</think>three<step>");
      int[] plain = tokenizer.encodeWithoutSpecialTokens("one two" + eos);
      assertThat(new RewardText(tokenizer, Set.of("<step>")).of(plain)).isEqualTo("one two");
    }
  }

  @Test
  void aUserIsToldBeforeAnyWork() throws Exception {
    TokenizerFiles files =
        files(
            "{% for m in messages %}{{ m['content'] }}{% endfor %}"
                + "{% if add_generation_prompt %}{{ '<think>\\n' }}{% endif %}");
    assertThat(notices("tags", files))
        .containsExactly(
            "rewards: </think>, <think> are special tokens of this tokenizer; completions keep them"
                + " for the rewards that read them",
            "rewards: the chat template's prompt ends with <think>, and completions begin behind"
                + " it; tags counts it as written");
    assertThat(notices("regex{\"pattern\":\"^<think>\"}", files).get(1))
        .contains("a pattern of regex that asks for <think> does not match");
    assertThat(notices("answer", files)).isEmpty();
  }

  /** As Qwen 3's with enable_thinking=false. */
  @Test
  void aUserIsToldOfReasoningThatTheTemplateCloses() throws Exception {
    TokenizerFiles files =
        files(
            "{% for m in messages %}{{ m['content'] }}{% endfor %}"
                + "{% if add_generation_prompt %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}");
    assertThat(notices("tags", files).get(1))
        .contains("opens and closes <think> itself")
        .contains("enable_thinking");
    assertThat(notices("tags{\"tags\":[\"answer\"]}", files))
        .noneMatch(notice -> notice.contains("opens and closes"));
  }

  private static List<String> notices(String spec, TokenizerFiles files) {
    try (RewardPanel panel = RewardPanel.open(List.of(RewardSpec.parse(spec)), Storage.local())) {
      return RewardNotices.of(List.of(panel), files);
    }
  }
}
