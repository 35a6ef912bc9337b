package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.base.CountOrShare;
import io.plumbline.checkpoint.ShardSize;
import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.LengthLimits.Truncation;
import io.plumbline.mine.BestAgainstWorst;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.optim.Schedule;
import io.plumbline.spark.cli.commands.Commands;
import io.plumbline.spark.cli.commands.MineCommand;
import io.plumbline.spark.cli.commands.TrainCommand;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.ConfigFile;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.cli.options.TrainingSettings;
import io.plumbline.spark.mine.MiningRequest;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.training.ClusterSettings.WeightDtype;
import io.plumbline.spark.training.TrainingRequest;
import io.plumbline.spark.training.algorithm.DpoAlgorithm;
import io.plumbline.spark.training.algorithm.GrpoAlgorithm;
import io.plumbline.spark.training.algorithm.KtoAlgorithm;
import io.plumbline.spark.training.algorithm.OrpoAlgorithm;
import io.plumbline.spark.training.algorithm.PpoAlgorithm;
import io.plumbline.spark.training.algorithm.RewardAlgorithm;
import io.plumbline.spark.training.algorithm.SftAlgorithm;
import io.plumbline.spark.training.algorithm.SftAlgorithm.SupervisedOn;
import io.plumbline.spark.training.algorithm.SimpoAlgorithm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Command line over --set over file over defaults, and the request that comes out. */
class LayersTest {
  @TempDir Path directory;

  private final Problems problems = new Problems();

  private Path config(String yaml) throws IOException {
    Path file = directory.resolve("run.yaml");
    Files.writeString(file, yaml);
    return file;
  }

  private TrainingRequest request(TrainCommand command, String... args) {
    return TrainingSettings.request(
        command.algorithm(), Layers.values(command, problems, args), problems);
  }

  @Test
  void commandLineWinsOverSetWhichWinsOverFileWhichWinsOverDefaults() throws IOException {
    Path file =
        config(
            """
            model: from-file
            data: [a.jsonl, b.jsonl]
            output: out
            learning_rate: 1e-3
            warmup-steps: 4
            seed: 1
            global-batch-size: 16
            """);

    TrainingRequest request =
        request(
            new TrainCommand(DpoAlgorithm.DPO),
            "--config",
            file.toString(),
            "--set",
            "warmup_steps=5",
            "--set",
            "seed=2",
            "--seed",
            "3");

    assertThat(problems.sentences()).isEmpty();
    assertThat(request.files().model()).isEqualTo("from-file");
    assertThat(request.files().sources()).containsExactly("a.jsonl", "b.jsonl");
    assertThat(request.optimizer().learningRate()).isEqualTo(1e-3);
    assertThat(request.optimizer().warmupSteps()).isEqualTo(5);
    assertThat(request.batch().seed()).isEqualTo(3);
    assertThat(request.batch().globalBatchSize()).isEqualTo(16);
    assertThat(request.optimizer().maxGradNorm()).isEqualTo(1.0);
  }

