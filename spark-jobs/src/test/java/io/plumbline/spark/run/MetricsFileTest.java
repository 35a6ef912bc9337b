package io.plumbline.spark.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.error.PlumblineException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MetricsFileTest {
  @Test
  void readsNumbersAndLetsTheLaterLineWin() throws IOException {
    String text =
        """
        {"step": 1, "loss": 0.7, "note": "text", "nested": {"a": 1}}
        {"step": 2, "loss": NaN}
        {"step": 4, "loss": null, "grad_norm": 2}
        {"step": 3, "loss": 0.5}

        {"step": 2, "loss": 0.6, "rewards/margins": 0.1}
        {"step": 3, "lo""";

    assertThat(parse(text, "m.jsonl"))
        .containsExactly(
            Map.of("step", 1.0, "loss", 0.7),
            Map.of("step", 2.0, "loss", 0.6, "rewards/margins", 0.1),
            Map.of("step", 3.0, "loss", 0.5),
            Map.of("step", 4.0, "loss", Double.NaN, "grad_norm", 2.0));
  }

  private static List<Map<String, Double>> parse(String text, String path) throws IOException {
    return MetricsFile.read(new BufferedReader(new StringReader(text)), path, 100);
  }

  @Test
  void aLongRunGivesStepsAtEqualDistancesAndEveryEvaluation() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int step = 1; step <= 10_001; step++) {
      text.append("{\"step\":%d,\"loss\":%d}\n".formatted(step, step));
      if (step % 777 == 0) {
        text.append("{\"step\":%d,\"eval_loss\":1,\"eval_runtime\":2}\n".formatted(step));
      }
    }

    List<Map<String, Double>> steps = parse(text.toString(), "m.jsonl");

    assertThat(steps).hasSizeBetween(100, 250);
    assertThat(steps.get(steps.size() - 1).get("step")).isEqualTo(10_001);
    assertThat(steps.stream().filter(line -> line.containsKey("eval_loss"))).hasSize(12);
    List<Double> plain =
        steps.stream()
            .filter(line -> !line.containsKey("eval_loss"))
            .map(line -> line.get("step"))
            .toList();
    double distance = plain.get(1) - plain.get(0);
    for (int i = 1; i < plain.size() - 1; i++) {
      assertThat(plain.get(i) % distance).isZero();
    }
  }

  @Test
  void namesABrokenLine() {
    assertThatThrownBy(() -> parse("{\"step\": 1}\n[1]\n{\"step\": 2}\n", "m.jsonl"))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("Line 2 of m.jsonl");
    assertThatThrownBy(() -> parse("{\"st\n{\"step\": 2}\n", "m.jsonl"))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("Line 1 of m.jsonl");
  }
}
