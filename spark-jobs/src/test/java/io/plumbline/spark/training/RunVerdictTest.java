package io.plumbline.spark.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.spark.training.algorithm.DpoAlgorithm;
import io.plumbline.spark.training.algorithm.KtoAlgorithm;
import io.plumbline.spark.training.algorithm.OrpoAlgorithm;
import io.plumbline.spark.training.algorithm.RewardAlgorithm;
import io.plumbline.spark.training.algorithm.SftAlgorithm;
import io.plumbline.spark.training.algorithm.SimpoAlgorithm;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RunVerdictTest {
  @Test
  void eachAlgorithmIsJudgedByItsOwnMeasure() {
    Map<String, Double> before =
        Map.of(
            "eval_loss",
            2.0,
            "eval_accuracy",
            0.5,
            "eval_margin",
            -0.125,
            "eval_mean_token_accuracy",
            0.25,
            "eval_rewards/margins",
            0.0,
            "eval_rewards/accuracies",
            0.5);
    Map<String, Double> after =
        Map.of(
            "eval_loss",
            2.5,
            "eval_accuracy",
            0.8181818,
            "eval_margin",
            12345.6,
            "eval_mean_token_accuracy",
            0.25,
            "eval_rewards/margins",
            1.2345,
            "eval_rewards/accuracies",
            0.4);
    assertThat(RunVerdict.of(RewardAlgorithm.REWARD, before, after))
        .isEqualTo(
            "On held-out rows, the share of pairs whose chosen side has the higher score rose from"
                + " 50 % to 81.8 %, and the mean margin between the two scores rose from -0.125 to"
                + " 12300.");
    assertThat(RunVerdict.of(KtoAlgorithm.KTO, before, after))
        .contains("good and bad completions rose from 0 to 1.23", "the loss rose from 2 to 2.5");
    assertThat(RunVerdict.of(OrpoAlgorithm.ORPO, before, after))
        .contains("the policy rewards more fell from 50 % to 40 %")
        .isEqualTo(RunVerdict.of(SimpoAlgorithm.SIMPO, before, after));
    assertThat(RunVerdict.of(SftAlgorithm.SFT, before, after))
        .contains("the loss rose from 2 to 2.5", "most probable stayed at 25 %");
    assertThat(RunVerdict.of(DpoAlgorithm.DPO, before, after))
        .contains("higher implicit reward fell from 50 % to 40 %", "rose from 0 to 1.23");
  }

  @Test
  void whatIsMissingOrNotFiniteIsNotMadeUp() {
    assertThat(RunVerdict.of(KtoAlgorithm.KTO, Map.of(), Map.of()))
        .startsWith("Nothing was held out");
    assertThat(RunVerdict.of(KtoAlgorithm.KTO, Map.of(), Map.of("eval_loss", 0.5)))
        .as("held-out rows of one label have no margin, and an evaluation before may be lost")
        .isEqualTo("On held-out rows, the loss is 0.5.");
    assertThat(RunVerdict.of(SftAlgorithm.SFT, Map.of(), Map.of("eval_loss", Double.NaN)))
        .isEqualTo("On held-out rows, the loss is not a finite number.");
    assertThat(
            RunVerdict.of(
                DpoAlgorithm.DPO,
                Map.of("eval_rewards/margins", 1e-9),
                Map.of("eval_rewards/margins", 0.0)))
        .contains("stayed at 0");
  }

  @Test
  void theEndingSaysWhenARunStoppedAndWhichStepItKept() {
    assertThat(RunVerdict.ending(24, 24, -1, "", 0)).isEmpty();
    assertThat(RunVerdict.ending(16, 24, 4, "eval_loss", 3))
        .isEqualTo(
            "The run ended early, after step 16 of 24, because eval_loss had not got better in the"
                + " last 3 evaluations. The checkpoint holds step 4, where eval_loss was best, and"
                + " not the last step, 16.");
    assertThat(RunVerdict.ending(16, 24, 12, "eval_loss", 1)).contains("in the last evaluation.");
    assertThat(RunVerdict.ending(24, 24, 24, "eval_accuracy", 0))
        .isEqualTo("The checkpoint holds the last step, 24, where eval_accuracy was best too.");
  }
}