  @Test
  void defaultsAreThoseOfTrl() {
    TrainingRequest dpo =
        request(new TrainCommand(DpoAlgorithm.DPO), "--model", "m", "--data", "d", "--output", "o");
    TrainingRequest sft =
        request(new TrainCommand(SftAlgorithm.SFT), "--model", "m", "--data", "d", "--output", "o");

    assertThat(problems.sentences()).isEmpty();
    assertThat(dpo.algorithm()).isEqualTo(DpoAlgorithm.DPO);
    assertThat(dpo.optimizer().learningRate()).isEqualTo(1e-6);
    assertThat(sft.optimizer().learningRate()).isEqualTo(2e-5);
    assertThat(((DpoAlgorithm.Settings) dpo.objective()).beta()).isEqualTo(0.1);
    assertThat(((SftAlgorithm.Settings) sft.objective()).supervisedOn())
        .isEqualTo(SupervisedOn.COMPLETION);
    for (TrainingRequest request : new TrainingRequest[] {dpo, sft}) {
      assertThat(request.batch().epochs()).isEqualTo(3);
      assertThat(request.batch().globalBatchSize()).isEqualTo(8);
      assertThat(request.lengths().maxLength()).isEqualTo(OptionalInt.of(1024));
      assertThat(request.lengths().maxPromptLength()).isEmpty();
      assertThat(request.lengths().truncation()).isEqualTo(Truncation.KEEP_START);
      assertThat(request.batch().seed()).isEqualTo(42);
      assertThat(request.batch().order()).isEqualTo(Order.SHUFFLED);
      assertThat(request.optimizer().schedule()).isEqualTo(Schedule.LINEAR);
      assertThat(request.optimizer().warmupSteps()).isZero();
      assertThat(request.optimizer().weightDecay()).isZero();
      assertThat(request.optimizer().maxGradNorm()).isEqualTo(1.0);
      assertThat(request.optimizer().adamW().beta1()).isEqualTo(0.9);
      assertThat(request.optimizer().adamW().beta2()).isEqualTo(0.999);
      assertThat(request.optimizer().adamW().epsilon()).isEqualTo(1e-8);
      assertThat(request.saving().saveSteps()).isEqualTo(500);
      assertThat(request.saving().start()).isEqualTo(Start.FRESH);
      assertThat(request.files().referenceCache()).isEmpty();
    }
  }

  @Test
  void everyOptionReachesTheRequest() {
    TrainingRequest request =
        request(
            new TrainCommand(DpoAlgorithm.DPO),
            ("--model m --data d --eval-data e --output o --reference-cache c --ranks 2"
                    + " --threads-per-rank 3 --seed 7 --max-steps 20 --epochs 1.5"
                    + " --global-batch-size 12 --micro-batch-size 4 --learning-rate 1e-3"
                    + " --lr-scheduler cosine --warmup-steps 4 --weight-decay 0.01 --max-grad-norm"
                    + " none --adam-beta1 0.8 --adam-beta2 0.95 --adam-epsilon 1e-6 --max-length"
                    + " 512 --max-prompt-length 64 --truncation-mode keep_end --no-shuffle"
                    + " --eval-steps 5 --save-steps 6 --keep-checkpoints 9 --resume"
                    + " --compute-dtype bf16 --save-dtype f16 --max-shard-size 2GiB --beta 0.3"
                    + " --max-bad-rows 2.5%")
                .split(" "));

    assertThat(problems.sentences()).isEmpty();
    assertThat(request.files().evalData()).containsExactly("e");
    assertThat(request.files().referenceCache()).isEqualTo(Optional.of("c"));
    assertThat(request.cluster().ranks()).isEqualTo(2);
    assertThat(request.cluster().threadsPerRank()).isEqualTo(3);
    assertThat(request.batch().seed()).isEqualTo(7);
    assertThat(request.batch().maxSteps()).isEqualTo(OptionalLong.of(20));
    assertThat(request.batch().epochs()).isEqualTo(1.5);
    assertThat(request.batch().globalBatchSize()).isEqualTo(12);
    assertThat(request.batch().microBatchSize()).isEqualTo(OptionalInt.of(4));
    assertThat(request.optimizer().schedule()).isEqualTo(Schedule.COSINE);
    assertThat(request.optimizer().weightDecay()).isEqualTo(0.01);
    assertThat(request.optimizer().maxGradNorm()).isInfinite();
    assertThat(request.optimizer().adamW().beta1()).isEqualTo(0.8);
    assertThat(request.optimizer().adamW().beta2()).isEqualTo(0.95);
    assertThat(request.optimizer().adamW().epsilon()).isEqualTo(1e-6);
    assertThat(request.lengths().maxLength()).isEqualTo(OptionalInt.of(512));
    assertThat(request.lengths().maxPromptLength()).isEqualTo(OptionalInt.of(64));
    assertThat(request.lengths().truncation()).isEqualTo(Truncation.KEEP_END);
    assertThat(request.batch().order()).isEqualTo(Order.INPUT);
    assertThat(request.saving().evalSteps()).isEqualTo(5);
    assertThat(request.saving().saveSteps()).isEqualTo(6);
    assertThat(request.saving().keepCheckpoints()).isEqualTo(9);
    assertThat(request.saving().start()).isEqualTo(Start.RESUME);
    assertThat(request.cluster().computeDtype()).isEqualTo(ComputeDtype.BF16);
    assertThat(request.cluster().saveDtype()).isEqualTo(WeightDtype.F16);
    assertThat(request.cluster().maxShardSize()).isEqualTo(new ShardSize(1L << 31));
    assertThat(((DpoAlgorithm.Settings) request.objective()).beta()).isEqualTo(0.3);
    assertThat(request.lengths().badRows()).isEqualTo(CountOrShare.ofShare(0.025));
    assertThat(CountOrShare.parse("10")).isEqualTo(CountOrShare.ofCount(10));
  }

