package io.plumbline.spark.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.spark.report.Curves.Curve;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class CurvesTest {
  @Test
  void whatIsMissingStaysApartFromWhatIsNotFinite() {
    Curves curves =
        Curves.of(
            List.of(
                Map.of("step", 1.0, "loss", 0.5),
                Map.of("step", 2.0),
                Map.of("step", 3.0, "loss", Double.NaN)),
            any -> true);

    assertThat(curves.last()).containsExactly(1L, 2L, 3L);
    assertThat(curves.curves())
        .containsExactly(
            new Curve("loss", Arrays.asList(0.5, null, Double.NaN), List.of(), List.of(), 1));
  }

  @Test
  void longHistoriesAreThinnedAndKeepTheirPeaks() {
    List<Map<String, Double>> steps = new ArrayList<>();
    for (int i = 0; i < 2500; i++) {
      steps.add(Map.of("step", i + 1.0, "loss", i == 4 ? 1e6 : 2.0 * i, "left out", 1.0));
    }
    Curves curves = Curves.of(steps, name -> !name.equals("left out"));

    assertThat(curves.stepsPerPoint()).isEqualTo(3);
    assertThat(curves.first()).hasSize(834).startsWith(1L, 4L).endsWith(2500L);
    assertThat(curves.last()).hasSize(834).startsWith(3L, 6L).endsWith(2500L);
    assertThat(curves.curves()).singleElement().extracting(Curve::metric).isEqualTo("loss");
    Curve loss = curves.curves().get(0);
    assertThat(loss.mean().get(2)).isEqualTo(14.0);
    assertThat(loss.mean().get(833)).isEqualTo(4998.0);
    assertThat(loss.greatest().get(1)).isEqualTo(1e6);
    assertThat(loss.least().get(1)).isEqualTo(6.0);
  }

  @Test
  void oneStepThatIsNotFiniteDoesNotHideThoseThatShareItsPoint() {
    List<Map<String, Double>> steps = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      steps.add(Map.of("step", (double) i, "loss", i == 3 || i > 1997 ? Double.NaN : 1.5));
    }
    Curve loss = Curves.of(steps, any -> true).curves().get(0);

    assertThat(loss.mean().get(1)).isEqualTo(1.5);
    assertThat(loss.mean().get(999)).isNaN();
    assertThat(loss.greatest().get(999)).isNull();
    assertThat(loss.notFinite()).isEqualTo(3);
  }

  @Test
  void aPageOfAHundredThousandStepsStaysSmall() {
    List<Map<String, Double>> steps = new ArrayList<>();
    for (int i = 0; i < 100_000; i++) {
      Map<String, Double> step = new LinkedHashMap<>();
      step.put("step", i + 1.0);
      for (int metric = 0; metric < 30; metric++) {
        step.put("metric " + metric, Math.sin(i * 0.001 + metric) * (1 + metric));
      }
      steps.add(step);
    }
    String page =
        Report.render(
            ReportData.titled("t")
                .stage("grpo", Curves.of(steps, any -> true), OptionalLong.empty())
                .build());

    assertThat(page.length()).isBetween(300_000, 2_000_000);
  }
}
