package io.plumbline.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TimeSpanTest {
  @ParameterizedTest
  @CsvSource({
    "0,0,0",
    "0s,0,0",
    "90,90,90s",
    "90s,90,90s",
    "300s,300,5m",
    "5m,300,5m",
    "2h,7200,2h"
  })
  void textsAreTimes(String text, long seconds, String again) {
    TimeSpan span = TimeSpan.parse(text);
    assertThat(span.duration()).isEqualTo(Duration.ofSeconds(seconds));
    assertThat(span.text()).isEqualTo(again);
    assertThat(TimeSpan.parse(again)).isEqualTo(span);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-1", "5d", "1.5h", "m", "5 m", "12345678901s"})
  void othersAreRefused(String text) {
    assertThatThrownBy(() -> TimeSpan.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("must be a time such as 90s, 5m or 2h");
  }

  @Test
  void whatIsLeftIsToldInWholeSeconds() {
    assertThat(TimeSpan.text(Duration.ofMillis(4_600))).isEqualTo("5s");
    assertThat(TimeSpan.text(Duration.ofSeconds(-3))).isEqualTo("0");
  }
}