  @Test
  void flagsAndListsComeFromFilesToo() throws IOException {
    Path file =
        config(
            """
            # A comment.
            model: m
            data:
              - a
              - b
            output: o
            no_shuffle: yes
            overwrite: false
            max-prompt-length: none
            max_length: None
            reference-cache: ~
            """);

    TrainingRequest request =
        request(new TrainCommand(DpoAlgorithm.DPO), "--config", file.toString());

    assertThat(problems.sentences()).isEmpty();
    assertThat(request.files().sources()).containsExactly("a", "b");
    assertThat(request.batch().order()).isEqualTo(Order.INPUT);
    assertThat(request.saving().start()).isEqualTo(Start.FRESH);
    assertThat(request.lengths().maxLength()).isEmpty();
    assertThat(request.files().referenceCache()).isEmpty();
  }

  @Test
  void aMapInAFileStandsForSpecsAndWeights() throws IOException {
    Path file =
        config(
            """
            model: m
            output: o
            data: {a.jsonl: 3, b.jsonl: 1}
            reward:
              - answer
              - regex: {pattern: "^[0-9]+$", weight: 5e-1}
            """);

    TrainingRequest fromFile =
        request(new TrainCommand(GrpoAlgorithm.GRPO), "--config", file.toString());
    TrainingRequest fromCommandLine =
        request(
            new TrainCommand(GrpoAlgorithm.GRPO),
            "--model",
            "m",
            "--output",
            "o",
            "--data",
            "a.jsonl:3",
            "--data",
            "b.jsonl:1",
            "--reward",
            "answer",
            "--reward",
            "regex{\"pattern\":\"^[0-9]+$\",\"weight\":0.5}");

    assertThat(problems.sentences()).isEmpty();
    assertThat(fromFile).isEqualTo(fromCommandLine);
  }

  @Test
  void unknownAndMisplacedKeysOfAFileAreToldWithTheirLines() throws IOException {
    Path file =
        config(
            """
            model: m
            data: d
            output: o
            learning-rte: 1
            seed: {deep: 1}
            ranks: [1, 2]
            config: other.yaml
            model: again
            beta: much
            loss_type: [sigmoid, sft]
            """);

    request(new TrainCommand(DpoAlgorithm.DPO), "--config", file.toString());

    assertThat(problems.sentences())
        .containsExactlyInAnyOrder(
            "There is no option learning-rte in " + file + ", line 4: did you mean learning-rate?",
            "seed has a value in "
                + file
                + ", line 5 that is neither a scalar nor a list of"
                + " scalars.",
            "ranks is a list in " + file + ", line 6 and takes one value: write it as N.",
            "config in " + file + ", line 7 has no effect there: give it on the command line.",
            "model is given a second time in " + file + ", line 8: leave one.",
            "--beta is 'much' in " + file + ", line 9 and must be a number above 0.",
            "loss_type is a list in "
                + file
                + ", line 10 and takes one value: write it as NAME[:X][,...].");
  }

