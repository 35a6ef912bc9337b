package io.plumbline.spark.training.rank;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class MetricsWriterTest {
  private static long kept(long from, long to) {
    return LongStream.rangeClosed(from, to)
        .filter(step -> MetricsWriter.isKept(Map.of("step", (double) step)))
        .count();
  }

  @Test
  void everyDoublingOfALongRunAddsAsManyLines() {
    assertThat(kept(1, 50_000)).isEqualTo(50_000);
    assertThat(kept(50_001, 100_000)).isEqualTo(25_000);
    assertThat(kept(100_001, 200_000)).isEqualTo(25_000);
    assertThat(kept(200_001, 400_000)).isEqualTo(25_000);
    assertThat(kept(1, 3_200_000)).isEqualTo(200_000);
  }

  @Test
  void everyEvaluationIsKept() {
    assertThat(MetricsWriter.isKept(Map.of("step", 300_001.0, "eval_runtime", 1.0))).isTrue();
    assertThat(MetricsWriter.isKept(Map.of("step", 300_001.0))).isFalse();
  }
}
