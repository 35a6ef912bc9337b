package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.Fixtures;
import io.plumbline.Records;
import io.plumbline.parquet.StorageParquet;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows of a prompt alone, and the columns that are kept for reward functions. */
class PromptRowsTest {
  private final Storage storage = Storage.local();
  @TempDir Path directory;

  private static TokenizedRow row(Map<String, Object> row) throws Exception {
    return row(row, Fixtures.tokenizerFiles());
  }

  private static TokenizedRow row(Map<String, Object> row, TokenizerFiles files) throws Exception {
    ExampleShape shape = ExampleShape.of(ExampleKind.PROMPT, row).orElseThrow();
    try (Tokenizer tokenizer = Tokenizer.of(files)) {
      return new ExampleTokenizer(tokenizer, LengthLimits.none())
          .tokenize(new ExampleParser(ExampleKind.PROMPT, shape).parse(row), 3)
          .row();
    }
  }

  private static void assertRefused(Map<String, Object> row, RefusalReason reason, String words) {
    assertThatThrownBy(() -> row(row))
        .hasMessageContaining(words)
        .extracting(e -> ((RefusedRowException) e).reason())
        .isEqualTo(reason);
  }

  @Test
  void onlyThePromptIsTokenizedAndAllColumnsAreKept() throws Exception {
    Map<String, Object> given = new LinkedHashMap<>();
    given.put("prompt", "What is 1 + 2?");
    given.put("completion", "It is 3.");
    given.put("answer", 3.0);
    given.put("hint", null);
    given.put("tests", List.of(Map.of("b", 0.5, "a", List.of(1, 2L)), Map.of()));
    TokenizedRow row = row(given);
    try (Tokenizer tokenizer = Tokenizer.of(Fixtures.tokenizerFiles())) {
      assertThat(row.prompt()).isEqualTo(tokenizer.encode("What is 1 + 2?"));
    }
    assertThat(row.completions()).isEmpty();
    assertThat(row.lossMasks()).isEmpty();
    assertThat(row.index()).isEqualTo(3);
    assertThat(row.columns())
        .isEqualTo(
            "{\"answer\":3,\"completion\":\"It is 3.\",\"prompt\":\"What is 1 + 2?\","
                + "\"tests\":[{\"a\":[1,2],\"b\":0.5},{}]}");
    assertThat(Columns.parse(row.columns()))
        .containsEntry("answer", 3)
        .containsEntry("completion", "It is 3.")
        .containsOnlyKeys("answer", "completion", "prompt", "tests");
    assertThat(Columns.parse("")).isEmpty();
  }

  @Test
  void otherKindsKeepNoColumns() throws Exception {
    Map<String, Object> given = Map.of("prompt", "1 + 2 =", "completion", " 3", "answer", 3);
    try (Tokenizer tokenizer = Tokenizer.of(Fixtures.tokenizerFiles())) {
      TokenizedRow row =
          new ExampleTokenizer(tokenizer, LengthLimits.none())
              .tokenize(
                  new ExampleParser(ExampleKind.SUPERVISED, ExampleShape.PROMPT_COMPLETION)
                      .parse(given),
                  0)
              .row();
      assertThat(row.columns()).isEmpty();
    }
  }

  @Test
  void columnsTellDataApartButNotWhatAModelSays() throws Exception {
    TokenizedRow three = row(Map.of("prompt", "1 + 2 =", "answer", "3"));
    TokenizedRow four = row(Map.of("prompt", "1 + 2 =", "answer", "4"));
    TokenizedRow plain = TokenizedRow.of(3, three.prompt(), List.of(), List.of());
    assertThat(three.fingerprint()).isEqualTo(four.fingerprint()).isEqualTo(plain.fingerprint());
    assertThat(List.of(three.dataFingerprint(), four.dataFingerprint(), plain.dataFingerprint()))
        .doesNotHaveDuplicates();
    assertThat(plain.dataFingerprint()).isEqualTo(plain.fingerprint());
    assertThat(
            Records.with(three.withIndex(8), "margin", 1).withReferenceLogps(List.of()).columns())
        .isEqualTo(three.columns());
    // Computed apart, by Python's hashlib over the documented bytes.
    TokenizedRow ids =
        TokenizedRow.of(0, new int[] {1, 2}, List.of(), List.of())
            .withColumns("{\"answer\":\"é\"}");
    assertThat(ids.dataFingerprint())
        .isEqualTo("d369ff5b290e8a0700d9ad7bf8bb1cb0499fb254cb5884696bdfe457838f7de9");
  }