  @Test
  void filesThatAreNoMappingOrNoYamlOrNotThereAreTold() throws IOException {
    Problems list = new Problems();
    ConfigFile.parse("- a\n- b\n", "list.yaml", list);
    Problems broken = new Problems();
    ConfigFile.parse("a: [1\nb: 2", "broken.yaml", broken);
    Problems tagged = new Problems();
    var entries =
        ConfigFile.parse("seed: !!javax.script.ScriptEngineManager [x]", "tagged.yaml", tagged);
    Problems absent = new Problems();
    ConfigFile.read(directory.resolve("absent.yaml"), absent);
    Problems empty = new Problems();
    ConfigFile.parse("", "empty.yaml", empty);

    assertThat(list.sentences())
        .containsExactly("list.yaml must be a YAML mapping of option names to values.");
    assertThat(broken.sentences()).singleElement().asString().startsWith("broken.yaml is not YAML");
    // A tag that names a class is refused before anything could be constructed.
    assertThat(entries).isEmpty();
    assertThat(tagged.sentences()).singleElement().asString().startsWith("tagged.yaml is not YAML");
    assertThat(absent.sentences()).singleElement().asString().contains("cannot be read");
    assertThat(empty.sentences()).isEmpty();
  }

  @Test
  void anOptionGivenTwiceIsToldUnlessItRepeats() {
    Layers.values(
        new TrainCommand(SftAlgorithm.SFT),
        problems,
        "--data",
        "a",
        "--data",
        "b",
        "--seed",
        "1",
        "--seed",
        "2");

    assertThat(problems.sentences()).containsExactly("--seed is given more than once: leave one.");
  }

  /** A value other than the default, for options that do not show one. */
  private static final Map<String, String> OTHER_VALUES =
      Map.ofEntries(
          Map.entry("beta", "0.7"),
          Map.entry("columns", "prompt=question"),
          Map.entry("epochs", "1.5"),
          Map.entry("loss-weights", "0.5"),
          Map.entry("label-smoothing", "0.25"),
          Map.entry("f-divergence-type", "js_divergence"),
          Map.entry("ld-alpha", "0.5"),
          Map.entry("chat-template", "other.jinja"),
          Map.entry("chat-template-kwargs", "{\"enable_thinking\": false}"),
          Map.entry("chat-template-date", "2026-05-04T12:00:00Z"),
          Map.entry("eval-split", "3"),
          Map.entry("max-bad-rows", "7"),
          Map.entry("max-grad-norm", "2.5"),
          Map.entry("metric-for-best-model", "eval_loss"),
          Map.entry("max-prompt-length", "9"),
          Map.entry("eval-data", "e.jsonl"),
          Map.entry("data", "d2.jsonl:3"),
          Map.entry("adam-beta1", "0.5"),
          Map.entry("adam-beta2", "0.5"),
          Map.entry("adam-moments-dtype", "bf16"),
          Map.entry("optim", "adafactor"),
          Map.entry("lora-dropout", "0.5"),
          Map.entry("sgd-momentum", "0.5"),
          Map.entry("muon-momentum", "0.5"),
          Map.entry("lr-scheduler", "cosine"),
          Map.entry("truncation-mode", "keep_end"),
          Map.entry("supervised-on", "chosen"),
          Map.entry("loss-on", "all"),
          Map.entry("packing", "bfd"),
          Map.entry("nll-on", "completion"),
          Map.entry("best-is", "higher"),
          Map.entry("on-bad-step", "skip"),
          Map.entry("device", "cpu"),
          Map.entry("compute-dtype", "bf16"),
          Map.entry("base-dtype", "int8"),
          Map.entry("save-dtype", "bf16"),
          Map.entry("max-shard-size", "500MB"),
          Map.entry("wait-for-slots", "90s"),
          Map.entry("collective-deadline", "90s"),
          Map.entry("reward", "length"),
          Map.entry("cost", "length<=3"),
          Map.entry("max-failed-rewards", "7"),
          Map.entry("top-p", "0.5"),
          Map.entry("min-p", "0.5"),
          Map.entry("epsilon", "0.5"),
          Map.entry("importance-sampling-level", "sequence"),
          Map.entry("kl-estimator", "k2"),
          Map.entry("top-entropy-quantile", "0.5"),
          Map.entry("scale-rewards", "batch"),
          Map.entry("multi-objective-aggregation", "normalize_then_sum"),
          Map.entry("advantage-baseline", "leave_one_out"),
          Map.entry("sapo-temperature-pos", "0.5"),
          Map.entry("sapo-temperature-neg", "0.5"),
          Map.entry("vespo-k-pos", "0.5"),
          Map.entry("vespo-k-neg", "0.5"),
          Map.entry("vespo-lambda-pos", "0.5"),
          Map.entry("vespo-lambda-neg", "0.5"),
          Map.entry("kl-in", "reward"),
          Map.entry("critic-trunk", "shared"),
          Map.entry("gamma", "0.5"),
          Map.entry("lam", "0.5"),
          Map.entry("mlflow-uri", "http://other:5000"),
          Map.entry("mlflow-artifacts", "checkpoint"));

