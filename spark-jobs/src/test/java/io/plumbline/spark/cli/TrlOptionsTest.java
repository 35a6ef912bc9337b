package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.Fixtures;
import io.plumbline.PythonPeer;
import io.plumbline.spark.cli.commands.Commands;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.TrlOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Names of TRL's are answered wherever options are written, from one map. */
class TrlOptionsTest {
  private static final Pattern QUOTED = Pattern.compile("`([^`]+)`");

  /** Which command a heading of docs/trl-options.md is about; any for the first table. */
  private static final Map<String, String> HEADINGS =
      Map.of(
          "All trainers", "dpo",
          "SFT", "sft",
          "Reward model", "reward",
          "DPO", "dpo",
          "KTO", "kto",
          "ORPO", "orpo",
          "CPO, SimPO, AlphaPO", "simpo",
          "GRPO", "grpo",
          "PPO", "ppo");

  @TempDir Path directory;

  @Test
  void everyOptionOfTrlHasAnAnswer() throws Exception {
    List<String> unanswered = new ArrayList<>();
    PythonPeer.run(directory, "list_trl_options.py")
        .forEach(
            name -> {
              if (TrlOptions.find("dpo", name.asText()).isEmpty()) {
                unanswered.add(name.asText());
              }
            });
    assertThat(unanswered).isEmpty();
  }

  @Test
  void everyAnswerNamesOptionsThatAreThere() {
    TreeSet<String> options =
        Commands.all().stream()
            .flatMap(command -> command.settings().stream())
            .map(Setting::name)
            .collect(Collectors.toCollection(TreeSet::new));
    TrlOptions.all()
        .forEach((name, entry) -> assertThat(options).as(name).containsAll(entry.options()));
  }

  @Test
  void theDocumentationSaysTheSame() throws Exception {
    int compared = 0;
    String command = "";
    for (String line : Files.readAllLines(Fixtures.root().resolve("docs/trl-options.md"))) {
      if (line.startsWith("## ")) {
        command = HEADINGS.getOrDefault(line.substring(3), "");
      }
      String[] cells = line.replace("\\|", " ").split("\\|", -1);
      if (command.isEmpty() || cells.length < 4 || !cells[1].contains("`")) {
        continue;
      }
      List<String> options =
          quoted(cells[2]).stream()
              .filter(text -> text.startsWith("--"))
              .map(text -> text.substring(2).split("[ {=]", 2)[0])
              .toList();
      boolean same = cells[2].contains("the same name");
      for (String text : quoted(cells[1])) {
        String name = text.split("=", 2)[0];
        if (!name.matches("[a-z][a-z0-9_]*")) {
          continue;
        }
        TrlOptions.Entry entry =
            TrlOptions.find(command, name)
                .orElseThrow(() -> new AssertionError("no answer for " + name + " in " + line));
        if (same) {
          assertThat(entry.options()).as(line).contains(name.replace('_', '-'));
        } else if (!options.isEmpty()) {
          assertThat(entry.options()).as(line).isNotEmpty();
          // Batch size has two rows: what it means, and what bounds memory.
          assertThat(options).as(line).containsAnyOf(entry.options().get(0), "micro-batch-tokens");
        } else if (quoted(cells[2]).isEmpty()) {
          assertThat(entry.options()).as(line).isEmpty();
        }
        compared++;
      }
    }
    assertThat(compared).isGreaterThan(120);
  }

  private static List<String> quoted(String cell) {
    List<String> texts = new ArrayList<>();
    Matcher quoted = QUOTED.matcher(cell);
    while (quoted.find()) {
      texts.add(quoted.group(1));
    }
    return texts;
  }