  @Test
  void rowsThatCannotBeContinuedAreRefused() {
    assertRefused(Map.of("prompt", ""), RefusalReason.EMPTY_PROMPT, "no token");
    assertRefused(Map.of("prompt", List.of()), RefusalReason.EMPTY_PROMPT, "no message");
    assertRefused(Map.of("prompt", 7), RefusalReason.WRONG_TYPE, "prompt is a number");
    assertRefused(Map.of("prompt", List.of("Hi")), RefusalReason.WRONG_TYPE, "text among");
    assertRefused(
        Map.of("prompt", "a", "answer", List.of(Map.of("b", "\ud83d"))),
        RefusalReason.NOT_UTF8,
        "answer has half");
    assertRefused(
        Map.of("prompt", "a", "notes", "é".repeat(ExampleParser.MAX_COLUMNS_BYTES / 2)),
        RefusalReason.TOO_LARGE,
        "more than the 1048576 that are kept");
    assertRefused(
        Map.of("prompt", List.of(Map.of("role", "assistant", "name", "f"))),
        RefusalReason.TEMPLATE_ERROR,
        "cannot be continued");
    Map<String, Object> missing = Collections.singletonMap("prompt", null);
    assertThatThrownBy(
            () -> new ExampleParser(ExampleKind.PROMPT, ExampleShape.PROMPT).parse(missing))
        .extracting(e -> ((RefusedRowException) e).reason())
        .isEqualTo(RefusalReason.MISSING_FIELD);
  }

  @Test
  void theLargestColumnsAreKept() throws Exception {
    int frame = "{\"notes\":\"\",\"prompt\":\"a\"}".length();
    String notes = "x".repeat(ExampleParser.MAX_COLUMNS_BYTES - frame);
    assertThat(row(Map.of("prompt", "a", "notes", notes)).columns())
        .hasSize(ExampleParser.MAX_COLUMNS_BYTES);
  }

  @Test
  void anAssistantsLastMessageIsContinued() throws Exception {
    List<Map<String, Object>> prompt =
        List.of(
            Map.of("role", "user", "content", "Hi"),
            Map.of(
                "role",
                "assistant",
                "content",
                List.of(
                    Map.of("type", "text", "text", "<think>"),
                    Map.of("type", "text", "text", " "))));
    TreeMap<String, String> contents = Fixtures.tokenizerFiles().contents();
    contents.put(
        "chat_template.jinja",
        "{% for m in messages %}<|im_start|>{{ m.role }}:{% if m.content is string %}{{ m.content }}"
            + "{% else %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endif %}<|im_end|>"
            + "{% endfor %}{{ style }}{% if tools %}{{ tools | length }}{% endif %}"
            + "{% if add_generation_prompt %}<|im_start|>assistant:{% endif %}");
    TokenizerFiles files = new TokenizerFiles(contents);
    try (Tokenizer tokenizer = Tokenizer.of(files)) {
      assertThat(row(Map.of("prompt", prompt), files).prompt())
          .isEqualTo(
              tokenizer.encodeWithoutSpecialTokens(
                  "<|im_start|>user:Hi<|im_end|><|im_start|>assistant:<think> "));
      assertThat(
              row(
                      Map.of(
                          "prompt",
                          prompt.subList(0, 1),
                          "tools",
                          List.of(Map.of("name", "f")),
                          "chat_template_kwargs",
                          Map.of("style", "short")),
                      files)
                  .prompt())
          .isEqualTo(
              tokenizer.encodeWithoutSpecialTokens(
                  "<|im_start|>user:Hi<|im_end|>short1<|im_start|>assistant:"));
    }
  }

  @Test
  void commandsAreNamed() {
    assertThat(ExampleShape.mismatch(ExampleKind.PROMPT, List.of("question", "answer")))
        .isEqualTo("needs the column prompt; it has answer, question");
    assertThat(ExampleShape.mismatch(ExampleKind.PREFERENCE, List.of("prompt", "answer")))
        .endsWith("it has answer, prompt, which grpo takes");
    assertThat(ExampleShape.mismatch(ExampleKind.UNPAIRED, List.of("prompt", "completion")))
        .endsWith("which sft takes");
  }

  private List<Map<String, Object>> read(Path file, ExampleKind kind) {
    List<Map<String, Object>> rows = new ArrayList<>();
    try (DataFileReader reader =
        DataFileReader.open(
            storage, FileSlice.whole(file.toString()), RowReading.of(kind).columnsThatTell())) {
      for (Optional<RawRow> row = reader.next(); row.isPresent(); row = reader.next()) {
        rows.add(row.get().values().orElseThrow());
      }
    }
    return rows;
  }

