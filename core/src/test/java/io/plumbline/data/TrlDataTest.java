package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.PythonPeer;
import io.plumbline.data.LengthLimits.Truncation;
import io.plumbline.data.TokenizedRow.Desirability;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows, masks and packs against those that TRL's own trainers make of the same data. */
class TrlDataTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The template of the fixtures' tokenizer with the assistant's turns marked. */
  private static final String MARKED =
      "{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\\n' }}{%- if m.role == 'assistant' -%}"
          + "{%- generation -%}{{ m.content + '<|im_end|>\\n' }}{%- endgeneration -%}"
          + "{%- else -%}{{ m.content + '<|im_end|>\\n' }}{%- endif -%}{%- endfor -%}"
          + "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}";

  /** A template that trims messages, as those of Llama do. */
  private static final String TRIMMING =
      "{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\\n' + m.content | trim + '<|im_end|>\\n' }}"
          + "{%- endfor -%}{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}";

  @TempDir Path directory;

  /** A case for TRL and what makes the same of it here. */
  private record Case(
      Map<String, Object> request,
      ExampleKind kind,
      List<String> templates,
      LossOn lossOn,
      LengthLimits limits) {
    @SuppressWarnings("unchecked")
    List<Map<String, Object>> rows() {
      return (List<Map<String, Object>>) request.get("rows");
    }
  }

  private static Case sft(
      List<Map<String, Object>> rows, LossOn lossOn, int maxLength, Truncation truncation) {
    Map<String, Object> request = new LinkedHashMap<>();
    request.put("trainer", "sft");
    request.put("rows", rows);
    request.put("template", MARKED);
    request.put("max_length", maxLength == 0 ? null : maxLength);
    request.put("truncation_mode", truncation.name().toLowerCase(java.util.Locale.ROOT));
    request.put("assistant_only_loss", lossOn == LossOn.ASSISTANT);
    request.put("completion_only_loss", lossOn == LossOn.ALL ? false : null);
    return new Case(
        request,
        ExampleKind.SUPERVISED,
        // An empty one keeps the fixtures' own, which marks nothing.
        List.of(MARKED, ""),
        lossOn,
        new LengthLimits(maxLength, 0, truncation));
  }

  private static Case grpo(List<Map<String, Object>> rows, int maxPromptLength, String template) {
    return new Case(
        Map.of("trainer", "grpo", "rows", rows, "template", template),
        ExampleKind.PROMPT,
        List.of(template),
        LossOn.COMPLETION,
        // The length of prompt and completion says nothing of a prompt alone.
        new LengthLimits(2, maxPromptLength, Truncation.REFUSE));
  }

  private static List<Map<String, Object>> prompts(Random random) {
    List<Map<String, Object>> prompts = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      List<Map<String, Object>> messages = new ArrayList<>();
      if (random.nextBoolean()) {
        messages.add(Map.of("role", "system", "content", words(random)));
      }
      messages.add(Map.of("role", "user", "content", words(random)));
      if (random.nextBoolean()) {
        String space = List.of("", " ", "\n", " \n ").get(random.nextInt(4));
        messages.add(Map.of("role", "assistant", "content", words(random) + space));
        if (random.nextBoolean()) {
          messages.add(Map.of("role", "user", "content", words(random)));
        }
      }
      prompts.add(Map.of("prompt", messages, "answer", i));
    }
    return prompts;
  }

  @Test
  void rowsMasksAndPacksAreThoseOfTrl() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<Case> cases = cases(random);
    List<Map<String, Object>> packs = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      int capacity = 8 + random.nextInt(40);
      packs.add(
          Map.of(
              "lengths", random.ints(300, 1, capacity + 1).boxed().toList(), "capacity", capacity));
    }
    JsonNode trl =
        peer(Map.of("cases", cases.stream().map(Case::request).toList(), "packs", packs));
    for (int i = 0; i < cases.size(); i++) {
      for (String template : cases.get(i).templates()) {
        String name = "case " + i + ", seed " + seed;
        List<TokenizedRow> rows = rows(cases.get(i), template);
        if (cases.get(i).kind() == ExampleKind.PROMPT) {
          assertSamePrompts(
              name, rows, trl.get("cases").get(i), cases.get(i).limits().maxPromptLength());
        } else {
          assertSame(name, rows, trl.get("cases").get(i));
        }
      }
    }
    for (int i = 0; i < packs.size(); i++) {
      int[] lengths = Rows.ids(packs.get(i).get("lengths"));
      List<List<Integer>> ours = new ArrayList<>();
      for (int[] bin : Packing.bestFitDecreasing(lengths, (int) packs.get(i).get("capacity"))) {
        ours.add(java.util.Arrays.stream(bin).map(document -> lengths[document]).boxed().toList());
      }
      List<List<Integer>> theirs = new ArrayList<>();
      for (JsonNode bin : trl.get("packs").get(i)) {
        List<Integer> documents = new ArrayList<>();
        bin.forEach(document -> documents.add(lengths[document.asInt()]));
        theirs.add(documents);
      }
      assertThat(ours).as("pack %d, seed %d", i, seed).isEqualTo(theirs);
    }
  }

  private static List<Case> cases(Random random) throws IOException {
    List<Map<String, Object>> text = new ArrayList<>();
    for (Map<String, Object> row :
        Rows.jsonLines(Fixtures.golden("traj/prompt_completion.jsonl")).subList(0, 16)) {
      Map<String, Object> labelled = new LinkedHashMap<>(row);
      labelled.put("label", random.nextBoolean());
      text.add(labelled);
    }
    List<Map<String, Object>> labelledChats = new ArrayList<>();
    List<Map<String, Object>> chats = new ArrayList<>();
    List<Map<String, Object>> wholeChats = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      List<Map<String, Object>> messages = new ArrayList<>();
      int turns = 1 + random.nextInt(3);
      for (int turn = 0; turn < turns; turn++) {
        messages.add(Map.of("role", "user", "content", words(random)));
        messages.add(Map.of("role", "assistant", "content", words(random)));
      }
      int prompt = messages.size() - 1;
      Map<String, Object> chat =
          Map.of(
              "prompt", messages.subList(0, prompt),
              "completion", messages.subList(prompt, messages.size()));
      Map<String, Object> labelled = new LinkedHashMap<>(chat);
      labelled.put("label", random.nextBoolean());
      labelledChats.add(labelled);
      chats.add(chat);
      wholeChats.add(Map.of("messages", messages));
    }
    List<Map<String, Object>> unlabelled =
        text.stream()
            .map(row -> Map.of("prompt", row.get("prompt"), "completion", row.get("completion")))
            .toList();
    List<Map<String, Object>> prompts = prompts(random);
    return List.of(
        grpo(text, 0, ""),
        grpo(text, 5, ""),
        grpo(prompts, 0, ""),
        grpo(prompts, 12, ""),
        grpo(prompts, 0, TRIMMING),
        grpo(prompts, 0, MARKED),
        new Case(
            Map.of("trainer", "kto", "rows", text),
            ExampleKind.UNPAIRED,
            List.of(""),
            LossOn.COMPLETION,
            LengthLimits.none()),
        new Case(
            Map.of("trainer", "kto", "rows", labelledChats),
            ExampleKind.UNPAIRED,
            List.of(""),
            LossOn.COMPLETION,
            LengthLimits.none()),
        sft(chats, LossOn.COMPLETION, 0, Truncation.KEEP_START),
        sft(chats, LossOn.ASSISTANT, 0, Truncation.KEEP_START),
        sft(chats, LossOn.ALL, 0, Truncation.KEEP_START),
        sft(unlabelled, LossOn.ALL, 20, Truncation.KEEP_START),
        sft(wholeChats, LossOn.COMPLETION, 0, Truncation.KEEP_START),
        sft(wholeChats, LossOn.ASSISTANT, 0, Truncation.KEEP_START),
        sft(wholeChats, LossOn.ASSISTANT, 40, Truncation.KEEP_START),
        sft(wholeChats, LossOn.ASSISTANT, 21, Truncation.KEEP_END));
  }

  private static String words(Random random) {
    List<String> words = List.of("Seven", "days", "make", "a", "week.", "Is", "it?", "12", "é");
    StringBuilder text = new StringBuilder();
    for (int i = 1 + random.nextInt(8); i > 0; i--) {
      text.append(text.isEmpty() ? "" : " ").append(words.get(random.nextInt(words.size())));
    }
    return text.toString();
  }

  private static List<TokenizedRow> rows(Case given, String template) throws Exception {
    TreeMap<String, String> contents = Fixtures.tokenizerFiles().contents();
    if (!template.isEmpty()) {
      contents.put("chat_template.jinja", template);
    }
    List<TokenizedRow> rows = new ArrayList<>();
    try (Tokenizer tokenizer = Tokenizer.of(new TokenizerFiles(contents))) {
      ExampleTokenizer examples = new ExampleTokenizer(tokenizer, given.limits(), given.lossOn());
      for (Map<String, Object> row : given.rows()) {
        ExampleShape shape = ExampleShape.of(given.kind(), row).orElseThrow();
        try {
          rows.add(
              examples
                  .tokenize(new ExampleParser(given.kind(), shape).parse(row), rows.size())
                  .row());
        } catch (RefusedRowException e) {
          // TRL leaves such rows out without a word.
          assertThat(e.reason()).isEqualTo(RefusalReason.COMPLETION_TRUNCATED);
        }
      }
    }
    return rows;
  }

  private static void assertSamePrompts(
      String name, List<TokenizedRow> ours, JsonNode theirs, int maxLength) {
    assertThat(ours).as(name).hasSize(theirs.size());
    for (int i = 0; i < ours.size(); i++) {
      int[] ids = ids(theirs.get(i).get("prompt_ids"));
      int from = maxLength == 0 ? 0 : Math.max(0, ids.length - maxLength);
      assertThat(ours.get(i).prompt())
          .as(name)
          .isEqualTo(java.util.Arrays.copyOfRange(ids, from, ids.length));
      assertThat(ours.get(i).completions()).isEmpty();
    }
  }

  private static void assertSame(String name, List<TokenizedRow> ours, JsonNode theirs) {
    assertThat(ours).as(name).hasSize(theirs.size());
    for (int i = 0; i < ours.size(); i++) {
      TokenizedRow row = ours.get(i);
      JsonNode expected = theirs.get(i);
      if (expected.has("label")) {
        assertThat(row.prompt()).as(name).isEqualTo(ids(expected.get("prompt_ids")));
        assertThat(row.completions().get(0))
            .as(name)
            .isEqualTo(ids(expected.get("completion_ids")));
        assertThat(row.desirability())
            .isEqualTo(
                expected.get("label").asBoolean()
                    ? Desirability.DESIRABLE
                    : Desirability.UNDESIRABLE);
        continue;
      }
      int[] labels = ids(expected.get("labels"));
      // Nothing predicts a first token, so TRL loses its label in the shift.
      labels[0] = -100;
      int[] prompt = row.prompt();
      int[] completion = row.completions().get(0);
      int[] whole = java.util.Arrays.copyOf(prompt, prompt.length + completion.length);
      System.arraycopy(completion, 0, whole, prompt.length, completion.length);
      assertThat(whole).as(name).isEqualTo(ids(expected.get("input_ids")));
      int[] ourLabels = new int[whole.length];
      java.util.Arrays.fill(ourLabels, -100);
      for (int t = 0; t < completion.length; t++) {
        if (row.lossMasks().isEmpty() || row.lossMasks().get(0)[t] == 1) {
          ourLabels[prompt.length + t] = completion[t];
        }
      }
      assertThat(ourLabels).as(name).isEqualTo(labels);
    }
  }

  private static int[] ids(JsonNode list) {
    return JSON.convertValue(list, int[].class);
  }

  private JsonNode peer(Map<String, Object> request) throws Exception {
    Path input = directory.resolve("request.json");
    JSON.writeValue(input.toFile(), request);
    return PythonPeer.run(
        directory, "check_data.py", Fixtures.golden("tokenizer").toString(), input.toString());
  }
}