  /** What must be given besides, for an option to mean anything. */
  private static final Map<String, String> TOGETHER_WITH =
      Map.ofEntries(
          Map.entry("min-ranks", "--ranks 4"),
          Map.entry("eval-steps", "--eval-split 5"),
          Map.entry("metric-for-best-model", "--eval-split 5 --eval-steps 1"),
          Map.entry("best-is", "--eval-split 5 --eval-steps 1 --metric-for-best-model loss"),
          Map.entry("early-stopping-patience", "--eval-split 5 --eval-steps 1"),
          Map.entry(
              "early-stopping-threshold",
              "--eval-split 5 --eval-steps 1 --metric-for-best-model loss"),
          Map.entry("lora-alpha", "--lora-r 4"),
          Map.entry("lora-dropout", "--lora-r 4"),
          Map.entry("lora-target-modules", "--lora-r 4"),
          Map.entry("lora-modules-to-save", "--lora-r 4"),
          Map.entry("use-rslora", "--lora-r 4"),
          Map.entry("use-dora", "--lora-r 4"),
          Map.entry("base-dtype", "--lora-r 4"),
          Map.entry("sgd-momentum", "--optim sgd"),
          Map.entry("sgd-nesterov", "--optim sgd --sgd-momentum 0.9"),
          Map.entry("muon-momentum", "--optim muon"),
          Map.entry("discopop-tau", "--loss-type discopop"),
          Map.entry("f-alpha-divergence-coef", "--f-divergence-type alpha_divergence"),
          Map.entry("ranks", "--global-batch-size 64"),
          Map.entry("micro-batch-size", "--global-batch-size 64"),
          Map.entry("advantage-baseline", "--scale-rewards none"),
          Map.entry("sapo-temperature-pos", "--loss-type sapo"),
          Map.entry("sapo-temperature-neg", "--loss-type sapo"),
          Map.entry("vespo-k-pos", "--loss-type vespo"),
          Map.entry("vespo-k-neg", "--loss-type vespo"),
          Map.entry("vespo-lambda-pos", "--loss-type vespo"),
          Map.entry("vespo-lambda-neg", "--loss-type vespo"),
          Map.entry("kl-target", "--beta 0.1"),
          Map.entry("kl-horizon", "--beta 0.1 --kl-target 3"),
          Map.entry("no-bias-correction-kl", "--beta 0.1"),
          Map.entry("num-generations-eval", "--eval-split 5"),
          Map.entry("cost-learning-rate", "--cost length<=3"),
          Map.entry("ptx-coef", "--ptx-data texts"),
          Map.entry("ptx-max-length", "--ptx-data texts"),
          Map.entry("mlflow-experiment", "--mlflow-uri http://h:5000"),
          Map.entry("mlflow-run", "--mlflow-uri http://h:5000"),
          Map.entry("mlflow-model", "--mlflow-uri http://h:5000"),
          Map.entry("mlflow-artifacts", "--mlflow-uri http://h:5000"));

