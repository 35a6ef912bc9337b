package io.plumbline.spark.cli.options;

import io.plumbline.base.NearestName;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;

/**
 * Reads the arguments of one command: the command line over {@code --set} over {@code --config}.
 * Every value is taken as text here, so that one run over the arguments finds all that is wrong.
 */
public final class CommandLineReader {
  static final Setting<String> CONFIG =
      Setting.text(
          "config",
          "FILE.yaml",
          Setting.GENERAL,
          "Option names and values, as in 'global-batch-size: 16'. The command line wins over"
              + " --set, which wins over this file.");
  static final Setting<String> SET =
      Setting.repeated(
          "set",
          "KEY=VALUE",
          Setting.GENERAL,
          "An option by name, for scripts that build calls; may be repeated.");
  static final Setting<Boolean> VERBOSE =
      Setting.flag("verbose", Setting.GENERAL, "Logs at info level, and stack traces with errors.");

  public static final Setting<Boolean> QUIET =
      Setting.flag("quiet", Setting.GENERAL, "No progress and no notes: results and errors alone.");
  public static final Setting<Boolean> PRINT_CONFIG =
      Setting.flag(
          "print-config",
          Setting.GENERAL,
          "Does nothing but to print a file for --config: every option with its help and default, and"
              + " those that are given here with their values.");

  private static final List<Setting<?>> GENERAL =
      List.of(CONFIG, SET, PRINT_CONFIG, QUIET, VERBOSE);

  /** What cannot stand in a file: it is read before the file, or about it. */
  private static final List<Setting<?>> COMMAND_LINE_ONLY =
      List.of(CONFIG, SET, PRINT_CONFIG, VERBOSE);

  /** A value rather than an option, as in TRL's {@code --max_steps -1}. */
  private static final Pattern NEGATIVE_NUMBER =
      Pattern.compile("-[0-9]*\\.?[0-9]+([eE][-+]?[0-9]+)?");

  private final Command command;
  private final List<Command> all;
  private final Map<String, Setting<?>> settings = new LinkedHashMap<>();

  /**
   * @param command whose arguments are read
   * @param all every command, for the sentence that says which of them has an option of TRL's
   */
  public CommandLineReader(Command command, List<Command> all) {
    this.all = List.copyOf(all);
    this.command = command;
    command.settings().forEach(setting -> settings.put(setting.name(), setting));
    GENERAL.forEach(setting -> settings.put(setting.name(), setting));
  }

  /** Of the command itself, and of every command. */
  public List<Setting<?>> settings() {
    return List.copyOf(settings.values());
  }

  /** What picocli needs to read the arguments and to print the help. */
  public CommandSpec spec(int columns) {
    CommandSpec spec = CommandSpec.create().name(command.name());
    Map<String, List<Setting<?>>> groups = new LinkedHashMap<>();
    for (Setting<?> setting : settings.values()) {
      groups.computeIfAbsent(setting.group(), g -> new ArrayList<>()).add(setting);
    }
    // An argument stands among what is given anywhere, which comes last all the same.
    groups.put(Setting.GENERAL, groups.remove(Setting.GENERAL));
    int order = 0;
    for (Map.Entry<String, List<Setting<?>>> entry : groups.entrySet()) {
      ArgGroupSpec.Builder group =
          ArgGroupSpec.builder()
              .heading("%n" + entry.getKey() + "%n")
              .validate(false)
              .exclusive(false)
              .multiplicity("0..1")
              .order(order++);
      int place = 0;
      for (Setting<?> setting : entry.getValue()) {
        if (setting.kind() == Setting.Kind.ARGUMENT) {
          spec.addPositional(
              PositionalParamSpec.builder()
                  .paramLabel(setting.label())
                  .index("0..*")
                  .arity("0..*")
                  .type(List.class)
                  .auxiliaryTypes(String.class)
                  .description(escaped(setting.help()))
                  .build());
        } else {
          group.addArg(option(setting, place++));
        }
      }
      if (entry.getKey().equals(Setting.GENERAL)) {
        group.addArg(
            OptionSpec.builder("-h", "--help")
                .arity("0")
                .type(boolean.class)
                .usageHelp(true)
                .order(place)
                .description("This page.")
                .build());
      }
      spec.addArgGroup(group.build());
    }
    spec.parser()
        .collectErrors(true)
        .unmatchedArgumentsAllowed(true)
        .unmatchedOptionsArePositionalParams(false);
    spec.usageMessage()
        .width(columns)
        .longOptionsMaxWidth(30)
        .sortOptions(false)
        .abbreviateSynopsis(true)
        .customSynopsis("plumbline " + synopsis())
        .description(escaped(command.summary()), "", escaped(command.description()))
        .footerHeading("%nExamples%n")
        .footer(
            Stream.concat(
                    command.examples().stream()
                        .flatMap(example -> example("./plumbline " + example, columns).stream()),
                    Stream.of("", "More in " + String.join(", ", command.group().docs()) + "."))
                .map(CommandLineReader::escaped)
                .toArray(String[]::new));
    return spec;
  }

