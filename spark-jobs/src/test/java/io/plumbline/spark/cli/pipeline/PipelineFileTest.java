package io.plumbline.spark.cli.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.plumbline.spark.cli.Call;
import io.plumbline.spark.cli.commands.Commands;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a pipeline's file may say, and what is told of one that is wrong. */
class PipelineFileTest {
  private final Problems problems = new Problems();

  private Pipeline read(String yaml) {
    return Pipeline.of(
        PipelineFile.parse(yaml, "p.yaml", problems), Optional.empty(), Commands.all(), problems);
  }

  private List<String> told(String yaml) {
    read(yaml);
    return problems.sentences();
  }

  @Test
  void namesOptionsDefaultsAndReferencesBecomeTheCallsOfStages() {
    Pipeline pipeline =
        read(
            """
            output: runs/p
            defaults:
              seed: 7
              reference_cache: ${output}/reference
              num-generations: 4
            stages:
              base:
                command: init-model
              sft:
                model: ${base.checkpoint}
                data: {a.jsonl: 2, b.jsonl: 1}
                learning_rate: 1e-3
                no-shuffle: true
                seed: 8
              grpo:
                model: ${ sft.checkpoint }
                data: [x.jsonl, y.jsonl]
                output: elsewhere/grpo
                reward:
                  - answer
                  - tags: {weight: 0.5}
                  - regex{"pattern":"^[0-9]+$"}
              said:
                command: score
                model: ${grpo.checkpoint}
                data: ${sft.output}/kept $${sft.output}.jsonl
            """);

    assertThat(problems.sentences()).isEmpty();
    assertThat(pipeline.stages().stream().map(PipelineStage::call))
        .containsExactly(
            "plumbline init-model --seed 7 --output runs/p/stages-base",
            "plumbline sft --model runs/p/stages-base --data a.jsonl:2 --data b.jsonl:1"
                + " --learning-rate 1e-3 --no-shuffle --seed 8 --output runs/p/stages-sft",
            "plumbline grpo --model runs/p/stages-sft/checkpoint --data x.jsonl --data y.jsonl"
                + " --reward answer --reward 'tags{\"weight\":0.5}'"
                + " --reward 'regex{\"pattern\":\"^[0-9]+$\"}' --seed 7 --num-generations 4"
                + " --output elsewhere/grpo",
            "plumbline score --model elsewhere/grpo/checkpoint"
                + " --data 'runs/p/stages-sft/kept ${sft.output}.jsonl'");
    assertThat(pipeline.stages().get(1).uses()).containsExactly("base");
    assertThat(pipeline.stages().get(3).uses()).containsExactlyInAnyOrder("grpo", "sft");
    assertThat(pipeline.withDependents(Set.of("sft"))).containsExactly("sft", "grpo", "said");
    assertThat(pipeline.before(pipeline.stages().get(3)).stream().map(PipelineStage::name))
        .containsExactly("base", "sft", "grpo");
  }

  @Test
  void stagesMayBeAListWhereTheCommandIsTheName() {
    Pipeline pipeline =
        read(
            """
            output: runs/p
            stages:
              - command: init-model
              - command: dpo
                name: second
                model: ${init-model.checkpoint}
                data: pairs.jsonl
            """);

    assertThat(problems.sentences()).isEmpty();
    assertThat(pipeline.names()).containsExactly("init-model", "second");
  }

