package io.plumbline.spark.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.spark.report.ReportData.Rollout;
import io.plumbline.spark.report.ReportData.RolloutGroup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pages that no small run makes, in a browser. */
class ReportPageTest {
  @TempDir static Path directory;

  private static Browser browser;

  @BeforeAll
  static void start() throws Exception {
    assumeTrue(
        Browser.program().isPresent(),
        "needs Chromium: install Debian's chromium, or name one by PLUMBLINE_CHROMIUM");
    browser = Browser.start();
  }

  @AfterAll
  static void stop() {
    if (browser != null) {
      browser.close();
    }
  }

  private static Path file(ReportData data) throws IOException {
    return file(Report.render(data));
  }

  private static Path file(String page) throws IOException {
    Path file = Files.createTempFile(directory, "report", ".html");
    Files.writeString(file, page);
    return file;
  }

  private static void isUsed(Path file, int pressed) {
    for (int width : new int[] {1200, 360}) {
      for (String colours : List.of("light", "dark")) {
        ReportVisit visit = ReportVisit.of(browser, file, width, colours);
        visit.everythingIsInOrder();
        assertThat(visit.pressesEverything()).isGreaterThan(pressed);
        visit.everythingIsInOrder();
      }
    }
  }

  @Test
  void everyPartOfAPageIsUsed() throws IOException {
    isUsed(file(ExampleReport.data()), 30);
  }

  @Test
  void aPipelinesChartsAreDrawnBesideItsTables() throws IOException {
    Path file = file(PipelineReport.render(PipelineReportTest.everywhere(PageTest.HOSTILE)));
    isUsed(file, 6);

    ReportVisit visit = ReportVisit.of(browser, file, 1200, "light");
    assertThat(visit.sections())
        .containsExactly("The routes side by side", "Stages", "How the stages went", "Options");
    assertThat(visit.texts("The routes side by side", ".plane text"))
        .contains("KL from the reference, nats a text", "reward", "optimum at β = 0.05", "ppo");
    assertThat(visit.texts("The routes side by side", ".plane circle title"))
        .hasSize(4)
        .contains("ppo: reward 0.93 ± 0.01, KL 6 ± 0.3");
    assertThat(visit.texts("Stages", ".time .bar")).hasSize(1);
    assertThat(visit.pointsAtEveryChart()).isEqualTo(1);
  }

  @Test
  void anEvaluationsPlanesNameEveryPolicy() throws IOException {
    Path file = file(EvaluationReport.page(EvaluationReportTest.example("sft")).render());
    isUsed(file, 6);

    ReportVisit visit = ReportVisit.of(browser, file, 1200, "light");
    assertThat(visit.texts("Reward against KL", ".plane .name"))
        .containsExactly("reference", "optimum at β = 0.2", "sft", "dpo");
    assertThat(visit.texts("Reward against KL", ".legend span"))
        .containsExactly("frontier", "best-of-n", "sft", "dpo");
    assertThat(visit.texts("Reward against KL", ".plane circle title"))
        .contains("dpo: reward 0.7 ± 0.02, KL 0.6 ± 0.05");
    assertThat(visit.texts("Are its preferences sure when they are right?", ".plane circle title"))
        .contains("dpo: 25 % of pairs, predicted 82 %, right in 75 %");
  }

  @Test
  void aHundredThousandStepsOpenAtOnce() throws IOException {
    List<Map<String, Double>> steps = new ArrayList<>();
    for (int i = 0; i < 100_000; i++) {
      Map<String, Double> step = new LinkedHashMap<>();
      step.put("step", i + 1.0);
      step.put("reward", Math.sin(i * 1e-4) + (i == 51_234 ? 40 : 0));
      for (int metric = 0; metric < 12; metric++) {
        step.put("metric " + metric, Math.cos(i * 1e-3 * metric));
      }
      steps.add(step);
    }
    ReportData.Builder data =
        ReportData.titled("Long").stage("grpo", Curves.of(steps, any -> true), OptionalLong.of(9));
    for (int group = 0; group < 50; group++) {
      List<Rollout> completions = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        completions.add(new Rollout("long ".repeat(5_000), i, 25_000, Map.of(), "cut off"));
      }
      data.rolloutGroup(new RolloutGroup(group, "prompt", 8, completions));
    }
    Path file = file(data.build());
    assertThat(Files.size(file)).isLessThan(5_000_000);

