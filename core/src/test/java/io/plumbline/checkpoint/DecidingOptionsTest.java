package io.plumbline.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.checkpoint.DecidingOptions.Difference;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DecidingOptionsTest {
  private static final DecidingOptions.Rules RULES =
      new DecidingOptions.Rules(
          Set.of("ranks"), Map.of("smoothing", "0"), Map.of("high", Set.of("low")));

  private static DecidingOptions of(String json) {
    return DecidingOptions.of((ObjectNode) PythonJson.parse(json, "the test"), RULES);
  }

  private static List<String> words(String before, String now) {
    return of(before).differences(of(now)).stream().map(Difference::words).toList();
  }

  @Test
  void numbersAreComparedAsNumbersAndOrderDoesNotCount() {
    assertThat(
            words(
                "{\"a\": 3, \"b\": 1e-3, \"c\": true}", "{\"c\": true, \"b\": 0.001, \"a\": 3.0}"))
        .isEmpty();
    assertThat(of("{\"a\": 1e-8, \"b\": 1000000, \"c\": 20.50}").values())
        .isEqualTo(Map.of("a", List.of("1E-8"), "b", List.of("1000000"), "c", List.of("20.5")));
  }

  @Test
  void anOptionThatWasAddedLaterIsTheSameAtItsNeutralValue() {
    assertThat(words("{\"a\": 1}", "{\"a\": 1, \"smoothing\": 0.0}")).isEmpty();
    assertThat(words("{\"a\": 1}", "{\"a\": 1, \"smoothing\": 0.1}"))
        .containsExactly("--smoothing (0 there, 0.1 now)");
    assertThat(words("{\"a\": 1, \"gone\": \"x\"}", "{\"a\": 1}"))
        .containsExactly("--gone (x there, not given now)");
  }

  @Test
  void whatFollowsAnotherOptionIsNotNamedBesideIt() {
    assertThat(words("{\"low\": 1, \"high\": 1}", "{\"low\": 2, \"high\": 2}"))
        .containsExactly("--low (1 there, 2 now)");
    assertThat(words("{\"low\": 1, \"high\": 1}", "{\"low\": 1, \"high\": 2}"))
        .containsExactly("--high (1 there, 2 now)");
    assertThat(words("{\"ranks\": 1}", "{\"ranks\": 2}")).isEmpty();
  }

  @Test
  void listsKeepTheirOrderAndAreReadAgain() {
    DecidingOptions options = of("{\"reward\": [\"a\", \"b\"], \"one\": [\"c\"], \"none\": []}");
    assertThat(options.names()).containsExactly("one", "reward");
    assertThat(DecidingOptions.of(options.json(), RULES).differences(options)).isEmpty();
    assertThat(words("{\"reward\": [\"a\", \"b\"]}", "{\"reward\": [\"b\", \"a\"]}"))
        .containsExactly("--reward (a and b there, b and a now)");
  }
}