  @Test
  void parquetAndJsonGiveTheSameRows() throws Exception {
    MessageType schema =
        MessageTypeParser.parseMessageType(
            """
            message rows {
              optional group prompt (LIST) { repeated group list { optional group element {
                optional binary role (STRING); optional binary content (STRING); } } }
              optional binary answer (STRING);
              optional double score;
              optional int64 level;
              optional boolean hard;
              optional group tests (LIST) { repeated group list { optional group element {
                optional binary input (STRING); optional double output; } } }
              optional group limits (MAP) { repeated group key_value {
                required binary key (STRING); optional int32 value; } }
            }
            """);
    Path parquet = directory.resolve("prompts.parquet");
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(StorageParquet.output(storage, parquet.toString()))
            .withType(schema)
            .build()) {
      for (int i = 0; i < 2; i++) {
        SimpleGroup row = new SimpleGroup(schema);
        Group message = row.addGroup("prompt").addGroup("list").addGroup("element");
        message.append("role", "user").append("content", "Question " + i);
        if (i == 0) {
          row.append("answer", "é\n").append("score", 2.0).append("level", 1L << 60);
          row.append("hard", true);
          Group tests = row.addGroup("tests");
          tests.addGroup("list").addGroup("element").append("input", "a").append("output", 0.1);
          tests.addGroup("list").addGroup("element").append("output", 1e300);
          tests.addGroup("list");
          Group limits = row.addGroup("limits");
          limits.addGroup("key_value").append("key", "z").append("value", 1);
          limits.addGroup("key_value").append("key", "b");
        }
        writer.write(row);
      }
    }
    Path lines = directory.resolve("prompts.jsonl");
    Files.writeString(
        lines,
        """
        {"tests": [{"output": 0.1, "input": "a"}, {"input": null, "output": 1e300}, null],\
         "limits": {"z": 1.0, "b": null}, "level": 1152921504606846976, "hard": true, "score": 2,\
         "answer": "\\u00e9\\n", "prompt": [{"content": "Question 0", "role": "user"}]}
        {"prompt": [{"role": "user", "content": "Question 1"}], "answer": null}
        """);
    List<Map<String, Object>> fromParquet = read(parquet, ExampleKind.PROMPT);
    List<Map<String, Object>> fromJson = read(lines, ExampleKind.PROMPT);
    assertThat(fromParquet).hasSize(2);
    for (int i = 0; i < 2; i++) {
      TokenizedRow row = row(fromParquet.get(i));
      assertThat(Rows.same(row, row(fromJson.get(i)))).as(row.columns()).isTrue();
    }
    assertThat(row(fromParquet.get(1)).columns())
        .isEqualTo("{\"prompt\":[{\"content\":\"Question 1\",\"role\":\"user\"}]}");
    // What is not kept is not read.
    assertThat(read(parquet, ExampleKind.SUPERVISED).get(0)).containsEntry("hard", null);
  }

  @Property(tries = 300)
  void columnsComeBackWhateverTheirOrderAndSpelling(@ForAll long seed) {
    Map<String, Object> row = new LinkedHashMap<>();
    Random random = new Random(seed);
    for (int i = random.nextInt(6); i >= 0; i--) {
      row.put(text(random), value(random, 0));
    }
    String json = Columns.write(row);
    Map<String, Object> parsed = Columns.parse(json);
    assertThat(Columns.write(parsed)).isEqualTo(json);
    Map<String, Object> present = new LinkedHashMap<>(row);
    present.values().removeIf(java.util.Objects::isNull);
    assertThat(parsed.keySet()).isEqualTo(present.keySet());
    assertThat(Columns.write(shuffled(row, random))).isEqualTo(json);
    assertThat(json).doesNotContain("\n");
    assertThat(new String(json.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8))
        .isEqualTo(json);
  }

  private static Map<String, Object> shuffled(Map<?, ?> map, Random random) {
    List<Object> keys = new ArrayList<>(map.keySet());
    Collections.shuffle(keys, random);
    Map<String, Object> other = new LinkedHashMap<>();
    for (Object key : keys) {
      Object value = map.get(key);
      boolean small = value instanceof Integer;
      Object spelled = small ? (Object) ((Integer) value).doubleValue() : value;
      other.put((String) key, value instanceof Map<?, ?> m ? shuffled(m, random) : spelled);
    }
    return other;
  }

  private static String text(Random random) {
    return List.of("answer", "é", "\ud83d\ude00", "\"\n\u0000", "", "Z", "a")
        .get(random.nextInt(7));
  }

  private static Object value(Random random, int depth) {
    return switch (random.nextInt(depth > 3 ? 7 : 9)) {
      case 0 -> null;
      case 1 -> text(random);
      case 2 -> random.nextBoolean();
      case 3 -> random.nextInt();
      case 4 -> random.nextLong();
      case 5 -> Double.longBitsToDouble(random.nextLong());
      case 6 -> (double) random.nextInt(10);
      case 7 -> {
        List<Object> list = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          list.add(value(random, depth + 1));
        }
        yield list;
      }
      default -> {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          map.put(text(random), value(random, depth + 1));
        }
        yield map;
      }
    };
  }
}