  static Stream<Arguments> everySettingOfEveryTrainingCommand() {
    return Commands.all().stream()
        .filter(TrainCommand.class::isInstance)
        .map(TrainCommand.class::cast)
        .flatMap(
            command ->
                command.settings().stream()
                    // The session's, which no request holds.
                    .filter(setting -> !setting.name().equals(SparkSessions.MASTER.name()))
                    .map(setting -> Arguments.of(command.name(), setting.name())));
  }

  @ParameterizedTest(name = "{0} --{1}")
  @MethodSource("everySettingOfEveryTrainingCommand")
  void everySettingThatACommandOffersChangesItsRequest(String name, String option) {
    Calls calls = Calls.of(name, option);
    TrainingRequest asked = request(calls.command(), calls.with().toArray(String[]::new));
    assertThat(problems.sentences()).isEmpty();
    assertThat(asked)
        .isNotEqualTo(request(calls.command(), calls.without().toArray(String[]::new)));
    assertThat(problems.sentences()).isEmpty();
  }

  /**
   * Two calls of a training command that differ in one option.
   *
   * @param without the option at its default
   * @param with another value of it
   */
  record Calls(TrainCommand command, List<String> without, List<String> with) {
    static Calls of(String name, String option) {
      TrainCommand command = training(name);
      Setting<?> setting =
          command.settings().stream()
              .filter(s -> s.name().equals(option))
              .findFirst()
              .orElseThrow();
      List<String> without = new ArrayList<>();
      for (String required : List.of("model", "data", "output")) {
        if (!required.equals(option) || setting.kind() == Setting.Kind.REPEATED) {
          without.addAll(List.of("--" + required, required));
        }
      }
      if (command.algorithm().rollsOut()) {
        without.addAll(List.of("--reward", "answer"));
      }
      if (TOGETHER_WITH.containsKey(option)) {
        without.addAll(List.of(TOGETHER_WITH.get(option).split(" ")));
      }
      List<String> with = new ArrayList<>(without);
      with.add(setting.option());
      if (setting.kind() != Setting.Kind.FLAG) {
        with.add(
            option.equals("loss-type")
                ? command.algorithm().losses().names().get(1)
                : OTHER_VALUES.getOrDefault(option, "3"));
      }
      if (option.equals("model") || option.equals("output")) {
        without.addAll(List.of("--" + option, option));
      }
      return new Calls(command, without, with);
    }
  }

  static TrainCommand training(String name) {
    return Commands.all().stream()
        .filter(c -> c.name().equals(name))
        .map(TrainCommand.class::cast)
        .findFirst()
        .orElseThrow();
  }

