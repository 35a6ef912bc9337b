package io.plumbline.objective.pair;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.objective.Objectives;
import org.junit.jupiter.api.Test;

class SigmoidPreferenceTest {
  @Test
  void extremeMarginsStayFinite() {
    SigmoidPreference objective = Objectives.dpo(1);
    PairLoss lost = objective.loss(Objectives.pair(-1e5, 0, 0, -1e5, 1, 1));
    assertThat(lost.loss()).isEqualTo(2e5);
    assertThat(lost.byChosen()).isEqualTo(-1);
    PairLoss won = objective.loss(Objectives.pair(0, -1e5, -1e5, 0, 1, 1));
    assertThat(won.loss()).isZero();
    assertThat(Math.abs(won.byRejected())).isZero();
  }

  @Test
  void betaMustBePositive() {
    assertThatThrownBy(() -> Objectives.dpo(0)).hasMessageContaining("beta");
    assertThatThrownBy(() -> Objectives.dpo(Double.NaN)).hasMessageContaining("beta");
  }
}