  /** A call in lines that a shell takes as they stand, broken before options. */
  private static List<String> example(String call, int columns) {
    List<String> lines = new ArrayList<>();
    String line = "  ";
    for (String part : call.split("(?= --| >)", -1)) {
      // Two columns for the sign that the call continues.
      if (line.length() + part.length() > columns - 3 && !line.isBlank()) {
        lines.add(line + " \\");
        line = "     ";
      }
      line += part;
    }
    lines.add(line);
    return lines;
  }

  private String synopsis() {
    String arguments =
        settings.values().stream()
            .filter(setting -> setting.kind() == Setting.Kind.ARGUMENT)
            .map(Setting::label)
            .collect(Collectors.joining(" "));
    return (command.name() + " [OPTIONS] " + arguments).strip();
  }

  private static OptionSpec option(Setting<?> setting, int order) {
    OptionSpec.Builder option =
        OptionSpec.builder("--" + setting.name()).order(order).description(description(setting));
    if (setting.kind() == Setting.Kind.FLAG) {
      return option.arity("0").type(boolean.class).build();
    }
    // A list also where one value is meant: two of them are then a problem that can be told.
    return option
        .arity("1")
        .type(List.class)
        .auxiliaryTypes(String.class)
        .paramLabel(setting.label())
        .build();
  }

  private static String description(Setting<?> setting) {
    String initial =
        setting.kind() == Setting.Kind.FLAG
            ? ""
            : setting.initial().map(text -> " Default: " + text + ".").orElse("");
    return escaped(setting.help() + initial);
  }

  /** picocli formats its texts. */
  private static String escaped(String text) {
    return text.replace("%", "%%");
  }

  /** The values that the arguments and the files named by them give. */
  public SettingValues read(ParseResult result, Problems problems) {
    Map<String, SettingValues.Given> flags = commandLine(result, problems);
    Map<String, SettingValues.Given> merged = new LinkedHashMap<>();
    SettingValues.Given config = flags.get(CONFIG.name());
    if (config != null) {
      merged.putAll(named(ConfigFile.read(Path.of(config.texts().get(0)), problems), problems));
    }
    sets(flags.get(SET.name()), problems).forEach((key, given) -> merged.put(key, given));
    merged.putAll(flags);
    SettingValues values = new SettingValues(merged, problems);
    if (values.of(QUIET) && values.of(VERBOSE)) {
      problems.add("--quiet shows less and --verbose more: give one.");
    }
    return values;
  }

  /** The entries of a file by the names of the settings that they mean. */
  public Map<String, SettingValues.Given> named(
      Map<String, SettingValues.Given> entries, Problems problems) {
    Map<String, SettingValues.Given> named = new LinkedHashMap<>();
    entries.forEach(
        (key, given) ->
            known(key, given.origin(), problems)
                .ifPresent(
                    setting ->
                        put(
                            named,
                            setting,
                            key,
                            fitting(setting, key, given, problems),
                            problems)));
    return named;
  }

  /** A list for an option that takes one value is a problem; its first value stands for it. */
  private static SettingValues.Given fitting(
      Setting<?> setting, String key, SettingValues.Given given, Problems problems) {
    if (given.texts().size() <= 1 || setting.kind() == Setting.Kind.REPEATED) {
      return given;
    }
    problems.add(
        String.format(
            "%s is a list %s and takes one value: write it as %s.",
            key,
            given.origin(),
            setting.kind() == Setting.Kind.FLAG ? "true or false" : setting.label()));
    return new SettingValues.Given(given.texts().subList(0, 1), given.origin());
  }

  private Map<String, SettingValues.Given> commandLine(ParseResult result, Problems problems) {
    Map<String, SettingValues.Given> given = new LinkedHashMap<>();
    for (Setting<?> setting : settings.values()) {
      if (setting.kind() == Setting.Kind.ARGUMENT) {
        List<String> texts =
            result.matchedPositionalValue(0, List.<String>of()).stream()
                .map(String::valueOf)
                .toList();
        if (!texts.isEmpty()) {
          given.put(setting.name(), new SettingValues.Given(texts.subList(0, 1), ""));
          texts.stream()
              .skip(1)
              .forEach(
                  text -> problems.add(String.format("The argument '%s' is one too many.", text)));
        }
      } else if (result.hasMatchedOption("--" + setting.name())) {
        List<String> texts =
            setting.kind() == Setting.Kind.FLAG
                ? List.of("true")
                : result.matchedOptionValue("--" + setting.name(), List.<String>of());
        if (!texts.isEmpty()) {
          put(given, setting, setting.option(), new SettingValues.Given(texts, ""), problems);
        }
      }
    }
    result.errors().forEach(error -> problems.add(String.format("%s.", oneSentence(error))));
    unmatched(result.unmatched(), problems);
    return given;
  }

  private static String oneSentence(Exception error) {
    if (error instanceof CommandLine.MissingParameterException missing
        && missing.getMissing().size() == 1
        && missing.getMissing().get(0) instanceof OptionSpec option) {
      return option.longestName() + " needs a value: " + option.paramLabel();
    }
    String message = String.valueOf(error.getMessage()).strip();
    return message.endsWith(".") ? message.substring(0, message.length() - 1) : message;
  }

