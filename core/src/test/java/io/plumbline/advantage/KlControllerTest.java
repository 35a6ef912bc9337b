package io.plumbline.advantage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.train.TrustRegion;
import io.plumbline.train.TrustRegion.Center;
import java.util.List;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;

class KlControllerTest {
  @Example
  void theFixedCoefficientStays() {
    KlController controller = KlController.fixed(0.04);
    controller.update(100, 1000);
    controller.restore(controller.state());

    assertThat(controller.coefficient()).isEqualTo(0.04);
    assertThatThrownBy(() -> KlController.fixed(-1))
        .hasMessage("The KL coefficient must be 0 or more, and -1.0 was given.");
  }

  /** The numbers of TRL's AdaptiveKLController(0.2, 6, 10000), worked out by hand. */
  @Example
  void theAdaptiveCoefficientFollowsThePaper() {
    KlController controller = KlController.adaptive(0.2, 6, 10_000);

    controller.update(6.6, 256); // e = 0.1
    assertThat(controller.coefficient()).isCloseTo(0.2 * (1 + 0.1 * 0.0256), within(1e-15));
    double before = controller.coefficient();
    controller.update(60, 256); // e is cut to 0.2
    assertThat(controller.coefficient()).isCloseTo(before * (1 + 0.2 * 0.0256), within(1e-15));
    before = controller.coefficient();
    controller.update(-3, 256); // e is cut to −0.2
    assertThat(controller.coefficient()).isCloseTo(before * (1 - 0.2 * 0.0256), within(1e-15));
  }

  @Property
  void theCoefficientMovesByAFifthAtMostAndTowardsTheTarget(
      @ForAll @DoubleRange(min = -50, max = 50) double kl,
      @ForAll @LongRange(min = 1, max = 1_000_000) long samples) {
    KlController controller = KlController.adaptive(0.1, 2, 1000);

    controller.update(kl, samples);

    assertThat(controller.coefficient()).isBetween(0.08 - 1e-12, 0.12 + 1e-12);
    assertThat(Math.signum(controller.coefficient() - 0.1)).isEqualTo(Math.signum(kl - 2));
  }

  /** A policy whose KL divergence falls as the coefficient rises. */
  @Property(tries = 100)
  void theKlDivergenceComesToItsTarget(
      @ForAll @DoubleRange(min = 0.01, max = 1) double initial,
      @ForAll @DoubleRange(min = 0.5, max = 8) double target) {
    KlController controller = KlController.adaptive(initial, target, 1000);
    double kl = 0;
    for (int step = 0; step < 2000; step++) {
      kl += 0.1 * (1 / controller.coefficient() - kl);
      controller.update(kl, 100);
    }
    assertThat(kl).isCloseTo(target, within(0.02 * target));
  }

  @Property
  void aRestoredControllerGoesOnWithTheSameBits(
      @ForAll @Size(max = 20) List<@DoubleRange(min = -1, max = 30) Double> kls) throws Exception {
    KlController controller = KlController.adaptive(0.1, 2, 1000);
    for (double kl : kls) {
      controller.update(kl, 64);
    }
    ObjectMapper json = new ObjectMapper();
    KlController restored = KlController.adaptive(0.1, 2, 1000);
    restored.restore((ObjectNode) json.readTree(json.writeValueAsString(controller.state())));

    assertThat(restored.coefficient()).isEqualTo(controller.coefficient());
  }

  @Example
  void whatCannotBeIsRefused() {
    KlController adaptive = KlController.adaptive(0.1, 2, 1000);

    assertThatThrownBy(() -> adaptive.restore(KlController.fixed(0.1).state()))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_CHECKPOINT))
        .hasMessageContaining("kl_controller is fixed, and this run's is adaptive");
    assertThatThrownBy(() -> adaptive.update(Double.NaN, 4))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NUMERICS));
    assertThatThrownBy(() -> KlController.adaptive(0, 2, 1000))
        .hasMessage("The initial KL coefficient must be over 0, and 0.0 was given.");
    assertThatThrownBy(() -> KlController.adaptive(0.1, 2, Double.NaN))
        .hasMessageContaining("The KL horizon must be over 0");
  }

  @Example
  void theTrustRegionEndsPastItsLimit() {
    TrustRegion region = new TrustRegion(0.5, Center.REFERENCE);

    assertThat(region.isLeftAt(0.5)).isFalse();
    assertThat(region.isLeftAt(-0.1)).isFalse();
    assertThat(region.isLeftAt(Math.nextUp(0.5))).isTrue();
    assertThat(region.isLeftAt(Double.NaN)).isTrue();
    assertThat(TrustRegion.everywhere().isLeftAt(1e300)).isFalse();
    assertThatThrownBy(() -> new TrustRegion(0, Center.REFERENCE))
        .hasMessage("The KL limit must be over 0, and 0.0 was given.");
  }

  @Example
  void theTrustRegionHoldsBackMoreTheNearerItsLimitIs() {
    TrustRegion region = new TrustRegion(2, Center.REFERENCE);

    assertThat(region.restraintAt(-0.1)).isZero();
    assertThat(region.restraintAt(1.2)).isCloseTo(0, within(1e-12));
    assertThat(region.restraintAt(1.6)).isCloseTo(0.5, within(1e-12));
    assertThat(region.restraintAt(2)).isEqualTo(1);
    assertThat(region.restraintAt(7)).isEqualTo(1);
    assertThat(region.restraintAt(Double.NaN)).isEqualTo(1);
    assertThat(TrustRegion.everywhere().restraintAt(1e300)).isZero();
  }
}
