package io.plumbline.spark.cli.commands;

import io.plumbline.reward.RewardSpec;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.CommandLineReader;
import io.plumbline.spark.cli.options.Setting;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Scripts by which shells complete calls, generated from what the commands say of themselves. */
final class CompletionScript {
  /** A shell that has a script. */
  enum Shell {
    BASH,
    ZSH,
    FISH
  }

  /** What stands in the place of a command and is none. */
  private static final List<String> BESIDES = List.of("help", "version");

  private final List<Command> commands;
  private final StringBuilder script = new StringBuilder();

  private CompletionScript(List<Command> commands) {
    this.commands = commands;
  }

  static String of(Shell shell, List<Command> commands) {
    CompletionScript made = new CompletionScript(commands);
    switch (shell) {
      case BASH -> made.bash();
      case ZSH -> made.zsh();
      case FISH -> made.fish();
    }
    return made.script.toString();
  }

  private void line(String text) {
    script.append(text).append('\n');
  }

  private List<Setting<?>> options(Command command) {
    return new CommandLineReader(command, commands)
        .settings().stream().filter(setting -> setting.kind() != Setting.Kind.ARGUMENT).toList();
  }

  private static List<Setting<?>> arguments(Command command) {
    return command.settings().stream()
        .filter(setting -> setting.kind() == Setting.Kind.ARGUMENT)
        .toList();
  }

  /** Kinds of rewards are only known once those on the class path have been looked for. */
  private static List<String> words(Setting<?> setting) {
    return setting.label().startsWith("KIND") ? RewardSpec.kinds() : setting.words();
  }

  private List<String> names() {
    return commands.stream().map(Command::name).toList();
  }

  /** The first sentence, without its full stop. */
  private static String brief(String help) {
    return help.replaceFirst("(?s)[.:;] .*", "").replaceFirst("\\.$", "");
  }

  // bash

  private void bash() {
    line("# Completes plumbline in bash: source it, or keep it where bash-completion looks.");
    line("_plumbline() {");
    line("  local IFS=$' \\t\\n' words='' files=''");
    line("  local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\"");
    line("  COMPREPLY=()");
    line("  # The = of --option=value is a word of its own to bash.");
    line("  if [[ \"$cur\" == '=' ]]; then");
    line("    cur=''");
    line("  elif [[ \"$prev\" == '=' ]]; then");
    line("    prev=\"${COMP_WORDS[COMP_CWORD-2]}\"");
    line("  fi");
    line("  if (( COMP_CWORD == 1 )); then");
    line(
        "    words='%s --help --version'"
            .formatted(
                Stream.concat(names().stream(), BESIDES.stream())
                    .collect(Collectors.joining(" "))));
    line("  else");
    line("    case \"${COMP_WORDS[1]}\" in");
    commands.forEach(this::bash);
    line("    help) words='%s' ;;".formatted(String.join(" ", names())));
    line("    esac");
    line("  fi");
    line("  if [[ -n \"$files\" ]]; then");
    line("    compopt -o filenames 2>/dev/null");
    line("    mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")");
    line("  fi");
    line("  COMPREPLY+=($(compgen -W \"$words\" -- \"$cur\"))");
    line("}");
    line("complete -F _plumbline plumbline");
  }

  private void bash(Command command) {
    List<Setting<?>> options = options(command);
    line("    %s)".formatted(command.name()));
    line("      case \"$prev\" in");
    List<String> silent = new ArrayList<>();
    List<String> paths = new ArrayList<>();
    for (Setting<?> setting : options) {
      if (setting.kind() == Setting.Kind.FLAG) {
        continue;
      }
      if (setting.takesPath()) {
        paths.add(setting.option());
      } else if (words(setting).isEmpty()) {
        silent.add(setting.option());
      } else {
        line(
            "      %s) words='%s' ;;"
                .formatted(setting.option(), String.join(" ", words(setting))));
      }
    }
    if (!paths.isEmpty()) {
      line("      %s) files=yes ;;".formatted(String.join("|", paths)));
    }
    if (!silent.isEmpty()) {
      line("      %s) ;;".formatted(String.join("|", silent)));
    }
    List<Setting<?>> arguments = arguments(command);
    String words =
        Stream.concat(
                arguments.stream().flatMap(argument -> words(argument).stream()),
                Stream.concat(options.stream().map(Setting::option), Stream.of("--help")))
            .collect(Collectors.joining(" "));
    boolean files = arguments.stream().anyMatch(Setting::takesPath);
    line("      *) words='%s'%s ;;".formatted(words, files ? " files=yes" : ""));
    line("      esac ;;");
  }

