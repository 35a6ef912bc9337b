package io.plumbline.spark.cli.commands;

import io.plumbline.settings.Texts;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** {@code completion}: the script by which a shell completes commands and options. */
final class CompletionCommand implements Command {
  static final Setting<String> SHELL =
      Setting.argument("SHELL", "Of which the script is: bash, zsh or fish.")
          .withWords(Stream.of(CompletionScript.Shell.values()).map(Texts::word).toList());

  @Override
  public String name() {
    return "completion";
  }

  @Override
  public String summary() {
    return "A script by which bash, zsh or fish completes commands, options and values.";
  }

  @Override
  public String description() {
    return "Prints the script, which knows every command, its options, their choices, and which of"
        + " them take files. It asks nothing while you type. Print it again after an update.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "completion bash > ~/.local/share/bash-completion/completions/plumbline",
        "completion zsh > ~/.zfunc/_plumbline",
        "completion fish > ~/.config/fish/completions/plumbline.fish");
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(SHELL);
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String name = values.require(SHELL, "name bash, zsh or fish").orElse("bash");
    for (CompletionScript.Shell shell : CompletionScript.Shell.values()) {
      if (Texts.word(shell).equals(name.toLowerCase(Locale.ROOT))) {
        return console -> console.out().print(CompletionScript.of(shell, Commands.all()));
      }
    }
    problems.add(String.format("There is no script for %s: name one of bash, zsh and fish.", name));
    return console -> {};
  }
}
