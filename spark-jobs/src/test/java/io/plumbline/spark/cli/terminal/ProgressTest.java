package io.plumbline.spark.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.spark.progress.ProgressListener.Amount;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream err = new PrintStream(bytes, true, StandardCharsets.UTF_8);
  private long now;

  private Progress progress(OptionalInt columns) {
    return Progress.on(new Console(err, err, columns), () -> now);
  }

  private void pass(long milliseconds) {
    now += TimeUnit.MILLISECONDS.toNanos(milliseconds);
  }

  private String written() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void elsewhereThanOnATerminalLinesAreFewAndPlain() {
    Progress progress = progress(OptionalInt.empty());
    progress.stageStarted("train", 100, "steps");
    for (int step = 1; step <= 100; step++) {
      pass(100);
      progress.step(step, 100, Map.of("loss", 1.0 / step, "num_tokens", 50.0 * step));
    }
    progress.stageFinished("train", "100 steps in 10 s");
    progress.close();

    assertThat(written()).doesNotContain("\r", "\u001b");
    assertThat(written().lines())
        .hasSizeBetween(7, 9)
        .startsWith("train: starts, 100 steps", "step 1/100  loss 1.0000")
        .contains("step 21/100  loss 0.0476  500 tokens/s  8 s left")
        .endsWith("step 100/100  loss 0.0100  500 tokens/s", "train: 100 steps in 10 s");
  }

  @Test
  void onATerminalOneLineIsDrawnAgainAndTakenAwayAtTheEnd() {
    Progress progress = progress(OptionalInt.of(60));
    progress.stageStarted("reference", 10, "rows");
    pass(1000);
    progress.stageAdvanced("reference", 5);
    pass(1);
    progress.stageAdvanced("reference", 6);
    progress.stageFinished("reference", "10 rows computed, 0 found");
    progress.note("done");
    progress.close();

    assertThat(written())
        .contains("\r\u001b[K[....................]  reference  0/10 rows")
        .contains("\r\u001b[Kreference  5/10 rows  5.00 rows/s  1 s left")
        .doesNotContain("6/10")
        .endsWith("\r\u001b[Kreference: 10 rows computed, 0 found\ndone\n");
    assertThat(written().split("[\r\n]"))
        .allSatisfy(line -> assertThat(line.replace("\u001b[K", "")).hasSizeLessThan(60));
  }

  @Test
  void everyEvaluationIsShownAndStays() {
    for (OptionalInt columns : List.of(OptionalInt.empty(), OptionalInt.of(60))) {
      bytes.reset();
      Progress progress = progress(columns);
      progress.stageStarted("train", 4, "steps");
      for (int step = 1; step <= 4; step++) {
        pass(1);
        progress.step(step, 4, Map.of("loss", 1.0));
        progress.step(step, 4, Map.of("eval_loss", 1.0 / step));
      }
      progress.stageFinished("train", "done");
      progress.close();

      for (int step = 1; step <= 4; step++) {
        assertThat(written())
            .contains(String.format(Locale.ROOT, "step %d/4  eval_loss %.4f\n", step, 1.0 / step));
      }
    }
  }

  @Test
  void theRateIsOfWhatTellsThePace() {
    Progress progress = progress(OptionalInt.empty());
    progress.stageStarted("prepare train", 6, "parts");
    progress.stageAdvanced("prepare train", 0, new Amount(0, "rows"));
    pass(4000);
    progress.stageAdvanced("prepare train", 2, new Amount(6000, "rows"));
    progress.stageFinished("prepare train", "18,000 rows read");
    progress.stageStarted("generate", 40, "rows");
    pass(10_000);
    progress.stageAdvanced("generate", 40);
    progress.stageFinished("generate", "");
    progress.close();

    assertThat(written().lines())
        .containsExactly(
            "prepare train: starts, 6 parts",
            "prepare train  0/6 parts",
            "prepare train  2/6 parts  1,500 rows/s  8 s left",
            "prepare train: 18,000 rows read",
            "generate: starts, 40 rows",
            "generate  40/40 rows  4.00 rows/s",
            "generate: 40 rows in 10 s, 4.00 rows/s");
  }

  @Test
  void anEvaluationWithinTrainingShowsHowFarItIs() {
    Progress progress = progress(OptionalInt.empty());
    progress.stageStarted("train", 10, "steps");
    progress.evaluating(0, 100);
    pass(3000);
    progress.evaluating(30, 100);
    progress.step(0, 10, Map.of("eval_loss", 0.5));
    progress.close();

    assertThat(written().lines())
        .containsExactly(
            "train: starts, 10 steps",
            "evaluate  30/100 rows  10 rows/s  7 s left",
            "step 0/10  eval_loss 0.5000");
  }

  @Test
  void aLongStageLeavesFewLinesInALog() {
    Progress progress = progress(OptionalInt.empty());
    progress.stageStarted("train", 100_000, "steps");
    for (int step = 1; step <= 36_000; step++) {
      pass(100);
      progress.step(step, 100_000, Map.of("loss", 1.0 / step));
    }
    progress.close();

    // An hour of a step each tenth of a second.
    assertThat(written().lines().count()).isBetween(40L, 130L);
  }

  @Test
  void aLineThatWouldSayTheSameIsLeftOut() {
    Progress progress = progress(OptionalInt.empty());
    progress.stageStarted("reference", 10, "rows");
    for (int i = 0; i < 3; i++) {
      pass(5000);
      progress.stageAdvanced("reference", 0);
    }
    progress.close();

    assertThat(written().lines())
        .containsExactly("reference: starts, 10 rows", "reference  0/10 rows");
  }

  @Test
  void aLineShowsWhatItsMethodIsWatchedBy() {
    assertThat(line(Map.of("loss", 0.5, "accuracy", 0.75, "margin", 1.25, "mean_reward", 9.0)))
        .isEqualTo("step 1/2  loss 0.5000  accuracy 0.7500  margin 1.2500");
    assertThat(line(Map.of("loss", 0.5, "kl", 0.25, "rewards/margins", 1.25)))
        .isEqualTo("step 1/2  loss 0.5000  margin 1.2500  kl 0.2500");
    assertThat(line(Map.of("loss", 0.5, "kl", 0.25)))
        .as("a batch of one label has no margin")
        .isEqualTo("step 1/2  loss 0.5000  kl 0.2500");
    assertThat(
            line(
                Map.of(
                    "loss",
                    0.5,
                    "rewards/margins",
                    1.25,
                    "rewards/accuracies",
                    1.0,
                    "mean_token_accuracy",
                    0.1)))
        .isEqualTo("step 1/2  loss 0.5000  margin 1.2500  accuracy 1.0000");
    assertThat(line(Map.of("loss", 0.5, "mean_token_accuracy", 0.125)))
        .isEqualTo("step 1/2  loss 0.5000  token_accuracy 0.1250");
    assertThat(line(Map.of("eval_loss", 0.5, "eval_accuracy", 0.75, "eval_margin", 1.25)))
        .isEqualTo("step 1/2  eval_loss 0.5000  eval_accuracy 0.7500  eval_margin 1.2500");
    assertThat(line(Map.of("loss", Double.NaN))).isEqualTo("step 1/2  loss NaN");
  }

  private String line(Map<String, Double> metrics) {
    bytes.reset();
    Progress progress = progress(OptionalInt.empty());
    progress.step(1, 2, metrics);
    progress.close();
    return written().strip();
  }

  @Test
  void durationsAreReadable() {
    assertThat(Progress.duration(12.4)).isEqualTo("12 s");
    assertThat(Progress.duration(125)).isEqualTo("2 min 05 s");
    assertThat(Progress.duration(7500)).isEqualTo("2 h 05 min");
  }
}
