package io.plumbline.spark.training.algorithm;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.data.ExampleKind;
import io.plumbline.data.ExampleShape;
import io.plumbline.objective.Registry;
import io.plumbline.objective.pair.Divergence;
import io.plumbline.settings.DeclaredOption;
import io.plumbline.settings.SettingsOf;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AlgorithmsTest {
  static List<Algorithm> all() {
    return Algorithms.ALL;
  }

  @Test
  void aCommandNamesOneAlgorithm() {
    assertThat(Algorithms.ALL).extracting(Algorithm::command).doesNotHaveDuplicates();
    for (Algorithm algorithm : Algorithms.ALL) {
      assertThat(Algorithms.of(algorithm.command())).contains(algorithm);
    }
    assertThat(Algorithms.of("prepare")).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("all")
  void settingsSayOfWhichAlgorithmTheyAre(Algorithm algorithm) {
    AlgorithmSettings standard =
        (AlgorithmSettings) SettingsOf.type(algorithm.settings()).standard();
    assertThat(standard.algorithm()).isSameAs(algorithm);
    assertThat(standard.rollouts().isPresent()).isEqualTo(algorithm.rollsOut());
    standard.check();
  }

  /** A registry has options by name, which nothing else compares with those that there are. */
  @ParameterizedTest
  @MethodSource("all")
  void lossesReadOptionsThatThereAre(Algorithm algorithm) {
    List<String> options =
        SettingsOf.type(algorithm.settings()).options().stream().map(DeclaredOption::name).toList();
    Registry<?, ?> losses = algorithm.losses();
    Set<String> read = losses.unread(List.of());
    assertThat(options).containsAll(read);
    if (algorithm == DpoAlgorithm.DPO) {
      assertThat(options).containsAll(Divergence.TYPES.unread(List.of()));
    }
  }

  /** In core, which knows no algorithm. */
  @Test
  void rowsThatFitOthersNameTheirCommands() {
    Map<ExampleKind, Set<String>> columns =
        Map.of(
            ExampleKind.PREFERENCE, Set.of("chosen", "rejected"),
            ExampleKind.UNPAIRED, Set.of("prompt", "completion", "label"),
            ExampleKind.SUPERVISED, Set.of("prompt", "completion"));
    columns.forEach(
        (kind, seen) -> {
          ExampleKind other =
              kind == ExampleKind.PREFERENCE ? ExampleKind.UNPAIRED : ExampleKind.PREFERENCE;
          String sentence = ExampleShape.mismatch(other, seen);
          assertThat(Algorithms.ALL)
              .filteredOn(algorithm -> algorithm.kind() == kind)
              .extracting(Algorithm::command)
              .allSatisfy(command -> assertThat(sentence).contains(command));
        });
  }
}
