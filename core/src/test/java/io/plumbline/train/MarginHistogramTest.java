package io.plumbline.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MarginHistogramTest {
  @Test
  void aBinHoldsItsLowerEdgeAndEveryMarginHasOne() {
    List<Double> edges = MarginHistogram.edges();
    assertThat(edges).isSorted().hasSize(MarginHistogram.SUMS.size() + 1);
    for (double margin : new double[] {-1e9, -20, -0.0, 0, 0.05, 0.1, 19.9, 20, 1e9}) {
      int bin = MarginHistogram.bin(margin);
      assertThat(margin >= edges.get(bin) && margin < edges.get(bin + 1)).as("%s", margin).isTrue();
    }
  }

  @Test
  void sharesAreOfAllPairs() {
    Sums sums = new Sums(MarginHistogram.SUMS, List.of());
    for (double margin : new double[] {-30, 0.3, 0.4, Double.NaN}) {
      MarginHistogram.add(sums, margin);
    }
    Map<String, Double> metrics = new LinkedHashMap<>();
    MarginHistogram.put(metrics, sums, 4);

    assertThat(metrics)
        .containsExactly(
            Map.entry("margin_histogram/0", 0.25), Map.entry("margin_histogram/11", 0.5));
  }
}
