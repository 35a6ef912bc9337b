package io.plumbline.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.model.Generation.Finish;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** regex, json, length, repetition and tags. */
class TextRewardsTest {
  private static double value(String spec, String text) {
    return Completions.value(spec, Completions.of(text));
  }

  @Test
  void regexFindsOrMatchesTheWhole() {
    assertThat(value("regex{\"pattern\":\"\\\\d+\"}", "it is 18")).isEqualTo(1);
    assertThat(value("regex{\"pattern\":\"\\\\d+\",\"match\":\"full\"}", "it is 18")).isEqualTo(0);
    assertThat(value("regex{\"pattern\":\"(?s)a.*b\",\"match\":\"full\",\"reward\":3}", "a\nb"))
        .isEqualTo(3);
    assertThat(value("regex{\"pattern\":\"c\",\"penalty\":-1}", "ab")).isEqualTo(-1);
  }

  @Test
  @Timeout(value = 30, unit = TimeUnit.SECONDS)
  void regexesThatBacktrackOrGoTooDeepAreEnded() {
    String spec = "regex{\"pattern\":\".*a.*a.*a.*a.*a.*a.*a.*z\",\"time_limit\":0.2}";
    assertThatThrownBy(() -> value(spec, "a".repeat(300) + "b"))
        .isInstanceOf(ScoringException.class)
        .hasMessageContaining("within 200 ms");
    assertThatThrownBy(() -> value("regex{\"pattern\":\"(?:a|b)*c\"}", "ab".repeat(200_000)))
        .isInstanceOf(ScoringException.class)
        .hasMessageContaining("too deep");
  }

