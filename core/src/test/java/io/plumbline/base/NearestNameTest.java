package io.plumbline.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NearestNameTest {
  private static final List<String> NAMES =
      List.of("learning-rate", "max-length", "max-prompt-length", "seed", "warmup-steps", "beta");

  @ParameterizedTest
  @CsvSource({
    "lerning-rate, learning-rate",
    "max-lenght, max-length",
    "sede, seed",
    "warmup, warmup-steps",
    "wormup, warmup-steps",
    "beat, beta"
  })
  void slipsAreUnderstood(String slip, String meant) {
    assertThat(NearestName.among(NAMES, slip)).contains(meant);
  }

  @Test
  void namesFarFromAllGetNoGuess() {
    assertThat(NearestName.among(NAMES, "gradient-checkpointing")).isEmpty();
    assertThat(NearestName.among(NAMES, "x")).isEmpty();
  }

  @Test
  void aSwapOfNeighboursIsOneEdit() {
    assertThat(NearestName.edits("abcd", "abdc")).isEqualTo(1);
    assertThat(NearestName.edits("", "abc")).isEqualTo(3);
  }
}
