package io.plumbline.data;

import io.plumbline.error.PlumblineException;
import io.plumbline.text.ChatRequest;
import io.plumbline.text.ChatTemplate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Messages as one chat template can take them. What a template knows is found out by rendering
 * short conversations:
 *
 * <ul>
 *   <li>A role that it knows stays. Another is given the name that it has for the same, such as
 *       {@code tool} for {@code observation}. One that means nothing to it is refused: most
 *       templates would write the name down as any other text, and a model would learn that.
 *   <li>A message or a call of a tool that it leaves out is refused.
 *   <li>Text that comes in parts is put together where it cannot read parts.
 * </ul>
 *
 * <p>Not safe for several threads.
 */
public final class TemplateMessages {
  /** What a rendering is searched for. No template changes it. */
  private static final String MARK = "Qzx7probe";

  private static final String OTHER_MARK = "Qzx8probe";

  /** A role that no template knows. */
  private static final String INVENTED = "qzxrole";

  private static final List<String> STANDARD = List.of("system", "user", "assistant", "tool");

  /** What means the same, in the order in which it is tried. */
  private static final Map<String, List<String>> ALIKE =
      Map.of(
          "tool", List.of("tool", "observation", "ipython", "function"),
          "observation", List.of("tool", "ipython", "function"),
          "ipython", List.of("tool", "observation", "function"),
          "function", List.of("tool", "observation", "ipython"),
          "tool_response", List.of("tool", "observation", "ipython", "function"),
          "function_response", List.of("tool", "observation", "ipython", "function"),
          "developer", List.of("system"),
          "model", List.of("assistant"),
          "bot", List.of("assistant"),
          "chatbot", List.of("assistant"));

  private enum Shown {
    /** What the message says is in the text. */
    YES,
    /** The template takes the conversation and leaves the message out. */
    NO,
    /** The template takes no such conversation. */
    REFUSED
  }

  private final Optional<ChatTemplate> template;
  private final Map<String, String> names = new HashMap<>();
  private final Map<String, String> refused = new HashMap<>();
  private Optional<Shown> toolCalls = Optional.empty();
  private Optional<Boolean> parts = Optional.empty();

  /**
   * @param template that renders the conversations; without one every message stays as it is
   */
  public TemplateMessages(Optional<ChatTemplate> template) {
    this.template = template;
  }

  /**
   * The messages that a column of data holds, for the template.
   *
   * @param column for sentences
   */
  public List<Map<String, Object>> read(Object value, String column) throws RefusedRowException {
    return ready(RowMessages.read(value, column));
  }

  /** The messages for the template; refuses those that it would lose or learn as text. */
  public List<Map<String, Object>> ready(List<Map<String, Object>> messages)
      throws RefusedRowException {
    List<Map<String, Object>> ready = new ArrayList<>(messages.size());
    for (Map<String, Object> message : messages) {
      ready.add(ready(message));
    }
    return ready;
  }

  private Map<String, Object> ready(Map<String, Object> message) throws RefusedRowException {
    String role = String.valueOf(message.get("role"));
    String name = name(role);
    if (message.get("tool_calls") instanceof List<?> calls && !calls.isEmpty()) {
      requireToolCalls();
    }
    boolean joined = message.get("content") instanceof List && !readsParts();
    if (name.equals(role) && !joined && !message.containsKey(RowMessages.WEIGHT)) {
      return message;
    }
    Map<String, Object> ready = new LinkedHashMap<>(message);
    ready.put("role", name);
    ready.remove(RowMessages.WEIGHT);
    if (joined) {
      ready.put("content", joined((List<?>) message.get("content")));
    }
    return ready;
  }

  /** Whether messages of this role are the assistant's. */
  boolean isAssistant(Map<String, Object> message) throws RefusedRowException {
    return "assistant".equals(name(String.valueOf(message.get("role"))));
  }

  private String name(String role) throws RefusedRowException {
    if (template.isEmpty()) {
      return role;
    }
    String known = names.get(role);
    if (known != null) {
      return known;
    }
    if (!refused.containsKey(role)) {
      Optional<String> found = found(role);
      if (found.isPresent()) {
        names.put(role, found.get());
        return found.get();
      }
    }
    throw new RefusedRowException(RefusalReason.UNKNOWN_ROLE, refused.get(role));
  }

  private Optional<String> found(String role) {
    String lower = role.toLowerCase(Locale.ROOT);
    if (STANDARD.contains(lower) && !lower.equals("tool")) {
      // What a template says to a role that it refuses stands in its own message.
      return kept(role, lower);
    }
    if (!STANDARD.contains(lower) && knows(role)) {
      return Optional.of(role);
    }
    for (String other : ALIKE.getOrDefault(lower, List.of())) {
      boolean shown = STANDARD.contains(other) ? shown(other) == Shown.YES : knows(other);
      if (shown) {
        return Optional.of(other);
      }
    }
    if (STANDARD.contains(lower)) {
      return kept(role, lower);
    }
    refused.put(
        role,
        "a message has the role "
            + role
            + ", which the chat template does not know and would write as text; name it system,"
            + " user, assistant or tool");
    return Optional.empty();
  }

  private Optional<String> kept(String role, String name) {
    if (shown(name) == Shown.NO) {
      refused.put(role, "the chat template leaves out messages of the role " + role);
      return Optional.empty();
    }
    return Optional.of(name);
  }

