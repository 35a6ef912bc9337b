package io.plumbline.spark.cli.options;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.spark.cli.Call;
import io.plumbline.spark.cli.Layers;
import io.plumbline.spark.cli.commands.Commands;
import io.plumbline.spark.cli.commands.TrainCommand;
import io.plumbline.spark.training.algorithm.SftAlgorithm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The options of chat templates, on the command line and in files. */
class TemplateOptionsTest {
  @TempDir Path directory;

  private final Problems problems = new Problems();

  private RunTemplates templates(String... args) {
    return TemplateOptions.of(Layers.values(new TrainCommand(SftAlgorithm.SFT), problems, args));
  }

  @Test
  void everyCommandThatRendersHasThem() {
    List<String> all = TemplateOptions.all().stream().map(Setting::name).toList();
    TreeSet<String> with = new TreeSet<>();
    for (Command command : Commands.all()) {
      List<String> names = command.settings().stream().map(Setting::name).toList();
      if (names.containsAll(all)) {
        with.add(command.name());
      } else {
        assertThat(names).doesNotContainAnyElementsOf(all);
      }
    }

    assertThat(with)
        .containsExactlyElementsOf(
            new TreeSet<>(
                List.of(
                    "sft",
                    "reward",
                    "dpo",
                    "kto",
                    "orpo",
                    "simpo",
                    "grpo",
                    "ppo",
                    "prepare",
                    "reference",
                    "generate",
                    "score",
                    "mine",
                    "evaluate")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "chat_template_kwargs: {enable_thinking: False, names: [a, 1], none: null, date: 1e3}",
        "chat-template-kwargs: {enable_thinking: no, names: [a, 1], none: ~, date: 1e3}",
        "chat-template-kwargs: '{\"enable_thinking\": false, \"names\": [\"a\", 1],"
            + " \"none\": null, \"date\": 1e3}'",
      })
  void aFileHasAMappingOrJson(String yaml) throws IOException {
    Path file = Files.writeString(directory.resolve("run.yaml"), yaml);

    RunTemplates templates = templates("--config", file.toString());

    assertThat(problems.sentences()).isEmpty();
    Map<String, Object> expected = new TreeMap<>();
    expected.put("enable_thinking", false);
    expected.put("names", List.of("a", 1));
    expected.put("none", null);
    expected.put("date", 1000.0);
    assertThat(templates.variables()).isEqualTo(expected);
    assertThat(templates.options()).containsOnlyKeys("chat-template-kwargs");
  }

  @ParameterizedTest
  @CsvSource({
    "2026-05-04, 2026-05-04T00:00:00Z",
    "2026-05-04T12:00Z, 2026-05-04T12:00:00Z",
    "2026-05-04T12:00:59.75+02:00, 2026-05-04T12:00:59+02:00",
  })
  void aDateIsATimeWithAnOffset(String given, String date) {
    assertThat(templates("--chat-template-date", given).date()).isEqualTo(date);
    assertThat(problems.sentences()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "--chat-template-date | 04.05.2026 | must be a day, or a time with an offset",
        "--chat-template-date | 2026-05-04T12:00:00 | must be a day, or a time with an offset",
        "--chat-template-kwargs | enable_thinking=false | must be a JSON object such as",
        "--chat-template-kwargs | {\"messages\": []} | must not set messages",
        "--chat-template-kwargs | {\"bos_token\": \"\"} | must not set bos_token",
        "--chat-template-kwargs | {\"a b\": 1} | must have names that a template can read",
      })
  void whatIsNoneIsRefused(String option, String text, String sentence) {
    templates(option, text);

    assertThat(problems.sentences())
        .singleElement()
        .asString()
        .startsWith(option + " is '" + text + "' and ")
        .contains(sentence);
  }

  @Test
  void templatesThatAreNoneAreRefusedBeforeAnyWork() throws IOException {
    Path broken = Files.writeString(directory.resolve("broken.jinja"), "{% for m in messages %}");
    Path model = directory.resolve("model");
    String init =
        "init-model --hidden-size 32 --layers 1 --heads 2 --kv-heads 1 --intermediate-size 64"
            + " --output ";
    Call made = Call.plumbline((init + model).split(" "));
    assertThat(made.status()).as(made.err()).isZero();
    Path data = Files.writeString(directory.resolve("d.jsonl"), "{\"text\": \"Hello.\"}\n");
    String where = " --model %s --data %s --output %s/out".formatted(model, data, directory);
    for (String call :
        List.of(
            "sft" + where,
            "prepare --kind supervised" + where,
            "mine --reward length" + where,
            "score --data %s --model %s".formatted(data, model))) {
      for (Path file : List.of(broken, directory.resolve("absent.jinja"))) {
        List<String> args = Arrays.asList((call + " --chat-template " + file).split(" "));
        Call refused = Call.plumbline(args.toArray(String[]::new));

        assertThat(refused.status()).as(refused.err()).isEqualTo(2);
        assertThat(refused.err()).contains("--chat-template names " + file);
        assertThat(directory.resolve("out/prepared")).doesNotExist();
      }
    }
  }
}
