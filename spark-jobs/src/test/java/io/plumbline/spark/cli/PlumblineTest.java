package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.Fixtures;
import io.plumbline.spark.cli.commands.Commands;
import io.plumbline.spark.cli.commands.PipelineCommand;
import io.plumbline.spark.cli.commands.RerunCommand;
import io.plumbline.spark.cli.commands.ScoreCommand;
import io.plumbline.spark.cli.commands.TrainCommand;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.RowOptions;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.TrainingSettings;
import io.plumbline.spark.training.TrainingRequest;
import io.plumbline.spark.training.algorithm.DpoAlgorithm;
import io.plumbline.spark.training.algorithm.RowForm.Packing;
import io.plumbline.spark.training.algorithm.SftAlgorithm;
import io.plumbline.spark.training.algorithm.SftAlgorithm.SupervisedOn;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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
    assertThat(call.out().lines())
        .hasSize(6)
        .anySatisfy(line -> assertThat(line).startsWith("plumbline "))
        .anySatisfy(line -> assertThat(line).matches("Spark [34]\\.[0-9]+\\.[0-9].*"))
        .anySatisfy(line -> assertThat(line).matches("PyTorch 2\\.[0-9]+\\.[0-9] \\(\\w+\\)"))
        .anySatisfy(line -> assertThat(line).startsWith("Java " + Runtime.version().feature()));
  }

  @Test
  void overviewFitsTheTerminal() {
    for (int columns : new int[] {60, 80, 100}) {
      assertThat(Overview.of(Commands.all(), columns).lines())
          .filteredOn(line -> !line.contains("spark-submit"))
          .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(columns));
    }
    assertThat(Overview.of(Commands.all(), 80))
        .containsSubsequence(
            "Start here", "Data", "Train", "Use and", "Many", "Look", "This program");
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
    assertThat(call.out()).contains("Examples", "./plumbline " + name, "More in ");
    assertThat(command.group().names(name)).as("a group of %s", name).isTrue();
    assertThat(command.group().docs())
        .allSatisfy(page -> assertThat(Fixtures.root().resolve(page)).exists());
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
            "  - --data is missing: name a file, a directory, a glob, a table or a query of training"
                + " rows.",
            "  - --output is missing: name a directory for what the run leaves behind.",
            "  - --ranks is '0' and must be a whole number of at least 1.",
            "  - --max-bad-rows is 'few' and must be a whole number such as 10 or a share such as"
                + " 1%.",
            "  - --lr-scheduler is 'exponential' and must be one of linear, cosine, constant.",
            "  - --resume keeps what is in --output and --overwrite deletes it: give one.");
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
  void onlyAVerboseCallShowsWhereAnErrorCameFrom() {
    Call call = Call.plumbline("sft", "--quiet", "--verbose", "--config", "none.yaml");

    assertThat(call.status()).isEqualTo(2);
    assertThat(call.err())
        .contains("--quiet shows less and --verbose more: give one.")
        .contains("none.yaml, which cannot be read")
        .contains("\tat io.plumbline.");
    assertThat(Call.plumbline("sft", "--config", "none.yaml").err()).doesNotContain("\tat ");
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

  /** What a call that must fail says, its problems one by one. */
  private static List<String> problems(String command, String... more) {
    List<String> args = new ArrayList<>(List.of(command, "--model", "m", "--output", "o"));
    args.addAll(List.of(more));
    Call call = Call.plumbline(args.toArray(String[]::new));
    assertThat(call.status()).as(call.err()).isEqualTo(2);
    assertThat(call.out()).isEmpty();
    List<String> lines = call.err().lines().toList();
    return lines.size() == 1
        ? List.of(lines.get(0).replaceFirst("plumbline " + command + ": ", ""))
        : lines.stream().skip(1).map(line -> line.replaceFirst("^  - ", "")).toList();
  }

  @Test
  void weightsStandBehindTheLastColonAndPortsAndTableNamesDoNot() {
    Problems problems = new Problems();
    SettingValues values =
        Layers.values(
            new TrainCommand(DpoAlgorithm.DPO),
            problems,
            "--data",
            "hdfs://name:9000/a.jsonl",
            "--data",
            "s3a://bucket:9000",
            "--data",
            "a.jsonl:0.5",
            "--data",
            "table:lake.pairs:2",
            "--data",
            "table:7",
            "--data",
            "sql:SELECT * FROM t WHERE day = '12:30' :1e-1",
            "--data",
            "sql:SELECT * FROM t WHERE day = '12:30'",
            "--data",
            "odd:name");

    RowOptions options = RowOptions.of(values, problems);

    assertThat(problems.sentences()).isEmpty();
    assertThat(options.data())
        .containsExactly(
            "hdfs://name:9000/a.jsonl",
            "s3a://bucket:9000",
            "a.jsonl",
            "table:lake.pairs",
            "table:7",
            "sql:SELECT * FROM t WHERE day = '12:30'",
            "sql:SELECT * FROM t WHERE day = '12:30'",
            "odd:name");
    assertThat(options.weights()).containsExactly(1.0, 1.0, 0.5, 2.0, 1.0, 0.1, 1.0, 1.0);
  }

  @Test
  void weightsThatAreNoneAreTold() {
    assertThat(
            problems(
                "sft", "--data", "a:0", "--data", "b:-1", "--data", "c:2", "--eval-data", "e:2"))
        .containsExactly(
            "--data is 'a:0', and the weight behind its colon must be a number above 0: give one,"
                + " or leave the source out.",
            "--data is 'b:-1', and the weight behind its colon must be a number above 0: give one,"
                + " or leave the source out.",
            "--eval-data is 'e:2', and held-out rows have no weights: leave out the part from the"
                + " last colon on.");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          dpo | --loss-type sigmoyd | There is no loss type sigmoyd (did you mean sigmoid?): use one of
          kto | --loss-type ktoo | There is no loss type ktoo (did you mean kto?): use one of
          simpo | --loss-type smpo | There is no loss type smpo (did you mean simpo?): use one of
          dpo | --f-divergence-type js_divergenc | There is no f-divergence js_divergenc (did you mean js_divergence?)
          dpo | --loss-type hinge --label-smoothing 0.1 | --label-smoothing does nothing for the loss type hinge
          simpo | --loss-type ipo --label-smoothing 0.1 | --label-smoothing does nothing for the loss type ipo
          dpo | --loss-type apo_zero --f-divergence-type forward_kl | The loss type apo_zero cannot go with --f-divergence-type forward_kl
          dpo | --loss-type aot --use-weighting | The loss type aot cannot go with --use-weighting
          dpo | --loss-type exo_pair | The loss type exo_pair needs a --label-smoothing over 0
          dpo | --loss-type sft --ld-alpha 0.5 | The loss type sft cannot go with --ld-alpha under 1
          dpo | --sgd-momentum 0.1 | --sgd-momentum does nothing without --optim sgd
          dpo | --optim sgd --adam-beta1 0.5 | --adam-beta1 does nothing without --optim adamw or muon
          dpo | --optim sgd --sgd-nesterov | --sgd-nesterov does nothing without --sgd-momentum
          dpo | --optim muon --muon-momentum 1 | --muon-momentum and --sgd-momentum must be less than 1
          dpo | --discopop-tau 0.1 | --discopop-tau does nothing without --loss-type discopop
          dpo | --f-alpha-divergence-coef 0.7 | --f-alpha-divergence-coef does nothing without --f-divergence-type alpha_divergence
          dpo | --reference-free --reference-cache c | --reference-free compares with no reference, so --reference-cache does nothing
          dpo | --loss-type sigmoid:1,sft:2 --loss-weights 1,2 | --loss-type and --loss-weights both weigh the losses
          dpo | --loss-type sigmoid,sft --loss-weights 1 | There are 2 loss types and 1 --loss-weights
          dpo | --loss-type sigmoid:x | --loss-type has 'sigmoid:x', and the weight behind its colon must be a number
          kto | --loss-type kto:2 | --loss-type is 'kto:2', and only dpo weighs losses
          simpo | --loss-type simpo,sigmoid | --loss-type names simpo, sigmoid, and only dpo mixes losses
          simpo | --loss-type sigmoid --simpo-gamma 1 | --simpo-gamma does nothing without --loss-type simpo or alphapo
          simpo | --loss-type alphapo --alpha 0.5 --cpo-alpha 1 | --cpo-alpha does nothing without a --loss-type other than alphapo
          simpo | --loss-type alphapo | The loss type alphapo needs an alpha other than 0
          reward | --center-rewards-coefficient -1 | --center-rewards-coefficient is '-1' and must be a number of at least 0
          reward | --loss-type sigmoid | There is no option --loss-type
          dpo | --kl-target 3 | There is no option --kl-target: it is an option of grpo, ppo, and dpo has no such thing.
          sft | --reward answer | There is no option --reward: it is an option of grpo, ppo, mine, evaluate, and sft has no such thing.
          simpo | --set reference_cache=c | There is no option reference_cache in --set: it is an option of reference, dpo, kto
          grpo | --reward answer --loss-type sapo --epsilon 0.1 | --epsilon does nothing for the loss type sapo
          kto | --desirable-weight 0 | --desirable-weight is '0' and must be a number above 0
          sft | --packing bfd --max-length none | --packing fills rows up to --max-length, which is none
          sft | --max-length none --truncation-mode refuse | --truncation-mode is about rows past --max-length, which is none
          sft | --eval-split 10% --eval-data e | --eval-data names held-out rows and --eval-split takes them from --data
          sft | --eval-split 100% | --eval-split is '100%' and must be a whole number of rows such as 500 or a share such as 5%
          sft | --metric-for-best-model loss | --metric-for-best-model needs held-out rows
          sft | --early-stopping-patience 2 --eval-split 5 | --early-stopping-patience compares evaluations: say how often by --eval-steps
          sft | --best-is lower | --best-is says something about a metric that no option names
          sft | --early-stopping-threshold 1 | --early-stopping-threshold says something about a metric that no option names
          sft | --max-grad-norm 0 | --max-grad-norm must be over 0, or none
          sft | --save-steps 0 --keep-checkpoints 3 | --keep-checkpoints does nothing where --save-steps is 0
          sft | --ranks 4 --master local[2] | --ranks is 4 and --master local[2] has only room for 2 at once
          sft | --ranks 2 --master local | --ranks is 2 and --master local has only room for 1 at once
          sft | --overwrite --eval-data o/held.jsonl | --eval-data is 'o/held.jsonl', which --overwrite would delete
          dpo | --overwrite --reference-cache ./o/../o/cache/ | --reference-cache is './o/../o/cache/', which --overwrite would delete
          grpo | --reward answer --top-p 1.5 | --top-p is '1.5' and must be a number above 0 and at most 1.
          mine | --reward answer --top-p 0 | --top-p is '0' and must be a number above 0 and at most 1.
          generate | --temperature 1 --top-p 1.5 | --top-p is '1.5' and must be a number above 0 and at most 1.
          grpo | --reward answer --kl-target 3 | --kl-target adapts --beta, which is 0
          grpo | --reward answer --no-bias-correction-kl | --no-bias-correction-kl is about the KL that is charged, and --beta is 0
          grpo | --reward answer --cost-learning-rate 2 | --cost-learning-rate does nothing without --cost
          grpo | --reward answer --num-generations-eval 2 | --num-generations-eval needs held-out rows
          orpo | --reference-cache c | There is no option --reference-cache
          dpo | --packing bfd | There is no option --packing
          prepare | --loss-on all | --loss-on is for sft, and --kind is preference: leave it out, or add --kind supervised.
          prepare | --kind unpaired --packing bfd | --packing is for sft, and --kind is unpaired
          prepare | --kind pairs | --kind is 'pairs' and must be one of preference, supervised, supervised_from_chosen, unpaired, prompt
          prepare | --kind prompt --loss-on all | --loss-on is for sft, and --kind is prompt
          prepare | --kind prompt --packing bfd | --packing is for sft, and --kind is prompt
          reference | --reference-cache c --kind supervised | --kind is 'supervised' and must be one of preference, unpaired
          """)
  void whatAnOptionCannotDoIsToldBeforeAnyWork(String command, String options, String start) {
    List<String> args = new ArrayList<>(List.of("--data", "d"));
    args.addAll(List.of(options.split(" ")));

    assertThat(problems(command, args.toArray(String[]::new)))
        .singleElement()
        .asString()
        .startsWith(start)
        .endsWith(".");
  }

  @Test
  void whatOverwriteWouldNotDeleteMayBeNearTheOutput() {
    Problems problems = new Problems();
    for (String[] fine :
        new String[][] {
          {"s3a://b/runs/sft/checkpoint", "s3a://b/runs/dpo"},
          {"runs/sft-1/checkpoint", "runs/sft"},
          {"runs", "runs/sft"},
          {"/runs/sft", "s3a://runs/sft"}
        }) {
      TrainingSettings.request(
          SftAlgorithm.SFT,
          Layers.values(
              new TrainCommand(SftAlgorithm.SFT),
              problems,
              "--model",
              fine[0],
              "--data",
              "d",
              "--output",
              fine[1],
              "--overwrite"),
          problems);
    }
    assertThat(problems.sentences()).isEmpty();
  }

  @Test
  void packingGoesWithTheChosenSideOfPairs() {
    Problems problems = new Problems();
    TrainingRequest request =
        TrainingSettings.request(
            SftAlgorithm.SFT,
            Layers.values(
                new TrainCommand(SftAlgorithm.SFT),
                problems,
                "--model m --data d --output o --packing bfd --supervised-on chosen".split(" ")),
            problems);

    assertThat(problems.sentences()).isEmpty();
    assertThat(((SftAlgorithm.Settings) request.objective()).packing()).isEqualTo(Packing.BFD);
    assertThat(((SftAlgorithm.Settings) request.objective()).supervisedOn())
        .isEqualTo(SupervisedOn.CHOSEN);
  }

  @Test
  void whatIsStoppedFromOutsideSaysHowToGoOn() {
    SettingValues values =
        new SettingValues(
            Map.of("output", new SettingValues.Given(List.of("runs/dpo"), "")), new Problems());
    assertThat(Plumbline.ending(new TrainCommand(DpoAlgorithm.DPO), values))
        .isEqualTo(
            "plumbline dpo: stopped from outside: the state in runs/dpo is kept; continue by the same"
                + " call with --resume.");
    assertThat(Plumbline.ending(new RerunCommand(), values)).endsWith("with --resume.");
    assertThat(Plumbline.ending(new ScoreCommand(), values)).endsWith("start the same call again.");
    assertThat(Plumbline.ending(new PipelineCommand(), values))
        .endsWith("start the same call again.");
  }
}
