package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;

class MixtureTest {
  private static Mixture mixture(List<Long> rows, List<Double> weights) {
    int sources = Math.min(rows.size(), weights.size());
    return new Mixture(rows.subList(0, sources), weights.subList(0, sources));
  }

  /** Index of the row at each place. */
  private static NavigableMap<Long, Long> placed(
      Plan plan, Order order, Optional<Mixture> mixture) {
    Placement placement = new Placement(plan, order, mixture);
    NavigableMap<Long, Long> places = new TreeMap<>();
    List<Long> indexes = new ArrayList<>();
    for (long index = 0; index < plan.rows(); index++) {
      indexes.add(index);
    }
    // Whoever asks for a row's places, and when, changes nothing.
    Collections.reverse(indexes);
    for (long index : indexes) {
      placement.places(index, place -> assertThat(places.put(place, index)).isNull());
    }
    return places;
  }

  @Property(tries = 300)
  void everyPlaceIsFilledOnceAndRowsAreSeenEvenly(
      @ForAll @Size(min = 1, max = 4) List<@LongRange(min = 1, max = 25) Long> rows,
      @ForAll @Size(min = 4, max = 4) List<@DoubleRange(min = 0.01, max = 10) Double> weights,
      @ForAll @IntRange(min = 1, max = 9) int batch,
      @ForAll @IntRange(min = 1, max = 5) int epochs,
      @ForAll long seed,
      @ForAll Order order) {
    Mixture mixture = mixture(rows, weights);
    Plan plan = Plan.forEpochs(batch, mixture.totalRows(), epochs, seed);
    NavigableMap<Long, Long> places = placed(plan, order, Optional.of(mixture));
    // The same places as without a mixture: a last step may be smaller, and none has a gap.
    assertThat(places.keySet()).isEqualTo(placed(plan, order, Optional.empty()).keySet());
    long firstRow = 0;
    for (int source = 0; source < mixture.rows().size(); source++) {
      long size = mixture.rows().get(source);
      long share = mixture.places().get(source);
      int[] seen = new int[(int) size];
      for (int epoch = 0; epoch < epochs; epoch++) {
        long before = epoch * plan.stepsPerEpoch() * batch;
        long inEpoch = 0;
        for (long index : places.subMap(before, before + plan.stepsPerEpoch() * batch).values()) {
          if (index >= firstRow && index < firstRow + size) {
            seen[(int) (index - firstRow)]++;
            inEpoch++;
          }
        }
        assertThat(inEpoch).as("source %d in epoch %d", source, epoch).isEqualTo(share);
        int least = Integer.MAX_VALUE;
        int most = 0;
        for (int times : seen) {
          least = Math.min(least, times);
          most = Math.max(most, times);
        }
        assertThat(most - least).isLessThanOrEqualTo(1);
      }
      firstRow += size;
    }
  }

  @Property(tries = 500)
  void sharesAreRightToARow(
      @ForAll @Size(min = 1, max = 5) List<@LongRange(min = 1, max = 1_000_000) Long> rows,
      @ForAll @Size(min = 5, max = 5) List<@DoubleRange(min = 0.01, max = 1000) Double> weights) {
    Mixture mixture = mixture(rows, weights);
    List<Long> places = mixture.places();
    double sum = mixture.weights().stream().mapToDouble(Double::doubleValue).sum();
    assertThat(places.stream().mapToLong(Long::longValue).sum()).isEqualTo(mixture.totalRows());
    boolean lifted = false;
    for (int source = 0; source < places.size(); source++) {
      double share = mixture.weights().get(source) / sum * mixture.totalRows();
      lifted |= share < 1;
      assertThat(places.get(source)).isGreaterThanOrEqualTo(1);
    }
    for (int source = 0; source < places.size() && !lifted; source++) {
      double share = mixture.weights().get(source) / sum * mixture.totalRows();
      assertThat(Math.abs(places.get(source) - share)).isLessThan(1.000001);
    }
  }

  @Example
  void inTheInputsOrderSourcesFollowEachOther() {
    // Four and two rows, of six places two and four.
    Mixture mixture = new Mixture(List.of(4L, 2L), List.of(1.0, 2.0));
    assertThat(mixture.places()).containsExactly(2L, 4L);
    Plan plan = Plan.forEpochs(6, 6, 2, 0);
    assertThat(placed(plan, Order.INPUT, Optional.of(mixture)).values())
        .containsExactly(0L, 1L, 4L, 5L, 4L, 5L, 2L, 3L, 4L, 5L, 4L, 5L);
  }

  @Example
  void aShuffleMixesSourcesAndChangesWithTheSeed() {
    Mixture mixture = new Mixture(List.of(40L, 40L), List.of(3.0, 1.0));
    List<Long> one =
        List.copyOf(
            placed(Plan.forEpochs(80, 80, 1, 1), Order.SHUFFLED, Optional.of(mixture)).values());
    List<Long> two =
        List.copyOf(
            placed(Plan.forEpochs(80, 80, 1, 2), Order.SHUFFLED, Optional.of(mixture)).values());
    assertThat(one).isNotEqualTo(two);
    assertThat(one.subList(0, 40)).anyMatch(index -> index >= 40).anyMatch(index -> index < 40);
    assertThat(one.stream().filter(index -> index >= 40)).hasSize(20).isNotEmpty();
  }

  @Example
  void weightsDecideTheFingerprint() {
    Plan plan = Plan.forSteps(4, 10, 5, 1);
    Mixture even = new Mixture(List.of(4L, 6L), List.of(1.0, 1.0));
    Mixture uneven = new Mixture(List.of(4L, 6L), List.of(1.0, 2.0));
    String none = CanonicalShards.fingerprint(plan, Order.INPUT, Optional.empty(), "c");
    String first = CanonicalShards.fingerprint(plan, Order.INPUT, Optional.of(even), "c");
    String second = CanonicalShards.fingerprint(plan, Order.INPUT, Optional.of(uneven), "c");
    assertThat(List.of(none, first, second)).doesNotHaveDuplicates();
    assertThat(CanonicalShards.fingerprint(plan, Order.INPUT, Optional.empty(), "c"))
        .isEqualTo(none);
    assertThatThrownBy(
            () -> new Placement(Plan.forSteps(4, 9, 5, 1), Order.INPUT, Optional.of(even)))
        .hasMessageContaining("a mixture of 10 rows in a plan of 9");
  }

  @Example
  void sourcesWithoutWeightOrRowsAreRefused() {
    for (double weight : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> new Mixture(List.of(1L, 2L), List.of(1.0, weight)))
          .hasMessageContaining("Source 2 of the data has the weight " + weight)
          .extracting(e -> ((PlumblineException) e).code())
          .isEqualTo(ErrorCode.BAD_USAGE);
    }
    assertThatThrownBy(() -> new Mixture(List.of(0L, 2L), List.of(1.0, 1.0)))
        .hasMessageContaining("no row to train on")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_DATA);
    // Weights whose sum no double holds, and a share that rounds to nothing.
    assertThat(new Mixture(List.of(5L, 5L), List.of(1e308, 1e308)).places())
        .containsExactly(5L, 5L);
    assertThat(new Mixture(List.of(5L, 5L), List.of(1e-300, 1.0)).places()).containsExactly(1L, 9L);
  }
}
