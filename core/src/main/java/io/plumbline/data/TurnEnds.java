package io.plumbline.data;

import io.plumbline.error.PlumblineException;
import io.plumbline.text.ChatRequest;
import io.plumbline.text.ChatRequest.GenerationPrompt;
import io.plumbline.text.ChatTemplate;
import io.plumbline.text.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Whether what is learned of a conversation holds the token that ends a turn, without which a model
 * does not learn to stop: {@code is_chat_template_stop_token_trained} of TRL 1.16, and the same for
 * completions that are learned whole.
 */
public final class TurnEnds {
  private static final Map<String, Object> USER = Map.of("role", "user", "content", "dummy");
  private static final Map<String, Object> ASSISTANT =
      Map.of("role", "assistant", "content", "dummy");

  private TurnEnds() {}

  /**
   * A sentence where the token that ends the assistant's turns is not learned; empty where it is,
   * or where the template refuses to say.
   */
  public static Optional<String> note(
      Tokenizer tokenizer, LossOn lossOn, Example.ChatSettings settings) {
    try {
      return lossOn == LossOn.ASSISTANT
          ? ofTurns(tokenizer, settings)
          : ofCompletions(tokenizer, settings);
    } catch (RefusedRowException e) {
      // Rows are refused with the template's own reason, if it has one for them.
      return Optional.empty();
    } catch (PlumblineException e) {
      if (ChatTemplate.wasStopped(e)) {
        throw e;
      }
      return Optional.empty();
    }
  }

  private static Optional<String> ofTurns(Tokenizer tokenizer, Example.ChatSettings settings)
      throws RefusedRowException {
    // A template may end the last turn otherwise, or not at all.
    List<Map<String, Object>> messages = List.of(USER, ASSISTANT, USER);
    TokenizedRow row =
        new ExampleTokenizer(tokenizer, LengthLimits.none(), LossOn.ASSISTANT)
            .tokenize(new Example.WholeChat(messages, settings), 0)
            .row();
    int[] ids = row.completions().get(0);
    byte[] counted = new byte[ids.length];
    if (row.lossMasks().isEmpty()) {
      Arrays.fill(counted, (byte) 1);
    } else {
      counted = row.lossMasks().get(0);
    }
    int last = ids.length - 1;
    while (last >= 0 && (counted[last] == 0 || blank(tokenizer, ids[last]))) {
      last--;
    }
    if (last >= 0 && tokenizer.isAdded(ids[last])) {
      return Optional.empty();
    }
    String ending = "";
    for (int i = last + 1; i < ids.length && ending.isEmpty(); i++) {
      ending = tokenizer.isAdded(ids[i]) ? tokenizer.decode(new int[] {ids[i]}) : "";
    }
    return Optional.of(
        "The chat template leaves the token that ends an assistant's turn"
            + (ending.isEmpty() ? "" : " (" + ending + ")")
            + " out of what is learned, so the model may not learn to stop: move it inside {%"
            + " generation %} … {% endgeneration %}, or give --loss-on completion.");
  }

  private static Optional<String> ofCompletions(
      Tokenizer tokenizer, Example.ChatSettings settings) {
    int[] ids =
        tokenizer
            .tokenize(
                new ChatRequest(
                    List.of(USER, ASSISTANT),
                    settings.tools(),
                    GenerationPrompt.ABSENT,
                    settings.variables()))
            .ids();
    int last = ids.length - 1;
    while (last >= 0 && blank(tokenizer, ids[last])) {
      last--;
    }
    return last < 0 || tokenizer.isAdded(ids[last])
        ? Optional.empty()
        : Optional.of(
            "The chat template ends an assistant's last turn with no token of its own, so the model"
                + " may not learn to stop: let the template end turns, for example with"
                + tokenizer.eosToken().map(eos -> " its EOS token " + eos).orElse(" an EOS token")
                + ".");
  }

  private static boolean blank(Tokenizer tokenizer, int id) {
    return tokenizer.decode(new int[] {id}).isBlank();
  }
}