  /** Whether a template treats a role in another way than one that nobody ever used. */
  private boolean knows(String role) {
    for (List<Map<String, Object>> conversation : conversations(role)) {
      Optional<String> text = rendered(conversation);
      if (text.isPresent() && text.get().contains(MARK)) {
        List<Map<String, Object>> invented = new ArrayList<>();
        for (Map<String, Object> message : conversation) {
          invented.add(
              message.get("role").equals(role) ? with(message, "role", INVENTED) : message);
        }
        return !rendered(invented).map(rendering -> rendering.replace(INVENTED, role)).equals(text);
      }
    }
    return false;
  }

  private Shown shown(String role) {
    Shown shown = Shown.REFUSED;
    for (List<Map<String, Object>> conversation : conversations(role)) {
      Optional<String> text = rendered(conversation);
      if (text.isPresent()) {
        if (text.get().contains(MARK)) {
          return Shown.YES;
        }
        shown = Shown.NO;
      }
    }
    return shown;
  }

  /** Conversations in which a message of a role says {@link #MARK}. */
  private static List<List<Map<String, Object>>> conversations(String role) {
    Map<String, Object> marked = said(role, MARK);
    Map<String, Object> user = said("user", "Hello.");
    Map<String, Object> assistant = said("assistant", "Yes.");
    if (role.equals("user")) {
      return List.of(List.of(marked), List.of(marked, assistant));
    }
    if (role.equals("assistant")) {
      return List.of(List.of(user, marked));
    }
    if (role.equals("system")) {
      return List.of(List.of(marked, user), List.of(marked, user, assistant));
    }
    Map<String, Object> result = with(with(marked, "name", "look"), "tool_call_id", "call12345");
    return List.of(
        List.of(user, call("look"), result),
        List.of(user, call("look"), result, assistant),
        List.of(user, assistant, marked),
        List.of(user, marked),
        List.of(marked, user));
  }

  private static Map<String, Object> said(String role, String text) {
    Map<String, Object> message = new LinkedHashMap<>();
    message.put("role", role);
    message.put("content", text);
    return message;
  }

  private static Map<String, Object> with(Map<String, Object> message, String field, Object value) {
    Map<String, Object> other = new LinkedHashMap<>(message);
    other.put(field, value);
    return other;
  }

  private static Map<String, Object> call(String name) {
    Map<String, Object> function = new LinkedHashMap<>();
    function.put("name", name);
    function.put("arguments", Map.of());
    Map<String, Object> call = new LinkedHashMap<>();
    call.put("id", "call12345");
    call.put("type", "function");
    call.put("function", function);
    return with(said("assistant", ""), "tool_calls", List.of(call));
  }

  private void requireToolCalls() throws RefusedRowException {
    if (template.isEmpty()) {
      return;
    }
    if (toolCalls.isEmpty()) {
      Shown shown = Shown.REFUSED;
      Map<String, Object> user = said("user", "Hello.");
      for (List<Map<String, Object>> conversation :
          List.of(
              List.of(user, call(MARK)),
              List.of(user, call(MARK), with(said("tool", "1"), "tool_call_id", "call12345")))) {
        Optional<String> text = rendered(conversation);
        if (text.isPresent() && shown != Shown.YES) {
          shown = text.get().contains(MARK) ? Shown.YES : Shown.NO;
        }
      }
      toolCalls = Optional.of(shown);
    }
    if (toolCalls.get() == Shown.NO) {
      throw new RefusedRowException(
          RefusalReason.UNKNOWN_ROLE,
          "a message calls a tool, and the chat template leaves out calls of tools");
    }
  }

  /** Whether the template leaves out the tools that it is given. */
  public boolean hidesTools() {
    if (template.isEmpty()) {
      return true;
    }
    Map<String, Object> function = new LinkedHashMap<>();
    function.put("name", MARK);
    function.put("description", "Looks.");
    function.put("parameters", Map.of("type", "object", "properties", Map.of()));
    Map<String, Object> tool = new LinkedHashMap<>();
    tool.put("type", "function");
    tool.put("function", function);
    return rendered(List.of(said("user", "Hello.")), Optional.of(List.of(tool)))
        .filter(text -> !text.contains(MARK))
        .isPresent();
  }

  private boolean readsParts() {
    if (parts.isEmpty()) {
      List<Object> two =
          List.of(Map.of("type", "text", "text", MARK), Map.of("type", "text", "text", OTHER_MARK));
      Optional<String> text = rendered(List.of(with(said("user", ""), "content", two)));
      parts =
          Optional.of(
              template.isEmpty()
                  || text.filter(
                          source ->
                              source.contains(MARK)
                                  && source.contains(OTHER_MARK)
                                  // Python's and JSON's way to write the list itself.
                                  && !source.contains("'type'")
                                  && !source.contains("\"type\""))
                      .isPresent());
    }
    return parts.get();
  }

  private static String joined(List<?> parts) {
    StringBuilder text = new StringBuilder();
    for (Object part : parts) {
      text.append(part instanceof Map<?, ?> fields ? fields.get("text") : part);
    }
    return text.toString();
  }

  private Optional<String> rendered(List<Map<String, Object>> messages) {
    return rendered(messages, Optional.empty());
  }

  private Optional<String> rendered(
      List<Map<String, Object>> messages, Optional<List<Object>> tools) {
    try {
      return template.map(
          template ->
              template
                  .render(
                      new ChatRequest(
                          messages, tools, ChatRequest.GenerationPrompt.ABSENT, Map.of()))
                  .text());
    } catch (PlumblineException e) {
      if (ChatTemplate.wasStopped(e)) {
        throw e; // What the template knows is not told by it, and would be remembered.
      }
      return Optional.empty();
    }
  }
}