  @ParameterizedTest
  @CsvSource({
    "dpo, --per-device-train-batch-size 4, is --global-batch-size here",
    "dpo, --per_device_train_batch_size=4, is --global-batch-size here",
    "dpo, --model_name_or_path m, TRL's model_name_or_path is --model here",
    "sft, --bf16, is --compute-dtype here",
    "sft, --bf16 True, is --compute-dtype here",
    "sft, --no_bf16, is --compute-dtype here",
    "grpo, --lora_bias all, 'lora_bias is not there, because no biases are trained'",
    "sft, --use_peft, is --lora-r here",
    "dpo, --gradient-accumulation-steps 2, is --global-batch-size here",
    "reward, --dataset_name d, is --data here",
    "kto, --num_train_epochs 1, is --epochs here",
    "sft, --beta 0.1, 'is --beta of dpo'",
    "dpo, --max_completion_length 64, 'and dpo has no such thing'",
    "dpo, --per_device_train_batch_sze 4, is --global-batch-size here",
    "dpo, --gradient-acumulation-steps=2, nearest is TRL's gradient_accumulation_steps",
    "sft, --num_train_epoch 1, is --epochs here",
    "sft, --lora_target_parameter w, adapters are of linear modules alone",
    "sft, --model_name_or_pth m, is --model here",
    "dpo, --rpo_alpha 1.0, is --loss-type here",
    "dpo, --max_steps -1, did you mean --max-steps",
    "dpo, --warmup_ratio -0.5, is --warmup-steps here",
    "sft, --learning_rat 1e-3, did you mean --learning-rate",
    "dpo, --tokenizer_name_or_path t, the tokenizer of the model's directory is taken",
    "sft, --set bf16=true, is compute-dtype here",
    "sft, --set per-device-train-batch-size=2, is global-batch-size here",
  })
  void namesOfTrlAreAnsweredOnTheCommandLine(String command, String arguments, String answer) {
    List<String> call = new ArrayList<>(List.of(command));
    call.addAll(List.of(arguments.split(" ", -1)));
    String err = Call.plumbline(call.toArray(String[]::new)).err();
    assertThat(err).contains(answer);
    assertThat(err.split("There is no option", -1)).hasSize(2);
    assertThat(err).doesNotContain("belongs to no option");
  }

  @Test
  void namesOfTrlAreAnsweredInFiles() throws Exception {
    Path file = directory.resolve("run.yaml");
    Files.writeString(
        file,
        """
        model_name_or_path: m
        per-device-train-batch-size: 4
        gradient_checkpointing_kwargs:
          use_reentrant:
            deep: false
        lora_bias: none
        num-train-epoch: 2
        gradient_checkpointing_kwarg: {use_reentrant: false}
        max_length: 64
        """);
    String err = Call.plumbline("dpo", "--config", file.toString()).err();
    assertThat(err)
        .contains("TRL's model_name_or_path is model here")
        .contains("TRL's per_device_train_batch_size is global-batch-size here")
        .contains("TRL's gradient_checkpointing_kwargs is gradient-checkpointing here")
        .contains("lora_bias is not there")
        .contains("nearest is TRL's num_train_epochs: TRL's num_train_epochs is epochs here")
        .contains("nearest is TRL's gradient_checkpointing_kwargs")
        .contains("run.yaml, line 2")
        .doesNotContain("max_length", "neither a scalar");
  }

  @Test
  void noMessageHasAWordThatStandsForAValue() throws Exception {
    Pattern placeholder =
        Pattern.compile(
            "\"[^\"]*(\\b(in|to|of|same|named?) (OUTPUT|PATH|DIR|FILE)\\b|CATALOG\\.SCHEMA"
                + "|be KEY=VALUE|OPTION: VALUE|--redo STAGE|--data PATH)[^\"]*\"");
    List<String> found = new ArrayList<>();
    for (String module : List.of("chat-template", "core", "spark-jobs")) {
      try (var files = Files.walk(Fixtures.root().resolve(module).resolve("src/main/java"))) {
        for (Path path : files.filter(file -> file.toString().endsWith(".java")).toList()) {
          for (String line : Files.readAllLines(path)) {
            if (placeholder.matcher(line).find()) {
              found.add(path.getFileName() + ": " + line.strip());
            }
          }
        }
      }
    }
    assertThat(found).isEmpty();
  }
}
