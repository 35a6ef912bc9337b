package io.plumbline.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Chars;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class StepsRewardTest {
  private static int[] ends(String text) {
    return StepsReward.ends(text, Optional.empty());
  }

  @Test
  void stepsEndAtBlankLinesOrElseAtLines() {
    assertThat(ends("a\nb\n\nc")).containsExactly(5, 6);
    assertThat(ends("a\nb\nc")).containsExactly(2, 4, 5);
    assertThat(ends("a\n\n")).containsExactly(3);
    assertThat(ends("\n\na\n \n\nb \n")).containsExactly(7, 10);
    assertThat(ends("a")).containsExactly(1);
    assertThat(ends("")).isEmpty();
    assertThat(ends(" \n\n ")).isEmpty();
    assertThat(StepsReward.ends("a;b;;c", Optional.of(";"))).containsExactly(2, 5, 6);
  }

  /** Every character that is not blank belongs to a step, and no step is blank. */
  @Property
  void stepsCoverTheText(@ForAll @Chars({'a', '\n', ' ', ';'}) String text) {
    for (Optional<String> separator : List.of(Optional.<String>empty(), Optional.of(";"))) {
      int from = 0;
      for (int end : StepsReward.ends(text, separator)) {
        assertThat(end).isGreaterThan(from);
        assertThat(text.substring(from, end)).isNotBlank();
        from = end;
      }
      assertThat(text.substring(from)).isBlank();
      assertThat(text.isBlank() || from == text.length()).isTrue();
    }
  }

  @Test
  void eachStepGetsWhatTheOtherRewardSaysUpToItsEnd() {
    String by = "\"by\":\"regex{\\\"pattern\\\":\\\"b$\\\"}\"";
    Completion completion = Completions.of("a\n\nb\n\nc");

    assertThat(Completions.reward("steps{" + by + "}", completion).steps())
        .containsExactly(new Reward.Step(3, 0), new Reward.Step(6, 1), new Reward.Step(7, 0));
    assertThat(Completions.value("steps{" + by + "}", completion)).isEqualTo(1 / 3.0);
    assertThat(Completions.reward("steps{" + by + ",\"credit\":\"gain\"}", completion).steps())
        .containsExactly(new Reward.Step(3, 0), new Reward.Step(6, 1), new Reward.Step(7, -1));
    assertThat(Completions.reward("steps{" + by + "}", Completions.of("")).value()).isEmpty();
  }

  @Test
  void anEndpointScoresTheStepsOfACompletionAtOnce() throws Exception {
    try (ScoreServer server =
        new ScoreServer(
            ScoreServer.body(
                "{\"rewards\":[[1,0.5],null,[1],{\"steps\":[{\"end\":1,\"value\":2}]}]}"))) {
      String spec = "steps{\"by\":\"http{\\\"url\\\":\\\"" + server.url() + "\\\"}\"}";
      List<ScoredCompletion> scored;
      try (RewardPanel panel = RewardPanel.open(List.of(RewardSpec.parse(spec)), Storage.local())) {
        scored =
            panel.score(
                List.of(
                    Completions.of("😀\nb"),
                    Completions.of(" "),
                    Completions.of("null"),
                    Completions.of("a\nb"),
                    Completions.of("cd")));
      }

      assertThat(server.requests).hasSize(1);
      assertThat(server.requests.get(0).path("completions")).hasSize(4);
      assertThat(server.requests.get(0).path("completions").path(0).path("step_ends"))
          .hasToString("[2,3]");
      assertThat(scored.get(0).steps().get(0))
          .containsExactly(new Reward.Step(3, 1), new Reward.Step(4, 0.5));
      assertThat(scored.get(1).failure()).isEmpty();
      assertThat(scored.get(2).failure()).isEmpty();
      assertThat(scored.get(3).failure()).contains("steps: the endpoint gave 1 values for 2 steps");
      assertThat(scored.get(4).steps().get(0)).containsExactly(new Reward.Step(1, 2));
    }
  }

  @Test
  void refusesWhatCannotLookAtAStep() {
    for (String by : List.of("length", "repetition", "steps")) {
      assertThatThrownBy(
              () -> Completions.value("steps{\"by\":\"" + by + "\"}", Completions.of("a")))
          .hasMessageContaining("by cannot be " + by);
    }
    assertThatThrownBy(() -> Completions.value("steps", Completions.of("a")))
        .hasMessageContaining("needs the option by");
    assertThatThrownBy(
            () ->
                Completions.value(
                    "steps{\"by\":\"answer{\\\"weight\\\":2}\"}", Completions.of("a")))
        .hasMessageContaining("no weight of its own");
    assertThatThrownBy(() -> Completions.value("steps{\"by\":\"anwser\"}", Completions.of("a")))
        .hasMessageContaining("did you mean answer?");
  }
}
