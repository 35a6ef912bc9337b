package io.plumbline.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whatever a template holds, it ends with a text or with a failure, within its bounds. */
class HostileTemplateFuzzTest {
  private static final Limits TIGHT =
      new Limits(200_000, 300, 60, 100_000, 100_000, 100_000, Duration.ofSeconds(10));

  @FuzzTest(maxDuration = "60s")
  void endsWithATextOrAFailure(FuzzedDataProvider data) {
    render(data.consumeRemainingAsString());
  }

  /** Valid templates with bytes changed reach further than bytes alone. */
  @Test
  void changedTemplatesEndWithATextOrAFailure() {
    long seed = Long.getLong("plumbline.fuzz.seed", System.nanoTime());
    System.out.println("repeat with -Dplumbline.fuzz.seed=" + seed);
    Random random = new Random(seed);
    TemplateGrammar grammar = new TemplateGrammar(random);
    String pieces = "{}%#-+()[]|.'\"\\ \n:,~*/=ab1é🎉";
    for (int i = 0; i < 2_000; i++) {
      StringBuilder template = new StringBuilder(grammar.template());
      for (int change = random.nextInt(6); change >= 0; change--) {
        int at = random.nextInt(template.length() + 1);
        switch (random.nextInt(3)) {
          case 0 -> template.insert(at, pieces.charAt(random.nextInt(pieces.length())));
          case 1 -> template.delete(at, Math.min(template.length(), at + 1 + random.nextInt(4)));
          default -> template.insert(at, grammar.template());
        }
      }
      try {
        render(template.toString());
      } catch (RuntimeException | AssertionError | StackOverflowError e) {
        throw new AssertionError("seed " + seed + ", template " + template, e);
      }
    }
  }

  private static void render(String template) {
    try {
      String text =
          JinjaTemplate.parse(template, TIGHT)
              .render(
                  Map.of(
                      "messages",
                      List.of(Map.of("role", "user", "content", "hi")),
                      "add_generation_prompt",
                      true,
                      "a",
                      List.of(1, 2.5, "x"),
                      "s",
                      "text"),
                  Clock.systemUTC())
              .text();
      assertThat(text.length()).isLessThanOrEqualTo(TIGHT.outputLength());
    } catch (TemplateException e) {
      assertThat(e.code()).isNotEqualTo(TemplateException.Code.INTERRUPTED);
      assertThat(e).hasMessageStartingWith("The chat template");
    }
  }
}