    ReportVisit visit = ReportVisit.of(browser, file, 1200, "light");
    JsonNode load = browser.evaluate("performance.getEntriesByType('navigation')[0].domComplete");
    assertThat(load.doubleValue()).as("milliseconds until the page stands").isLessThan(5_000);
    browser.evaluate("document.querySelector('.plot').focus()");
    browser.key("Home");
    for (int i = 0; i < 512; i++) {
      browser.key("ArrowRight");
    }
    assertThat(visit.tips()).singleElement().asString().contains("… 39.", "steps 51,2");
    visit.everythingIsInOrder();
  }

  @Test
  void metricsOfPpoHaveChartsAndWords() throws IOException {
    List<String> names =
        List.of(
            "objective/kl",
            "objective/entropy",
            "objective/non_score_reward",
            "objective/rlhf_reward",
            "objective/scores",
            "policy/approxkl_avg",
            "policy/clipfrac_avg",
            "loss/policy_avg",
            "loss/value_avg",
            "val/clipfrac_avg",
            "policy/entropy_avg",
            "val/ratio",
            "val/ratio_var",
            "val/num_eos_tokens",
            "lr",
            "eps");
    List<Map<String, Double>> steps = new ArrayList<>();
    for (int i = 1; i <= 3; i++) {
      Map<String, Double> step = new LinkedHashMap<>(Map.of("step", (double) i, "nobody's", 1.0));
      for (String name : names) {
        step.put(name, (double) i);
      }
      steps.add(step);
    }
    ReportVisit visit =
        ReportVisit.of(
            browser,
            file(
                ReportData.titled("PPO")
                    .stage("ppo", Curves.of(steps, any -> true), OptionalLong.empty())
                    .build()),
            1200,
            "light");

    assertThat(visit.unexplained()).singleElement().asString().startsWith("nobody's");
    assertThat(visit.texts("Training: ppo", ".meaning code")).containsAll(names);
    assertThat(visit.texts("Training: ppo", "details:not(.meaning) h3"))
        .containsExactly("nobody's");
    visit.everythingIsInOrder();
  }

  /** A canvas that was drawn light on dark would be unreadable on white. */
  @Test
  void onPaperThePageIsLightAndUnfoldedAndThenAsItWas() throws IOException {
    ReportVisit visit = ReportVisit.of(browser, file(ExampleReport.data()), 1200, "dark");
    String ground = "getComputedStyle(document.body).backgroundColor";
    String folded = "document.querySelectorAll('details:not([open]):not(.meaning)').length";
    String dark = browser.evaluate(ground).textValue();
    int closed = browser.evaluate(folded).intValue();
    assertThat(closed).isPositive();

    browser.evaluate("dispatchEvent(new Event('beforeprint'))");
    assertThat(browser.evaluate(ground).textValue()).isNotEqualTo(dark);
    assertThat(browser.evaluate(folded).intValue()).isZero();
    browser.evaluate("dispatchEvent(new Event('afterprint'))");
    assertThat(browser.evaluate(ground).textValue()).isEqualTo(dark);
    assertThat(browser.evaluate(folded).intValue()).isEqualTo(closed);
    assertThat(browser.pdf()).hasSizeGreaterThan(20_000);
    visit.everythingIsInOrder();
  }

  /** What a screen hides from a mouse it still gives to the keys, in the order of the page. */
  @Test
  void everyControlIsReachedByTheTabKey() throws IOException {
    ReportVisit visit = ReportVisit.of(browser, file(ExampleReport.data()), 1200, "light");
    int expected =
        browser
            .evaluate(
                "(window.wanted = [...document.querySelectorAll('a[href], button:enabled, select,"
                    + " input, summary, .plot')].filter((e) => e.checkVisibility() &&"
                    + " (e.type !== 'radio' || e.checked))).length")
            .intValue();
    for (int i = 0; i < expected + 5; i++) {
      browser.evaluate("(window.reached ||= new Set()).add(document.activeElement)");
      browser.tab();
    }
    assertThat(
            browser
                .evaluate(
                    "window.wanted.filter((e) => !window.reached.has(e)).map((e) => e.outerHTML)")
                .toString())
        .isEqualTo("[]");
    visit.everythingIsInOrder();
  }
}