  @Test
  void everySettingOfMineChangesItsRequest() throws IOException {
    Set<String> ofTheCall = Set.of("output", "overwrite", "json", "master", "strategy");
    MineCommand command = new MineCommand();
    List<String> without = List.of("--model", "m", "--data", "d", "--reward", "answer");
    for (Setting<?> setting : command.settings()) {
      if (ofTheCall.contains(setting.name())) {
        continue;
      }
      boolean ofRejection =
          List.of("threshold", "beta", "rows-per-prompt").contains(setting.name());
      List<String> base = new ArrayList<>(without);
      base.addAll(List.of("--strategy", ofRejection ? "rejection" : "hard-negatives"));
      List<String> with = new ArrayList<>(base);
      if (setting.name().equals("model")) {
        with.removeAll(List.of("--model", "m"));
      }
      with.add(setting.option());
      if (setting.kind() != Setting.Kind.FLAG) {
        with.add(OTHER_VALUES.getOrDefault(setting.name(), "3"));
      }

      MiningRequest asked =
          MineCommand.request(
              Layers.values(command, problems, with.toArray(String[]::new)), problems);
      assertThat(problems.sentences()).as(setting.name()).isEmpty();
      assertThat(asked)
          .as(setting.name())
          .isNotEqualTo(
              MineCommand.request(
                  Layers.values(command, problems, base.toArray(String[]::new)), problems));
    }

    Path file = config("strategy: best_worst\nnum_generations: 4\nmargin: 0.5\nseed: 3\n");
    MiningRequest fromFile =
        MineCommand.request(
            Layers.values(
                command,
                problems,
                "--model",
                "m",
                "--data",
                "d",
                "--reward",
                "answer",
                "--config",
                file.toString(),
                "--seed",
                "4"),
            problems);
    assertThat(problems.sentences()).isEmpty();
    assertThat(fromFile.strategy()).isEqualTo(new BestAgainstWorst(0.5, 1));
    assertThat(fromFile.decoding().numGenerations()).isEqualTo(4);
    assertThat(fromFile.decoding().temperature()).isEqualTo(1);
    assertThat(fromFile.decoding().seed()).isEqualTo(4);
  }

  @Test
  void aTrainingCommandOffersWhatItsKindOfRowsAndObjectiveHave() {
    assertThat(names(new TrainCommand(SftAlgorithm.SFT)))
        .contains("loss-on", "packing", "supervised-on")
        .doesNotContain("beta", "loss-type", "reference-cache");
    assertThat(names(new TrainCommand(RewardAlgorithm.REWARD)))
        .contains("center-rewards-coefficient")
        .doesNotContain("beta", "packing", "reference-cache");
    assertThat(names(new TrainCommand(DpoAlgorithm.DPO)))
        .contains("reference-cache", "loss-weights", "ld-alpha");
    assertThat(names(new TrainCommand(KtoAlgorithm.KTO)))
        .contains("reference-cache", "desirable-weight", "undesirable-weight")
        .doesNotContain("label-smoothing");
    assertThat(names(new TrainCommand(OrpoAlgorithm.ORPO)))
        .contains("beta", "nll-on")
        .doesNotContain("loss-type", "reference-cache");
    assertThat(names(new TrainCommand(GrpoAlgorithm.GRPO)))
        .contains("reward", "num-generations", "epsilon-high", "max-prompt-length")
        .doesNotContain("max-length", "truncation-mode", "label-smoothing", "reference-cache");
    assertThat(names(new TrainCommand(PpoAlgorithm.PPO)))
        .contains("reward-model", "reward", "critic-model", "lam", "kl-target", "ptx-data")
        .doesNotContain("loss-type", "scale-rewards", "kl-in", "dynamic-sampling", "max-length");
    assertThat(names(new TrainCommand(SimpoAlgorithm.SIMPO)))
        .contains("simpo-gamma", "cpo-alpha", "alpha")
        .doesNotContain("reference-cache", "loss-weights");
  }

  private static List<String> names(Command command) {
    return command.settings().stream().map(Setting::name).toList();
  }

  @Test
  void weightsOfSourcesAndLossesReachTheRequest() {
    TrainingRequest request =
        request(
            new TrainCommand(DpoAlgorithm.DPO),
            "--model m --data a.jsonl:2 --data b.jsonl --output o --loss-type sigmoid:0.8,sft:0.2"
                .split(" "));

    assertThat(problems.sentences()).isEmpty();
    assertThat(request.files().sources()).containsExactly("a.jsonl", "b.jsonl");
    assertThat(request.files().weights()).containsExactly(2.0, 1.0);
    assertThat(((DpoAlgorithm.Settings) request.objective()).lossType())
        .containsExactly("sigmoid", "sft");
    assertThat(((DpoAlgorithm.Settings) request.objective()).lossWeights())
        .containsExactly(0.8, 0.2);
  }

