package io.plumbline.spark.training.algorithm;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.Fixtures;
import io.plumbline.objective.Registry;
import io.plumbline.settings.DeclaredOption;
import io.plumbline.settings.SettingsOf;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The tables of docs/objectives.md, which people write, beside what losses and options say. */
class ObjectivesPageTest {
  private static final Path PAGE = Fixtures.root().resolve("docs/objectives.md");
  private static final Pattern NAME = Pattern.compile("`([a-z0-9_]+)`");

  static List<Algorithm> withLosses() {
    return Algorithms.ALL.stream().filter(a -> !a.losses().names().isEmpty()).toList();
  }

  /** Those of whose losses some read an option that others do not, and that have a table of it. */
  static List<Algorithm> withTableOfSettings() {
    return List.of(DpoAlgorithm.DPO, GrpoAlgorithm.GRPO);
  }

  @ParameterizedTest
  @MethodSource("withLosses")
  void eachLossHasARow(Algorithm algorithm) throws IOException {
    assertThat(losses(algorithm).keySet())
        .containsExactlyInAnyOrderElementsOf(algorithm.losses().names());
  }

  @ParameterizedTest
  @MethodSource("withTableOfSettings")
  void anOptionGoesWithTheLossesThatReadIt(Algorithm algorithm) throws IOException {
    Map<String, List<String>> settings = table(algorithm, "setting");
    Registry<?, ?> registry = algorithm.losses();
    for (String option : registry.unread(List.of())) {
      String setting = option.replace('-', '_');
      assertThat(settings).containsKey(setting);
      assertThat(goesWith(settings.get(setting).get(3), algorithm))
          .as("what %s goes with", setting)
          .isEqualTo(new TreeSet<>(registry.reading(option)));
    }
  }

  @ParameterizedTest
  @MethodSource("withTableOfSettings")
  void anOptionHasItsStandardValue(Algorithm algorithm) throws IOException {
    Map<String, DeclaredOption> options =
        SettingsOf.type(algorithm.settings()).options().stream()
            .collect(
                Collectors.toMap(option -> option.name().replace('-', '_'), Function.identity()));
    List<String> compared = new ArrayList<>();
    table(algorithm, "setting")
        .forEach(
            (setting, cells) -> {
              List<String> names = names(cells.get(0));
              List<String> values = List.of(cells.get(1).replace("`", "").split(", ", -1));
              DeclaredOption option = options.get(setting);
              if (option != null && option.standard().isPresent()) {
                String standard =
                    option.kind() == DeclaredOption.Kind.FLAG ? "off" : option.standard().get();
                assertThat(values.get(names.indexOf(setting)))
                    .as(setting)
                    .isEqualTo(standard.replaceFirst("\\.0$", ""));
                compared.add(setting);
              }
            });
    assertThat(compared).hasSizeGreaterThan(5);
  }

  private static Map<String, List<String>> losses(Algorithm algorithm) throws IOException {
    return table(algorithm, "name");
  }

  /** Names in the last cell of a setting: losses, "all but" losses, or "those with C" of grpo. */
  private static Set<String> goesWith(String cell, Algorithm algorithm) throws IOException {
    Set<String> named = new TreeSet<>(names(cell));
    if (cell.startsWith("all but")) {
      Set<String> others = new TreeSet<>(algorithm.losses().names());
      others.removeAll(named);
      return others;
    }
    if (cell.startsWith("those with C")) {
      losses(algorithm)
          .forEach(
              (loss, cells) -> {
                if (cells.get(1).matches("C\\b.*")) {
                  named.add(loss);
                }
              });
    }
    return named;
  }

  /** The cells of each row of the section's first table whose first heading is this, by name. */
  private static Map<String, List<String>> table(Algorithm algorithm, String heading)
      throws IOException {
    String page = Files.readString(PAGE);
    int section = page.indexOf("\n## `" + algorithm.command() + " --loss-type`");
    assertThat(section).as("section of %s", algorithm.command()).isNotNegative();
    int start = page.indexOf("\n| " + heading + " |", section) + 1;
    assertThat(start).isPositive();
    Map<String, List<String>> rows = new LinkedHashMap<>();
    page.substring(start, page.indexOf("\n\n", start))
        .lines()
        .skip(2)
        .forEach(
            line -> {
              List<String> cells =
                  Pattern.compile("(?<!\\\\)\\|")
                      .splitAsStream(line)
                      .skip(1)
                      .map(String::strip)
                      .toList();
              names(cells.get(0)).forEach(name -> rows.put(name, cells));
            });
    return rows;
  }

  private static List<String> names(String cell) {
    return NAME.matcher(cell).results().map((MatchResult name) -> name.group(1)).toList();
  }
}
