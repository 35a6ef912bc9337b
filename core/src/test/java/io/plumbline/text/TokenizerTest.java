package io.plumbline.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class TokenizerTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static Map<String, String> files(Path directory) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    for (String name :
        List.of(
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "chat_template.jinja")) {
      if (Files.exists(directory.resolve(name))) {
        contents.put(name, Files.readString(directory.resolve(name)));
      }
    }
    return contents;
  }

  private static Map<String, String> goldenFiles() throws IOException {
    return files(Fixtures.golden("tokenizer"));
  }

  private static Tokenizer golden() throws IOException {
    return load(goldenFiles());
  }

  private static Tokenizer load(Map<String, String> contents) {
    return Tokenizer.of(new TokenizerFiles(new TreeMap<>(contents)));
  }

  private static JsonNode vectors() throws IOException {
    return JSON.readTree(Fixtures.golden("tokenizer/vectors.json").toFile());
  }

  private static int[] ints(JsonNode array) {
    return JSON.convertValue(array, int[].class);
  }

  private static ChatRequest request(JsonNode messages, JsonNode generationPrompt) {
    ChatRequest request = ChatRequest.of(JSON.convertValue(messages, Json.LIST_OF_MAPS));
    return generationPrompt.asBoolean() ? request.withGenerationPrompt() : request;
  }

  @Test
  void encodesAndDecodesAsTransformersDoes() throws IOException {
    try (Tokenizer tokenizer = golden()) {
      for (JsonNode vector : vectors().get("encode")) {
        String text = vector.get("text").asText();
        int[] ids = ints(vector.get("ids"));
        assertThat(tokenizer.encode(text)).as(text).isEqualTo(ids);
        assertThat(tokenizer.encodeWithoutSpecialTokens(text)).as(text).isEqualTo(ids);
        Encoding encoding = tokenizer.encodeWithOffsets(text);
        assertThat(encoding.ids()).as(text).isEqualTo(ids);
        for (int i = 0; i < ids.length; i++) {
          assertThat(new int[] {encoding.starts()[i], encoding.ends()[i]})
              .as("offsets of token %d of %s", i, text)
              .isEqualTo(ints(vector.get("offsets").get(i)));
        }
        assertThat(tokenizer.decode(ids)).isEqualTo(vector.get("decoded").asText());
        assertThat(tokenizer.decodeSkippingSpecialTokens(ids))
            .isEqualTo(vector.get("decoded_skip_special").asText());
      }
    }
  }

  @Test
  void rendersAndEncodesChatsAsTransformersDoes() throws IOException {
    try (Tokenizer tokenizer = golden()) {
      ChatTemplate template = tokenizer.chatTemplate().orElseThrow();
      for (JsonNode chat : vectors().get("chat")) {
        ChatRequest request = request(chat.get("messages"), chat.get("add_generation_prompt"));
        assertThat(template.render(request).text()).isEqualTo(chat.get("text").asText());
        TokenizedChat tokenized = tokenizer.tokenize(request);
        assertThat(tokenized.ids()).isEqualTo(ints(chat.get("ids")));
        assertThat(tokenized.assistantMask()).isEqualTo(new byte[tokenized.ids().length]);
      }
    }
  }

  @Test
  void knowsItsSpecialTokensInTheFormsOfVersions4And5() throws IOException {
    Map<String, String> files = goldenFiles();
    ObjectNode config = (ObjectNode) JSON.readTree(files.get("tokenizer_config.json"));
    for (String name : List.of("bos_token", "eos_token", "pad_token")) {
      String content = config.get(name).asText();
      config.putObject(name).put("__type", "AddedToken").put("content", content);
    }
    Map<String, String> objects = new TreeMap<>(files);
    objects.put("tokenizer_config.json", config.toString());
    Map<String, String> mapOnly = new TreeMap<>(files);
    mapOnly.put("tokenizer_config.json", "{}");
    for (Map<String, String> form : List.of(files, objects, mapOnly)) {
      try (Tokenizer tokenizer = load(form)) {
        assertThat(tokenizer.bosTokenId()).hasValue(0);
        assertThat(tokenizer.eosToken()).contains("<|im_end|>");
        assertThat(tokenizer.eosTokenId()).hasValue(2);
        assertThat(tokenizer.padTokenId()).hasValue(3);
        assertThat(tokenizer.vocabularySize()).isEqualTo(512);
      }
    }
  }

  @Test
  void neverTruncatesOrPads() throws IOException {
    Map<String, String> files = goldenFiles();
    ObjectNode definition = (ObjectNode) JSON.readTree(files.get("tokenizer.json"));
    ObjectNode truncation = definition.putObject("truncation");
    truncation.put("direction", "Right").put("max_length", 3);
    truncation.put("strategy", "LongestFirst").put("stride", 0);
    files.put("tokenizer.json", definition.toString());
    try (Tokenizer tokenizer = load(files)) {
      String text = "one two three ".repeat(2000);
      assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
      assertThat(tokenizer.encode("")).isEmpty();
      assertThat(tokenizer.decode(new int[0])).isEmpty();
    }
  }

  @Test
  void marksWhatTheAssistantSays() throws IOException {
    Map<String, String> files = goldenFiles();
    files.put(
        "chat_template.jinja",
        """
        {%- for message in messages -%}
        {{- '<|im_start|>' + message.role + '\\n' -}}
        {%- if message.role == 'assistant' -%}
        {%- generation -%}{{- message.content + '<|im_end|>' -}}{%- endgeneration -%}{{- '\\n' -}}
        {%- else -%}{{- message.content + '<|im_end|>\\n' -}}{%- endif -%}
        {%- endfor -%}
        """);
    try (Tokenizer tokenizer = load(files)) {
      TokenizedChat chat =
          tokenizer.tokenize(
              ChatRequest.of(
                  List.of(
                      Map.of("role", "user", "content", "🎉 北京?"),
                      Map.of("role", "assistant", "content", "Hi 🎉!"),
                      Map.of("role", "user", "content", "Bye"),
                      Map.of("role", "assistant", "content", "So long"))));
      StringBuilder said = new StringBuilder();
      List<Integer> run = new ArrayList<>();
      for (int i = 0; i < chat.ids().length; i++) {
        if (chat.assistantMask()[i] == 1) {
          run.add(chat.ids()[i]);
        } else if (!run.isEmpty()) {
          said.append(tokenizer.decode(run.stream().mapToInt(id -> id).toArray())).append('|');
          run.clear();
        }
      }
      // transformers marks only the first of the byte tokens of the last character of a span; the
      // span ends with a token of one character here.
      assertThat(said).hasToString("Hi 🎉!<|im_end|>|So long<|im_end|>|");
    }
  }

  @Test
  void choosesTheTemplateForToolsWhereThereIsOne() throws IOException {
    Map<String, String> files = goldenFiles();
    files.put(
        "tokenizer_config.json",
        """
        {"chat_template": [
          {"name": "default", "template": "no tools"},
          {"name": "tool_use", "template": "{{ tools | length }} tools"}]}
        """);
    ChatRequest plain = ChatRequest.of(List.of(Map.of("role", "user", "content", "x")));
    ChatRequest withTools =
        new ChatRequest(
            plain.messages(),
            Optional.of(List.of(Map.of("name", "a"))),
            plain.generationPrompt(),
            plain.variables());
    try (Tokenizer tokenizer = load(files)) {
      assertThat(tokenizer.decode(tokenizer.tokenize(plain).ids())).isEqualTo("no tools");
      assertThat(tokenizer.decode(tokenizer.tokenize(withTools).ids())).isEqualTo("1 tools");
    }
    files.put("chat_template.jinja", "from the file");
    try (Tokenizer tokenizer = load(files)) {
      assertThat(tokenizer.decode(tokenizer.tokenize(plain).ids())).isEqualTo("from the file");
    }
  }

  @Test
  void changesItsFingerprintWithWhatMatters() throws IOException {
    Map<String, String> files = goldenFiles();
    String first = fingerprint(files);
    assertThat(first).matches("[0-9a-f]{64}").isEqualTo(fingerprint(files));
    Map<String, String> spaced = new TreeMap<>(files);
    spaced.put("tokenizer.json", files.get("tokenizer.json") + "\n");
    assertThat(fingerprint(spaced)).isEqualTo(first);
    Map<String, String> template = new TreeMap<>(files);
    template.put("chat_template.jinja", "other");
    assertThat(fingerprint(template)).isNotEqualTo(first);
    Map<String, String> token = new TreeMap<>(files);
    // Which goes before tokenizer_config.json.
    token.remove("special_tokens_map.json");
    token.put(
        "tokenizer_config.json",
        files
            .get("tokenizer_config.json")
            .replace("\"eos_token\": \"<|im_end|>\"", "\"eos_token\": \"<|pad|>\""));
    assertThat(fingerprint(token)).isNotEqualTo(first);
  }

  private static String fingerprint(Map<String, String> files) {
    try (Tokenizer tokenizer = load(files)) {
      return tokenizer.fingerprint();
    }
  }

  @Test
  void saysWhatIsMissingAndHowToMendIt() throws IOException {
    assertThatThrownBy(() -> load(new TreeMap<>()))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_CHECKPOINT))
        .hasMessageContaining("no tokenizer.json")
        .hasMessageContaining("save_pretrained");
    for (String broken : List.of("", "[]", "{", "{\"model\": {}}", "{\"model\": 1}")) {
      Map<String, String> files = goldenFiles();
      files.put("tokenizer.json", broken);
      assertThatThrownBy(() -> load(files))
          .as(broken)
          .isInstanceOfSatisfying(
              PlumblineException.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_CHECKPOINT))
          .hasMessageContaining("tokenizer.json");
    }
    Map<String, String> files = goldenFiles();
    files.remove("tokenizer_config.json");
    try (Tokenizer tokenizer = load(files)) {
      ChatRequest request = ChatRequest.of(List.of(Map.of("role", "user", "content", "x")));
      assertThat(tokenizer.chatTemplate()).isEmpty();
      assertThatThrownBy(() -> tokenizer.tokenize(request))
          .hasMessageContaining("no chat template")
          .hasMessageContaining("chat_template.jinja");
    }
  }

  @Test
  void servesManyThreadsAtOnce() throws Exception {
    JsonNode encode = vectors().get("encode");
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try (Tokenizer tokenizer = golden()) {
      List<Callable<Void>> tasks = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        tasks.add(
            () -> {
              for (JsonNode vector : encode) {
                assertThat(tokenizer.encode(vector.get("text").asText()))
                    .isEqualTo(ints(vector.get("ids")));
              }
              return null;
            });
      }
      for (Future<Void> done : pool.invokeAll(tasks, 60, TimeUnit.SECONDS)) {
        done.get();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void equalsTransformersOnARealModel() throws IOException {
    Optional<Path> model = Fixtures.shared("smollm2");
    Optional<Path> golden = Fixtures.shared("golden/smollm2.json");
    assumeTrue(
        model.isPresent() && golden.isPresent(),
        "skipped: ../shared/smollm2 or ../shared/golden/smollm2.json is not on this machine");
    JsonNode expected = JSON.readTree(golden.get().toFile());
    try (Tokenizer tokenizer = load(files(model.get()))) {
      for (JsonNode text : expected.get("texts")) {
        assertThat(tokenizer.encode(text.get("text").asText())).isEqualTo(ints(text.get("ids")));
      }
      for (JsonNode chat : expected.get("chats")) {
        ChatRequest request =
            ChatRequest.of(JSON.convertValue(chat.get("messages"), Json.LIST_OF_MAPS))
                .withGenerationPrompt();
        assertThat(tokenizer.chatTemplate().orElseThrow().render(request).text())
            .isEqualTo(chat.get("rendered").asText());
        assertThat(tokenizer.tokenize(request).ids()).isEqualTo(ints(chat.get("ids")));
        assertThat(tokenizer.decode(ints(chat.get("greedy_ids"))))
            .isEqualTo(chat.get("greedy_text").asText());
      }
    }
  }
}
