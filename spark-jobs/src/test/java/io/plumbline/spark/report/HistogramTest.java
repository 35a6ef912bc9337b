package io.plumbline.spark.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.spark.report.Histogram.Group;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class HistogramTest {
  @Test
  void groupsShareBinsOfARoundWidth() {
    Map<String, double[]> values = new LinkedHashMap<>();
    values.put("before", new double[] {0, 0, 1, Double.NaN});
    values.put("after", new double[] {2, Double.POSITIVE_INFINITY});
    values.put("never", new double[] {});
    Histogram histogram = Histogram.of("t", "m", values);

    assertThat(histogram.edges()).containsExactly(0.0, 1.0, 2.0, 3.0);
    assertThat(histogram.groups())
        .containsExactly(
            new Group("before", 3, Arrays.asList(2.0 / 3, 1.0 / 3, 0.0)),
            new Group("after", 1, Arrays.asList(0.0, 0.0, 1.0)));
  }

  @Test
  void oneValueHasABinAndNoValueHasNone() {
    assertThat(Histogram.of("t", "m", Map.of("g", new double[] {0.5, 0.5})).groups())
        .containsExactly(new Group("g", 2, Arrays.asList(1.0)));
    assertThat(Histogram.of("t", "m", Map.of("g", new double[] {Double.NaN})).groups()).isEmpty();
    assertThat(Histogram.of("t", "m", Map.of()).groups()).isEmpty();
  }

  @Property(tries = 300)
  void everyValueIsInOneBinThatHoldsIt(@ForAll @Size(min = 1, max = 40) double[] any) {
    double[] values = Arrays.stream(any).filter(value -> Math.abs(value) < 1e300).toArray();
    Assume.that(values.length > 0);
    Histogram histogram = Histogram.of("t", "m", Map.of("g", any));
    Group group = histogram.groups().get(0);

    assertThat(group.shares().stream().mapToDouble(Double::doubleValue).sum())
        .isCloseTo(1, within(1e-9));
    assertThat(group.shares()).hasSizeLessThanOrEqualTo(32);
    double least = Arrays.stream(values).min().getAsDouble();
    double greatest = Arrays.stream(values).max().getAsDouble();
    double slack = 1e-6 * (Math.abs(least) + Math.abs(greatest));
    assertThat(histogram.edges().get(0)).isLessThanOrEqualTo(least + slack);
    assertThat(histogram.edges().get(histogram.edges().size() - 1))
        .isGreaterThanOrEqualTo(greatest - slack);
  }
}
