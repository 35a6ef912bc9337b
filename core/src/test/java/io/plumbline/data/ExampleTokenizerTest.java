package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.data.ExampleTokenizer.Tokenized;
import io.plumbline.data.LengthLimits.Truncation;
import io.plumbline.error.PlumblineException;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against the ids that TRL 1.16's own trainers made of the same rows. */
class ExampleTokenizerTest {
  private static Tokenizer tokenizer;

  @BeforeAll
  static void load() throws IOException {
    tokenizer = Tokenizer.of(Fixtures.tokenizerFiles());
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  private static Tokenized tokenize(
      ExampleKind kind, ExampleShape shape, Map<String, Object> row, LengthLimits limits)
      throws RefusedRowException {
    return new ExampleTokenizer(tokenizer, limits)
        .tokenize(new ExampleParser(kind, shape).parse(row), 0);
  }

  private static TokenizedRow pair(Map<String, Object> row, LengthLimits limits)
      throws RefusedRowException {
    return tokenize(ExampleKind.PREFERENCE, ExampleShape.PREFERENCE, row, limits).row();
  }

  private static LengthLimits limits(int maxLength, Truncation truncation) {
    return new LengthLimits(maxLength, 0, truncation);
  }

  @ParameterizedTest
  @CsvSource({"dpo,preference.jsonl", "dpo_conv,preference_conversational.jsonl"})
  void pairsAreThoseOfDpoTrainer(String run, String data) throws Exception {
    List<Map<String, Object>> rows = Rows.jsonLines(Fixtures.golden("traj/" + data));
    List<Map<String, Object>> golden =
        Rows.jsonLines(Fixtures.golden("traj/" + run + "/tokenized.jsonl"));
    assertThat(rows).hasSameSizeAs(golden).hasSizeGreaterThanOrEqualTo(16);
    for (int i = 0; i < rows.size(); i++) {
      TokenizedRow row = pair(rows.get(i), limits(128, Truncation.KEEP_START));
      assertThat(row.prompt()).isEqualTo(Rows.ids(golden.get(i).get("prompt_ids")));
      assertThat(row.completions().get(0)).isEqualTo(Rows.ids(golden.get(i).get("chosen_ids")));
      assertThat(row.completions().get(1)).isEqualTo(Rows.ids(golden.get(i).get("rejected_ids")));
      assertThat(row.lossMasks()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"sft", "sft_ga"})
  void completionsAreThoseOfSftTrainer(String run) throws Exception {
    List<Map<String, Object>> rows =
        Rows.jsonLines(Fixtures.golden("traj/prompt_completion.jsonl"));
    List<Map<String, Object>> golden =
        Rows.jsonLines(Fixtures.golden("traj/" + run + "/tokenized.jsonl"));
    assertThat(rows).hasSameSizeAs(golden);
    for (int i = 0; i < rows.size(); i++) {
      TokenizedRow row =
          tokenize(
                  ExampleKind.SUPERVISED,
                  ExampleShape.PROMPT_COMPLETION,
                  rows.get(i),
                  limits(128, Truncation.KEEP_START))
              .row();
      int[] labels = Rows.ids(golden.get(i).get("labels"));
      int[] completion = row.completions().get(0);
      int[] ids = Rows.ids(golden.get(i).get("input_ids"));
      assertThat(row.prompt()).isEqualTo(Arrays.copyOf(ids, ids.length - completion.length));
      assertThat(completion).isEqualTo(Arrays.stream(labels).filter(id -> id != -100).toArray());
    }
  }

  @Test
  void chosenSidesAreTheSameCompletions() throws Exception {
    List<Map<String, Object>> pairs = Rows.jsonLines(Fixtures.golden("traj/preference.jsonl"));
    List<Map<String, Object>> completions =
        Rows.jsonLines(Fixtures.golden("traj/prompt_completion.jsonl"));
    for (int i = 0; i < pairs.size(); i++) {
      TokenizedRow chosen =
          tokenize(
                  ExampleKind.SUPERVISED_FROM_CHOSEN,
                  ExampleShape.PREFERENCE,
                  pairs.get(i),
                  LengthLimits.none())
              .row();
      TokenizedRow completion =
          tokenize(
                  ExampleKind.SUPERVISED,
                  ExampleShape.PROMPT_COMPLETION,
                  completions.get(i),
                  LengthLimits.none())
              .row();
      assertThat(chosen.fingerprint()).isEqualTo(completion.fingerprint());
    }
  }

  @Test
  void truncatedPairsAreWhatDpoTrainerFeedsTheModel() throws Exception {
    List<Map<String, Object>> rows = Rows.jsonLines(Fixtures.golden("traj/preference.jsonl"));
    Map<String, long[][]> batches =
        tensors(Fixtures.golden("traj/dpo_trunc28/batches.safetensors"));
    int cut = 0;
    for (int step = 0; step < 3; step++) {
      long[][] ids = batches.get("step" + step + "|input_ids");
      long[][] attention = batches.get("step" + step + "|attention_mask");
      long[][] completionMask = batches.get("step" + step + "|completion_mask");
      for (int i = 0; i < 8; i++) {
        Tokenized tokenized =
            tokenize(
                ExampleKind.PREFERENCE,
                ExampleShape.PREFERENCE,
                rows.get(step * 8 + i),
                limits(28, Truncation.KEEP_START));
        cut += tokenized.truncated() ? 1 : 0;
        for (int side = 0; side < 2; side++) {
          int at = side * 8 + i;
          assertFed(tokenized.row(), side, ids[at], attention[at], completionMask[at]);
        }
      }
    }
    assertThat(cut).isBetween(1, 23);
  }

  private static void assertFed(
      TokenizedRow row, int side, long[] ids, long[] attention, long[] completionMask) {
    List<Long> fed = new ArrayList<>();
    List<Long> counted = new ArrayList<>();
    for (int t = 0; t < ids.length; t++) {
      if (attention[t] == 1) {
        fed.add(ids[t]);
        // TRL drops the first position when it shifts the labels.
        counted.add(t == 0 ? 0 : completionMask[t]);
      }
    }
    List<Long> ours = new ArrayList<>();
    List<Long> ourCounted = new ArrayList<>();
    for (int id : row.prompt()) {
      ours.add((long) id);
      ourCounted.add(0L);
    }
    int[] completion = row.completions().get(side);
    for (int t = 0; t < completion.length; t++) {
      ours.add((long) completion[t]);
      ourCounted.add(row.lossMasks().isEmpty() ? 1L : row.lossMasks().get(side)[t]);
    }
    assertThat(ours).isEqualTo(fed);
    assertThat(ourCounted).isEqualTo(counted);
  }

  @Test
  void keepEndKeepsTheLastTokensOfEachSide() throws Exception {
    // TRL's collator with keep_end: ids[-max:] and mask[-max:] of each side by itself.
    List<Map<String, Object>> rows = Rows.jsonLines(Fixtures.golden("traj/preference.jsonl"));
    for (Map<String, Object> row : rows.subList(0, 12)) {
      TokenizedRow whole = pair(row, LengthLimits.none());
      for (int max = 2; max < 64; max++) {
        int[] chosen = end(whole.completions().get(0), max);
        if (Arrays.equals(chosen, end(whole.completions().get(1), max))) {
          int length = max;
          assertRefused(
              () -> pair(row, limits(length, Truncation.KEEP_END)),
              RefusalReason.IDENTICAL_AFTER_TRUNCATION,
              "--max-length " + max);
          continue;
        }
        TokenizedRow kept = pair(row, limits(max, Truncation.KEEP_END));
        for (int side = 0; side < 2; side++) {
          int[] prompt = whole.prompt();
          int[] completion = whole.completions().get(side);
          long[] ids = new long[prompt.length + completion.length];
          long[] mask = new long[ids.length];
          for (int t = 0; t < ids.length; t++) {
            boolean inPrompt = t < prompt.length;
            ids[t] = inPrompt ? prompt[t] : completion[t - prompt.length];
            mask[t] = inPrompt ? 0 : 1;
          }
          int from = Math.max(0, ids.length - max);
          long[] ones = new long[ids.length - from];
          Arrays.fill(ones, 1);
          assertFed(
              kept,
              side,
              Arrays.copyOfRange(ids, from, ids.length),
              ones,
              Arrays.copyOfRange(mask, from, mask.length));
        }
      }
    }
  }

  private static int[] end(int[] ids, int length) {
    return Arrays.copyOfRange(ids, Math.max(0, ids.length - length), ids.length);
  }

  @Test
  void sidesThatTruncationMakesTheSameAreRefused() {
    Map<String, Object> row =
        Map.of("prompt", "Count.", "chosen", " one two three four", "rejected", " one two three 9");
    assertRefused(
        () -> {
          TokenizedRow whole = pair(row, LengthLimits.none());
          pair(row, limits(whole.prompt().length + 1, Truncation.KEEP_START));
        },
        RefusalReason.IDENTICAL_AFTER_TRUNCATION,
        "the same first 1 tokens");
  }

  @Test
  void promptsKeepTheirEnd() throws Exception {
    Map<String, Object> row =
        Map.of("prompt", "Question: What is 1 + 2?\nAnswer:", "chosen", " 3.", "rejected", " 4.");
    TokenizedRow whole = pair(row, LengthLimits.none());
    TokenizedRow cut = pair(row, new LengthLimits(0, 5, Truncation.KEEP_START));
    int length = whole.prompt().length;
    assertThat(cut.prompt()).isEqualTo(Arrays.copyOfRange(whole.prompt(), length - 5, length));
    assertThat(cut.completions().get(1)).isEqualTo(whole.completions().get(1));
  }

  @Test
  void aPromptThatFillsTheLengthLosesItsCompletions() {
    Map<String, Object> row =
        Map.of("prompt", "Question: What is 1 + 2?", "chosen", " 3.", "rejected", " 4.");
    assertRefused(
        () -> pair(row, limits(4, Truncation.KEEP_START)),
        RefusalReason.COMPLETION_TRUNCATED,
        "--max-length 4");
    assertRefused(() -> pair(row, limits(4, Truncation.REFUSE)), RefusalReason.TOO_LONG, "tokens");
  }

  @Test
  void wholeTextsCountEveryTokenButTheFirst() throws Exception {
    int[] ids = tokenizer.encode("Seven days make a week.<|im_end|>");
    TokenizedRow row =
        tokenize(
                ExampleKind.SUPERVISED,
                ExampleShape.TEXT,
                Map.of("text", "Seven days make a week."),
                LengthLimits.none())
            .row();
    assertThat(row.prompt()).containsExactly(ids[0]);
    assertThat(row.completions().get(0)).isEqualTo(Arrays.copyOfRange(ids, 1, ids.length));
    TokenizedRow ended =
        tokenize(
                ExampleKind.SUPERVISED,
                ExampleShape.TEXT,
                Map.of("text", "Seven days make a week.<|im_end|>"),
                LengthLimits.none())
            .row();
    assertThat(ended.fingerprint()).isEqualTo(row.fingerprint());
    TokenizedRow end =
        tokenize(
                ExampleKind.SUPERVISED,
                ExampleShape.TEXT,
                Map.of("text", "Seven days make a week."),
                limits(3, Truncation.KEEP_END))
            .row();
    assertThat(end.completions().get(0))
        .isEqualTo(Arrays.copyOfRange(ids, ids.length - 2, ids.length));
  }

  @Test
  void conversationsInEitherSpellingAreTheSame() throws Exception {
    List<Map<String, String>> messages =
        List.of(
            Map.of("role", "user", "content", "Hi"),
            Map.of("role", "assistant", "content", "Hello."));
    List<Map<String, String>> spelled =
        List.of(
            Map.of("from", "user", "value", "Hi"), Map.of("from", "assistant", "value", "Hello."));
    TokenizedRow row =
        tokenize(
                ExampleKind.SUPERVISED,
                ExampleShape.MESSAGES,
                Map.of("messages", messages),
                LengthLimits.none())
            .row();
    int[] ids =
        tokenizer.encodeWithoutSpecialTokens(
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n");
    assertThat(row.prompt()).containsExactly(ids[0]);
    assertThat(row.completions().get(0)).isEqualTo(Arrays.copyOfRange(ids, 1, ids.length));
    assertThat(
            tokenize(
                    ExampleKind.SUPERVISED,
                    ExampleShape.CONVERSATIONS,
                    Map.of("conversations", spelled),
                    LengthLimits.none())
                .row()
                .fingerprint())
        .isEqualTo(row.fingerprint());
  }

  @Test
  void emptyPromptsMaskTheFirstToken() throws Exception {
    TokenizedRow row =
        pair(Map.of("prompt", "", "chosen", "Seven days", "rejected", "No."), LengthLimits.none());
    assertThat(row.prompt()).isEmpty();
    assertThat(row.lossMasks()).hasSize(2);
    assertThat(row.lossMasks().get(0)[0]).isZero();
    assertThat(row.lossMasks().get(0)[1]).isOne();
    // Where both begin with one token, it may as well be their prompt.
    TokenizedRow alike =
        pair(Map.of("prompt", "", "chosen", "No way", "rejected", "No."), LengthLimits.none());
    assertThat(alike.prompt()).hasSize(1);
    assertThat(alike.lossMasks()).isEmpty();
  }

  @Test
  void tokensThatMergeAcrossTheBoundaryBelongToTheCompletion() throws Exception {
    // As TRL: the completion begins where prompt and prompt with completion first differ.
    String prompt = "What is the capital of Fr";
    Map<String, Object> row = Map.of("prompt", prompt, "chosen", "ance?", "rejected", "xyz");
    Tokenized tokenized =
        tokenize(ExampleKind.PREFERENCE, ExampleShape.PREFERENCE, row, LengthLimits.none());
    int[] alone = tokenizer.encode(prompt);
    int[] chosen = tokenizer.encode(prompt + "ance?<|im_end|>");
    int[] rejected = tokenizer.encode(prompt + "xyz<|im_end|>");
    int prefix = 0;
    while (prefix < alone.length
        && alone[prefix] == chosen[prefix]
        && alone[prefix] == rejected[prefix]) {
      prefix++;
    }
    assertThat(prefix).as("the example must merge").isLessThan(alone.length);
    assertThat(tokenized.promptMoved()).isTrue();
    assertThat(tokenized.row().prompt()).isEqualTo(Arrays.copyOf(alone, prefix));
    assertThat(tokenized.row().completions().get(0))
        .isEqualTo(Arrays.copyOfRange(chosen, prefix, chosen.length));
  }

  @Test
  void sidesThatDifferInNothingButTheEndAreIdentical() {
    assertRefused(
        () ->
            pair(
                Map.of("prompt", "a", "chosen", "b", "rejected", "b<|im_end|>"),
                LengthLimits.none()),
        RefusalReason.IDENTICAL_SIDES,
        "same tokens");
  }

  @Test
  void templatesThatFailRefuseTheRow() {
    List<Map<String, Object>> prompt = List.of(Map.of("role", "user", "content", "Hi"));
    List<Map<String, Object>> parts =
        // Without the content that the template adds to the role.
        List.of(Map.of("role", "assistant", "name", "Ann"));
    List<Map<String, Object>> plain = List.of(Map.of("role", "assistant", "content", "Hello"));
    assertRefused(
        () ->
            pair(Map.of("prompt", prompt, "chosen", parts, "rejected", plain), LengthLimits.none()),
        RefusalReason.TEMPLATE_ERROR,
        "");
  }

  @Test
  void aTokenizerWithoutWhatTheDataNeedsEndsTheJob() throws Exception {
    TreeMap<String, String> contents = Fixtures.tokenizerFiles().contents();
    contents.put("tokenizer_config.json", "{}");
    contents.remove("special_tokens_map.json");
    try (Tokenizer bare = Tokenizer.of(new TokenizerFiles(contents))) {
      ExampleTokenizer examples = new ExampleTokenizer(bare, LengthLimits.none());
      assertThatThrownBy(() -> examples.tokenize(new Example.WholeText("a"), 0))
          .isInstanceOf(PlumblineException.class)
          .hasMessageContaining("eos_token");
      assertThatThrownBy(
              () ->
                  examples.tokenize(
                      new Example.WholeChat(
                          List.of(Map.of("role", "user", "content", "Hi")),
                          new Example.ChatSettings(java.util.Optional.empty(), Map.of())),
                      0))
          .isInstanceOf(PlumblineException.class)
          .hasMessageContaining("chat template");
    }
  }

  @Test
  void lengthsThatLeaveNothingAreRefused() {
    assertThatThrownBy(() -> limits(1, Truncation.REFUSE))
        .hasMessageContaining("length of 1 leaves nothing");
    assertThatThrownBy(() -> new LengthLimits(0, -1, Truncation.REFUSE))
        .hasMessageContaining("prompts of -1 is not a length");
  }

  private static void assertRefused(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call,
      RefusalReason reason,
      String detail) {
    assertThatThrownBy(call)
        .isInstanceOf(RefusedRowException.class)
        .hasMessageContaining(detail)
        .extracting(e -> ((RefusedRowException) e).reason())
        .isEqualTo(reason);
  }

  /** The two-dimensional int64 tensors of a safetensors file. */
  private static Map<String, long[][]> tensors(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int headerLength = (int) bytes.getLong();
    byte[] header = new byte[headerLength];
    bytes.get(header);
    JsonNode json = new ObjectMapper().readTree(new String(header, StandardCharsets.UTF_8));
    Map<String, long[][]> tensors = new TreeMap<>();
    json.properties()
        .forEach(
            entry -> {
              JsonNode tensor = entry.getValue();
              if (tensor.path("dtype").asText().equals("I64") && tensor.get("shape").size() == 2) {
                int rows = tensor.get("shape").get(0).asInt();
                int columns = tensor.get("shape").get(1).asInt();
                int at = 8 + headerLength + tensor.get("data_offsets").get(0).asInt();
                long[][] values = new long[rows][columns];
                for (int r = 0; r < rows; r++) {
                  for (int c = 0; c < columns; c++) {
                    values[r][c] = bytes.getLong(at + 8 * (r * columns + c));
                  }
                }
                tensors.put(entry.getKey(), values);
              }
            });
    return tensors;
  }
}