  // zsh

  private void zsh() {
    line("#compdef plumbline");
    line("# Completes plumbline in zsh: keep it as _plumbline in a directory of $fpath.");
    line("_plumbline() {");
    line("  local context state state_descr line");
    line("  typeset -A opt_args");
    line("  local -a commands");
    line("  commands=(");
    for (Command command : commands) {
      line("    %s".formatted(quoted(command.name() + ":" + brief(command.summary()))));
    }
    line("    'help:The page of one command'");
    line("    'version:Versions of this program and what it runs on'");
    line("  )");
    line("  if (( CURRENT == 2 )); then");
    line("    _describe -t commands command commands");
    line("    return");
    line("  fi");
    line("  shift words");
    line("  (( CURRENT-- ))");
    line("  case \"$words[1]\" in");
    for (Command command : commands) {
      line("    %s)".formatted(command.name()));
      line("      _arguments \\");
      for (Setting<?> setting : options(command)) {
        line("        %s \\".formatted(quoted(zshOption(setting))));
      }
      for (Setting<?> argument : arguments(command)) {
        line(
            "        %s \\"
                .formatted(quoted(":" + zsh(argument.label()) + ":" + zshAction(argument))));
      }
      line("        '--help[This page]' ;;");
    }
    line("    help) _describe -t commands command commands ;;");
    line("  esac");
    line("}");
    line("if [[ \"$funcstack[1]\" == _plumbline ]]; then");
    line("  _plumbline \"$@\"");
    line("else");
    line("  compdef _plumbline plumbline");
    line("fi");
  }

  private static String zshOption(Setting<?> setting) {
    String option = setting.option();
    String help = "[" + zsh(brief(setting.help())) + "]";
    return switch (setting.kind()) {
      case FLAG -> option + help;
      case REPEATED ->
          "*" + option + "=" + help + ":" + zsh(setting.label()) + ":" + zshAction(setting);
      default -> option + "=" + help + ":" + zsh(setting.label()) + ":" + zshAction(setting);
    };
  }

  private static String zshAction(Setting<?> setting) {
    if (setting.takesPath()) {
      return "_files";
    }
    return words(setting).isEmpty() ? " " : "(" + String.join(" ", words(setting)) + ")";
  }

  /** A text within a specification of _arguments. */
  private static String zsh(String text) {
    return text.replaceAll("([\\\\\\[\\]:])", "\\\\$1");
  }

  private static String quoted(String text) {
    return "'" + text.replace("'", "'\\''") + "'";
  }

  // fish

  private void fish() {
    line("# Completes plumbline in fish: keep it as plumbline.fish among fish's completions.");
    line("function __plumbline_command");
    line("  set -l words (commandline -opc)");
    line("  if test (count $argv) -eq 0");
    line("    test (count $words) -eq 1");
    line("  else");
    line("    test (count $words) -ge 2; and test \"$words[2]\" = \"$argv[1]\"");
    line("  end");
    line("end");
    line("complete -c plumbline -f");
    for (Command command : commands) {
      line(
          "complete -c plumbline -n __plumbline_command -a %s -d %s"
              .formatted(command.name(), fish(brief(command.summary()))));
    }
    line("complete -c plumbline -n __plumbline_command -a help -d 'The page of one command'");
    line(
        "complete -c plumbline -n __plumbline_command -a version"
            + " -d 'Versions of this program and what it runs on'");
    line(
        "complete -c plumbline -n '__plumbline_command help' -a '%s'"
            .formatted(String.join(" ", names())));
    for (Command command : commands) {
      String when = "complete -c plumbline -n '__plumbline_command " + command.name() + "'";
      for (Setting<?> setting : options(command)) {
        String values =
            setting.kind() == Setting.Kind.FLAG
                ? ""
                : setting.takesPath()
                    ? " -r -F"
                    : " -x" + (words(setting).isEmpty() ? "" : " -a " + fishWords(setting));
        line(
            "%s -l %s%s -d %s"
                .formatted(when, setting.name(), values, fish(brief(setting.help()))));
      }
      for (Setting<?> argument : arguments(command)) {
        line("%s %s".formatted(when, argument.takesPath() ? "-F" : "-a " + fishWords(argument)));
      }
      line("%s -l help -d 'This page'".formatted(when));
    }
  }

  private static String fishWords(Setting<?> setting) {
    return fish(String.join(" ", words(setting)));
  }

  private static String fish(String text) {
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
  }
}
