package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlumblineTest {
  @TempDir Path directory;

  static Stream<String> commands() {
    return Commands.all().stream().map(Command::name);
  }

  @ParameterizedTest
  @ValueSource(strings = {"--help", "-h", "help"})
  void overviewNamesEveryCommandOnStandardOutput(String asked) {
    Call call = Call.plumbline(asked);

    assertThat(call.status()).isZero();
    assertThat(call.err()).isEmpty();
    assertThat(Commands.all())
        .allSatisfy(
            command ->
                assertThat(call.out())
                    .containsPattern("(?m)^  " + command.name() + " +\\S")
                    .contains(command.summary().substring(0, 20)));
  }

  @Test
  void callWithoutCommandShowsTheOverviewAndIsBadUsage() {
    Call call = Call.plumbline();

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.out()).isEmpty();
    assertThat(call.err()).contains("Usage: plumbline COMMAND");
  }

  @ParameterizedTest
  @ValueSource(strings = {"--version", "-V", "version"})
  void versionGoesToStandardOutput(String asked) {
    Call call = Call.plumbline(asked);

    assertThat(call.status()).isZero();
    assertThat(call.out()).startsWith("plumbline ").hasLineCount(1);
  }

  @ParameterizedTest
  @MethodSource("commands")
  void helpOfACommandExplainsEveryOptionAndGivesAnExample(String name) {
    Command command =
        Commands.all().stream().filter(c -> c.name().equals(name)).findFirst().orElseThrow();

    Call call = Call.plumbline(name, "--help");

    assertThat(call.status()).isZero();
    assertThat(call.err()).isEmpty();
    assertThat(call).isEqualTo(Call.plumbline("help", name));
    assertThat(call.out()).contains("Examples", "./plumbline " + name);
    for (Setting<?> setting : command.settings()) {
      assertThat(setting.help())
          .as(setting.option())
          .containsPattern("\\.\\)?$")
          .hasSizeGreaterThan(8);
      if (setting.kind() != Setting.Kind.ARGUMENT) {
        assertThat(call.out()).contains("--" + setting.name());
      }
      // A default that its own reader refuses could never be used.
      setting.initial().ifPresent(text -> assertThat(setting.reader().apply(text)).isNotNull());
    }
    assertThat(call.out().lines())
        .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(100));
    assertThat(call.out()).doesNotContainPattern("%[sdn]");
  }

  @Test
  void everyProblemIsListedAtOnceWithItsMend() {
    Call call =
        Call.plumbline(
            "dpo",
            "--model=m",
            "--ranks",
            "0",
            "--beat",
            "0.2",
            "--set",
            "wormup=3",
            "--max-bad-rows",
            "few",
            "--lr-scheduler",
            "exponential",
            "--resume",
            "--overwrite",
            "stray",
            "--seed");

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.out()).isEmpty();
    assertThat(call.err().lines())
        .containsExactlyInAnyOrder(
            "plumbline dpo: 10 problems",
            "  - --seed needs a value: N.",
            "  - There is no option --beat: did you mean --beta?",
            "  - The argument 'stray' belongs to no option.",
            "  - There is no option wormup in --set: did you mean warmup-steps?",
            "  - --data is missing: name a file, a directory or a glob of training rows.",
            "  - --output is missing: name a directory for what the run leaves behind.",
            "  - --ranks is '0' and must be a whole number of at least 1.",
            "  - --max-bad-rows is 'few' and must be a whole number such as 10 or a share such as"
                + " 1%.",
            "  - --lr-scheduler is 'exponential' and must be one of linear, cosine, constant.",
            "  - --resume keeps what is in OUTPUT and --overwrite deletes it: give one.");
  }

  @Test
  void oneProblemIsOneSentence() {
    Call call = Call.plumbline("sft", "--model", "m", "--data", "d");

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err())
        .isEqualTo(
            "plumbline sft: --output is missing: name a directory for what the run leaves"
                + " behind.\n");
  }

  @Test
  void mistypedCommandIsTold() {
    Call call = Call.plumbline("dop", "--model", "m");

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err()).isEqualTo("plumbline: there is no command dop: did you mean dpo?\n");
  }

  @Test
  void optionsThatContradictEachOtherAreTold() throws Exception {
    Path config = directory.resolve("c.yaml");
    Files.writeString(config, "micro_batch_tokens: 100\n");
    Call call =
        Call.plumbline(
            "sft --model m --data d --output o --ranks 4 --global-batch-size 2 --micro-batch-size 3"
                .concat(" --max-steps 5 --max-length 10 --max-prompt-length 10")
                .concat(" --eval-steps 2 --config " + config)
                .split(" "));

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err())
        .contains("plumbline sft: 5 problems")
        .contains("--ranks is 4 and --global-batch-size only 2")
        .contains("--micro-batch-size and --micro-batch-tokens say the same thing")
        .contains("--micro-batch-size is 3 and --global-batch-size only 2")
        .contains("--max-prompt-length is 10 and leaves nothing")
        .contains("--eval-steps needs held-out rows");
  }

  @Test
  void weightsBehindPathsAreRefusedAndPortsAreNot() {
    Problems problems = new Problems();
    SettingValues values =
        Layers.values(
            TrainCommand.DPO,
            problems,
            "--data",
            "hdfs://name:9000/a.jsonl",
            "--data",
            "a.jsonl:0.5");

    List<String> paths = TrainingSettings.paths(TrainingSettings.DATA, values, problems);

    assertThat(paths).containsExactly("hdfs://name:9000/a.jsonl", "a.jsonl:0.5");
    assertThat(problems.sentences())
        .containsExactly(
            "--data is 'a.jsonl:0.5', and data cannot be weighted yet: leave out the part from the"
                + " colon on.");
  }
}
