package io.plumbline.spark.cli.commands;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.spark.report.ReportData.Rollout;
import io.plumbline.spark.report.ReportData.RolloutGroup;
import io.plumbline.spark.training.TrainingOutcome;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class OutcomeTextTest {
  private static TrainingOutcome outcome(
      long steps, long planned, String selectedBy, OptionalLong best, Map<String, Double> after) {
    return outcome(steps, planned, selectedBy, best, after, Optional.empty(), List.of());
  }

  private static TrainingOutcome outcome(
      long steps,
      long planned,
      String selectedBy,
      OptionalLong best,
      Map<String, Double> after,
      Optional<String> ledger,
      List<RolloutGroup> rollouts) {
    return new TrainingOutcome(
        new TrainingOutcome.Files(
            "out/checkpoint", "out/metrics.jsonl", "out/report.html", "out/run.json", ledger),
        new TrainingOutcome.Steps(steps, planned, selectedBy, best),
        Map.of("eval_loss", 0.7, "eval_accuracy", 0.5, "eval_kl", 0.0),
        after,
        rollouts);
  }

  @Test
  void aPlainRunSaysItsStepsAndNothingOfABestOne() {
    assertThat(OutcomeText.of(outcome(24, 24, "", OptionalLong.empty(), Map.of())))
        .startsWith("24 steps done.\n  checkpoint  out/checkpoint\n")
        .doesNotContain("best", "early", "Held-out", "ledger");
  }

  @Test
  void aRunWithRolloutsSaysWhereTheyStand() {
    assertThat(
            OutcomeText.of(
                outcome(
                    24,
                    24,
                    "",
                    OptionalLong.empty(),
                    Map.of(),
                    Optional.of("out/ledger"),
                    List.of(
                        new RolloutGroup(
                            7,
                            "What is 2 + 1?",
                            2,
                            List.of(
                                new Rollout("It is\n3.", 1, 4, Map.of(), ""),
                                new Rollout("Maybe 9.", 0, 4, Map.of(), "")))))))
        .contains(
            "best and worst\n  What is 2 + 1?\n       1.0000  It is 3.\n       0.0000  Maybe 9.")
        .endsWith("  run record  out/run.json\n  ledger      out/ledger\n");
  }

  @Test
  void aRunThatChoseAStepAndEndedEarlySaysBoth() {
    String text =
        OutcomeText.of(
            outcome(
                1600,
                2400,
                "eval_accuracy",
                OptionalLong.of(1000),
                Map.of("eval_loss", 0.25, "eval_accuracy", 0.875)));
    assertThat(text.lines())
        .startsWith(
            "1,600 steps done of 2,400: the run ended early, because eval_accuracy got no better.",
            "The checkpoint holds step 1,000, the best by eval_accuracy.",
            "Held-out rows, before and after")
        .contains(
            "  accuracy of the scores              0.5000 ->    0.8750",
            "  loss                                0.7000 ->    0.2500")
        .noneMatch(line -> line.contains("KL"));
  }

  @Test
  void aRunThatChoseAStepAndDidAllStepsSaysOnlyWhichItKept() {
    assertThat(OutcomeText.of(outcome(24, 24, "eval_loss", OptionalLong.of(8), Map.of())))
        .startsWith("24 steps done.\nThe checkpoint holds step 8, the best by eval_loss.\n")
        .doesNotContain("early");
  }

  @Test
  void theDistanceFromTheReferenceIsShownForMethodsThatEstimateIt() {
    assertThat(OutcomeText.changes(outcome(1, 1, "", OptionalLong.empty(), Map.of("eval_kl", 4.5))))
        .isEqualTo("  KL from the reference               0.0000 ->    4.5000\n");
  }
}
