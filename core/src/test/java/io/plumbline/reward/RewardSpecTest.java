package io.plumbline.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RewardSpecTest {
  @Test
  void readsAKindAlone() {
    RewardSpec spec = RewardSpec.parse(" answer ");

    assertThat(spec)
        .isEqualTo(new RewardSpec("answer", "{}", 1, "answer", RewardSpec.DEFAULT_TIMEOUT));
  }

  @Test
  void takesTheCommonOptionsOut() {
    RewardSpec spec =
        RewardSpec.parse(
            "model{\"path\":\"a/b\",\"weight\":0.5,\"name\":\"helpful\",\"timeout\":2.5}");

    assertThat(spec)
        .isEqualTo(
            new RewardSpec("model", "{\"path\":\"a/b\"}", 0.5, "helpful", Duration.ofMillis(2500)));
  }

  @Test
  void namesAClassInThreeWays() {
    String options = "{\"class\":\"com.acme.MyReward\"}";

    assertThat(RewardSpec.parse("com.acme.MyReward"))
        .isEqualTo(new RewardSpec("class", options, 1, "MyReward", RewardSpec.DEFAULT_TIMEOUT));
    assertThat(RewardSpec.parse("class{\"name\":\"com.acme.MyReward\"}"))
        .isEqualTo(RewardSpec.parse("com.acme.MyReward"));
    assertThat(RewardSpec.parse("class{\"class\":\"com.acme.MyReward\",\"name\":\"mine\"}"))
        .isEqualTo(RewardSpec.parse("com.acme.MyReward{\"name\":\"mine\"}"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "answer",
        "regex{\"pattern\":\"^\\\\d+$\",\"weight\":-2.5}",
        "http{\"url\":\"http://127.0.0.1:8080/score\",\"timeout\":0.25,\"name\":\"x.y-z\"}",
        "com.acme.Outer$Inner{\"threshold\":[1,null]}"
      })
  void isReadAgainFromItsText(String text) throws Exception {
    RewardSpec spec = RewardSpec.parse(text);

    assertThat(RewardSpec.parse(spec.text())).isEqualTo(spec);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(spec);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertThat(in.readObject()).isEqualTo(spec);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "answer:0.5 | a weight",
        "answer 0.5 | KIND",
        "{} | KIND",
        "answer[1] | KIND",
        "answer{\"weight\" | no JSON object",
        "answer{\"weight\":1} x | no JSON object",
        "answer{\"weight\":1,\"weight\":2} | no JSON object",
        "answer{\"weight\":\"high\"} | weight must be a finite number",
        "answer{\"timeout\":0} | timeout must be a number over 0",
        "answer{\"name\":\"a/b\"} | cannot name a reward",
        "class{\"weight\":1} | needs the option name",
        "anwser | There is no reward anwser (did you mean answer?)",
        "regexp{\"pattern\":\"a\"} | did you mean regex?",
        "rewardbench | There is no reward rewardbench: use one of",
        "answer{\"colum\":\"a\"} | has no option colum (did you mean column?): it has column",
        "answer{\"wieght\":2} | did you mean weight?",
        "answer{\"extract\":\"box\"} | it must be one of auto, boxed",
        "answer{\"tolerance\":-1} | tolerance must be a number from 0 on",
        "regex | needs the option pattern, as in regex{\"pattern\":",
        "regex{\"pattern\":\"(\"} | the pattern cannot be read",
        "length | give one of max_length, target and per_token",
        "length{\"target\":9,\"per_token\":1} | give one of",
        "length{\"max_length\":5,\"cache\":6} | must not be over it",
        "repetition{\"ngram_size\":0} | ngram_size must be a whole number from 1 on",
        "repetition{\"max_penalty\":1} | must not be over 0",
        "tags{\"tags\":[\"a\",\"a\"]} | different names",
        "json{\"schema\":{\"type\":\"strng\"}} | the schema",
        "json{\"schema\":3} | neither a JSON object",
        "com.acme.Nothing | There is no class com.acme.Nothing",
        "java.lang.String | is no reward: it must implement",
      })
  void refusesWithOneSentence(String text, String says) {
    assertThatThrownBy(
            () -> RewardPanel.open(List.of(RewardSpec.parse(text)), Storage.local()).close())
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining(says.equals("a weight") ? "answer{\"weight\":0.5}" : says)
        .satisfies(e -> assertThat(((PlumblineException) e).code()).isEqualTo(ErrorCode.BAD_USAGE));
  }

  @Test
  void refusesTwoOfOneName() {
    RewardSpec answer = RewardSpec.parse("answer");

    assertThatThrownBy(() -> RewardPanel.open(List.of(answer, answer), Storage.local()))
        .hasMessageContaining("Two rewards are named answer");
  }
}
