package io.plumbline.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Letters whose case depends on what stands around them, as Python has them. */
class LetterCaseTest {
  @ParameterizedTest
  @CsvSource({
    "ΑΣ ΟΣ, title, Ας Ος",
    "ΟΔΟΣ, capitalize, Οδος",
    "ΟΔΟΣ, lower, οδος",
    "Σ, lower, σ",
    "ΑΣ', lower, ας'",
    "ΑΣ.α, lower, ασ.α",
    "Α̈Σ, lower, α̈ς",
    "İΣ, lower, i̇ς",
    "straße ŉ, upper, STRASSE ʼN",
    "ßa, title, Ssa",
    "ǆ, title, ǅ"
  })
  void aFinalSigmaIsOne(String text, String method, String expected) {
    String template = "{{ \"%s\".%s() }}".formatted(text, method);
    assertThat(render(template)).isEqualTo(expected);
  }

  private static String render(String template) {
    return JinjaTemplate.parse(template, Limits.STANDARD)
        .render(
            Map.of("messages", List.of(Map.of("role", "user"))),
            Clock.fixed(Instant.parse("2024-07-26T09:05:03Z"), ZoneOffset.UTC))
        .text();
  }
}
