package io.plumbline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.Records;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.TokenLogps;
import io.plumbline.objective.Objectives;
import io.plumbline.objective.TrlDefaults;
import io.plumbline.objective.pair.LossTypes;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class DpoTest {
  private final Dpo dpo = new Dpo(Plain.dpo(Objectives.dpo(0.1), 0.1, 1e-4));

  @Test
  void aPolicyThatIsNotItsReferenceIsRefusedBeforeTheFirstUpdate() {
    assertThatCode(() -> check(1e-6f)).doesNotThrowAnyException();
    assertThatThrownBy(() -> check(0.01f))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NUMERICS))
        .hasMessageContaining("delete the reference cache");
    // A value that is not a number is no rounding either.
    assertThatThrownBy(() -> check(Float.NaN)).hasMessageContaining("delete the reference cache");
  }

  @Test
  void rowsWithoutReferenceOrPairAreNamed() {
    TokenizedRow pair = TokenizedRow.of(7, new int[] {1}, List.of(ids(2), ids(3)), List.of());
    TokenizedRow single = TokenizedRow.of(8, new int[] {1}, List.of(ids(2)), List.of());
    assertThatThrownBy(() -> dpo.check(pair))
        .hasMessageContaining("Row 7 has no reference log-probabilities");
    assertThatThrownBy(() -> dpo.check(single)).hasMessageContaining("row 8 has 1");
  }

  @Test
  void aRowWithoutTheMarginThatTheLossNeedsIsNamed() {
    Dpo soft = new Dpo(Plain.dpo(LossTypes.of("sppo", TrlDefaults.preference()), 0.1, 1e-4));
    TokenizedRow pair =
        TokenizedRow.of(7, new int[] {1}, List.of(ids(2), ids(3)), List.of())
            .withReferenceLogps(List.of(new float[2], new float[3]));
    assertThatThrownBy(() -> soft.check(pair))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_DATA))
        .hasMessageContaining("ow 7")
        .hasMessageContaining("a column margin");
    assertThatCode(() -> soft.check(Records.with(pair, "margin", 0.5))).doesNotThrowAnyException();
  }

  private void check(float difference) {
    TokenizedRow row =
        TokenizedRow.of(0, new int[] {1}, List.of(ids(2), ids(3)), List.of())
            .withReferenceLogps(List.of(new float[2], new float[3]));
    float[] drifted = {-difference, -difference};
    dpo.checkBeforeFirstUpdate(accumulate(row, List.of(drifted, new float[3])));
  }

  private Sums accumulate(TokenizedRow row, List<float[]> logps) {
    Sums sums = new Sums(dpo.sums(), List.of());
    List<List<float[]>> none = List.of(logps.stream().map(of -> new float[of.length]).toList());
    TokenLogps tokens = new TokenLogps(List.of(logps), none, none, none, List.of(), List.of());
    dpo.loss(Plain.batch(dpo, StepBatch.of(List.of(row))))
        .accumulate(MicroBatch.of(row, 0), tokens, sums);
    return sums;
  }

  private static int[] ids(int n) {
    int[] ids = new int[n];
    Arrays.fill(ids, 5);
    return ids;
  }
}
