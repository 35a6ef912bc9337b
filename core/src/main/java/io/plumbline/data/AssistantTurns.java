package io.plumbline.data;

import io.plumbline.error.PlumblineException;
import io.plumbline.text.ChatRequest;
import io.plumbline.text.ChatRequest.GenerationPrompt;
import io.plumbline.text.ChatTemplate;
import io.plumbline.text.Encoding;
import io.plumbline.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;

/**
 * Where the assistant's turns stand in the ids of a whole conversation whose template does not mark
 * them.
 *
 * <p>A turn is what the conversation up to and with it says after the conversation before it with
 * the opening of an assistant turn, where both are the beginning of the whole. A template may
 * render a turn in another way where more comes after it: it ends the last turn otherwise, or
 * leaves earlier reasoning out. Then the turn is looked for in the whole itself: it begins behind
 * its opening or at its content, and ends with the first special token behind its content, or, in a
 * tokenizer that has none there, with the first added one.
 */
final class AssistantTurns {
  /** Marks stand around contents, one letter each from a plane that no text uses. */
  private static final int FIRST_MARK = 0xF0000;

  private static final String REASONING_END = "</think>";

  private final Tokenizer tokenizer;
  private final List<Map<String, Object>> messages;
  private final Example.ChatSettings settings;
  private final int[] ids;

  /** Where contents stand, by message, in code points; looked up when first needed. */
  private Optional<Contents> contents = Optional.empty();

  private record Contents(int[] starts, int[] ends, Encoding encoding) {}

  /** Renders part of the conversation. */
  @FunctionalInterface
  interface Rendering {
    int[] ids(List<Map<String, Object>> messages, GenerationPrompt ending)
        throws RefusedRowException;
  }

  private final Rendering rendering;

  AssistantTurns(
      Tokenizer tokenizer,
      List<Map<String, Object>> messages,
      Example.ChatSettings settings,
      int[] ids,
      Rendering rendering) {
    this.tokenizer = tokenizer;
    this.messages = messages;
    this.settings = settings;
    this.ids = ids;
    this.rendering = rendering;
  }

  /** One for each id: 1 where the assistant speaks. */
  byte[] mask() throws RefusedRowException {
    byte[] mask = new byte[ids.length];
    for (int i = 0; i < messages.size(); i++) {
      if ("assistant".equals(messages.get(i).get("role"))) {
        int start = start(i);
        Arrays.fill(mask, start, Math.max(start, end(i, start)), (byte) 1);
      }
    }
    return mask;
  }

  private int start(int message) throws RefusedRowException {
    if (message > 0) {
      int[] before = rendering.ids(messages.subList(0, message), GenerationPrompt.ADDED);
      int same = ExampleTokenizer.alike(ids, before);
      if (same == before.length || same >= lengthWithoutOpening(message)) {
        // As TRL: what an opening says that the conversation does not is no part of the turn.
        return same;
      }
    }
    int content = contents().starts()[message];
    if (content < 0) {
      throw unmarked(
          message + 1,
          message == 0
              ? "nothing comes before it that could be rendered alone"
              : "what comes before it is rendered in another way without it");
    }
    return tokenAt(content);
  }

  /** Of the conversation before a message; more than any where it is no beginning of the whole. */
  private int lengthWithoutOpening(int message) {
    try {
      int[] closed = rendering.ids(messages.subList(0, message), GenerationPrompt.ABSENT);
      return ExampleTokenizer.alike(ids, closed) == closed.length
          ? closed.length
          : Integer.MAX_VALUE;
    } catch (RefusedRowException e) {
      return Integer.MAX_VALUE;
    }
  }

