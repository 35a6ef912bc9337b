package io.plumbline.data;

import io.plumbline.data.LengthLimits.Truncation;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.text.ChatRequest;
import io.plumbline.text.ChatRequest.GenerationPrompt;
import io.plumbline.text.ChatTemplate;
import io.plumbline.text.TokenizedChat;
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
 *   <li>Prompts alone: text as above; messages as TRL's apply_chat_template renders a prompt, with
 *       the opening of an assistant turn, or, where the last message is the assistant's, with that
 *       turn left open for more. Only {@link LengthLimits#maxPromptLength} applies to them.
 *   <li>The completion begins where the ids of the prompt and of prompt with completion first
 *       differ, for a pair at the earlier place of the two.
 *   <li>Whole texts and conversations: every token counts. The first token, which nothing predicts,
 *       stands as the prompt.
 *   <li>{@link LossOn#ALL}: prompt and completion are such a whole too.
 *   <li>{@link LossOn#ASSISTANT}: of a conversation, or of a completion made of messages, only the
 *       assistant's turns count. Where they stand the template marks by {@code {% generation %}};
 *       where it marks none, a turn is what the conversation up to and with it says after the
 *       conversation before it with the opening of an assistant turn; {@link AssistantTurns} says
 *       what holds for templates that render a turn in another way where more comes. What comes
 *       before the first token that counts stands as the prompt.
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
  private final LossOn lossOn;
  private final TemplateMessages template;

  /** Learns completions. */
  public ExampleTokenizer(Tokenizer tokenizer, LengthLimits limits) {
    this(tokenizer, limits, LossOn.COMPLETION);
  }

  /**
   * @param lossOn which tokens of rows with one completion are learned; rows with two or with a
   *     label are for comparing completions and have only {@link LossOn#COMPLETION}
   */
  public ExampleTokenizer(Tokenizer tokenizer, LengthLimits limits, LossOn lossOn) {
    this.tokenizer = tokenizer;
    this.limits = limits;
    this.lossOn = lossOn;
    this.template = new TemplateMessages(tokenizer.chatTemplate());
  }

  /** Fails with BAD_CHECKPOINT where text needs an EOS token and the tokenizer has none. */
  public Tokenized tokenize(Example example, long index) throws RefusedRowException {
    if (example instanceof Example.PromptedText text) {
      requireConversation();
      int[] prompt = tokenizer.encode(text.prompt());
      List<int[]> sequences = new ArrayList<>();
      for (String completion : text.completions()) {
        sequences.add(tokenizer.encode(text.prompt() + ended(completion)));
      }
      return judged(prompted(index, prompt, sequences), text.judgement());
    }
    if (example instanceof Example.PromptedChat chat) {
      int[] prompt = render(chat.prompt(), chat.settings(), GenerationPrompt.ADDED).ids();
      boolean promptWeighted = lossOn == LossOn.ALL && RowMessages.anyLeftOut(chat.prompt());
      if (lossOn == LossOn.ASSISTANT
          || promptWeighted
          || RowMessages.anyLeftOut(chat.completions().get(0))) {
        List<Map<String, Object>> messages = new ArrayList<>(chat.prompt());
        messages.addAll(chat.completions().get(0));
        return turns(index, messages, chat.settings(), prompt);
      }
      List<int[]> sequences = new ArrayList<>();
      for (List<Map<String, Object>> completion : chat.completions()) {
        List<Map<String, Object>> messages = new ArrayList<>(chat.prompt());
        messages.addAll(completion);
        sequences.add(render(messages, chat.settings(), GenerationPrompt.ABSENT).ids());
      }
      return judged(prompted(index, prompt, sequences), chat.judgement());
    }
    if (example instanceof Example.TextPrompt text) {
      return alone(index, tokenizer.encode(text.prompt()), text.columns());
    }
    if (example instanceof Example.ChatPrompt chat) {
      GenerationPrompt opening =
          template.isAssistant(chat.prompt().get(chat.prompt().size() - 1))
              ? GenerationPrompt.CONTINUED
              : GenerationPrompt.ADDED;
      return alone(index, render(chat.prompt(), chat.settings(), opening).ids(), chat.columns());
    }
    if (example instanceof Example.WholeChat chat) {
      return lossOn == LossOn.ASSISTANT || RowMessages.anyLeftOut(chat.messages())
          ? turns(index, chat.messages(), chat.settings(), new int[0])
          : whole(index, render(chat.messages(), chat.settings(), GenerationPrompt.ABSENT).ids());
    }
    requireConversation();
    return whole(index, tokenizer.encode(ended(((Example.WholeText) example).text())));
  }

  private Tokenized alone(long index, int[] prompt, String columns) throws RefusedRowException {
    if (prompt.length == 0) {
      throw new RefusedRowException(
          RefusalReason.EMPTY_PROMPT, "prompt has no token, so there is nothing to continue");
    }
    int max = limits.maxPromptLength();
    boolean cut = max > 0 && prompt.length > max;
    int[] kept = cut ? Arrays.copyOfRange(prompt, prompt.length - max, prompt.length) : prompt;
    return new Tokenized(
        TokenizedRow.of(index, kept, List.of(), List.of()).withColumns(columns), cut, false);
  }

  private void requireConversation() throws RefusedRowException {
    if (lossOn == LossOn.ASSISTANT) {
      throw new RefusedRowException(
          RefusalReason.WRONG_TYPE,
          "the row is text, which has no assistant's turns; only messages have");
    }
  }

  private static Tokenized judged(Tokenized tokenized, Example.Judgement judgement) {
    return new Tokenized(
        tokenized.row().judged(judgement.margin(), judgement.desirability()),
        tokenized.truncated(),
        tokenized.promptMoved());
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

  private TokenizedChat render(
      List<Map<String, Object>> messages,
      Example.ChatSettings settings,
      GenerationPrompt generationPrompt)
      throws RefusedRowException {
    try {
      return tokenizer.tokenize(
          new ChatRequest(
              template.ready(messages), settings.tools(), generationPrompt, settings.variables()));
    } catch (PlumblineException e) {
      if (e.code() == ErrorCode.BAD_CHECKPOINT || ChatTemplate.wasStopped(e)) {
        // No template at all, or none that could continue: not the fault of the row, and what is
        // trained on must not depend on the clock.
        throw e;
      }
      throw new RefusedRowException(RefusalReason.TEMPLATE_ERROR, e.getMessage());
    }
  }

  /**
   * Messages of weight 0 do not count: the fine-tuning format of OpenAI, {@code train: false} of
   * axolotl. TRL 1.16 learns them like any other.
   *
   * @param counted 1 where a token counts
   */
  private void leaveOut(
      List<Map<String, Object>> messages, Example.ChatSettings settings, int[] ids, byte[] counted)
      throws RefusedRowException {
    for (int i = 0; i < messages.size(); i++) {
      boolean assistant = template.isAssistant(messages.get(i));
      if (!RowMessages.leftOut(messages.get(i)) || (lossOn == LossOn.ASSISTANT && !assistant)) {
        continue;
      }
      int start =
          i == 0
              ? 0
              : alike(
                  ids,
                  render(
                          messages.subList(0, i),
                          settings,
                          assistant ? GenerationPrompt.ADDED : GenerationPrompt.ABSENT)
                      .ids());
      boolean last = i + 1 == messages.size();
      int end =
          last
              ? ids.length
              : alike(
                  ids, render(messages.subList(0, i + 1), settings, GenerationPrompt.ABSENT).ids());
      if (lossOn == LossOn.ASSISTANT && (last || !template.isAssistant(messages.get(i + 1)))) {
        // The whole of the turn that was found, though the template may render it otherwise here.
        int turn = start;
        while (turn < ids.length && counted[turn] == 0) {
          turn++;
        }
        end = Math.max(end, turn);
        while (end < ids.length && counted[end] == 1) {
          end++;
        }
      }
      if (end <= start) {
        throw new RefusedRowException(
            RefusalReason.TEMPLATE_ERROR,
            "where message "
                + (i + 1)
                + ", which has weight 0, stands cannot be told, as the chat template renders it in"
                + " another way where more comes after it");
      }
      Arrays.fill(counted, start, end, (byte) 0);
    }
  }

  /** How many tokens two texts begin with in common. */
  static int alike(int[] ids, int[] other) {
    int same = Arrays.mismatch(ids, other);
    return same < 0 ? ids.length : same;
  }

  /**
   * A conversation of which the assistant's turns count, or all but the messages of weight 0.
   *
   * @param prompt ids of the prompt; what comes before the place where it and the conversation
   *     differ does not count
   */
  private Tokenized turns(
      long index, List<Map<String, Object>> messages, Example.ChatSettings settings, int[] prompt)
      throws RefusedRowException {
    TokenizedChat chat = render(messages, settings, GenerationPrompt.ABSENT);
    int[] ids = chat.ids();
    byte[] counted = counted(chat, messages, settings);
    int promptLength = alike(prompt, ids);
    if (lossOn != LossOn.ALL) {
      Arrays.fill(counted, 0, promptLength, (byte) 0);
    }
    boolean turns = holds(counted, 1);
    leaveOut(messages, settings, ids, counted);
    if (!holds(counted, 1)) {
      throw new RefusedRowException(
          RefusalReason.EMPTY_COMPLETION,
          turns
              ? "every turn to learn has weight 0"
              : promptLength > 0
                  ? "the completion has no assistant's turn to learn"
                  : "the conversation has no assistant's turn to learn");
    }
    int from = 0;
    if (limits.maxPromptLength() > 0 && promptLength > limits.maxPromptLength()) {
      from = promptLength - limits.maxPromptLength();
    }
    int end = ids.length;
    int max = limits.maxLength();
    if (max > 0 && end - from > max) {
      switch (limits.truncation()) {
        case KEEP_START -> end = from + max;
        case KEEP_END -> from = end - max;
        case REFUSE -> throw tooLong(end - from);
      }
    }
    int first = from + 1;
    while (first < end && counted[first] == 0) {
      first++;
    }
    if (first >= end) {
      throw new RefusedRowException(
          RefusalReason.COMPLETION_TRUNCATED,
          lossOn == LossOn.ASSISTANT
              ? "no token of an assistant's turn is left within --max-length " + max
              : "no token of a message to learn is left within --max-length " + max);
    }
    byte[] mask = Arrays.copyOfRange(counted, first, end);
    boolean all = !holds(mask, 0);
    return new Tokenized(
        TokenizedRow.of(
            index,
            Arrays.copyOfRange(ids, from, first),
            List.of(Arrays.copyOfRange(ids, first, end)),
            all ? List.of() : List.of(mask)),
        end - from < ids.length,
        promptLength < prompt.length);
  }

  private byte[] counted(
      TokenizedChat chat, List<Map<String, Object>> messages, Example.ChatSettings settings)
      throws RefusedRowException {
    if (lossOn == LossOn.ASSISTANT) {
      return holds(chat.assistantMask(), 1)
          ? chat.assistantMask()
          : found(messages, settings, chat.ids());
    }
    byte[] all = new byte[chat.ids().length];
    Arrays.fill(all, (byte) 1);
    return all;
  }

  private static boolean holds(byte[] mask, int value) {
    for (byte counts : mask) {
      if (counts == value) {
        return true;
      }
    }
    return false;
  }

  /** The assistant's turns of a conversation whose template does not mark them. */
  private byte[] found(List<Map<String, Object>> messages, Example.ChatSettings settings, int[] ids)
      throws RefusedRowException {
    return new AssistantTurns(
            tokenizer,
            template.ready(messages),
            settings,
            ids,
            (part, ending) -> render(part, settings, ending).ids())
        .mask();
  }

  private Tokenized prompted(long index, int[] prompt, List<int[]> sequences)
      throws RefusedRowException {
    int promptLength = prompt.length;
    for (int[] sequence : sequences) {
      promptLength = Math.min(promptLength, alike(prompt, sequence));
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
    if (lossOn == LossOn.ALL && sequences.size() == 1) {
      return all(index, sequences.get(0), promptLength, promptLength < prompt.length);
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
    if (limits.truncation() == Truncation.REFUSE) {
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
    requireDifferent(cut, "first " + left);
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
    requireDifferent(ends, "last " + max);
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

  /** TRL 1.16 trains on such pairs, from which nothing can be learned but to write either side. */
  private void requireDifferent(List<int[]> sides, String tokens) throws RefusedRowException {
    if (sides.size() == 2 && Arrays.equals(sides.get(0), sides.get(1))) {
      throw new RefusedRowException(
          RefusalReason.IDENTICAL_AFTER_TRUNCATION,
          "chosen and rejected have the same "
              + tokens
              + " tokens, which is all that --max-length "
              + limits.maxLength()
              + " leaves of them");
    }
  }

  /** Prompt and completion learned as a whole. */
  private Tokenized all(long index, int[] sequence, int promptLength, boolean moved)
      throws RefusedRowException {
    boolean promptCut = limits.maxPromptLength() > 0 && promptLength > limits.maxPromptLength();
    int from = promptCut ? promptLength - limits.maxPromptLength() : 0;
    Tokenized whole = whole(index, Arrays.copyOfRange(sequence, from, sequence.length));
    return new Tokenized(whole.row(), promptCut || whole.truncated(), moved);
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
            case REFUSE -> throw tooLong(ids.length);
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
