package io.plumbline.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.PythonPeer;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import io.plumbline.text.ChatRequest;
import io.plumbline.text.ChatRequest.GenerationPrompt;
import io.plumbline.text.TemplateVariables;
import io.plumbline.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A run's template, variables and date, against transformers where a value is rendered. */
class RunTemplatesTest {
  private static final Storage STORAGE = Storage.local();
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String DATE = "2020-02-29T23:59:58+05:30";

  /** Reads all that a run may say. */
  private static final String TEMPLATE =
      "{{ bos_token }}{{ strftime_now('%d %b %Y %H:%M:%S') }}\n"
          + "{% for document in documents or [] %}[{{ document.text }}]{% endfor %}"
          + "{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}\n{% endfor %}"
          + "{% if add_generation_prompt %}<assistant>"
          + "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
          + "{% endif %}{{ budget|default(7) }}";

  private static final List<Map<String, Object>> MESSAGES =
      List.of(Map.of("role", "user", "content", "What is 2 + 2?"));

  @TempDir static Path directory;

  private static Path model;

  @BeforeAll
  static void makeModel() throws IOException {
    model = Fixtures.modelWithTokenizer("llama", directory.resolve("model"));
  }

  private static Path write(String name, String text) throws IOException {
    Path file = directory.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  private static RunTemplates templates(Object source, String variables, String date) {
    return new RunTemplates(
        source.toString(), new TreeMap<>(TemplateVariables.parse(variables)), date);
  }

  private static String rendered(ModelDirectory opened, Map<String, Object> ofTheRow) {
    try (Tokenizer tokenizer = Tokenizer.of(opened.tokenizerFiles())) {
      return tokenizer
          .render(new ChatRequest(MESSAGES, Optional.empty(), GenerationPrompt.ADDED, ofTheRow))
          .text();
    }
  }

  /** What a checkpoint gets of a model's tokenizer, as a directory of its own. */
  private static Path saved(ModelDirectory opened, String name) throws IOException {
    Path saved = directory.resolve(name);
    for (Map.Entry<String, String> file : opened.tokenizerFiles().contents().entrySet()) {
      write(name + "/" + file.getKey(), file.getValue());
    }
    Files.copy(model.resolve("config.json"), saved.resolve("config.json"));
    return saved;
  }

  @Test
  void whatIsRenderedIsWhatTransformersRendersFromTheSavedFiles() throws Exception {
    Path template = write("all.jinja", TEMPLATE);
    List<String> ours = new ArrayList<>();
    List<Map<String, Object>> cases = new ArrayList<>();
    Path saved = saved(templates(template, "{}", "").open(STORAGE, model.toString()), "saved");
    for (String variables :
        List.of(
            "{}",
            "{\"enable_thinking\": false}",
            "{\"enable_thinking\": true, \"budget\": 1.0}",
            "{\"budget\": null, \"documents\": [{\"text\": \"ein Blatt\"}, {\"text\": \"2\"}]}",
            "{\"budget\": [1, \"a\", {\"b\": false}]}",
            "{\"budget\": 123456789012345678901234567890}")) {
      ours.add(
          rendered(templates(template, variables, DATE).open(STORAGE, model.toString()), Map.of()));
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("model", saved.toString());
      one.put("messages", MESSAGES);
      one.put("variables", JSON.readValue(variables, Map.class));
      one.put("date", DATE);
      cases.add(one);
    }
    Path file = write("cases.json", JSON.writeValueAsString(cases));

    JsonNode theirs = PythonPeer.run(directory, "render_templates.py", file.toString());

    assertThat(ours).isEqualTo(JSON.convertValue(theirs, List.class)).doesNotHaveDuplicates();
    assertThat(ours.get(0)).contains("29 Feb 2020 23:59:58");
  }

  @Test
  void whatARowSaysGoesBeforeTheRun() throws IOException {
    Path template = write("all.jinja", TEMPLATE);
    ModelDirectory opened =
        templates(template, "{\"enable_thinking\": false, \"budget\": 3}", DATE)
            .open(STORAGE, model.toString());

    assertThat(rendered(opened, Map.of())).endsWith("<assistant><think></think>3");
    assertThat(rendered(opened, Map.of("enable_thinking", true))).endsWith("<assistant>3");
  }

  @Test
  void theSavedFilesHaveTheTemplateAndNoOtherAndNoVariable() throws IOException {
    Path template = write("all.jinja", TEMPLATE);
    Path own = Files.createDirectory(directory.resolve("with-many"));
    for (Path file : List.of(Path.of("config.json"), Path.of("model.safetensors"))) {
      Files.copy(model.resolve(file), own.resolve(file));
    }
    Files.copy(model.resolve("tokenizer.json"), own.resolve("tokenizer.json"));
    write("with-many/additional_chat_templates/tool_use.jinja", "{{ messages }}");
    write("with-many/chat_template.json", "{\"chat_template\": \"{{ messages }}\"}");
    write(
        "with-many/tokenizer_config.json",
        "{\"chat_template\": \"{{ messages }}\", \"eos_token\": \"</s>\"}");

    Map<String, String> saved =
        templates(template, "{\"budget\": 3}", DATE)
            .open(STORAGE, own.toString())
            .tokenizerFiles()
            .contents();

    assertThat(saved)
        .containsOnlyKeys("chat_template.jinja", "tokenizer.json", "tokenizer_config.json")
        .containsEntry("chat_template.jinja", TEMPLATE);
    assertThat(JSON.readTree(saved.get("tokenizer_config.json")))
        .isEqualTo(JSON.readTree("{\"eos_token\": \"</s>\"}"));
  }

  @ParameterizedTest
  @CsvSource({
    "of-file/chat_template.jinja, {{ messages[0].content }}, of-file",
    "of-config/tokenizer_config.json, '{\"chat_template\": \"{{ messages[0].content }}\"}', of-config",
    "of-list/tokenizer_config.json, '{\"chat_template\": [{\"name\": \"default\", \"template\":"
        + " \"{{ messages[0].content }}\"}]}', of-list",
    "json/chat_template.json, '{\"chat_template\": \"{{ messages[0].content }}\"}',"
        + " json/chat_template.json",
    "txt/template.txt, {{ messages[0].content }}, txt/template.txt",
  })
  void aDirectoryAndJsonNameTheirTemplate(String file, String text, String named)
      throws IOException {
    write(file, text);

    ModelDirectory opened =
        templates(directory.resolve(named), "{}", "").open(STORAGE, model.toString());

    assertThat(rendered(opened, Map.of())).isEqualTo("What is 2 + 2?");
  }

  @ParameterizedTest
  @CsvSource({
    "absent.jinja, , INPUT_NOT_FOUND, which is not there",
    "broken.jinja, {% if messages %}, BAD_TEMPLATE, broken.jinja: ",
    "text.jinja, Only text., BAD_TEMPLATE, reads no messages",
    "other.json, '{\"messages\": 1}', BAD_TEMPLATE, no default template under chat_template",
    "empty/tokenizer_config.json, '{}', BAD_TEMPLATE, has neither a chat_template.jinja nor",
  })
  void whatIsNoTemplateIsRefused(String file, String text, ErrorCode code, String sentence)
      throws IOException {
    if (text != null) {
      write("refused/" + file, text);
    }
    String named = file.startsWith("empty/") ? "empty" : file;
    RunTemplates templates = templates(directory.resolve("refused").resolve(named), "{}", "");

    assertThatThrownBy(() -> templates.settings(STORAGE))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContainingAll("--chat-template names ", named, sentence)
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(code);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "enable_thinking=false",
        "{\"enable_thinking\": False}",
        "[1]",
        "true",
        "{\"a\": 1, \"a\": 2}",
        "{\"a\": 1} {}",
        "{\"a b\": 1}",
        "{\"messages\": []}",
        "{\"tools\": []}",
        "{\"add_generation_prompt\": true}",
        "{\"bos_token\": \"<s>\"}",
        "{\"eos_token\": \"\"}",
        "{\"strftime_now\": 1}",
        "{\"chat_template\": \"x\"}"
      })
  void whatIsNoObjectOfVariablesIsRefused(String text) {
    assertThatThrownBy(() -> TemplateVariables.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("must ");
  }

  @Test
  void theDateIsTakenOnceAndOnlyWhereATemplateReadsIt() throws IOException {
    Path reads = write("all.jinja", TEMPLATE);
    Path timeless = write("timeless.jinja", "{{ messages }}");
    List<String> models = List.of(model.toString());
    RunTemplates asked = templates(reads, "{}", "");

    String now = asked.dated(STORAGE, models, List.of(), Optional.empty()).date();
    assertThat(now).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(Z|[+-]\\d\\d:\\d\\d)");
    assertThat(asked.dated(STORAGE, models, List.of(), Optional.of(DATE)).date()).isEqualTo(DATE);
    assertThat(asked.dated(STORAGE, models, List.of(), Optional.of("")).date()).isEmpty();
    assertThat(
            templates(reads, "{}", now).dated(STORAGE, models, List.of(), Optional.of(DATE)).date())
        .isEqualTo(now);
    assertThat(
            templates(timeless, "{}", DATE)
                .dated(STORAGE, models, List.of(), Optional.empty())
                .date())
        .isEmpty();
    // A reward model renders by its own template, and by the date of the run.
    Path scoring = Files.createDirectory(directory.resolve("scoring"));
    for (String file : List.of("config.json", "model.safetensors")) {
      Files.copy(model.resolve(file), scoring.resolve(file));
    }
    write("scoring/chat_template.jinja", TEMPLATE);
    assertThat(
            templates(timeless, "{}", DATE)
                .dated(STORAGE, models, List.of(scoring.toString()), Optional.empty())
                .date())
        .isEqualTo(DATE);
  }

  /** What is kept is found by this. */
  @Test
  void anotherTemplateOrVariableOrDateIsAnotherTokenizer() throws IOException {
    Path reads = write("all.jinja", TEMPLATE);
    Path other = write("other.jinja", TEMPLATE + " ");
    Path timeless = write("timeless.jinja", "{{ messages }}");
    List<String> fingerprints = new ArrayList<>();
    for (RunTemplates one :
        List.of(
            RunTemplates.NONE,
            templates(reads, "{}", DATE),
            templates(reads, "{}", "2020-03-01T00:00:00Z"),
            templates(reads, "{\"budget\": 3}", DATE),
            templates(reads, "{\"budget\": 4}", DATE),
            templates(other, "{}", DATE),
            templates(timeless, "{}", DATE))) {
      fingerprints.add(fingerprint(one));
    }

    assertThat(fingerprints).doesNotHaveDuplicates();
    assertThat(fingerprint(templates(timeless, "{}", ""))).isEqualTo(fingerprints.get(6));
  }

  private static String fingerprint(RunTemplates templates) {
    try (Tokenizer tokenizer =
        Tokenizer.of(templates.open(STORAGE, model.toString()).tokenizerFiles())) {
      return tokenizer.fingerprint();
    }
  }

  @Test
  void aVariableThatNoTemplateReadsIsSaid() throws IOException {
    Path template = write("all.jinja", TEMPLATE);

    assertThat(
            RunTemplates.unread(
                templates(template, "{\"enable_thinking\": false}", "")
                    .open(STORAGE, model.toString())))
        .isEmpty();
    assertThat(
            RunTemplates.unread(
                templates(template, "{\"enable_thinkin\": false, \"budget\": 1}", "")
                    .open(STORAGE, model.toString())))
        .hasValueSatisfying(
            sentence -> assertThat(sentence).contains("never reads enable_thinkin, which"));
  }
}