  private int end(int message, int start) throws RefusedRowException {
    if (message + 1 == messages.size()) {
      return ids.length;
    }
    int same = start;
    try {
      int[] with = rendering.ids(messages.subList(0, message + 1), GenerationPrompt.ABSENT);
      same = Math.max(start, ExampleTokenizer.alike(ids, with));
      if (same == with.length) {
        return same;
      }
    } catch (RefusedRowException e) {
      // Some templates refuse a conversation that ends here; its content still stands in the whole.
    }
    Contents found = contents();
    int content = found.ends()[message];
    int from = content < 0 ? same : Math.max(start, tokenAt(content));
    int limit = ids.length;
    for (int later = message + 1; later < messages.size(); later++) {
      if (found.starts()[later] >= 0) {
        limit = Math.max(from, tokenAt(found.starts()[later]));
        break;
      }
    }
    // What both renderings say behind the content is the turn's, such as a line end behind the
    // token that ends it.
    int ending = first(from, limit, tokenizer::isSpecial);
    if (ending < 0) {
      // Some files add the token that ends turns, and do not call it special.
      ending = first(from, limit, tokenizer::isAdded);
    }
    if (ending >= 0) {
      return Math.max(same, ending + 1);
    }
    if (content < 0) {
      throw unmarked(message + 1, "it is rendered in another way where more comes after it");
    }
    return Math.max(same, from);
  }

  /** The place of the first such token from one place to before another; -1 for none. */
  private int first(int from, int limit, IntPredicate token) {
    for (int i = from; i < limit; i++) {
      if (token.test(ids[i])) {
        return i;
      }
    }
    return -1;
  }

  /** The first token that a character belongs to, or that stands behind it. */
  private int tokenAt(int character) {
    Encoding encoding = contents.orElseThrow().encoding();
    for (int i = 0; i < ids.length; i++) {
      if (encoding.ends()[i] > character) {
        return i;
      }
    }
    return ids.length;
  }

  /** Renders the conversation with marks around its contents, and again without. */
  private Contents contents() {
    if (contents.isEmpty()) {
      contents = Optional.of(findContents());
    }
    return contents.get();
  }

  private Contents findContents() {
    String whole = render(messages);
    int[] starts = new int[messages.size()];
    int[] ends = new int[messages.size()];
    Arrays.fill(starts, -1);
    Arrays.fill(ends, -1);
    Encoding encoding = tokenizer.encodeWithOffsets(whole);
    Contents none = new Contents(starts, ends, encoding);
    List<Map<String, Object>> marked = new ArrayList<>();
    for (int i = 0; i < messages.size(); i++) {
      marked.add(marked(messages.get(i), i));
    }
    String rendered;
    try {
      rendered = render(marked);
    } catch (PlumblineException e) {
      if (ChatTemplate.wasStopped(e)) {
        throw e;
      }
      return none;
    }
    int[] letters = rendered.codePoints().toArray();
    StringBuilder plain = new StringBuilder();
    int at = 0;
    for (int letter : letters) {
      int mark = letter - FIRST_MARK;
      if (mark >= 0 && mark < 2 * messages.size()) {
        (mark % 2 == 0 ? starts : ends)[mark / 2] = at;
      } else {
        plain.appendCodePoint(letter);
        at++;
      }
    }
    if (!plain.toString().equals(whole)) {
      // The template makes something else of marked contents, so they tell nothing.
      Arrays.fill(starts, -1);
      Arrays.fill(ends, -1);
    }
    return none;
  }

  private String render(List<Map<String, Object>> all) {
    return tokenizer
        .render(
            new ChatRequest(all, settings.tools(), GenerationPrompt.ABSENT, settings.variables()))
        .text();
  }

  private static Map<String, Object> marked(Map<String, Object> message, int place) {
    Object content = message.get("content");
    if (!(content instanceof String text) || text.isBlank()) {
      return message;
    }
    // Templates trim contents, and cut reasoning off by its end.
    int from = text.lastIndexOf(REASONING_END);
    from = from < 0 ? 0 : from + REASONING_END.length();
    while (from < text.length() && Character.isWhitespace(text.charAt(from))) {
      from++;
    }
    int to = text.length();
    while (to > from && Character.isWhitespace(text.charAt(to - 1))) {
      to--;
    }
    Map<String, Object> result = new LinkedHashMap<>(message);
    result.put(
        "content",
        text.substring(0, from)
            + Character.toString(FIRST_MARK + 2 * place)
            + text.substring(from, to)
            + Character.toString(FIRST_MARK + 2 * place + 1)
            + text.substring(to));
    return result;
  }

  private static RefusedRowException unmarked(int message, String why) {
    return new RefusedRowException(
        RefusalReason.TEMPLATE_ERROR,
        "the chat template does not mark the assistant's turns with {% generation %}, and where"
            + " message "
            + message
            + " stands cannot be told, as "
            + why
            + "; give the model a template that marks them");
  }
}
