package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.spark.cli.commands.Commands;
import io.plumbline.spark.cli.commands.MineCommand;
import io.plumbline.spark.cli.commands.PrepareCommand;
import io.plumbline.spark.cli.commands.ReferenceCommand;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.pipeline.PipelinePlan;
import io.plumbline.spark.cli.pipeline.PipelineStage;
import io.plumbline.spark.cli.pipeline.StageParts;
import io.plumbline.spark.mine.MiningRequest;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.spark.training.RunOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What commands keep for later calls, and which of their options decide it: an option that changes
 * results and not what they are found by would give a later call another's results.
 */
class KeptOptionsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int ROWS = 12;

  @TempDir static Path directory;

  /** What prepare gave for a call the first time. */
  private static final Map<List<String>, String> PREPARED = new HashMap<>();

  /** Options that change nothing that is kept, and why. */
  private static final Map<String, String> KEEP_NOTHING =
      Map.of(
          "output", "is the directory itself",
          "reference-cache", "is the directory itself",
          "master", "where tasks run",
          "ranks", "how many tasks run at once",
          "threads-per-rank", "where sums are computed, up to rounding",
          "device", "where sums are computed, up to rounding",
          "micro-batch-tokens", "how rows share passes",
          "max-bad-rows", "ends a call and changes none of its rows");

  /**
   * An option with another value, and what both calls have besides.
   *
   * @param without what the other call has in its place
   */
  private record Change(String besides, String without, String with) {}

  private static Map<String, Change> changes() {
    Map<String, Change> changes = new HashMap<>();
    changes.put("model", new Change("", "--model @model", "--model @other"));
    changes.put("data", new Change("", "--data @pairs", "--data @alike"));
    changes.put("kind", new Change("--data @both", "", "--kind unpaired"));
    changes.put("eval-data", new Change("", "", "--eval-data @alike"));
    changes.put("eval-split", new Change("", "", "--eval-split 4"));
    changes.put(
        "columns",
        new Change(
            "--data @named",
            "--columns chosen=good,rejected=bad",
            "--columns chosen=best,rejected=bad"));
    changes.put(
        "desirable-from",
        new Change("--kind unpaired --data @rated", "--desirable-from 3", "--desirable-from 6"));
    changes.put("epochs", new Change("", "", "--epochs 2"));
    changes.put("max-steps", new Change("", "", "--max-steps 2"));
    changes.put("global-batch-size", new Change("", "", "--global-batch-size 4"));
    changes.put("seed", new Change("--eval-split 4", "", "--seed 7"));
    changes.put("no-shuffle", new Change("", "", "--no-shuffle"));
    changes.put("max-length", new Change("", "", "--max-length 12"));
    changes.put("max-prompt-length", new Change("", "", "--max-prompt-length 3"));
    changes.put("truncation-mode", new Change("--max-length 12", "", "--truncation-mode keep_end"));
    changes.put("loss-on", new Change("--kind supervised", "", "--loss-on all"));
    changes.put("packing", new Change("--kind supervised", "", "--packing bfd"));
    changes.put(
        "chat-template",
        new Change(
            "--data @chats", "--chat-template @toned.jinja", "--chat-template @dated.jinja"));
    changes.put(
        "chat-template-kwargs",
        new Change(
            "--data @chats --chat-template @toned.jinja",
            "",
            "--chat-template-kwargs {\"tone\":\"curt\"}"));
    changes.put(
        "chat-template-date",
        new Change(
            "--data @chats --chat-template @dated.jinja",
            "--chat-template-date 2020-02-29",
            "--chat-template-date 2020-03-01"));
    changes.put("compute-dtype", new Change("", "", "--compute-dtype bf16"));
    return changes;
  }

  @BeforeAll
  static void makeModelsAndData() throws IOException {
    LocalSpark.session();
    for (String model : List.of("model", "other")) {
      Call init =
          Call.plumbline(
              ("init-model --output "
                      + directory.resolve(model)
                      + " --hidden-size 32 --layers 1 --heads 2 --kv-heads 1"
                      + " --intermediate-size 64 --seed "
                      + model.length())
                  .split(" "));
      assertThat(init.status()).as(init.err()).isZero();
    }
    Files.writeString(
        directory.resolve("other/chat_template.jinja"),
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}");
    rows("pairs", "{'prompt':'Say %d.','chosen':' %d is it','rejected':' No, not %d'}");
    rows("alike", "{'prompt':'Say %d!','chosen':' %d is it','rejected':' No, not %d'}");
    rows("named", "{'prompt':'Say %d.','good':' %d','best':' yes, %d','bad':' No %d'}");
    rows("rated", "{'prompt':'Say %d.','completion':' %d is it','label':%d}");
    rows(
        "both",
        "{'prompt':'Say %d.','chosen':' %d is it','rejected':' No','completion':' %d',"
            + "'label':true}");
    String turns = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}";
    Files.writeString(directory.resolve("toned.jinja"), "{{ tone|default('kind') }}" + turns);
    Files.writeString(directory.resolve("dated.jinja"), "{{ strftime_now('%d %B %Y') }}" + turns);
    rows(
        "chats",
        "{'prompt':[{'role':'user','content':'Say %d.'}],"
            + "'chosen':[{'role':'assistant','content':'Yes %d'}],"
            + "'rejected':[{'role':'assistant','content':'No %d'}]}");
    rows("texts", "{'prompt':'Say %d.','completion':' %d is it'}");
  }

  private static void rows(String name, String row) throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < ROWS; i++) {
      text.append(row.replace('\'', '"').replace("%d", Integer.toString(i))).append('\n');
    }
    Files.writeString(directory.resolve(name + ".jsonl"), text);
  }

  /** The arguments of a call: what is given, and what it needs and is not given. */
  private static List<String> args(String command, String output, String... given) {
    String all = String.join(" ", given).strip();
    List<String> args = new ArrayList<>(List.of(command, "--output", at(output)));
    if (!all.contains("--model")) {
      args.addAll(List.of("--model", at("model")));
    }
    if (!all.contains("--data")) {
      args.addAll(
          List.of("--data", all.contains("supervised") ? at("texts.jsonl") : at("pairs.jsonl")));
    }
    if (!all.isEmpty()) {
      Stream.of(all.split(" +"))
          .map(
              text ->
                  !text.startsWith("@")
                      ? text
                      : at(
                          Files.exists(Path.of(at(text.substring(1))))
                              ? text.substring(1)
                              : text.substring(1) + ".jsonl"))
          .forEach(args::add);
    }
    return args;
  }

  private static String at(String name) {
    return directory.resolve(name).toString();
  }

  private static Call called(List<String> args) {
    Call call = Call.plumbline(args.toArray(String[]::new));
    assertThat(call.status()).as(args + call.err()).isZero();
    return call;
  }

  static Stream<String> optionsOfPrepare() {
    return new PrepareCommand().settings().stream().map(Setting::name);
  }

  static Stream<String> optionsOfReference() {
    return new ReferenceCommand().settings().stream().map(Setting::name);
  }

  /** What a call finds by its options: the prepared rows, and the shards in their order. */
  private static String prepared(List<String> args) throws IOException {
    StringBuilder state = new StringBuilder(called(args).out());
    for (String split : List.of("shards-train", "shards-eval")) {
      Path manifest = directory.resolve("kept/" + split + "/manifest.json");
      if (Files.exists(manifest)) {
        state.append(JSON.readTree(manifest.toFile()).path("fingerprint").asText()).append('\n');
      }
    }
    return state.toString();
  }

  /** Both calls share a directory, where each must find its own again. */
  @ParameterizedTest
  @MethodSource("optionsOfPrepare")
  void anOptionOfPrepareChangesWhatIsKeptOrIsListed(String option) throws IOException {
    if (KEEP_NOTHING.containsKey(option)) {
      assertThat(KEEP_NOTHING.get(option)).isNotBlank();
      if (option.equals("max-bad-rows")) {
        assertThat(prepared(args("prepare", "kept", "--max-bad-rows 9")))
            .isEqualTo(prepared(args("prepare", "kept")));
      }
      return;
    }
    Change change = changes().get(option);
    assertThat(change).as("another value of --" + option).isNotNull();
    List<String> without = args("prepare", "kept", change.besides(), change.without());
    String before = prepared(without);
    String with = prepared(args("prepare", "kept", change.besides(), change.with()));

    assertThat(with).isNotEqualTo(before);
    Files.deleteIfExists(directory.resolve("kept/shards-eval/manifest.json"));
    assertThat(prepared(without)).isEqualTo(PREPARED.computeIfAbsent(without, w -> before));
  }

  private static Set<String> names(String path) throws IOException {
    try (Stream<Path> files = Files.list(directory.resolve(path))) {
      Set<String> names = new TreeSet<>();
      files.forEach(file -> names.add(file.getFileName().toString()));
      return names;
    }
  }

  private static int computed(List<String> args) {
    String line = called(args).out().lines().findFirst().orElseThrow();
    assertThat(line).startsWith("reference.computed ");
    return Integer.parseInt(line.substring("reference.computed ".length()));
  }

  @ParameterizedTest
  @MethodSource("optionsOfReference")
  void anOptionOfReferenceChangesWhatIsKeptOrIsListed(String option) throws IOException {
    String cache = "--reference-cache " + at("cache-" + option);
    String output = "referenced-" + option;
    boolean listed = KEEP_NOTHING.containsKey(option);
    if (Set.of("output", "reference-cache", "master", "device").contains(option)) {
      assertThat(listed).isTrue();
      return;
    }
    Change change = listed ? new Change("", "", "--" + option + " 2") : changes().get(option);
    assertThat(change).as("another value of --" + option).isNotNull();
    if (option.equals("seed") || option.equals("eval-split")) {
      // Pairs have the same values on either side; the other completion comes from the same side.
      change =
          new Change("--kind unpaired --data @labelled " + change.besides(), "", change.with());
      rows("labelled", "{'prompt':'Say %d.','completion':' %d is it','label':true}");
    }
    computed(args("reference", output, cache, change.besides(), change.without()));
    Set<String> before = names(output + "/prepared");
    int computed = computed(args("reference", output, cache, change.besides(), change.with()));

    if (listed) {
      assertThat(computed).isZero();
      assertThat(names(output + "/prepared")).isEqualTo(before);
    } else {
      assertThat(computed > 0 || !names(output + "/prepared").equals(before)).isTrue();
    }
  }

  /** generate, score and evaluate reuse nothing: what is complete stays as it is. */
  @Test
  void completionsAndEvaluationsAreNeverTakenForThoseOfAnotherCall() throws IOException {
    List<String> generate = args("generate", "completions", "--max-new-tokens 3");
    called(generate);
    JsonNode about = JSON.readTree(directory.resolve("completions/generate.json").toFile());
    assertThat(about.path("data").get(0).asText()).isEqualTo(at("pairs.jsonl"));
    assertThat(about.path("compute_dtype").asText()).isEqualTo("f32");
    List<String> evaluate = new ArrayList<>(args("evaluate", "evaluated"));
    evaluate.set(evaluate.indexOf("--model"), "--policy");
    evaluate.addAll(List.of("--reference", at("model")));
    called(evaluate);
    byte[] result = Files.readAllBytes(directory.resolve("evaluated/evaluation.json"));

    for (List<String> args : List.of(generate, evaluate)) {
      List<String> other = new ArrayList<>(args);
      other.set(other.indexOf(at("pairs.jsonl")), at("alike.jsonl"));
      for (List<String> again : List.of(args, other)) {
        Call call = Call.plumbline(again.toArray(String[]::new));
        assertThat(call.status()).isNotZero();
        assertThat(call.err()).contains("is there already and not empty");
      }
    }
    assertThat(Files.readAllBytes(directory.resolve("evaluated/evaluation.json")))
        .isEqualTo(result);
  }

  /** A stage's options decide whether it is done again. */
  @Test
  void anOptionOfAStageDecidesOrChangesNoResultOfARunEither() {
    assertThat(RunOptions.decideNoUpdate().keySet()).containsAll(PipelineStage.WITHOUT_EFFECT);
    for (String name : StageParts.commands()) {
      Command command =
          Commands.all().stream().filter(one -> one.name().equals(name)).findFirst().orElseThrow();
      for (Setting<?> setting : command.settings()) {
        PipelineStage without = stage(command, Map.of());
        PipelineStage with = stage(command, Map.of(setting.name(), List.of("3")));
        assertThat(
                PipelinePlan.optionsFingerprint(with)
                    .equals(PipelinePlan.optionsFingerprint(without)))
            .as(name + " --" + setting.name())
            .isEqualTo(PipelineStage.WITHOUT_EFFECT.contains(setting.name()));
      }
    }
  }

  private static PipelineStage stage(Command command, Map<String, List<String>> options) {
    return new PipelineStage(
        "s",
        command,
        StageParts.of(command.name()).orElseThrow(),
        "out",
        options,
        options,
        Set.of());
  }

  /** mine.json → the same request, for every option that decides what is mined. */
  @Test
  void whatMineJsonHasMakesTheSameRequestAgain() throws IOException {
    Map<String, String> values =
        Map.of(
            "model", "m",
            "columns", "prompt=question",
            "reward", "length{\"target\":3}",
            "compute-dtype", "bf16",
            "chat-template-kwargs", "{\"tone\":\"curt\"}",
            "chat-template-date", "2020-02-29",
            "top-p", "0.5",
            "min-p", "0.5");
    Set<String> notRecorded =
        Set.of("output", "overwrite", "json", "master", "max-bad-rows", "max-failed-rewards");
    Problems problems = new Problems();
    MineCommand mine = new MineCommand();
    for (Setting<?> setting : mine.settings()) {
      String option = setting.name();
      if (notRecorded.contains(option)) {
        continue;
      }
      List<String> args = new ArrayList<>(List.of("--data", "d", "--reward", "answer"));
      if (!option.equals("model")) {
        args.addAll(List.of("--model", "m"));
      }
      if (Set.of("threshold", "beta", "rows-per-prompt").contains(option)) {
        args.addAll(List.of("--strategy", "rejection"));
      }
      args.add(setting.option());
      if (setting.kind() != Setting.Kind.FLAG) {
        args.add(option.equals("strategy") ? "hard-negatives" : values.getOrDefault(option, "3"));
      }
      MiningRequest asked =
          MineCommand.request(Layers.values(mine, problems, args.toArray(String[]::new)), problems);
      Path file = directory.resolve("mine.yaml");
      Files.writeString(file, JSON.writeValueAsString(asked.configuration()));
      MiningRequest again =
          MineCommand.request(Layers.values(mine, problems, "--config", file.toString()), problems);

      assertThat(problems.sentences()).as(option).isEmpty();
      assertThat(again).as(option).isEqualTo(asked);
    }
  }

  /** A run that was stopped is resumed on the rows that it began with. */
  @Test
  void rowsOfOtherDataAreNotMadeInTheDirectoryOfAStoppedRun() throws IOException {
    Path csv = Files.writeString(directory.resolve("a.csv"), "prompt,completion\na,b\nc,d\n");
    Path other = Files.writeString(directory.resolve("b.csv"), "prompt,completion\ne,f\ng,h\n");
    List<String> sft = args("sft", "stopped", "--max-steps 1 --save-steps 1 --data csv:" + csv);
    called(sft);
    String before = Files.readString(directory.resolve("stopped/sources/train.json"));

    for (List<String> args :
        List.of(
            args("prepare", "stopped", "--kind supervised --data csv:" + other),
            args(
                "reference", "stopped", "--reference-cache " + at("c") + " --data csv:" + other))) {
      Call call = Call.plumbline(args.toArray(String[]::new));
      assertThat(call.status()).isNotZero();
      assertThat(call.err())
          .contains("holds a run of sft with --data csv:" + csv, "csv:" + other, "--output");
    }
    assertThat(Files.readString(directory.resolve("stopped/sources/train.json"))).isEqualTo(before);
    // What the run began with is what is prepared, though the file has changed.
    Files.writeString(csv, "prompt,completion\nx,y\n");
    assertThat(called(args("prepare", "stopped", "--kind supervised --data csv:" + csv)).out())
        .contains("2 rows");
    List<String> resumed = new ArrayList<>(sft);
    resumed.add("--resume");
    called(resumed);
  }
}
