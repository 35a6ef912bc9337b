package io.plumbline.spark.mine;

import io.plumbline.data.Example;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.ExampleParser;
import io.plumbline.data.ExampleShape;
import io.plumbline.data.ExampleTokenizer;
import io.plumbline.data.RefusedRowException;
import io.plumbline.data.TokenizedRow;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A prompt as grpo reads it, and what its completions become in a row of data.
 *
 * <p>Where the last message is the assistant's, the model continues with it. In data that beginning
 * belongs to the completion, as a conversation has one assistant turn there and not two.
 *
 * @param place the row's place in the input
 * @param values of the row, by column
 * @param prompt of the data's rows: a text, or messages
 * @param begun what stands in the completion before what the model writes; empty but for an
 *     assistant turn that the prompt leaves open
 * @param example as the model reads it
 */
record MinePrompt(
    long place, Map<String, Object> values, Object prompt, String begun, Example example) {
  private static final ExampleParser PARSER =
      new ExampleParser(ExampleKind.PROMPT, ExampleShape.PROMPT);
  private static final ExampleParser SIDES =
      new ExampleParser(ExampleKind.SUPERVISED, ExampleShape.PROMPT_COMPLETION);

  static MinePrompt of(long place, Map<String, Object> values) throws RefusedRowException {
    Example example = PARSER.parse(values);
    if (example instanceof Example.ChatPrompt chat) {
      List<Map<String, Object>> messages = chat.prompt();
      Map<String, Object> last = messages.get(messages.size() - 1);
      if ("assistant".equals(last.get("role")) && last.get("content") instanceof String begun) {
        return new MinePrompt(
            place, values, messages.subList(0, messages.size() - 1), begun, example);
      }
    }
    return new MinePrompt(place, values, values.get("prompt"), "", example);
  }

  boolean isChat() {
    return example instanceof Example.ChatPrompt;
  }

  /** The prompt's tokens and its row's columns. */
  TokenizedRow tokenized(ExampleTokenizer tokenizer) throws RefusedRowException {
    return tokenizer.tokenize(example, place).row();
  }

  /** A completion as a column of data has it: text, or an assistant's message. */
  Object side(String text) {
    String whole = begun + text;
    return isChat() ? List.of(Map.of("role", "assistant", "content", whole)) : whole;
  }

  /**
   * The tokens of prompt and completion that training would see. Two completions that have the same
   * are the same to it.
   *
   * @throws RefusedRowException where training would refuse the row
   */
  List<Integer> learned(String text, ExampleTokenizer tokenizer) throws RefusedRowException {
    Map<String, Object> row = new LinkedHashMap<>(values);
    row.put("prompt", prompt);
    row.put("completion", side(text));
    TokenizedRow tokenized = tokenizer.tokenize(SIDES.parse(row), place).row();
    List<Integer> ids = new ArrayList<>();
    for (int[] part : List.of(tokenized.prompt(), tokenized.completions().get(0))) {
      for (int id : part) {
        ids.add(id);
      }
    }
    return ids;
  }
}