  @Test
  void everythingThatIsWrongIsToldAtOnceWithItsLine() {
    List<String> told =
        told(
            """
            outptu: runs/p
            defaults:
              sead: 1
              ranks: two
              resume: true
            stages:
              base:
                command: init-modle
              sft:
                model: ${bases.checkpoint}
                data: a.jsonl
                lerning-rate: 1
                epochs: much
                overwrite: true
              one:
                command: dpo
                model: ${two.checkpoint}
                data: a.jsonl
              two:
                command: dpo
                model: ${one.checkpoint}
                data: ${two.data}
              three:
                command: dpo
                model: ${four.checkpoint}
                data: ${sft.data}
                beta: {deep: {deeper: 1}}
              four:
                command: reward
                model: ${base.anything}
                output: output/stages-sft/in
            """);

    assertThat(told)
        .containsExactlyInAnyOrder(
            "outptu in p.yaml, line 1 is no part of a pipeline: did you mean output?",
            "--output is missing: name a directory for the pipeline, there or by 'output:' in the"
                + " file.",
            "resume in p.yaml, line 5 is not for stages, for a pipeline resumes by itself: leave it"
                + " out.",
            "The default sead in p.yaml, line 3 is an option of no stage: did you mean seed?",
            "Stage base: There is no command init-modle that a stage could run, in p.yaml, line 7:"
                + " did you mean init-model?",
            "Stage sft: ${bases.checkpoint} in p.yaml, line 10 names no stage: did you mean"
                + " ${base.checkpoint}?",
            "Stage sft: There is no option lerning-rate in p.yaml, line 12: did you mean"
                + " learning-rate?",
            "Stage sft: --epochs is 'much' in p.yaml, line 13 and must be a number above 0.",
            "Stage sft: overwrite in p.yaml, line 14 is not for stages, for a pipeline does a stage"
                + " again by --redo with its name: leave it out.",
            "Stage sft: --ranks is 'two' in p.yaml, line 4 and must be a whole number of at least"
                + " 1.",
            "Stage one: ${two.checkpoint} in p.yaml, line 17 closes a circle (one uses two uses"
                + " one): a stage cannot wait for itself.",
            "Stage two: ${two.data} in p.yaml, line 22 closes a circle (two uses two): a stage"
                + " cannot wait for itself.",
            "Stage three: ${four.checkpoint} in p.yaml, line 25 names a stage that comes later in"
                + " the file: move four in front of three.",
            "Stage three: ${sft.data} in p.yaml, line 26 names what sft does not leave behind:"
                + " there is ${sft.checkpoint}, ${sft.metrics}, ${sft.output}.",
            "Stage three: --beta is 'deep{\"deeper\":1}' in p.yaml, line 27 and must be a number"
                + " above 0.",
            "Stage four (in p.yaml, line 28): --data is missing: name a file, a directory, a glob, a"
                + " table or a query of training rows.",
            "Stages sft and four would write to output/stages-sft and output/stages-sft/in: give"
                + " each a directory of its own.");
  }

  @Test
  void aDefaultThatNoCommandTakesIsMistyped() {
    assertThat(
            told(
                """
                output: o
                defaults: {sead: 1, output: x}
                stages:
                  base: {command: init-model}
                """))
        .containsExactlyInAnyOrder(
            "The default sead in p.yaml, line 2 is an option of no stage: did you mean seed?",
            "output in p.yaml, line 2 would be the same for all stages: leave it out.");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "stages:",
        "stages: []",
        "stages: {}",
        "stages: 3",
        "stages: [3]",
        "- a",
        "output: [a]\nstages: {base: {command: init-model}}",
        "output: o\ndefaults: [a]\nstages: {base: {command: init-model}}",
        "output: o\nstages: [{model: m}]",
        "output: o\nstages: {a/b: {command: init-model}}",
        "output: o\nstages: [{command: init-model}, {command: init-model}]",
        "output: o\nstages: {base: {command: quickstart}}",
        "output: o\nstages: {base: {command: pipeline}}",
        "output: o\nstages: {base: {command: [init-model, sft]}}",
        "output: o\nstages: {base: {command: init-model, data: '${nothing}'}}",
        "output: o\nstages: {base: {command: init-model, output: o}}",
        "output: o\nstages: {a: {command: init-model, output: x}, b: {command: init-model, output:"
            + " ./x/}}",
        "output: o\nstages: {base: {command: init-model, seed: [1, 2]}}",
        "output: o\nstages: {base: &b {command: init-model, data: {x: *b}}}",
        "output: o\nstages: {base: ",
      })
  void aFileOfAnotherFormIsRefusedWithOneSentence(String yaml) {
    assertThat(told(yaml)).isNotEmpty().allMatch(sentence -> sentence.matches("(?s).+[.?!]"));
  }

  @Test
  void specsOfMapsAreWrittenAsJsonHasThem() {
    Pipeline pipeline =
        read(
            """
            output: o
            stages:
              grpo:
                model: m
                data: d
                reward:
                  regex: {pattern: "^[0-9]+$", weight: 5e-1}
                cost: 'length{"per_token":1}<=200'
            """);

    assertThat(problems.sentences()).isEmpty();
    assertThat(pipeline.stages().get(0).resolved().get("reward"))
        .containsExactly("regex{\"pattern\":\"^[0-9]+$\",\"weight\":0.5}");
  }

  static Stream<Path> examples() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("../data-samples/pipelines"))) {
      return files.filter(file -> file.toString().endsWith(".yaml")).sorted().toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("examples")
  void everyExampleIsGood(Path file, @TempDir Path output) throws IOException {
    PipelineFile written = PipelineFile.parse(Files.readString(file), file.toString(), problems);
    List<String> names = Commands.all().stream().map(Command::name).toList();
    List<String> missing =
        written.stages().stream()
            .map(PipelineFile.Stage::command)
            .filter(command -> !names.contains(command))
            .distinct()
            .toList();
    assumeTrue(missing.isEmpty(), "not in this Plumbline: " + missing);

    Call call =
        Call.plumbline("pipeline", file.toString(), "--dry-run", "--output", output.toString());

    assertThat(call.status()).as(call.err()).isZero();
    assertThat(call.out()).contains("plumbline sft --model " + output + "/stages-base");
  }
}
