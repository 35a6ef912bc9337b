package io.plumbline.spark.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.error.PlumblineException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MetricsFileTest {
  @Test
  void readsNumbersAndLetsTheLaterLineWin() {
    String text =
        """
        {"step": 1, "loss": 0.7, "note": "text", "nested": {"a": 1}}
        {"step": 2, "loss": NaN}
        {"step": 4, "loss": null, "grad_norm": 2}
        {"step": 3, "loss": 0.5}

        {"step": 2, "loss": 0.6, "rewards/margins": 0.1}
        {"step": 3, "lo""";

    assertThat(MetricsFile.parse(text, "m.jsonl"))
        .containsExactly(
            Map.of("step", 1.0, "loss", 0.7),
            Map.of("step", 2.0, "loss", 0.6, "rewards/margins", 0.1),
            Map.of("step", 3.0, "loss", 0.5),
            Map.of("step", 4.0, "loss", Double.NaN, "grad_norm", 2.0));
  }

  @Test
  void namesABrokenLine() {
    assertThatThrownBy(() -> MetricsFile.parse("{\"step\": 1}\n[1]\n{\"step\": 2}\n", "m.jsonl"))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("Line 2 of m.jsonl");
    assertThatThrownBy(() -> MetricsFile.parse("{\"st\n{\"step\": 2}\n", "m.jsonl"))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("Line 1 of m.jsonl");
  }
}
