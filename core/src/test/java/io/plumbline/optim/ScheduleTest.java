package io.plumbline.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class ScheduleTest {
  @Test
  void linearFollowsTheTrainerOfTransformers() throws IOException {
    followsLog("traj/dpo/log.json", Schedule.LINEAR);
  }

  @Test
  void cosineFollowsTheTrainerOfTransformers() throws IOException {
    followsLog("traj/sft/log.json", Schedule.COSINE);
  }

  @Test
  void constantStaysAfterWarmup() {
    assertThat(Schedule.CONSTANT.factor(0, 2, 10)).isEqualTo(0.0);
    assertThat(Schedule.CONSTANT.factor(1, 2, 10)).isEqualTo(0.5);
    assertThat(Schedule.CONSTANT.factor(9, 2, 10)).isEqualTo(1.0);
  }

  @Test
  void aRunWithoutWarmupStartsAtThePeak() {
    assertThat(Schedule.LINEAR.factor(0, 0, 4)).isEqualTo(1.0);
    assertThat(Schedule.COSINE.factor(0, 0, 4)).isEqualTo(1.0);
  }

  private static void followsLog(String log, Schedule schedule) throws IOException {
    JsonNode steps = new ObjectMapper().readTree(Fixtures.golden(log).toFile()).get("steps");
    for (int step = 0; step < 20; step++) {
      assertThat(1e-3 * schedule.factor(step, 4, 20))
          .as("step %d", step)
          .isCloseTo(steps.get(step).get("learning_rate").asDouble(), within(1e-12));
    }
  }
}
