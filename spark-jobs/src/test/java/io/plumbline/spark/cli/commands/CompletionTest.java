package io.plumbline.spark.cli.commands;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.plumbline.spark.cli.Call;
import io.plumbline.spark.cli.commands.CompletionScript.Shell;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Setting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The scripts, read and asked by the shells that they are for. */
class CompletionTest {
  private static final Duration DEADLINE = Duration.ofMinutes(1);

  @TempDir Path directory;

  private Path script(Shell shell) throws IOException {
    String name = shell.name().toLowerCase(Locale.ROOT);
    assumeThat(
            Stream.of(System.getenv("PATH").split(":", -1))
                .anyMatch(path -> Files.isExecutable(Path.of(path, name))))
        .as("%s is not installed", name)
        .isTrue();
    Call call = Call.plumbline("completion", name);
    assertThat(call.status()).isZero();
    assertThat(call.err()).isEmpty();
    Files.createFile(directory.resolve("pairs of mine.jsonl"));
    return Files.writeString(directory.resolve("_plumbline"), call.out());
  }

  private List<String> lines(String... command) throws Exception {
    Path out = Files.createTempFile(directory, "out", "");
    Process process =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(out.toFile())
            .start();
    if (!process.waitFor(DEADLINE.toSeconds(), TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError(
          "still running after %s: %s".formatted(DEADLINE, Files.readString(out)));
    }
    return Files.readAllLines(out);
  }

  private List<String> bash(Path script, String... words) throws Exception {
    List<String> call = new ArrayList<>(List.of("bash", "--norc", "-c"));
    call.add(
        "source \"$1\"; shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$(( $# - 1 )); _plumbline;"
            + " printf '%s\\n' \"${COMPREPLY[@]}\"");
    call.addAll(List.of("bash", script.toString(), "plumbline"));
    call.addAll(List.of(words));
    return lines(call.toArray(String[]::new));
  }

  @Test
  void bashCompletesCommandsOptionsChoicesAndFiles() throws Exception {
    Path script = script(Shell.BASH);

    assertThat(bash(script, ""))
        .containsAll(Commands.all().stream().map(Command::name).toList())
        .contains("help", "version", "--help");
    assertThat(bash(script, "gr")).containsExactly("grpo");
    assertThat(bash(script, "help", "dp")).containsExactly("dpo");
    assertThat(bash(script, "dpo", "--lr-s")).containsExactly("--lr-scheduler");
    assertThat(bash(script, "dpo", "--lr-scheduler", ""))
        .containsExactly("linear", "cosine", "constant");
    assertThat(bash(script, "dpo", "--lr-scheduler", "=", "li")).containsExactly("linear");
    assertThat(bash(script, "dpo", "--lr-scheduler", "="))
        .containsExactly("linear", "cosine", "constant");
    assertThat(bash(script, "dpo", "--model", "pairs")).containsExactly("pairs of mine.jsonl");
    assertThat(bash(script, "inspect", "pairs")).containsExactly("pairs of mine.jsonl");
    assertThat(bash(script, "dpo", "--beta", "")).containsExactly("");
    assertThat(bash(script, "kto", "--loss-type", "")).containsExactly("kto", "apo_zero_unpaired");
    assertThat(bash(script, "grpo", "--reward", "t")).containsExactly("tags");
    assertThat(bash(script, "completion", "z")).containsExactly("zsh");
    for (Command command : Commands.all()) {
      List<String> offered = bash(script, command.name(), "--");
      for (Setting<?> setting : command.settings()) {
        if (setting.kind() != Setting.Kind.ARGUMENT) {
          assertThat(offered).contains(setting.option());
        }
      }
    }
  }

  @Test
  void fishCompletesCommandsOptionsChoicesAndFiles() throws Exception {
    Path script = script(Shell.FISH);

    assertThat(fish(script, "gr")).containsExactly("grpo");
    assertThat(fish(script, "dpo --lr-s")).containsExactly("--lr-scheduler");
    assertThat(fish(script, "dpo --lr-scheduler "))
        .containsExactlyInAnyOrder("linear", "cosine", "constant");
    assertThat(fish(script, "dpo --model pairs")).containsExactly("pairs of mine.jsonl");
    assertThat(fish(script, "grpo --reward t")).containsExactly("tags");
    assertThat(fish(script, "completion z")).containsExactly("zsh");
  }

  private List<String> fish(Path script, String typed) throws Exception {
    return lines(
            "fish",
            "--no-config",
            "-c",
            "source $argv[1]; complete -C $argv[2]",
            script.toString(),
            "plumbline " + typed)
        .stream()
        .map(line -> line.replaceFirst("\t.*", ""))
        .toList();
  }

  @Test
  void zshCompletesCommandsOptionsChoicesAndFiles() throws Exception {
    Path script = script(Shell.ZSH);

    assertThat(zsh(script, "quicks")).contains("plumbline quickstart");
    assertThat(zsh(script, "dpo --lr-s")).contains("--lr-scheduler=");
    assertThat(zsh(script, "dpo --lr-scheduler=lin")).contains("--lr-scheduler=linear");
    assertThat(zsh(script, "dpo --model pairs")).contains("pairs\\ of\\ mine.jsonl");
    assertThat(zsh(script, "completion fi")).contains("completion fish");
  }

  /** What an interactive zsh makes of a line when Tab is typed behind it. */
  private String zsh(Path script, String typed) throws Exception {
    String driver = Path.of(CompletionTest.class.getResource("/complete.zsh").toURI()).toString();
    return String.join(
        "\n", lines("zsh", "-f", driver, script.getParent().toString(), "plumbline " + typed));
  }

  @Test
  void aShellWithoutAScriptIsTold() {
    Call call = Call.plumbline("completion", "csh");

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err())
        .isEqualTo(
            "plumbline completion: There is no script for csh: name one of bash, zsh and fish.\n");
  }
}
