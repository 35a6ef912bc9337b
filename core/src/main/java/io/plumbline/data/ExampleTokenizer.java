package io.plumbline.data;

import io.plumbline.data.LengthLimits.Truncation;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.text.ChatRequest;
import io.plumbline.text.ChatRequest.GenerationPrompt;
import io.plumbline.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Turns examples into the ids that TRL 1.16's DPOTrainer and SFTTrainer would train on.
 *
 * <ul>
 *   <li>Text: the EOS token is appended to each completion that does not end with it; prompt, and
 *       prompt with completion, are tokenized with the special tokens that the tokenizer adds.
 *   <li>Messages: the chat template renders the prompt with the opening of an assistant turn, and
 *       prompt with completion without one; no special tokens are added to what it says.
 *   <li>The completion begins where the ids of the prompt and of prompt with completion first
 *       differ, for a pair at the earlier place of the two.
 *   <li>Whole texts and conversations: every token counts. The first token, which nothing predicts,
 *       stands as the prompt.
 * </ul>
 */
public final class ExampleTokenizer {
  /**
   * @param truncated whether tokens were cut off
   * @param promptMoved whether the completion begins before the end of the tokenized prompt
   */
  public record Tokenized(TokenizedRow row, boolean truncated, boolean promptMoved) {}

  private final Tokenizer tokenizer;
  private final LengthLimits limits;

  public ExampleTokenizer(Tokenizer tokenizer, LengthLimits limits) {
    this.tokenizer = tokenizer;
    this.limits = limits;
  }

  /** Fails with BAD_CHECKPOINT where text needs an EOS token and the tokenizer has none. */
  public Tokenized tokenize(Example example, long index) throws RefusedRowException {
    if (example instanceof Example.PromptedText text) {
      int[] prompt = tokenizer.encode(text.prompt());
      List<int[]> sequences = new ArrayList<>();
      for (String completion : text.completions()) {
        sequences.add(tokenizer.encode(text.prompt() + ended(completion)));
      }
      return prompted(index, prompt, sequences);
    }
    if (example instanceof Example.PromptedChat chat) {
      int[] prompt = render(chat.prompt(), chat.settings(), GenerationPrompt.ADDED);
      List<int[]> sequences = new ArrayList<>();
      for (List<Map<String, Object>> completion : chat.completions()) {
        List<Map<String, Object>> messages = new ArrayList<>(chat.prompt());
        messages.addAll(completion);
        sequences.add(render(messages, chat.settings(), GenerationPrompt.ABSENT));
      }
      return prompted(index, prompt, sequences);
    }
    if (example instanceof Example.WholeChat chat) {
      return whole(index, render(chat.messages(), chat.settings(), GenerationPrompt.ABSENT));
    }
    return whole(index, tokenizer.encode(ended(((Example.WholeText) example).text())));
  }

  private String ended(String text) {
    String eos =
        tokenizer
            .eosToken()
            .orElseThrow(
                () ->
                    new PlumblineException(
                        ErrorCode.BAD_CHECKPOINT,
                        "The tokenizer names no EOS token, so a model could not learn where a"
                            + " completion ends; set eos_token in tokenizer_config.json"));
    return text.endsWith(eos) ? text : text + eos;
  }

  private int[] render(
      List<Map<String, Object>> messages,
      Example.ChatSettings settings,
      GenerationPrompt generationPrompt)
      throws RefusedRowException {
    try {
      return tokenizer
          .tokenize(
              new ChatRequest(messages, settings.tools(), generationPrompt, settings.variables()))
          .ids();
    } catch (PlumblineException e) {
      if (e.code() == ErrorCode.BAD_CHECKPOINT) {
        // No template at all: the fault of the model directory, not of the row.
        throw e;
      }
      throw new RefusedRowException(RefusalReason.TEMPLATE_ERROR, e.getMessage());
    }
  }

  private Tokenized prompted(long index, int[] prompt, List<int[]> sequences)
      throws RefusedRowException {
    int promptLength = prompt.length;
    for (int[] sequence : sequences) {
      int same = Arrays.mismatch(prompt, sequence);
      promptLength = Math.min(promptLength, same < 0 ? prompt.length : same);
    }
    List<int[]> completions = new ArrayList<>();
    for (int[] sequence : sequences) {
      if (sequence.length == promptLength) {
        throw new RefusedRowException(
            RefusalReason.EMPTY_COMPLETION, "a completion adds no token to its prompt");
      }
      completions.add(Arrays.copyOfRange(sequence, promptLength, sequence.length));
    }
    if (completions.size() == 2 && Arrays.equals(completions.get(0), completions.get(1))) {
      throw new RefusedRowException(
          RefusalReason.IDENTICAL_SIDES, "chosen and rejected have the same tokens");
    }
    int[] kept = Arrays.copyOf(prompt, promptLength);
    boolean moved = promptLength < prompt.length;
    boolean promptCut = limits.maxPromptLength() > 0 && promptLength > limits.maxPromptLength();
    if (promptCut) {
      kept = Arrays.copyOfRange(kept, promptLength - limits.maxPromptLength(), promptLength);
    }
    int longest = completions.stream().mapToInt(c -> c.length).max().orElseThrow();
    int max = limits.maxLength();
    if (max == 0 || kept.length + longest <= max) {
      return finish(index, kept, completions, promptCut, moved);
    }
    if (limits.truncation() == Truncation.OFF) {
      throw tooLong(kept.length + longest);
    }
    return limits.truncation() == Truncation.KEEP_START
        ? keepStart(index, kept, completions, moved)
        : keepEnd(index, kept, completions, moved);
  }

