package io.plumbline.spark.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.checkpoint.RunTemplates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Commands with a chat template, variables and a date of the run. The model has no template of its
 * own; another directory has it with one that says the same by itself.
 */
class TemplateRunTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String DATE = "2020-02-29T00:00:00Z";
  private static final String TURNS =
      "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
          + "{% if add_generation_prompt %}assistant: {% endif %}";
  private static final String TEMPLATE = "{{ tone }}, {{ strftime_now('%d %b %Y') }}\n" + TURNS;

  @TempDir static Path shared;

  private static String model;
  private static String same;
  private static Path template;
  private static Path chats;
  private static Path pairs;

  @TempDir Path directory;

  @BeforeAll
  static void makeModels() throws IOException {
    model = shared.resolve("model").toString();
    succeeds(
        ("init-model --output "
                + model
                + " --hidden-size 32 --layers 1 --heads 2 --kv-heads 1 --intermediate-size 64"
                + " --max-positions 256")
            .split(" "));
    Path own = Path.of(model);
    Files.deleteIfExists(own.resolve("chat_template.jinja"));
    template = Files.writeString(shared.resolve("own.jinja"), TEMPLATE);
    Path equal = Files.createDirectory(shared.resolve("same"));
    try (Stream<Path> files = Files.list(own)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, equal.resolve(file.getFileName()));
      }
    }
    Files.writeString(
        equal.resolve("chat_template.jinja"),
        TEMPLATE
            .replace("{{ tone }}", "kind")
            .replace("{{ strftime_now('%d %b %Y') }}", "29 Feb 2020"));
    same = equal.toString();
    StringBuilder turns = new StringBuilder();
    StringBuilder sides = new StringBuilder();
    for (int i = 0; i < 12; i++) {
      String asked = "\"prompt\": [{\"role\": \"user\", \"content\": \"Say %d.\"}]".formatted(i);
      String said = "[{\"role\": \"assistant\", \"content\": \"%s %d\"}]";
      turns.append("{%s, \"completion\": %s}\n".formatted(asked, said.formatted("Gladly", i)));
      sides.append(
          "{%s, \"chosen\": %s, \"rejected\": %s}\n"
              .formatted(asked, said.formatted("Gladly", i), said.formatted("No", i)));
    }
    chats = Files.writeString(shared.resolve("chats.jsonl"), turns);
    pairs = Files.writeString(shared.resolve("pairs.jsonl"), sides);
  }

  private static Call succeeds(String... args) {
    Call call = Call.plumbline(args);
    assertThat(call.status()).as(call.err()).isZero();
    return call;
  }

  private static String[] with(List<String> args, String... more) {
    return Stream.concat(args.stream(), Stream.of(more)).toArray(String[]::new);
  }

  private List<String> sft(Object jinja, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of("sft", "--model", model, "--data", chats.toString(), "--output", run("run")));
    args.addAll(List.of("--global-batch-size", "4", "--max-steps", "2", "--save-steps", "1"));
    args.addAll(List.of("--chat-template", jinja.toString()));
    args.addAll(List.of(more));
    return args;
  }

  private String run(String name) {
    return directory.resolve(name).toString();
  }

  private ObjectNode record(String name) throws IOException {
    return (ObjectNode) JSON.readTree(directory.resolve(name).resolve("run.json").toFile());
  }

  private static String date(JsonNode record) {
    return record.path("configuration").path(RunTemplates.DATE).asText();
  }

  private static String rows(JsonNode record) {
    return record.path("fingerprints").path("rows.train").asText();
  }

  @Test
  void aRunGoesOnAndIsRepeatedOnAnotherDay() throws IOException {
    Path first = Files.copy(template, directory.resolve("first.jinja"));
    String[] kind = {"--chat-template-kwargs", "{\"tone\": \"kind\"}"};
    succeeds(with(sft(first, kind), "--chat-template-date", "2020-02-29"));
    JsonNode begun = record("run");
    assertThat(date(begun)).isEqualTo(DATE);
    assertThat(begun.path("configuration").path("chat-template-kwargs").asText())
        .isEqualTo("{\"tone\":\"kind\"}");
    assertThat(directory.resolve("run/checkpoint/chat_template.jinja")).hasContent(TEMPLATE);
    assertThat(rows(begun)).isNotEmpty();

    // The call says no date, and the template lies elsewhere.
    Path moved = Files.move(first, directory.resolve("moved.jinja"));
    succeeds(with(sft(moved, kind), "--resume"));
    assertThat(date(record("run"))).isEqualTo(DATE);
    assertThat(rows(record("run"))).isEqualTo(rows(begun));

    Call again = succeeds("rerun", run("run"));
    assertThat(again.out()).contains("The checkpoint is bit for bit that of ");
    assertThat(date(record("run-rerun"))).isEqualTo(DATE);
    assertThat(rows(record("run-rerun"))).isEqualTo(rows(begun));

    // The same rows as of a model whose own template says it.
    succeeds(
        "sft --model %s --data %s --output %s --global-batch-size 4 --max-steps 2"
            .formatted(same, chats, run("same"))
            .split(" "));
    assertThat(record("same").path("fingerprints").path("checkpoint"))
        .isEqualTo(begun.path("fingerprints").path("checkpoint"));

    refused(
        with(sft(moved, kind), "--resume", "--chat-template-date", "2020-03-01"),
        "chat-template-date (" + DATE + " there, 2020-03-01T00:00:00Z now)");
    refused(
        with(sft(moved, "--chat-template-kwargs", "{\"tone\": \"curt\"}"), "--resume"),
        "chat-template-kwargs ({\"tone\":\"kind\"} there, {\"tone\":\"curt\"} now)");
    Files.writeString(moved, TEMPLATE + "!");
    refused(
        with(sft(moved, kind), "--resume"),
        "--chat-template " + moved + " has another content than it had");
    List<String> without = sft(moved, kind);
    without.removeAll(List.of("--chat-template", moved.toString()));
    refused(with(without, "--resume"), "--chat-template (" + moved + " there, not given now)");
    assertThat(record("run").path("fingerprints")).isEqualTo(begun.path("fingerprints"));
  }

  private static void refused(String[] args, String sentence) {
    Call call = Call.plumbline(args);
    assertThat(call.status()).as(call.err()).isEqualTo(2);
    assertThat(call.err()).contains(sentence);
  }

  @Test
  void aRunOfAnOlderVersionGoesOnWithoutADate() throws IOException {
    // The same on each day of a century.
    Path century =
        Files.writeString(
            directory.resolve("century.jinja"), "{{ strftime_now('%Y')[:2] }}\n" + TURNS);
    succeeds(with(sft(century)));
    ObjectNode record = record("run");
    assertThat(date(record)).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d.*");
    ((ObjectNode) record.path("configuration")).remove(RunTemplates.DATE);
    ((ObjectNode) record.path("identity").path("options")).remove(RunTemplates.DATE);
    JSON.writeValue(directory.resolve("run/run.json").toFile(), record);

    succeeds(with(sft(century), "--resume"));

    assertThat(date(record("run"))).isEmpty();
    assertThat(rows(record("run"))).isEqualTo(rows(record));
  }

  @Test
  void aDateThatNoTemplateReadsIsNoPartOfARun() throws IOException {
    Path timeless = Files.writeString(directory.resolve("timeless.jinja"), TURNS);
    Call first = succeeds(with(sft(timeless), "--chat-template-date", "2020-02-29"));
    assertThat(first.err()).doesNotContain("never reads");
    assertThat(date(record("run"))).isEmpty();

    Call resumed = succeeds(with(sft(timeless, "--chat-template-date", "2021-01-01"), "--resume"));

    assertThat(date(record("run"))).isEmpty();
    assertThat(resumed.err()).doesNotContain("another");
  }

  @Test
  void whatIsPreparedIsFoundByTheSameTemplateVariablesAndDateAlone() throws IOException {
    List<String> prepare =
        List.of(
            ("prepare --kind supervised --model %s --data %s --output %s --global-batch-size 4"
                    + " --max-steps 2 --chat-template %s --chat-template-kwargs")
                .formatted(model, chats, run("run"), template)
                .split(" "));
    Call prepared = succeeds(with(prepare, "{\"tone\": \"kind\"}", "--chat-template-date", DATE));
    assertThat(prepared.err()).contains("give a training command --chat-template-date " + DATE);
    assertThat(prepared()).isEqualTo(1);

    succeeds(
        with(
            sft(template, "--chat-template-kwargs", "{\"tone\": \"kind\"}"),
            "--chat-template-date",
            DATE));
    assertThat(prepared()).isEqualTo(1);

    for (String[] other :
        List.of(
            new String[] {"{\"tone\": \"curt\"}", "--chat-template-date", DATE},
            new String[] {"{\"tone\": \"kind\"}", "--chat-template-date", "2020-03-01"})) {
      Call call = Call.plumbline(with(prepare, other));
      assertThat(call.err()).contains("with other train rows");
    }
  }

  private long prepared() throws IOException {
    try (Stream<Path> all = Files.list(directory.resolve("run/prepared"))) {
      return all.filter(Files::isDirectory).count();
    }
  }

  @Test
  void othersRenderAsAModelWhoseOwnTemplateSaysTheSame() throws IOException {
    String[] options = {
      "--chat-template",
      template.toString(),
      "--chat-template-kwargs",
      "{\"tone\": \"kind\"}",
      "--chat-template-date",
      DATE
    };
    String generate = "generate --chat --prompt Hello --max-new-tokens 8 --json --model ";
    assertThat(succeeds(with(List.of((generate + model).split(" ")), options)).out())
        .isEqualTo(succeeds((generate + same).split(" ")).out())
        .isNotEqualTo(
            succeeds(
                    with(
                        List.of((generate + model).split(" ")),
                        "--chat-template",
                        template.toString()))
                .out());

    String score = "score --data " + pairs + " --json --model ";
    assertThat(succeeds(with(List.of((score + model).split(" ")), options)).out())
        .isEqualTo(succeeds((score + same).split(" ")).out())
        .contains("chosen_logp");

    String evaluate =
        "evaluate --reference %s --data %s --prompts %s --max-new-tokens 8 --policy p="
            .formatted(model, pairs, chats);
    succeeds(with(List.of((evaluate + model + " --output " + run("with")).split(" ")), options));
    succeeds((evaluate.replace(model, same) + same + " --output " + run("same")).split(" "));
    ObjectNode with = evaluation("with");
    assertThat(with.path("chat_template_date").asText()).isEqualTo(DATE);
    assertThat(with.path("chat_template_kwargs").asText()).isEqualTo("{\"tone\":\"kind\"}");
    ObjectNode policy = (ObjectNode) with.path("policies").path(0);
    ObjectNode expected = (ObjectNode) evaluation("same").path("policies").path(0);
    assertThat(policy.path("preferences")).isNotEmpty().isEqualTo(expected.path("preferences"));
    assertThat(policy.path("length")).isNotEmpty().isEqualTo(expected.path("length"));
  }

  private ObjectNode evaluation(String name) throws IOException {
    return (ObjectNode) JSON.readTree(directory.resolve(name + "/evaluation.json").toFile());
  }

  @Test
  void whatWasMinedIsFoundOnAnotherDay() throws IOException {
    String mine =
        "mine --data %s --reward length{\"per_token\":1} --num-generations 4 --max-new-tokens 8 --model "
            .formatted(chats);
    List<String> ours =
        new ArrayList<>(List.of((mine + model + " --output " + run("mined")).split(" ")));
    ours.addAll(List.of("--chat-template", template.toString()));
    ours.addAll(List.of("--chat-template-kwargs", "{\"tone\": \"kind\"}"));
    succeeds(with(ours, "--chat-template-date", DATE));
    succeeds((mine + same + " --output " + run("same")).split(" "));
    JsonNode mined = JSON.readTree(directory.resolve("mined/mine.json").toFile());
    JsonNode expected = JSON.readTree(directory.resolve("same/mine.json").toFile());
    assertThat(mined.path("reward")).isNotEmpty().isEqualTo(expected.path("reward"));
    assertThat(mined.path("configuration").path("chat_template_date").asText()).isEqualTo(DATE);

    assertThat(succeeds(with(ours)).err()).contains("found as it was mined before");
    refused(with(ours, "--chat-template-date", "2020-03-01"), "chat-template-date");
  }

  @Test
  void aPipelineHasOneDateForAllItsStages() throws IOException {
    Path file =
        Files.writeString(
            directory.resolve("stages.yaml"),
            """
            output: %1$s/out
            defaults:
              chat_template: %2$s
              chat_template_kwargs: {tone: kind}
            stages:
              first:
                command: sft
                model: %3$s
                data: %4$s
                global-batch-size: 4
                max-steps: 1
              second:
                command: sft
                model: ${first.checkpoint}
                data: %4$s
                global-batch-size: 4
                max-steps: 1
            """
                .formatted(directory, template, model, chats));
    Path record = directory.resolve("out/pipeline.json");

    succeeds("pipeline", file.toString());

    ObjectNode pipeline = (ObjectNode) JSON.readTree(record.toFile());
    String date = pipeline.path("chat_template_date").asText();
    assertThat(date).isNotEmpty();
    for (String stage : List.of("first", "second")) {
      assertThat(date(record("out/stages-" + stage))).as(stage).isEqualTo(date);
    }
    // As if it had begun on another day.
    pipeline.put("chat_template_date", DATE);
    JSON.writeValue(record.toFile(), pipeline);
    assertThat(succeeds("pipeline", file.toString()).out()).contains("Nothing was left to do");
    succeeds("pipeline", file.toString(), "--redo", "second");
    assertThat(date(record("out/stages-second"))).isEqualTo(DATE);
  }
}
