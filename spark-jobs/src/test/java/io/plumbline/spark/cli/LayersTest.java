package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.optim.Schedule;
import io.plumbline.spark.training.Algorithm;
import io.plumbline.spark.training.TrainingRequest;
import io.plumbline.spark.training.TrainingRequest.BadRows;
import io.plumbline.spark.training.TrainingRequest.RowOrder;
import io.plumbline.spark.training.TrainingRequest.Start;
import io.plumbline.spark.training.TrainingRequest.SupervisedOn;
import io.plumbline.spark.training.TrainingRequest.Truncation;
import io.plumbline.spark.training.TrainingRequest.WeightDtype;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
            TrainCommand.DPO,
            "--config",
            file.toString(),
            "--set",
            "warmup_steps=5",
            "--set",
            "seed=2",
            "--seed",
            "3");

    assertThat(problems.sentences()).isEmpty();
    assertThat(request.model()).isEqualTo("from-file");
    assertThat(request.data()).containsExactly("a.jsonl", "b.jsonl");
    assertThat(request.optimizer().learningRate()).isEqualTo(1e-3);
    assertThat(request.optimizer().warmupSteps()).isEqualTo(5);
    assertThat(request.seed()).isEqualTo(3);
    assertThat(request.globalBatchSize()).isEqualTo(16);
    assertThat(request.optimizer().maxGradNorm()).isEqualTo(1.0);
  }

  @Test
  void defaultsAreThoseOfTrl() {
    TrainingRequest dpo = request(TrainCommand.DPO, "--model", "m", "--data", "d", "--output", "o");
    TrainingRequest sft = request(TrainCommand.SFT, "--model", "m", "--data", "d", "--output", "o");

    assertThat(problems.sentences()).isEmpty();
    assertThat(dpo.algorithm()).isEqualTo(Algorithm.DPO);
    assertThat(dpo.optimizer().learningRate()).isEqualTo(1e-6);
    assertThat(sft.optimizer().learningRate()).isEqualTo(2e-5);
    assertThat(dpo.beta()).isEqualTo(0.1);
    for (TrainingRequest request : new TrainingRequest[] {dpo, sft}) {
      assertThat(request.epochs()).isEqualTo(3);
      assertThat(request.globalBatchSize()).isEqualTo(8);
      assertThat(request.maxLength()).isEqualTo(OptionalInt.of(1024));
      assertThat(request.maxPromptLength()).isEmpty();
      assertThat(request.truncation()).isEqualTo(Truncation.KEEP_START);
      assertThat(request.seed()).isEqualTo(42);
      assertThat(request.rowOrder()).isEqualTo(RowOrder.SHUFFLED);
      assertThat(request.optimizer().schedule()).isEqualTo(Schedule.LINEAR);
      assertThat(request.optimizer().warmupSteps()).isZero();
      assertThat(request.optimizer().weightDecay()).isZero();
      assertThat(request.optimizer().maxGradNorm()).isEqualTo(1.0);
      assertThat(request.optimizer().beta1()).isEqualTo(0.9);
      assertThat(request.optimizer().beta2()).isEqualTo(0.999);
      assertThat(request.optimizer().epsilon()).isEqualTo(1e-8);
      assertThat(request.saveSteps()).isEqualTo(500);
      assertThat(request.start()).isEqualTo(Start.FRESH);
      assertThat(request.supervisedOn()).isEqualTo(SupervisedOn.COMPLETION);
      assertThat(request.referenceCache()).isEmpty();
    }
  }

  @Test
  void everyOptionReachesTheRequest() {
    TrainingRequest request =
        request(
            TrainCommand.DPO,
            ("--model m --data d --eval-data e --output o --reference-cache c --ranks 2"
                    + " --threads-per-rank 3 --seed 7 --max-steps 20 --epochs 1.5"
                    + " --global-batch-size 12 --micro-batch-size 4 --learning-rate 1e-3"
                    + " --lr-scheduler cosine --warmup-steps 4 --weight-decay 0.01 --max-grad-norm"
                    + " none --adam-beta1 0.8 --adam-beta2 0.95 --adam-epsilon 1e-6 --max-length"
                    + " none --max-prompt-length 64 --truncation-mode keep_end --no-shuffle"
                    + " --eval-steps 5 --save-steps 6 --keep-checkpoints 9 --resume"
                    + " --compute-dtype bf16 --save-dtype f16 --beta 0.3 --max-bad-rows 2.5%")
                .split(" "));

    assertThat(problems.sentences()).isEmpty();
    assertThat(request.evalData()).containsExactly("e");
    assertThat(request.referenceCache()).isEqualTo(Optional.of("c"));
    assertThat(request.ranks()).isEqualTo(2);
    assertThat(request.threadsPerRank()).isEqualTo(3);
    assertThat(request.seed()).isEqualTo(7);
    assertThat(request.maxSteps()).isEqualTo(OptionalLong.of(20));
    assertThat(request.epochs()).isEqualTo(1.5);
    assertThat(request.globalBatchSize()).isEqualTo(12);
    assertThat(request.microBatchSize()).isEqualTo(OptionalInt.of(4));
    assertThat(request.optimizer().schedule()).isEqualTo(Schedule.COSINE);
    assertThat(request.optimizer().weightDecay()).isEqualTo(0.01);
    assertThat(request.optimizer().maxGradNorm()).isInfinite();
    assertThat(request.optimizer().beta1()).isEqualTo(0.8);
    assertThat(request.optimizer().beta2()).isEqualTo(0.95);
    assertThat(request.optimizer().epsilon()).isEqualTo(1e-6);
    assertThat(request.maxLength()).isEmpty();
    assertThat(request.maxPromptLength()).isEqualTo(OptionalInt.of(64));
    assertThat(request.truncation()).isEqualTo(Truncation.KEEP_END);
    assertThat(request.rowOrder()).isEqualTo(RowOrder.AS_GIVEN);
    assertThat(request.evalSteps()).isEqualTo(5);
    assertThat(request.saveSteps()).isEqualTo(6);
    assertThat(request.keepCheckpoints()).isEqualTo(9);
    assertThat(request.start()).isEqualTo(Start.RESUME);
    assertThat(request.computeDtype()).isEqualTo(ComputeDtype.BF16);
    assertThat(request.saveDtype()).isEqualTo(WeightDtype.F16);
    assertThat(request.beta()).isEqualTo(0.3);
    assertThat(request.badRows()).isEqualTo(new BadRows(OptionalLong.empty(), 0.025));
    assertThat(TrainingSettings.badRows("10")).isEqualTo(new BadRows(OptionalLong.of(10), 1.0));
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
            reference-cache: ~
            """);

    TrainingRequest request = request(TrainCommand.DPO, "--config", file.toString());

    assertThat(problems.sentences()).isEmpty();
    assertThat(request.data()).containsExactly("a", "b");
    assertThat(request.rowOrder()).isEqualTo(RowOrder.AS_GIVEN);
    assertThat(request.start()).isEqualTo(Start.FRESH);
    assertThat(request.referenceCache()).isEmpty();
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
            """);

    request(TrainCommand.DPO, "--config", file.toString());

    assertThat(problems.sentences())
        .containsExactlyInAnyOrder(
            "There is no option learning-rte in " + file + ", line 4: did you mean learning-rate?",
            "seed has a value in "
                + file
                + ", line 5 that is neither a scalar nor a list of"
                + " scalars.",
            "ranks is given more than once in " + file + ", line 6: leave one.",
            "config in " + file + ", line 7 has no effect there: give it on the command line.",
            "model is given a second time in " + file + ", line 8: leave one.",
            "--beta is 'much' in " + file + ", line 9 and must be a number above 0.");
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
        TrainCommand.SFT, problems, "--data", "a", "--data", "b", "--seed", "1", "--seed", "2");

    assertThat(problems.sentences()).containsExactly("--seed is given more than once: leave one.");
  }
}