  private Tokenized keepStart(long index, int[] prompt, List<int[]> completions, boolean moved)
      throws RefusedRowException {
    int left = limits.maxLength() - prompt.length;
    if (left <= 0) {
      throw new RefusedRowException(
          RefusalReason.COMPLETION_TRUNCATED,
          "the prompt has "
              + prompt.length
              + " tokens, which leaves none of --max-length "
              + limits.maxLength()
              + " to a completion");
    }
    List<int[]> cut =
        completions.stream().map(c -> c.length <= left ? c : Arrays.copyOf(c, left)).toList();
    return finish(index, prompt, cut, true, moved);
  }

  /**
   * The last tokens of each side. Sides of different lengths keep different ends of the prompt;
   * then no prompt is shared: each side begins with its own end of the prompt, masked.
   */
  private Tokenized keepEnd(long index, int[] prompt, List<int[]> completions, boolean moved)
      throws RefusedRowException {
    int max = limits.maxLength();
    int[] promptKept =
        completions.stream()
            .mapToInt(c -> Math.max(0, Math.min(prompt.length, max - c.length)))
            .toArray();
    List<int[]> ends =
        completions.stream()
            .map(c -> c.length <= max ? c : Arrays.copyOfRange(c, c.length - max, c.length))
            .toList();
    if (Arrays.stream(promptKept).distinct().count() == 1) {
      int[] end = Arrays.copyOfRange(prompt, prompt.length - promptKept[0], prompt.length);
      return finish(index, end, ends, true, moved);
    }
    List<int[]> sides = new ArrayList<>();
    List<byte[]> masks = new ArrayList<>();
    for (int i = 0; i < ends.size(); i++) {
      int[] end = ends.get(i);
      int[] side = new int[promptKept[i] + end.length];
      System.arraycopy(prompt, prompt.length - promptKept[i], side, 0, promptKept[i]);
      System.arraycopy(end, 0, side, promptKept[i], end.length);
      byte[] mask = new byte[side.length];
      // Nothing predicts a first token.
      Arrays.fill(mask, Math.max(1, promptKept[i]), mask.length, (byte) 1);
      sides.add(side);
      masks.add(mask);
    }
    return new Tokenized(TokenizedRow.of(index, new int[0], sides, masks), true, moved);
  }

  private Tokenized whole(long index, int[] ids) throws RefusedRowException {
    int max = limits.maxLength();
    boolean truncated = max > 0 && ids.length > max;
    int[] kept = ids;
    if (truncated) {
      kept =
          switch (limits.truncation()) {
            case KEEP_START -> Arrays.copyOf(ids, max);
            case KEEP_END -> Arrays.copyOfRange(ids, ids.length - max, ids.length);
            case OFF -> throw tooLong(ids.length);
          };
    }
    return finish(index, new int[0], List.of(kept), truncated, false);
  }

  private RefusedRowException tooLong(int tokens) {
    return new RefusedRowException(
        RefusalReason.TOO_LONG,
        tokens + " tokens are more than --max-length " + limits.maxLength());
  }

  /** Makes the row. Nothing predicts the first token after an empty prompt, so it cannot count. */
  private static Tokenized finish(
      long index, int[] prompt, List<int[]> completions, boolean truncated, boolean moved)
      throws RefusedRowException {
    if (prompt.length > 0) {
      return new Tokenized(
          TokenizedRow.of(index, prompt, completions, List.of()), truncated, moved);
    }
    boolean alike = true;
    for (int[] completion : completions) {
      if (completion.length < 2) {
        throw new RefusedRowException(
            RefusalReason.EMPTY_COMPLETION, "one token without a prompt cannot be predicted");
      }
      alike &= completion[0] == completions.get(0)[0];
    }
    if (alike) {
      int first = completions.get(0)[0];
      List<int[]> rest = completions.stream().map(c -> Arrays.copyOfRange(c, 1, c.length)).toList();
      return new Tokenized(
          TokenizedRow.of(index, new int[] {first}, rest, List.of()), truncated, moved);
    }
    List<byte[]> masks = new ArrayList<>();
    for (int[] completion : completions) {
      byte[] mask = new byte[completion.length];
      Arrays.fill(mask, 1, mask.length, (byte) 1);
      masks.add(mask);
    }
    return new Tokenized(TokenizedRow.of(index, prompt, completions, masks), truncated, moved);
  }
}
