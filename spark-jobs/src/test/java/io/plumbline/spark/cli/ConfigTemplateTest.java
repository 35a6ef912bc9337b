package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.spark.cli.commands.Commands;
import io.plumbline.spark.cli.commands.TrainCommand;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.CommandLineReader;
import io.plumbline.spark.cli.options.ConfigFile;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.training.algorithm.SftAlgorithm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigTemplateTest {
  private static final List<String> SAMPLES =
      List.of(
          "3",
          "0.5",
          "sigmoid",
          "5%",
          "length{\"per_token\": 1}",
          "a: b # c",
          "{\"a\": 1}",
          "2026-05-04");

  @TempDir Path directory;

  static Stream<Command> commands() {
    return Commands.all().stream();
  }

  private static List<Setting<?>> options(Command command) {
    return command.settings().stream()
        .filter(setting -> setting.kind() != Setting.Kind.ARGUMENT)
        .toList();
  }

  /** A text that an option takes and that is not its default. */
  private static String sample(Setting<?> setting) {
    List<String> texts = new ArrayList<>();
    if (setting.kind() == Setting.Kind.FLAG) {
      return "true";
    }
    texts.addAll(setting.words());
    texts.addAll(SAMPLES);
    return texts.stream()
        .filter(text -> !text.equals(setting.initial().orElse("")))
        .filter(text -> reads(setting, text))
        .findFirst()
        .or(setting::initial)
        .orElseThrow();
  }

  private static boolean reads(Setting<?> setting, String text) {
    try {
      return setting.reader().apply(text) != null;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private SettingValues read(Command command, String file) throws Exception {
    Path config = Files.writeString(directory.resolve("c.yaml"), file);
    Problems problems = new Problems();
    SettingValues values = Layers.values(command, problems, "--config", config.toString());
    assertThat(problems.sentences()).as(file).isEmpty();
    return values;
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyOptionOfACommandMeansTheSameInAFileAndOnTheCommandLine(Command command)
      throws Exception {
    List<String> args = new ArrayList<>();
    StringBuilder kebab = new StringBuilder();
    StringBuilder asTrl = new StringBuilder();
    for (Setting<?> setting : options(command)) {
      String text = sample(setting);
      args.add(setting.option());
      if (setting.kind() != Setting.Kind.FLAG) {
        args.add(text);
      }
      kebab.append(setting.name()).append(": ").append(ConfigTemplate.scalar(text)).append('\n');
      asTrl
          .append(setting.name().replace('-', '_'))
          .append(": ")
          .append(ConfigTemplate.scalar(text))
          .append('\n');
    }
    Problems problems = new Problems();
    SettingValues typed = Layers.values(command, problems, args.toArray(String[]::new));
    assertThat(problems.sentences()).isEmpty();

    for (String file : List.of(kebab.toString(), asTrl.toString())) {
      SettingValues values = read(command, file);
      for (Setting<?> setting : options(command)) {
        assertThat(values.texts(setting)).isEqualTo(typed.texts(setting)).isNotEmpty();
        assertThat(values.all(setting)).isEqualTo(typed.all(setting)).hasSize(1);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("commands")
  void aPrintedFileHasEveryOptionAndIsReadBack(Command command) throws Exception {
    Call call = Call.plumbline(command.name(), "--print-config");

    assertThat(call.status()).as(call.err()).isZero();
    assertThat(call.err()).isEmpty();
    assertThat(call.out().lines())
        .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(120));
    SettingValues nothing = read(command, call.out());
    for (Setting<?> setting : options(command)) {
      assertThat(nothing.texts(setting)).isEmpty();
      assertThat(call.out()).containsPattern("(?m)^#" + setting.name() + ":");
    }
    // With the signs taken away it says what is so anyway.
    SettingValues all = read(command, call.out().replaceAll("(?m)^#(?=[a-z]|  -)", ""));
    for (Setting<?> setting : options(command)) {
      assertThat(all.texts(setting))
          .as(setting.name())
          .containsExactly(setting.initial().orElse(setting.label()));
      setting
          .initial()
          .ifPresent(initial -> assertThat(all.find(setting)).isEqualTo(nothing.find(setting)));
    }
  }

  @ParameterizedTest
  @MethodSource("commands")
  void whatIsGivenStandsInThePrintedFile(Command command) throws Exception {
    List<String> args = new ArrayList<>(List.of("--print-config"));
    for (Setting<?> setting : options(command)) {
      for (int i = 0; i < (setting.kind() == Setting.Kind.REPEATED ? 2 : 1); i++) {
        args.add(setting.option());
        if (setting.kind() != Setting.Kind.FLAG) {
          args.add(sample(setting));
        }
      }
    }
    List<String> call = new ArrayList<>(List.of(command.name()));
    call.addAll(args);
    SettingValues values = read(command, Call.plumbline(call.toArray(String[]::new)).out());

    SettingValues typed = Layers.values(command, new Problems(), args.toArray(String[]::new));
    for (Setting<?> setting : options(command)) {
      assertThat(values.texts(setting)).isEqualTo(typed.texts(setting)).isNotEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "plain",
        "3",
        "null",
        "~",
        "it's 'x' #1",
        "a: b",
        "- c",
        "{\"a\":1}",
        " x ",
        "\"",
        "*",
        "&a",
        "line\nline\tö\\",
        "a \u2028b",
        "s3a://b/c d",
        "1e-6",
        "no",
        "[x]",
        "%a",
        "@b",
        "!t",
        "-",
        "?",
        "é",
        "😀"
      })
  void everyTextSurvives(String text) {
    Problems problems = new Problems();
    Map<String, SettingValues.Given> read =
        ConfigFile.parse("stop: " + ConfigTemplate.scalar(text), "c.yaml", problems);

    assertThat(problems.sentences()).isEmpty();
    assertThat(read.get("stop").texts()).containsExactly(text);
  }

  @Test
  void whatCannotBeReadIsToldAndNothingPrinted() {
    Call call = Call.plumbline("dpo", "--beta", "x", "--modle", "m", "--print-config");

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.out()).isEmpty();
    assertThat(call.err()).contains("2 problems", "--beta is 'x'", "did you mean --model?");
  }

  @Test
  void quietCallsCanBeAskedForInAFileAndSayNothingButResults() throws Exception {
    Path config = Files.writeString(directory.resolve("q.yaml"), "quiet: true\n");
    Problems problems = new Problems();
    SettingValues values =
        Layers.values(new TrainCommand(SftAlgorithm.SFT), problems, "--config", config.toString());
    assertThat(problems.sentences()).isEmpty();
    assertThat(values.of(CommandLineReader.QUIET)).isTrue();
  }
}
