package io.plumbline.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class OverlongPenaltyTest {
  /** The same as TRL's get_soft_overlong_punishment(100, 20). */
  @Example
  void thePenaltyIsThatOfThePaper() {
    OverlongPenalty penalty = new OverlongPenalty(100, 20);

    assertThat(penalty.penalty(0)).isZero();
    assertThat(penalty.penalty(80)).isZero();
    assertThat(penalty.penalty(81)).isEqualTo(-0.05);
    assertThat(penalty.penalty(90)).isEqualTo(-0.5);
    assertThat(penalty.penalty(100)).isEqualTo(-1);
    assertThat(penalty.penalty(101)).isEqualTo(-1);
  }

  @Property
  void aLongerCompletionIsNeverBetterOff(
      @ForAll @IntRange(min = 1, max = 500) int maxLength,
      @ForAll @IntRange(min = 1, max = 500) int cacheLength,
      @ForAll @IntRange(max = 600) int length) {
    OverlongPenalty penalty = new OverlongPenalty(Math.max(maxLength, cacheLength), cacheLength);

    assertThat(penalty.penalty(length)).isBetween(-1.0, 0.0);
    assertThat(penalty.penalty(length + 1)).isLessThanOrEqualTo(penalty.penalty(length));
    assertThat(penalty.penalty(length) - penalty.penalty(length + 1))
        .isLessThanOrEqualTo(1.0 / cacheLength + 1e-12);
  }

  @Example
  void aStretchThatDoesNotFitIsRefused() {
    assertThatThrownBy(() -> new OverlongPenalty(10, 11))
        .hasMessageContaining("from 1 to the longest completion (10)");
    assertThatThrownBy(() -> new OverlongPenalty(10, 0)).hasMessageContaining("and 0.0 was given");
  }
}