  private void unmatched(List<String> arguments, Problems problems) {
    boolean afterUnknownOption = false;
    boolean afterListOfTrl = false;
    for (String argument : arguments) {
      boolean value = afterUnknownOption && NEGATIVE_NUMBER.matcher(argument).matches();
      if (argument.startsWith("-") && argument.length() > 1 && !value) {
        String name = argument.replaceFirst("^--?", "").replaceFirst("=.*", "");
        String written = argument.replaceFirst("=.*", "");
        Optional<String> ofTrl = ofTrl(written, name, "--", "");
        problems.add(ofTrl.orElseGet(() -> unknown(written, name, "--", "")));
        afterUnknownOption = !argument.contains("=");
        // Some of TRL's options take several values, and all of them belong to one sentence.
        afterListOfTrl =
            afterUnknownOption
                && (ofTrl.isPresent() || TrlOptions.find(command.name(), name).isPresent());
      } else {
        if (!afterUnknownOption && !afterListOfTrl) {
          problems.add(String.format("The argument '%s' belongs to no option.", argument));
        }
        afterUnknownOption = false;
      }
    }
  }

  private Map<String, SettingValues.Given> sets(SettingValues.Given given, Problems problems) {
    Map<String, SettingValues.Given> byName = new LinkedHashMap<>();
    if (given == null) {
      return byName;
    }
    Map<String, List<String>> texts = new LinkedHashMap<>();
    for (String assignment : given.texts()) {
      int equals = assignment.indexOf('=');
      if (equals < 1) {
        problems.add(
            String.format(
                "--set is '%s' and must be a name, = and a value, such as max-steps=100.",
                assignment));
        continue;
      }
      String key = assignment.substring(0, equals);
      known(key, "in --set", problems)
          .ifPresent(
              setting ->
                  texts
                      .computeIfAbsent(setting.name(), name -> new ArrayList<>())
                      .add(assignment.substring(equals + 1)));
    }
    texts.forEach(
        (name, values) ->
            put(
                byName,
                settings.get(name),
                name,
                new SettingValues.Given(values, "in --set"),
                problems));
    return byName;
  }

  private static void put(
      Map<String, SettingValues.Given> target,
      Setting<?> setting,
      String written,
      SettingValues.Given given,
      Problems problems) {
    boolean twice = target.containsKey(setting.name());
    if (twice || (given.texts().size() > 1 && setting.kind() != Setting.Kind.REPEATED)) {
      problems.add(
          String.format(
              "%s is given more than once%s: leave one.",
              written, given.origin().isEmpty() ? "" : " " + given.origin()));
    }
    target.put(setting.name(), given);
  }

  /** The setting that a key of a file or of {@code --set} means; a problem where there is none. */
  private Optional<Setting<?>> known(String key, String where, Problems problems) {
    String name = kebab(key);
    Setting<?> setting = settings.get(name);
    if (setting != null && COMMAND_LINE_ONLY.contains(setting)) {
      problems.add(
          String.format("%s %s has no effect there: give it on the command line.", key, where));
      return Optional.empty();
    }
    if (setting == null) {
      problems.add(
          ofTrl(key, name, "", " " + where).orElseGet(() -> unknown(key, name, "", " " + where)));
      return Optional.empty();
    }
    return Optional.of(setting);
  }

  /** What to say of a name of TRL's, or of one that is nearer to one of TRL's than to ours. */
  private Optional<String> ofTrl(String written, String name, String prefix, String where) {
    String kebab = kebab(name);
    if (settings.containsKey(kebab)) {
      return Optional.empty(); // The same name in another spelling needs no map.
    }
    return TrlOptions.answer(command, all, written, where, prefix)
        .or(
            () ->
                TrlOptions.answerNear(
                    command,
                    all,
                    written,
                    where,
                    prefix,
                    NearestName.among(settings.keySet(), kebab)
                        .map(own -> NearestName.edits(kebab, own))));
  }

  private String unknown(String written, String name, String prefix, String where) {
    return "There is no option "
        + written
        + where
        + ofOthers(kebab(name))
            .or(
                () ->
                    NearestName.among(settings.keySet(), kebab(name))
                        .map(own -> ": did you mean " + prefix + own + "?"))
            .orElse(
                ": 'plumbline " + command.name() + " --help' lists the options of this command.");
  }

  /** The rest of a sentence about a name that other commands alone have. */
  private Optional<String> ofOthers(String name) {
    if (settings.containsKey(name)) {
      return Optional.empty();
    }
    List<String> others =
        all.stream()
            .filter(other -> other.settings().stream().anyMatch(its -> its.name().equals(name)))
            .map(Command::name)
            .toList();
    return others.isEmpty()
        ? Optional.empty()
        : Optional.of(
            ": it is an option of "
                + String.join(", ", others)
                + ", and "
                + command.name()
                + " has no such thing.");
  }

  private static String kebab(String name) {
    return name.replace('_', '-').toLowerCase(Locale.ROOT);
  }
}
