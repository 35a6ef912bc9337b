package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.data.TokenizedRow.Desirability;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Rows in the layouts of data sets that are published: ShareGPT's dumps and LLaMA-Factory's files
 * (its data/README.md), alpaca, UltraFeedback, Nectar, orca_dpo_pairs, stack-exchange-paired,
 * GSM8K, verl. The texts are our own.
 */
class RowFormatsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static Tokenizer chat;
  private static Tokenizer plain;

  @BeforeAll
  static void open() throws Exception {
    chat = Tokenizer.of(Fixtures.tokenizerFiles());
    TreeMap<String, String> contents = Fixtures.tokenizerFiles().contents();
    contents.put(
        "tokenizer_config.json",
        contents.get("tokenizer_config.json").replace("\"chat_template\"", "\"no_template\""));
    plain = Tokenizer.of(new TokenizerFiles(contents));
    assertThat(plain.chatTemplate()).isEmpty();
  }

  @AfterAll
  static void close() {
    chat.close();
    plain.close();
  }

  private static Map<String, Object> row(String json) throws Exception {
    return JSON.readValue(json.replace('\'', '"'), new TypeReference<Map<String, Object>>() {});
  }

  private static TokenizedRow read(Tokenizer tokenizer, RowReading reading, String json)
      throws Exception {
    Map<String, Object> row = row(json);
    RowLayout layout = RowLayout.of(reading.kind(), reading.renamed(row)).orElseThrow();
    Example example = new ExampleParser(reading, layout, tokenizer).parse(row);
    return new ExampleTokenizer(tokenizer, LengthLimits.none()).tokenize(example, 0).row();
  }

  /** The prompt and each completion as text; what both sides begin with stands in the prompt. */
  private static List<String> texts(Tokenizer tokenizer, ExampleKind kind, String json)
      throws Exception {
    TokenizedRow row = read(tokenizer, RowReading.of(kind), json);
    List<String> texts = new ArrayList<>();
    for (int[] completion : row.completions()) {
      int[] whole = java.util.Arrays.copyOf(row.prompt(), row.prompt().length + completion.length);
      System.arraycopy(completion, 0, whole, row.prompt().length, completion.length);
      texts.add(tokenizer.decode(whole));
    }
    if (texts.isEmpty()) {
      texts.add(tokenizer.decode(row.prompt()));
    }
    return texts;
  }

  /** As the fixtures' template renders it. */
  private static String rendered(String... rolesAndTexts) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < rolesAndTexts.length; i += 2) {
      text.append("<|im_start|>").append(rolesAndTexts[i]).append('\n');
      text.append(rolesAndTexts[i + 1]).append("<|im_end|>\n");
    }
    return text.toString();
  }

  private static RefusedRowException refusal(ExampleKind kind, String json) {
    try {
      read(chat, RowReading.of(kind), json);
    } catch (RefusedRowException e) {
      return e;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
    throw new AssertionError("the row was taken");
  }

  @Test
  void shareGptsRolesAreTheTemplates() throws Exception {
    assertThat(
            texts(
                chat,
                ExampleKind.SUPERVISED,
                "{'conversations': [{'from': 'system', 'value': 'Be short.'}, {'from': 'human',"
                    + " 'value': 'Hi'}, {'from': 'gpt', 'value': 'Hello'}]}"))
        .containsExactly(rendered("system", "Be short.", "user", "Hi", "assistant", "Hello"));
    for (String name : List.of("chatgpt", "bing", "bard", "GPT", "Assistant")) {
      assertThat(
              texts(
                  chat,
                  ExampleKind.SUPERVISED,
                  "{'conversations': [{'from': 'user', 'value': 'Hi'}, {'from': '%s', 'value': 'Ho'}]}"
                      .formatted(name)))
          .as(name)
          .containsExactly(rendered("user", "Hi", "assistant", "Ho"));
    }
    // The same names under role and content, and a list that a table holds as JSON.
    assertThat(
            texts(
                chat,
                ExampleKind.SUPERVISED,
                "{'messages': [{'role': 'human', 'content': 'Hi'}, {'role': 'gpt', 'content': 'Ho'}]}"))
        .containsExactly(rendered("user", "Hi", "assistant", "Ho"));
    // LLaMA-Factory: the system's words in a column beside it.
    assertThat(
            texts(
                chat,
                ExampleKind.SUPERVISED,
                "{'conversations': [{'from': 'human', 'value': 'Hi'}, {'from': 'gpt', 'value':"
                    + " 'Ho'}], 'system': 'Be brief.', 'tools': ''}"))
        .containsExactly(rendered("system", "Be brief.", "user", "Hi", "assistant", "Ho"));
  }

  /** OpenRLHF's published pairs, and a problem whose answer is not all that is to be learned. */
  @Test
  void whatAsksIsNotLeftOutOfPairsNorTheSolutionOfAProblem() throws Exception {
    Map<String, Object> pair =
        row(
            "{'context_messages': [{'role': 'user', 'content': 'q'}], 'chosen': 'The a',"
                + " 'rejected': 'The b'}");
    RowLayout layout = RowLayout.of(ExampleKind.PREFERENCE, pair).orElseThrow();
    assertThat(layout.words(pair)).isEqualTo("pairs (context_messages, chosen, rejected)");
    Map<String, Object> unknown = row("{'asked': 'q', 'chosen': 'The a', 'rejected': 'The b'}");
    RowLayout implicit = RowLayout.of(ExampleKind.PREFERENCE, unknown).orElseThrow();
    assertThat(implicit.unread(ExampleKind.PREFERENCE, unknown)).containsExactly("asked");
    Map<String, Object> problem = row("{'problem': '1+2?', 'solution': '1+2=3', 'answer': '3'}");
    RowLayout solved = RowLayout.of(ExampleKind.SUPERVISED, problem).orElseThrow();
    assertThat(solved.words(problem)).isEqualTo("prompts with answers (problem, solution)");
    assertThat(solved.unread(ExampleKind.SUPERVISED, problem)).containsExactly("answer");
  }

  @Test
  void textOfMoreThanOneValueIsNotReadToItsFirst() throws Exception {
    String user = "{\"role\": \"user\", \"content\": \"Hi\"}";
    String assistant = "{\"role\": \"assistant\", \"content\": \"Ho\"}";
    Map<String, Object> whole =
        Map.of("messages", "[%s, %s]".formatted(user, assistant), "tools", "[]");
    Map<String, Object> cut =
        Map.of("messages", "[%s] [%s]".formatted(user, assistant), "tools", "[]");
    Map<String, Object> tools =
        Map.of("messages", "[%s, %s]".formatted(user, assistant), "tools", "[] [1]");
    ExampleParser parser = new ExampleParser(ExampleKind.SUPERVISED, ExampleShape.MESSAGES);
    assertThat(((Example.WholeChat) parser.parse(whole)).messages()).hasSize(2);
    assertThatThrownBy(() -> parser.parse(cut))
        .hasMessage("messages is text, not a list of messages");
    assertThatThrownBy(() -> parser.parse(tools))
        .hasMessageStartingWith("tools is text that is not JSON: ");
    String call = "{\"name\": \"look\", \"arguments\": {}}";
    Map<String, Object> calls =
        Map.of("messages", List.of(Map.of("role", "function_call", "content", call + call)));
    assertThatThrownBy(() -> parser.parse(calls))
        .hasMessageContaining("function_call that is not JSON with name and arguments");
  }

  @Test
  void theSidesOfLlamaFactorysPairsAreOneMessageEach() throws Exception {
    List<String> texts =
        texts(
            chat,
            ExampleKind.PREFERENCE,
            "{'conversations': [{'from': 'human', 'value': 'Hi'}], 'chosen': {'from': 'gpt',"
                + " 'value': 'Hello'}, 'rejected': {'from': 'gpt', 'value': 'Go'}, 'system':"
                + " 'Be kind.'}");
    assertThat(texts)
        .containsExactly(
            rendered("system", "Be kind.", "user", "Hi", "assistant", "Hello"),
            rendered("system", "Be kind.", "user", "Hi", "assistant", "Go"));
  }

  @Test
  void alpacasInputBelongsToItsInstruction() throws Exception {
    String row =
        "{'instruction': 'Add them.', 'input': '1 and 2', 'output': '3', 'system': 'Count.',"
            + " 'history': [['Ready?', 'Yes.']]}";
    assertThat(texts(chat, ExampleKind.SUPERVISED, row))
        .containsExactly(
            rendered(
                "system",
                "Count.",
                "user",
                "Ready?",
                "assistant",
                "Yes.",
                "user",
                "Add them.\n1 and 2",
                "assistant",
                "3"));
    assertThat(texts(plain, ExampleKind.SUPERVISED, row).get(0))
        .startsWith("Count.\nReady?\nYes.\nAdd them.\n1 and 2\n3");
    assertThat(
            texts(
                chat,
                ExampleKind.SUPERVISED,
                "{'instruction': 'Say hi.', 'input': '', 'output': 'hi'}"))
        .containsExactly(rendered("user", "Say hi.", "assistant", "hi"));
    // dolly
    assertThat(
            texts(
                chat,
                ExampleKind.SUPERVISED,
                "{'instruction': 'Who?', 'context': 'It was Ann.', 'response': 'Ann'}"))
        .containsExactly(rendered("user", "Who?\nIt was Ann.", "assistant", "Ann"));
    // Never the sides without what they answer, though they begin alike.
    assertThat(
            texts(
                chat,
                ExampleKind.PREFERENCE,
                "{'instruction': 'Add them.', 'input': '1 and 2', 'chosen': 'It is 3', 'rejected':"
                    + " 'It is 4'}"))
        .containsExactly(
            rendered("user", "Add them.\n1 and 2", "assistant", "It is 3"),
            rendered("user", "Add them.\n1 and 2", "assistant", "It is 4"));
  }

  @Test
  void whatPairsAnswerIsFoundWhereverItStands() throws Exception {
    String hello = rendered("user", "Hi", "assistant", "Hello");
    String go = rendered("user", "Hi", "assistant", "Go");
    String user = "{'role': 'user', 'content': 'Hi'}";
    String good = "{'role': 'assistant', 'content': 'Hello'}";
    String bad = "{'role': 'assistant', 'content': 'Go'}";
    for (String json :
        List.of(
            // axolotl's chat_template.default, and as texts
            "{'messages': [%1$s], 'chosen': %2$s, 'rejected': %3$s}",
            "{'messages': [%1$s], 'chosen': 'Hello', 'rejected': 'Go'}",
            "{'messages': [%1$s], 'chosen': [%2$s], 'rejected': [%3$s]}",
            // UltraFeedback, binarized: messages are the chosen side; with and without the prompt
            "{'prompt': 'Hi', 'prompt_id': 'x', 'chosen': [%1$s, %2$s], 'rejected': [%1$s, %3$s],"
                + " 'messages': [%1$s, %2$s], 'score_chosen': 8, 'score_rejected': 2}",
            "{'chosen': [%1$s, %2$s], 'rejected': [%1$s, %3$s], 'messages': [%1$s, %2$s]}",
            // the prompt as messages, repeated in the sides or not
            "{'prompt': [%1$s], 'chosen': [%1$s, %2$s], 'rejected': [%1$s, %3$s]}",
            "{'prompt': [%1$s], 'chosen': [%2$s], 'rejected': [%3$s]}",
            "{'prompt': [%1$s], 'chosen': 'Hello', 'rejected': 'Go'}",
            "{'prompt': 'Hi', 'chosen': [%2$s], 'rejected': [%3$s]}",
            "{'prompt': 'Hi', 'chosen': %2$s, 'rejected': %3$s}",
            // stack-exchange-paired, orca_dpo_pairs without its system
            "{'qid': 1, 'question': 'Hi', 'response_j': 'Hello', 'response_k': 'Go'}",
            "{'system': '', 'question': 'Hi', 'chosen': 'Hello', 'rejected': 'Go'}")) {
      String row = json.formatted(user, good, bad);
      assertThat(texts(chat, ExampleKind.PREFERENCE, row)).as(row).containsExactly(hello, go);
    }
  }

  @Test
  void rankedResponsesMakeAPairOfTheBestAndTheWorst() throws Exception {
    String hello = rendered("user", "Hi", "assistant", "Hello");
    String go = rendered("user", "Hi", "assistant", "Go");
    for (String row :
        List.of(
            "{'instruction': 'Hi', 'responses': ['Yes', 'Hello', 'Go'], 'scores': [3, 5, 1.5]}",
            "{'question': 'Hi', 'answers': ['Go', 'Hello', 'So'], 'ranks': [3, 1, 2]}",
            // distilabel
            "{'input': 'Hi', 'generations': ['Go', 'Hello'], 'ratings': [1, 4]}",
            // UltraFeedback
            "{'instruction': 'Hi', 'completions': [{'response': 'Go', 'overall_score': 2, 'model':"
                + " 'a'}, {'response': 'Hello', 'overall_score': 7}]}",
            // Nectar
            "{'question': 'Hi', 'answers': [{'answer': 'Go', 'rank': 7, 'model': 'a'}, {'answer':"
                + " 'Hello', 'rank': 1}, {'answer': 'Hm', 'rank': 2}]}")) {
      assertThat(texts(chat, ExampleKind.PREFERENCE, row)).as(row).containsExactly(hello, go);
    }
    assertThat(
            refusal(
                ExampleKind.PREFERENCE,
                "{'question': 'Hi', 'responses': ['a', 'b'], 'scores': [2, 2]}"))
        .hasMessageContaining("same score")
        .extracting(RefusedRowException::reason)
        .isEqualTo(RefusalReason.NO_PREFERENCE);
    assertThat(
            refusal(
                ExampleKind.PREFERENCE,
                "{'question': 'Hi', 'responses': ['a', 'b'], 'scores': [2]}"))
        .hasMessageContaining("responses has 2 elements and scores has 1");
    assertThat(
            refusal(
                ExampleKind.PREFERENCE,
                "{'question': 'Hi', 'responses': ['a', 'b'], 'scores': [2, null]}"))
        .hasMessageContaining("1 responses with a score");
  }

  @ParameterizedTest
  @CsvSource({
    "question, answer",
    "query, response",
    "question, response",
    "input, output",
    "instruction, response",
    "problem, solution"
  })
  void questionsAndAnswersAreTurnsWhereThereIsATemplate(String question, String answer)
      throws Exception {
    String row = "{'%s': 'Two?', '%s': 'No.'}".formatted(question, answer);
    assertThat(texts(chat, ExampleKind.SUPERVISED, row))
        .containsExactly(rendered("user", "Two?", "assistant", "No."));
    assertThat(texts(plain, ExampleKind.SUPERVISED, row).get(0)).startsWith("Two?\nNo.");
  }

  @Test
  void labelsAreReadWhereverTheyStand() throws Exception {
    RowReading own = RowReading.of(ExampleKind.UNPAIRED);
    RowReading fromThree = new RowReading(ExampleKind.UNPAIRED, ColumnNames.OWN, 3);
    String conversation =
        "{'messages': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content':"
            + " 'Ho'}], %s}";
    for (String label : List.of("'label': true", "'kto_tag': true", "'label': '1'")) {
      TokenizedRow row = read(chat, own, conversation.formatted(label));
      assertThat(row.desirability()).as(label).isEqualTo(Desirability.DESIRABLE);
      assertThat(row.completions()).hasSize(1);
      assertThat(chat.decode(row.completions().get(0))).contains("Ho").doesNotContain("Hi");
    }
    // A rating is no label, though some are 1.
    for (String rating : List.of("'rating': 1", "'label': 4", "'label': -1", "'score': 0.5")) {
      assertThatThrownBy(() -> read(chat, own, conversation.formatted(rating)))
          .as(rating)
          .hasMessageContaining("--desirable-from");
    }
    for (String rating : List.of("'rating': 3", "'label': 5", "'score': 3.5")) {
      assertThat(read(chat, fromThree, conversation.formatted(rating)).desirability())
          .isEqualTo(Desirability.DESIRABLE);
    }
    assertThat(read(chat, fromThree, conversation.formatted("'rating': 2.9")).desirability())
        .isEqualTo(Desirability.UNDESIRABLE);
    assertThat(
            read(chat, own, "{'instruction': 'Hi', 'input': '', 'output': 'Ho', 'kto_tag': false}")
                .desirability())
        .isEqualTo(Desirability.UNDESIRABLE);
    assertThatThrownBy(() -> read(chat, fromThree, conversation.formatted("'label': true")))
        .hasMessageContaining("leave it out");
  }

  @Test
  void promptsAreAskedAsVerlAndGsm8kHaveThem() throws Exception {
    String asked = rendered("user", "Two?") + "<|im_start|>assistant\n";
    for (String row :
        List.of(
            "{'data_source': 'x', 'prompt': [{'role': 'user', 'content': 'Two?'}], 'ability': 'math',"
                + " 'reward_model': {'style': 'rule', 'ground_truth': '2'}}",
            "{'question': 'Two?', 'answer': '#### 2'}",
            "{'problem': 'Two?', 'solution': 'x', 'answer': '2'}",
            "{'conversations': [{'from': 'human', 'value': 'Two?'}]}",
            "{'instruction': 'Two?', 'input': ''}")) {
      assertThat(texts(chat, ExampleKind.PROMPT, row)).as(row).containsExactly(asked);
    }
    TokenizedRow kept =
        read(
            chat,
            RowReading.of(ExampleKind.PROMPT),
            "{'question': 'Two?', 'reward_model': {'ground_truth': '2'}}");
    assertThat(ColumnPath.find(Columns.parse(kept.columns()), "reward_model.ground_truth"))
        .contains("2");
    assertThat(
            refusal(
                ExampleKind.PROMPT,
                "{'messages': [{'role': 'user', 'content': 'a'}, {'role': 'assistant', 'content':"
                    + " 'b'}]}"))
        .hasMessageContaining("ends with an assistant's turn");
  }

  @Test
  void theColumnsOfTrlsFormatsWinAndOthersAreNamed() throws Exception {
    Map<String, Object> alpaca =
        row("{'instruction': 'a', 'input': 'b', 'output': 'c', 'text': 'a b c'}");
    RowLayout layout = RowLayout.of(ExampleKind.SUPERVISED, alpaca).orElseThrow();
    assertThat(layout).isEqualTo(RowLayout.of(ExampleShape.TEXT));
    assertThat(layout.unread(ExampleKind.SUPERVISED, alpaca))
        .containsExactly("input", "instruction", "output");
    Map<String, Object> ultra =
        row(
            "{'prompt': 'p', 'chosen': 'a', 'rejected': 'b', 'score_chosen': 1, 'score_rejected':"
                + " 0, 'margin': 1, 'messages': [], 'source': 'x'}");
    layout = RowLayout.of(ExampleKind.PREFERENCE, ultra).orElseThrow();
    assertThat(layout.unread(ExampleKind.PREFERENCE, ultra))
        .containsExactly("score_chosen", "score_rejected");
    assertThat(layout.unread(ExampleKind.SUPERVISED_FROM_CHOSEN, ultra))
        .containsExactly("margin", "rejected", "score_chosen", "score_rejected");
    // Rewards are handed all columns, and what belongs to the prompt is not in it.
    assertThat(
            RowLayout.of(ExampleShape.PROMPT)
                .unread(
                    ExampleKind.PROMPT,
                    row("{'prompt': 'p', 'system': 's', 'context': 'c', 'answer': '1'}")))
        .containsExactly("context", "system");
    Map<String, Object> shareGpt =
        row("{'conversations': [{'from': 'human', 'value': 'a'}], 'chosen': 'b', 'rejected': 'c'}");
    assertThat(RowLayout.of(ExampleKind.PREFERENCE, shareGpt).orElseThrow().words(shareGpt))
        .isEqualTo("ShareGPT pairs (conversations, chosen, rejected)");
    assertThat(ExampleShape.mismatch(ExampleKind.PREFERENCE, List.of("instruction", "chosen")))
        .contains("the nearest format is alpaca pairs (instruction, chosen, rejected)")
        .endsWith("and there is no rejected");
  }

  @Test
  void picturesAreRefusedByName() {
    assertThat(
            refusal(
                ExampleKind.SUPERVISED,
                "{'messages': [{'role': 'user', 'content': '<image>What?'}, {'role':"
                    + " 'assistant', 'content': 'A cat.'}], 'images': ['cat.jpg']}"))
        .hasMessageContaining("images is a list");
    assertThat(
            refusal(
                ExampleKind.SUPERVISED,
                "{'messages': [{'role': 'user', 'content': [{'type': 'text', 'text': 'What?'},"
                    + " {'type': 'image_url', 'image_url': {'url': 'x'}}]}, {'role':"
                    + " 'assistant', 'content': 'A cat.'}]}"))
        .hasMessageContaining("image_url");
  }
}
