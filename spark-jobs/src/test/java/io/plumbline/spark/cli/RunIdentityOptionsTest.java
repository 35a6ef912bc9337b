package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.checkpoint.DecidingOptions;
import io.plumbline.checkpoint.DecidingOptions.Difference;
import io.plumbline.settings.DeclaredOption;
import io.plumbline.settings.Option;
import io.plumbline.spark.cli.commands.Commands;
import io.plumbline.spark.cli.commands.TrainCommand;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.TrainingSettings;
import io.plumbline.spark.training.RunOptions;
import io.plumbline.spark.training.TrainingOptions;
import io.plumbline.spark.training.TrainingRequest;
import io.plumbline.spark.training.algorithm.Algorithm;
import io.plumbline.spark.training.algorithm.Algorithms;
import io.plumbline.spark.training.algorithm.DpoAlgorithm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What of a call decides updates, for every option of every training command. */
class RunIdentityOptionsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path directory;

  private final Problems problems = new Problems();

  static Stream<Arguments> everySetting() {
    return LayersTest.everySettingOfEveryTrainingCommand();
  }

  static List<Algorithm> everyAlgorithm() {
    return Algorithms.ALL;
  }

  private TrainingRequest request(TrainCommand command, List<String> args) {
    TrainingRequest request =
        TrainingSettings.request(
            command.algorithm(),
            Layers.values(command, problems, args.toArray(String[]::new)),
            problems);
    assertThat(problems.sentences()).isEmpty();
    return request;
  }

  /** As run.json has them: written and read. */
  private static ObjectNode configuration(TrainingRequest request) {
    try {
      return (ObjectNode) JSON.readTree(JSON.writeValueAsString(request.options()));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static List<String> differing(ObjectNode before, ObjectNode now) {
    return RunOptions.deciding(before).differences(RunOptions.deciding(now)).stream()
        .map(Difference::option)
        .toList();
  }

  @ParameterizedTest(name = "{0} --{1}")
  @MethodSource("everySetting")
  void anOptionDecidesUpdatesOrIsListedWithTheReasonWhyNot(String name, String option) {
    LayersTest.Calls calls = LayersTest.Calls.of(name, option);
    ObjectNode without = configuration(request(calls.command(), calls.without()));
    ObjectNode with = configuration(request(calls.command(), calls.with()));

    if (RunOptions.decideNoUpdate().containsKey(option)) {
      assertThat(differing(without, with)).isEmpty();
      assertThat(RunOptions.decideNoUpdate().get(option)).isNotBlank();
    } else {
      // A reward model is one of the rewards.
      String recorded = option.equals("reward-model") ? "reward" : option;
      String named = recorded.equals("loss-weights") ? "loss-type" : recorded;
      assertThat(differing(without, with)).containsExactly(named);
      assertThat(differing(with, without)).containsExactly(named);
    }
  }

  @ParameterizedTest(name = "{0} --{1}")
  @MethodSource("everySetting")
  void whatRunJsonHasOfAnOptionMakesTheSameRequestAgain(String name, String option)
      throws IOException {
    LayersTest.Calls calls = LayersTest.Calls.of(name, option);
    List<String> args = new ArrayList<>(calls.with());
    // Whether a call takes up an earlier run is not among the options of the run.
    args.removeAll(List.of("--resume", "--overwrite"));
    TrainingRequest request = request(calls.command(), args);
    Path file = directory.resolve("run.yaml");
    Files.writeString(file, JSON.writeValueAsString(configuration(request)));

    TrainingRequest again = request(calls.command(), List.of("--config", file.toString()));

    assertThat(again).isEqualTo(request);
    assertThat(calls.command().settings().stream().map(Setting::name).toList())
        .containsAll(request.options().keySet());
  }

  @ParameterizedTest(name = "{0} {1} against {2}")
  @CsvSource({
    "dpo, --beta 0.1, --beta 0.10, ''",
    "dpo, --learning-rate 1e-5, --learning-rate 0.00001, ''",
    "dpo, --epochs 3, --epochs 3.0, ''",
    "dpo, --epochs 3 --max-steps 9, --epochs 2 --max-steps 9, ''",
    "dpo, --epochs 3, --epochs 3 --max-steps 9, max-steps",
    "dpo, --max-length 64 --truncation-mode keep_end, --max-length none, max-length",
    "dpo, --loss-type discopop, --loss-type sigmoid, loss-type",
    "dpo, --loss-type discopop --discopop-tau 0.1, --loss-type discopop, discopop-tau",
    "dpo, --loss-type sigmoid:0.8;sft:0.2, --loss-type sigmoid;sft --loss-weights 0.8;0.2, ''",
    "dpo, --loss-type sigmoid:0.8;sft:0.2, --loss-type sigmoid:0.7;sft:0.2, loss-type",
    "simpo, --loss-type simpo, --loss-type sigmoid, loss-type",
    "grpo, --reward answer --epsilon 0.1, --reward answer --epsilon 0.2, epsilon",
    "grpo, --reward answer --loss-type rloo, --reward answer, loss-type",
    "grpo, --reward answer --loss-type rloo, --reward answer --loss-type rloo --kl-in loss, kl-in",
    "grpo, --reward answer --loss-type sapo, --reward answer --loss-type vespo, loss-type",
    "grpo, --reward answer, --reward answer --cost length<=3, cost",
    "grpo, --reward answer --cost length<=3, --reward answer --cost length<=3.0, ''",
    "grpo, --reward json{\"valid\":1;\"weight\":2}, --reward json{\"weight\":2.0;\"valid\":1}, ''",
    "grpo, --reward answer{\"weight\":2}, --reward answer, reward",
    "ppo, --reward-model a/b, --reward-model elsewhere/b, ''",
    "ppo, --reward answer --critic-trunk shared, --reward answer, critic-trunk",
    "ppo, --reward answer, --reward answer --ptx-data p, ptx-data",
    "ppo, --reward answer --ptx-data p, --reward answer --ptx-data elsewhere/p, ''",
    "sft, --data a.jsonl:2 --data b.jsonl:1, --data elsewhere/a:2 --data b:1, ''",
    "sft, --data a.jsonl:2 --data b.jsonl:1, --data a.jsonl:1 --data b.jsonl:1, data",
    "sft, --optim adamw, --seed 42, ''",
    "sft, --optim sgd --sgd-momentum 0.9, --adam-beta1 0.8, optim",
    "sft, --optim muon --adam-beta1 0.8, --optim muon, adam-beta1",
    "sft, --adam-moments-dtype bf16, --seed 42, adam-moments-dtype",
    "sft, --data csv:2024, --data csv:2025, ''",
    "sft, --data csv:2024:2 --data b:1, --data csv:2024:1 --data b:1, data",
  })
  void onlyWhatDiffersAndWasGivenIsNamed(String name, String before, String now, String differing) {
    TrainCommand command = LayersTest.training(name);
    ObjectNode earlier = configuration(request(command, args(before)));
    ObjectNode later = configuration(request(command, args(now)));

    assertThat(differing(earlier, later))
        .containsExactlyElementsOf(differing.isEmpty() ? List.of() : List.of(differing));
  }

  private static List<String> args(String options) {
    List<String> args = new ArrayList<>(List.of("--model", "m", "--output", "o"));
    if (!options.contains("--data ")) {
      args.addAll(List.of("--data", "d"));
    }
    args.addAll(List.of(options.replace(';', ',').split(" ")));
    return args;
  }

  @Test
  void bothValuesAreTold() {
    ObjectNode before =
        configuration(
            request(new TrainCommand(DpoAlgorithm.DPO), args("--beta 0.1 --max-steps 9")));
    ObjectNode now =
        configuration(
            request(new TrainCommand(DpoAlgorithm.DPO), args("--beta 0.5 --label-smoothing 0.1")));

    assertThat(
            RunOptions.deciding(before).differences(RunOptions.deciding(now)).stream()
                .map(Difference::words))
        .containsExactly(
            "--beta (0.1 there, 0.5 now)",
            "--label-smoothing (0 there, 0.1 now)",
            "--max-steps (9 there, not given now)");
  }

  /**
   * A record holds names and values of the command line alone. It is what earlier versions wrote:
   * where this test fails, runs that were begun with them cannot be resumed any more.
   */
  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "sft | --packing bfd --loss-on assistant | {'adam-beta1':'0.9','adam-beta2':'0.999',"
            + "'adam-epsilon':'1E-8','epochs':'3','global-batch-size':'8','learning-rate':'0.00002',"
            + "'loss-on':'assistant','lr-scheduler':'linear','max-grad-norm':'1','max-length':'1024',"
            + "'packing':'bfd','seed':'42','truncation-mode':'keep_start'}",
        "dpo | --no-shuffle --use-weighting --compute-dtype bf16 | {'adam-beta1':'0.9',"
            + "'adam-beta2':'0.999','adam-epsilon':'1E-8','beta':'0.1','compute-dtype':'bf16',"
            + "'epochs':'3','global-batch-size':'8','learning-rate':'0.000001','loss-type':'sigmoid',"
            + "'lr-scheduler':'linear','max-grad-norm':'1','max-length':'1024','no-shuffle':'true',"
            + "'seed':'42','truncation-mode':'keep_start','use-weighting':'true'}",
        "grpo | --reward answer --cost length<=9 | {'adam-beta1':'0.9','adam-beta2':'0.999',"
            + "'adam-epsilon':'1E-8','advantage-baseline':'group_mean','beta':'0','cost':'length<=9.0',"
            + "'cost-learning-rate':'0.1','epochs':'3','epsilon':'0.2','epsilon-high':'0.2',"
            + "'global-batch-size':'8','kl-estimator':'k3','kl-in':'loss','learning-rate':'0.000001',"
            + "'loss-type':'dapo','lr-scheduler':'linear','max-completion-length':'256',"
            + "'max-grad-norm':'1','multi-objective-aggregation':'sum_then_normalize',"
            + "'num-generations':'8','num-iterations':'1','reward':'answer','scale-rewards':'group',"
            + "'seed':'42','steps-per-generation':'1'}"
      })
  void theRecordIsWhatEarlierVersionsWrote(String name, String options, String expected)
      throws IOException {
    TrainCommand command = LayersTest.training(name);
    DecidingOptions deciding =
        RunOptions.deciding(configuration(request(command, args(options.strip()))));

    assertThat(deciding.json())
        .as("an option that is new here says by neutral, in @Option, what runs before it did")
        .isEqualTo(JSON.readTree(expected.replace('\'', '"')));
    assertThat(DecidingOptions.of(deciding.json(), RULES_OF_NOTHING).json())
        .isEqualTo(deciding.json());
  }

  private static final DecidingOptions.Rules RULES_OF_NOTHING =
      new DecidingOptions.Rules(Set.of(), java.util.Map.of(), java.util.Map.of());

  /** Runs from before there was a flag have none, and resume only if it says what that means. */
  @Test
  void aFlagThatDecidesUpdatesSaysWhatItsAbsenceMeans() {
    for (Algorithm algorithm : Algorithms.ALL) {
      for (DeclaredOption option : TrainingOptions.all(algorithm)) {
        Option declared = option.declaration();
        if (option.kind() == DeclaredOption.Kind.FLAG
            && declared.recorded()
            && declared.decidesNothing().isEmpty()) {
          assertThat(declared.neutral())
              .as("neutral of --%s, an option of %s", option.name(), algorithm.command())
              .isEqualTo("false");
        }
      }
    }
  }

  /** An older record has no option that was added later; neutral values stand for their absence. */
  @ParameterizedTest
  @MethodSource("everyAlgorithm")
  void aRecordWithoutOptionsThatDoNothingIsTheSameRun(Algorithm algorithm) {
    TrainCommand command = new TrainCommand(algorithm);
    String reward = command.algorithm().rollsOut() ? "--reward answer --seed 1" : "--seed 1";
    ObjectNode now = configuration(request(command, args(reward)));
    ObjectNode older = now.deepCopy();
    older.retain(RunOptions.deciding(now).names());

    assertThat(older.size()).isLessThan(now.size());
    assertThat(differing(older, now)).isEmpty();
    assertThat(differing(now, older)).isEmpty();
  }

  @Test
  void theGuideListsWhatMayChangeAndNothingElse() throws IOException {
    String guide = Files.readString(Path.of("../docs/failure-and-recovery.md"));
    int start = guide.indexOf("So may these:");
    String list = guide.substring(start, guide.indexOf("\n\n", guide.indexOf("\n- ", start)));
    Set<String> listed = new TreeSet<>();
    Pattern.compile("`--([a-z0-9-]+)`")
        .matcher(list)
        .results()
        .forEach(option -> listed.add(option.group(1)));

    assertThat(listed)
        .isEqualTo(new TreeSet<>(RunOptions.decideNoUpdate().keySet()))
        .isSubsetOf(
            Commands.all().stream()
                .flatMap(command -> command.settings().stream().map(Setting::name))
                .toList());
  }
}
