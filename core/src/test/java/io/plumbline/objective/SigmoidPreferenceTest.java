package io.plumbline.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.checkpoint.SafetensorsFile;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.FloatBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SigmoidPreferenceTest {
  private static final int PAIRS = 32;

  @ParameterizedTest
  @ValueSource(doubles = {0.1, 0.5})
  void lossAndGradientAreThoseOfTrl(double beta) throws IOException {
    SafetensorsFile golden =
        SafetensorsFile.open(
            Storage.local(), Fixtures.golden("dpo/dpo_losses.safetensors").toString());
    float[] policy = read(golden, "inputs|policy_seq_logps");
    float[] reference = read(golden, "inputs|ref_seq_logps");
    String name = "sigmoid/beta" + beta;
    float[] gradient =
        read(
            golden,
            golden.tensors().keySet().stream()
                .filter(key -> key.contains(name + "|") && key.endsWith("grad_seq_logp"))
                .findFirst()
                .orElseThrow());
    double expected =
        new ObjectMapper()
            .readTree(Fixtures.golden("dpo/dpo_losses.json").toFile())
            .get(name)
            .get("loss_f64")
            .asDouble();

    SigmoidPreference objective = new SigmoidPreference(beta);
    double loss = 0;
    for (int i = 0; i < PAIRS; i++) {
      PairLoss pair =
          objective.loss(
              new PairLogps(
                  policy[i], policy[PAIRS + i], reference[i], reference[PAIRS + i], 1, 1));
      loss += pair.loss() / PAIRS;
      assertThat(pair.byChosen() / PAIRS).isCloseTo(gradient[i], within(1e-5));
      assertThat(pair.byRejected() / PAIRS).isCloseTo(gradient[PAIRS + i], within(1e-5));
    }
    assertThat(loss).isCloseTo(expected, within(1e-5));
  }

  @Test
  void extremeMarginsStayFinite() {
    SigmoidPreference objective = new SigmoidPreference(1);
    PairLoss lost = objective.loss(new PairLogps(-1e5, 0, 0, -1e5, 1, 1));
    assertThat(lost.loss()).isEqualTo(2e5);
    assertThat(lost.byChosen()).isEqualTo(-1);
    PairLoss won = objective.loss(new PairLogps(0, -1e5, -1e5, 0, 1, 1));
    assertThat(won.loss()).isZero();
    assertThat(Math.abs(won.byRejected())).isZero();
  }

  @Test
  void betaMustBePositive() {
    assertThatThrownBy(() -> new SigmoidPreference(0)).hasMessageContaining("beta");
    assertThatThrownBy(() -> new SigmoidPreference(Double.NaN)).hasMessageContaining("beta");
  }

  private static float[] read(SafetensorsFile file, String name) {
    FloatBuffer values = FloatBuffer.allocate((int) file.tensors().get(name).elements());
    file.read(name, values);
    return values.array();
  }
}