  /** What run.json and the report show is what would make the same run. */
  @ParameterizedTest(name = "{0} {1}")
  @CsvSource({
    "sft, ''",
    "sft, --optim adafactor --weight-decay 0.1",
    "sft, --optim sgd --sgd-momentum 0.9 --sgd-nesterov",
    "sft, --optim muon --muon-momentum 0.9 --adam-moments-dtype bf16 --adam-beta2 0.95",
    "sft, --mlflow-uri https://h/p --mlflow-experiment e --mlflow-model m --mlflow-artifacts"
        + " checkpoint",
    "dpo, --mlflow-uri http://h:5000 --mlflow-run r",
    "sft, --eval-data e --packing bfd --max-length 64 --loss-on all --no-shuffle --max-bad-rows 7",
    "reward, --eval-split 12% --eval-steps 2 --early-stopping-patience 3 --max-steps 9",
    "reward, --center-rewards-coefficient 0.01 --micro-batch-size 2 --max-grad-norm none",
    "dpo, --loss-type sigmoid:0.8;sft:0.2 --reference-cache c --max-length none --epochs 1.5",
    "dpo, --loss-type discopop --discopop-tau 0.1 --reference-free --use-weighting",
    "dpo, --data x:2 --f-divergence-type alpha_divergence --f-alpha-divergence-coef 0.3",
    "kto, --desirable-weight 1.5 --eval-split 50 --metric-for-best-model kl --eval-steps 1",
    "orpo, --nll-on completion --compute-dtype bf16 --save-dtype f16 --max-prompt-length 9",
    "simpo, --loss-type alphapo --alpha 0.25 --on-bad-step skip --lr-scheduler cosine",
    "simpo, --loss-type sigmoid --cpo-alpha 1 --beta 0.1 --label-smoothing 0.1 --ranks 2",
    "grpo, --reward answer",
    "grpo, --reward answer --reward regex{\"pattern\":\"^x\"} --cost length{\"per_token\":1}<=9",
    "grpo, --reward answer --loss-type rloo --beta 0.1 --max-failed-rewards 3 --stop end",
    "grpo, --reward answer --loss-type cispo --epsilon-high 5 --beta 1 --kl-target 3 --kl-horizon"
        + " 100",
    "grpo, --reward answer --loss-type vespo --vespo-k-pos 1 --kl-budget 2 --max-update-kl 0.1",
    "grpo, --reward answer --loss-type sapo --num-iterations 2 --mask-truncated-completions",
    "ppo, --reward answer",
    "ppo, --reward-model r --reward answer --cost length<=9 --kl-target 3 --kl-estimator k3",
    "ppo, --reward answer --critic-trunk shared --whiten-rewards --delta 3 --entropy-coef 0.01",
    "ppo, --reward-model r --critic-model c --reward-scale 2 --reward-clip 4 --gamma 0.9 --lam 0.5",
    "ppo, --reward-model r --ptx-data a --ptx-data b --ptx-coef 3 --cliprange-value none"
  })
  void theOptionsOfARequestMakeItAgain(String name, String options) throws IOException {
    TrainCommand command = training(name);
    String args = "--model m --data d --output o " + options.replace(';', ',');
    TrainingRequest request = request(command, args.strip().split(" +"));
    assertThat(problems.sentences()).isEmpty();

    Path file = config(new ObjectMapper().writeValueAsString(request.options()));
    TrainingRequest again = request(command, "--config", file.toString());

    assertThat(problems.sentences()).isEmpty();
    assertThat(again).isEqualTo(request);
    Set<String> offered = new HashSet<>(names(command));
    assertThat(offered).containsAll(request.options().keySet());
  }
}
