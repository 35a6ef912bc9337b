package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.spark.report.Browser;
import io.plumbline.spark.report.ReportVisit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Reports of runs whose data is hostile, opened and used in a browser: nothing runs that is not the
 * page's own, nothing is asked for, and the console stays silent.
 */
class ReportBrowserTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Each would set {@link ReportVisit#OWNED} if it ever were more than text. */
  private static final List<String> HOSTILE =
      List.of(
          "</script><script>window.owned = 1</script>",
          "<img src=x onerror=\"window.owned = 1\">",
          "<svg/onload=window.owned=1>",
          "<!--<script>\u2028window.owned = 1;//\u2029",
          "{{data}} {{scripts}} ${window.owned = 1} ' \" \\ &lt;b&gt;",
          "\u202eright to left\u202c and \u0007 a bell",
          "<a href='javascript:window.owned=1'>press</a>",
          "w".repeat(400));

  @TempDir static Path directory;

  private static Browser browser;
  private static String model;

  @BeforeAll
  static void start() throws Exception {
    assumeTrue(
        Browser.program().isPresent(),
        "needs Chromium: install Debian's chromium, or name one by PLUMBLINE_CHROMIUM");
    browser = Browser.start();
    model = directory.resolve("model").toString();
    succeeds(
        ("init-model --output "
                + model
                + " --hidden-size 32 --layers 1 --heads 2 --kv-heads 1"
                + " --intermediate-size 64 --max-positions 512")
            .split(" "));
  }

  @AfterAll
  static void stop() {
    if (browser != null) {
      browser.close();
    }
  }

  private static void succeeds(String... args) {
    Call call = Call.plumbline(args);
    assertThat(call.status()).as(call.err()).isZero();
  }

  /**
   * Rows of each hostile text, in a file whose name is hostile too, and one row that is refused.
   */
  private static String data(String kind) throws IOException {
    Path file = directory.resolve(kind + " <img src=x onerror='window.owned=1'>.jsonl");
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      String text = HOSTILE.get(i % HOSTILE.size());
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("prompt", i + text);
      row.put("chosen", text + " yes " + i);
      row.put("rejected", text + " no " + i);
      row.put("completion", text + " so " + i);
      row.keySet()
          .retainAll(
              switch (kind) {
                case "sft" -> List.of("prompt", "completion");
                case "dpo" -> List.of("prompt", "chosen", "rejected");
                default -> List.of("prompt");
              });
      lines.add(JSON.writeValueAsString(row));
    }
    lines.add(JSON.writeValueAsString(Map.of("prompt", 7)));
    Files.write(file, lines);
    return file.toString();
  }

  private static Path run(String command, String... more) throws IOException {
    Path output = directory.resolve(command + "-run");
    List<String> args =
        new ArrayList<>(
            List.of(
                command,
                "--model",
                model,
                "--data",
                data(command),
                "--output",
                output.toString(),
                "--eval-split",
                "8",
                "--max-bad-rows",
                "1",
                "--learning-rate",
                "1e-3",
                "--global-batch-size",
                "4"));
    args.addAll(List.of(more));
    succeeds(args.toArray(String[]::new));
    return output.resolve("report.html");
  }

  @Test
  void aDpoRunsReportIsRead() throws Exception {
    Path report = run("dpo", "--max-steps", "4", "--eval-steps", "2");

    ReportVisit visit = ReportVisit.of(browser, report, 1200, "light");
    visit.everythingIsInOrder();
    assertThat(visit.sections())
        .contains(
            "What changed",
            "Training: dpo",
            "Distributions",
            "Samples side by side",
            "Data",
            "Configuration",
            "Provenance");
    assertThat(visit.unexplained()).isEmpty();
    assertThat(HOSTILE.stream().filter(text -> visit.shows(text + " yes ")).count())
        .as("texts that the eight samples show letter by letter")
        .isGreaterThan(2);
    assertThat(visit.texts("Distributions", "h3"))
        .containsExactly("Margins of held-out pairs", "Lengths of rows");
    assertThat(visit.texts("Data", "li")).singleElement().asString().contains("onerror", ":25");
    assertThat(visit.pointsAtEveryChart()).isGreaterThan(8);
    visit.zoomsByMouseAndKeys();

    String samples = visit.status("Samples side by side");
    visit.fills("Samples side by side", "Search", "NO 3");
    assertThat(visit.status("Samples side by side")).isNotEqualTo(samples).contains(" of ");
    visit.fills("Samples side by side", "Search", "");
    assertThat(visit.status("Samples side by side")).isEqualTo(samples);

    visit.chooses("Configuration", "Not the default");
    assertThat(visit.texts("Configuration", "tbody th"))
        .contains("learning-rate", "global-batch-size", "max-steps")
        .doesNotContain("beta", "adam-beta1");
    visit.fills("Configuration", "Search", "learning");
    assertThat(visit.texts("Configuration", "tbody th")).containsExactly("learning-rate");

    assertThat(visit.pressesEverything()).isGreaterThan(30);
    assertThat(browser.pdf()).hasSizeGreaterThan(20_000);
    visit.everythingIsInOrder();
  }

  @Test
  void aGrpoRunsRolloutsAreFilteredByReward() throws Exception {
    Path report =
        run(
            "grpo",
            "--max-steps",
            "4",
            "--num-generations",
            "4",
            "--max-completion-length",
            "6",
            "--beta",
            "0.02",
            "--reward",
            "length{\"per_token\":1}",
            "--reward",
            "regex{\"name\":\"digits\",\"pattern\":\"[0-9]\"}");

    ReportVisit visit = ReportVisit.of(browser, report, 1200, "dark");
    visit.everythingIsInOrder();
    assertThat(visit.unexplained()).isEmpty();
    assertThat(visit.texts("Distributions", "h3"))
        .containsExactly(
            "Rewards", "Lengths of completions", "KL of completions", "Lengths of rows");
    assertThat(visit.pointsAtEveryChart()).isGreaterThan(12);
    visit.zoomsByMouseAndKeys();

    List<Double> rewards = rewards(visit);
    double highest = rewards.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
    visit.fills("Rollouts", "Reward from", Double.toString(highest));
    assertThat(rewards(visit)).isNotEmpty().allMatch(reward -> reward == highest);
    visit.fills("Rollouts", "Reward from", Double.toString(highest + 1));
    assertThat(rewards(visit)).isEmpty();
    visit.fills("Rollouts", "Reward from", "");
    visit.chooses("Rollouts", "Highest first");
    assertThat(rewards(visit).get(0)).isEqualTo(highest);
    visit.chooses("Rollouts", "Step 4");
    assertThat(visit.texts("Rollouts", "article > div .label"))
        .anyMatch(label -> label.equals("Prompt, step 4"))
        .noneMatch(label -> label.equals("Prompt, step 1"));
    visit.pressesEverything();
    visit.everythingIsInOrder();
  }

  private static List<Double> rewards(ReportVisit visit) {
    return visit.texts("Rollouts", ".scores .after").stream()
        .map(text -> Double.valueOf(text.replace("−", "-")))
        .toList();
  }

  @Test
  void anSftRunsReportIsReadOnAPhone() throws Exception {
    Path report = run("sft", "--max-steps", "4");

    for (String colours : List.of("light", "dark")) {
      ReportVisit visit = ReportVisit.of(browser, report, 360, colours);
      visit.everythingIsInOrder();
      assertThat(visit.unexplained()).isEmpty();
      visit.readsAndZoomsByTouch();
      visit.pressesEverything();
      visit.everythingIsInOrder();
    }
  }
}