  private static final String PERSON =
      "json{\"schema\":{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"name\":"
          + "{\"type\":\"string\",\"pattern\":\"^[A-Z]\"},\"age\":{\"$ref\":\"#/$defs/age\"},"
          + "\"mail\":{\"format\":\"email\"}},\"$defs\":{\"age\":{\"type\":\"integer\","
          + "\"minimum\":0}}},\"parsed\":0.25,\"penalty\":-1}";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"name\":\"Ann\"} | 1",
        "\\n {\"name\":\"Ann\",\"age\":3}\\n | 1",
        "Here:\\n```json\\n{\"name\":\"Ann\"}\\n```\\nDone. | 1",
        "```\\n1\\n```\\n```\\n{\"name\":\"Ann\"}\\n``` | 1",
        "```{\"name\":\"Ann\"}``` | 1",
        "<think>{}</think><answer>{\"name\":\"Ann\"}</answer> | 1",
        "<think>hm</think>```json\\n{\"name\":\"Ann\"}\\n``` | 1",
        "{\"name\":\"ann\"} | 0.25",
        "{\"age\":3} | 0.25",
        "{\"name\":\"Ann\",\"age\":-3} | 0.25",
        "{\"name\":\"Ann\",\"mail\":\"at home\"} | 0.25",
        "[] | 0.25",
        "null | 0.25",
        "{\"name\":\"Ann\"} and more | -1",
        "{\"name\":\"Ann\",\"name\":\"Bob\"} | -1",
        "{\"name\":\"Ann\" | -1",
        "{name:\"Ann\"} | -1",
        "<think>{\"name\":\"Ann\"} | -1",
        "nothing | -1",
      })
  void jsonIsHeldToItsSchema(String text, double reward) {
    assertThat(value(PERSON, text.replace("\\n", "\n"))).as(text).isEqualTo(reward);
  }

  @Test
  void jsonTakesItsSchemaFromAColumnToo() {
    String spec = "json{\"schema\":\"shape\",\"tag\":\"out\"}";
    Map<String, Object> asText = Map.of("shape", "{\"type\":\"array\"}");
    Map<String, Object> asMap = Map.of("shape", Map.of("type", "array"));
    assertThat(Completions.value(spec, Completions.of(asText, "<out>[1]</out>"))).isEqualTo(1);
    assertThat(Completions.value(spec, Completions.of(asMap, "<out>[1]</out>"))).isEqualTo(1);
    assertThat(Completions.value(spec, Completions.of(asMap, "<out>{}</out>"))).isEqualTo(0);
    assertThat(Completions.value(spec, Completions.of(asMap, "[1]"))).isEqualTo(0);
    assertThatThrownBy(() -> value(spec, "[1]"))
        .hasMessageContaining("no value in the column shape");
    assertThatThrownBy(
            () -> Completions.value(spec, Completions.of(Map.of("shape", "{secret"), "[1]")))
        .isInstanceOf(ScoringException.class)
        .hasMessage("the column shape holds text that is no JSON");
    assertThat(value("json", "[1]")).isEqualTo(1);
    assertThat(value("json", "")).isEqualTo(0);
  }

  @Test
  void nothingIsFetchedForASchema() {
    for (String place :
        new String[] {"http://127.0.0.1:1/a.json", "file:///etc/hosts", "other.json"}) {
      assertThatThrownBy(() -> value("json{\"schema\":{\"$ref\":\"" + place + "\"}}", "{}"))
          .hasMessageContaining("nothing is fetched");
    }
    assertThat(
            value(
                "json{\"schema\":{\"$schema\":\"http://json-schema.org/draft-07/schema#\","
                    + "\"$ref\":\"http://json-schema.org/draft-07/schema#\"}}",
                "{\"type\":\"object\"}"))
        .isEqualTo(1);
  }

  @Test
  @Timeout(value = 30, unit = TimeUnit.SECONDS)
  void patternsOfASchemaAreEndedToo() {
    assertThatThrownBy(
            () ->
                value(
                    "json{\"schema\":{\"pattern\":\".*a.*a.*a.*a.*a.*a.*a.*z\"}}",
                    "\"" + "a".repeat(300) + "b\""))
        .isInstanceOf(ScoringException.class)
        .hasMessageContaining("backtracks too much");
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "80, 0", "81, -0.05", "90, -0.5", "100, -1", "101, -1", "500, -1"})
  void lengthIsPunishedAsInDapo(int tokens, double reward) {
    Completion completion = Completions.ofTokens(new int[tokens]);
    assertThat(Completions.value("length{\"max_length\":100,\"cache\":20}", completion))
        .isCloseTo(reward, within(1e-12));
    assertThat(Completions.value("length{\"max_length\":100}", completion))
        .isEqualTo(tokens > 100 ? -1 : 0);
  }

  @Test
  void lengthHasATargetOrACost() {
    Completion ten = Completions.ofTokens(new int[10]);
    assertThat(Completions.value("length{\"target\":10}", ten)).isZero();
    assertThat(Completions.value("length{\"target\":8}", ten)).isEqualTo(-0.25);
    assertThat(Completions.value("length{\"target\":2}", ten)).isEqualTo(-1);
    assertThat(Completions.value("length{\"per_token\":-0.5}", ten)).isEqualTo(-5);
    String column = "length{\"target\":\"budget\"}";
    assertThat(Completions.value(column, Completions.of(Map.of("budget", 20), "x".repeat(10))))
        .isEqualTo(-0.5);
    assertThatThrownBy(() -> Completions.value(column, Completions.of(Map.of("budget", "a"), "")))
        .hasMessageContaining("no number of tokens");
  }

  /** The values of TRL's docstring, and of its function on these ids. */
  @Test
  void repetitionIsPunishedAsInTrl() {
    String two = "repetition{\"ngram_size\":2}";
    assertThat(Completions.value(two, Completions.ofTokens(1, 2, 3, 4))).isZero();
    assertThat(Completions.value(two, Completions.ofTokens(5, 5, 5, 5, 5))).isEqualTo(-0.75);
    assertThat(Completions.value("repetition", Completions.ofTokens(1, 2))).isZero();
    assertThat(
            Completions.value(
                "repetition{\"max_penalty\":-2}", Completions.ofTokens(1, 2, 3, 1, 2, 3, 1, 2)))
        .isEqualTo(-1);
    assertThat(value("repetition{\"unit\":\"words\",\"ngram_size\":1}", "A a  b c"))
        .isEqualTo(-0.25);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "<think>a</think><answer>b</answer> | 1 | 1",
        "\\n<think>\\na\\n</think>\\n<answer>b</answer>\\n | 1 | 1",
        "<think>a</think>b<answer>c</answer> | 0 | 0.6666666666666666",
        "<think>a</think><answer>b</answer>c | 0 | 0.6666666666666666",
        "<answer>b</answer><think>a</think> | 0 | 0.5",
        "<think>a</think> | 0 | 0.5",
        "<think>a</think><think>a</think><answer>b</answer> | 0 | 0.5",
        "<think></think><answer>b</answer> | 0 | 0.5",
        "<think>a</think><answer> </answer> | 0 | 0.5",
        "<think>a<answer>b</answer></think> | 0 | 0.5",
        "<think>a<answer>b</think></answer> | 0 | 0.5",
        "</think>a<think> | 0 | 0",
        "a | 0 | 0",
      })
  void tagsStandInOrderAndOnce(String text, double all, double share) {
    String completion = text.replace("\\n", "\n");
    assertThat(value("tags", completion)).isEqualTo(all);
    assertThat(value("tags{\"partial\":\"share\"}", completion)).isEqualTo(share);
  }

  @Test
  void tagsMayLeaveTextOutsideAndBeOpenedByThePrompt() {
    assertThat(value("tags{\"outside\":\"text\"}", "<think>a</think>b<answer>c</answer>d"))
        .isEqualTo(1);
    assertThat(value("tags{\"opened\":\"prompt\"}", "a</think><answer>c</answer>")).isEqualTo(1);
    assertThat(value("tags{\"opened\":\"prompt\"}", "<think>a</think><answer>c</answer>"))
        .isEqualTo(0);
    assertThat(value("tags{\"tags\":[\"plan\"],\"penalty\":-1}", "<plan>a</plan>")).isEqualTo(1);
  }

  private static Completion behind(String prompt, String text) {
    return new Completion(
        Map.of("answer", "5"), prompt, new int[] {1}, text, text.chars().toArray(), Finish.EOS);
  }

  /** As the templates of reasoning models end it. */
  @Test
  void anOpeningThatThePromptEndsWithCounts() {
    String prompt = "<|im_start|>assistant\n<think>\n";
    String text = "a</think><answer>5</answer>";
    assertThat(Completions.value("tags", behind(prompt, text))).isEqualTo(1);
    assertThat(Completions.value("tags", behind("use <think> for it", text))).isEqualTo(0);
    assertThat(Completions.value("tags", behind(prompt, "<think>" + text))).isEqualTo(0);
    assertThat(Completions.value("tags{\"opened\":\"completion\"}", behind(prompt, text)))
        .isEqualTo(0);
    assertThat(Completions.value("answer", behind(prompt, text))).isEqualTo(1);
    // Reasoning that was cut off has no answer, though it has numbers.
    assertThat(Completions.value("answer", behind(prompt, "2 + 3 is 5"))).isEqualTo(0);
    assertThat(Completions.value("answer", behind("assistant\n", "2 + 3 is 5"))).isEqualTo(1);
  }

  @Test
  void functionsSayWhatTheyReadInCompletions() {
    assertThat(reads("tags")).contains("<think>", "</think>", "<answer>", "</answer>");
    assertThat(reads("regex{\"pattern\":\"(?s)^<plan>.*<\\\\/plan>$\"}"))
        .containsExactlyInAnyOrder("<plan>", "</plan>");
    assertThat(reads("json{\"tag\":\"out\"}")).containsExactlyInAnyOrder("<out>", "</out>");
    assertThat(reads("steps{\"by\":\"tags\",\"separator\":\"<step>\"}"))
        .contains("<step>", "<think>");
    assertThat(reads("answer")).isEmpty();
  }

  private static Set<String> reads(String spec) {
    try (RewardPanel panel = RewardPanel.open(List.of(RewardSpec.parse(spec)), Storage.local())) {
      return panel.reads();
    }
  }
}
