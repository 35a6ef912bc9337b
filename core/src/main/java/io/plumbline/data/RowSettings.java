package io.plumbline.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.plumbline.data.Example.ChatSettings;
import io.plumbline.text.TemplateSettings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The columns of a row that are handed to the chat template. */
final class RowSettings {
  private RowSettings() {}

  static ChatSettings of(Map<String, Object> row) throws RefusedRowException {
    Object tools = row.get("tools");
    if (tools instanceof String none && none.isBlank()) {
      tools = null;
    }
    if (tools instanceof String json) {
      // As TRL: a table may carry the tools as JSON text, where they have no common schema.
      try {
        tools = JsonRows.value(json);
      } catch (JsonProcessingException e) {
        throw new RefusedRowException(
            RefusalReason.WRONG_TYPE, "tools is text that is not JSON: " + e.getOriginalMessage());
      }
    }
    if (tools != null && !(tools instanceof List)) {
      throw new RefusedRowException(
          RefusalReason.WRONG_TYPE, "tools is " + Values.type(tools) + ", not a list");
    }
    Values.requireUnbrokenDeeply(tools, "tools");
    Map<String, Object> variables = new LinkedHashMap<>();
    Object given = row.get("chat_template_kwargs");
    if (given instanceof Map<?, ?> map) {
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        String name = String.valueOf(entry.getKey());
        if (TemplateSettings.RESERVED.contains(name)) {
          throw new RefusedRowException(
              RefusalReason.WRONG_TYPE, "chat_template_kwargs may not set " + name);
        }
        variables.put(name, entry.getValue());
      }
      Values.requireUnbrokenDeeply(given, "chat_template_kwargs");
    } else if (given != null) {
      throw new RefusedRowException(
          RefusalReason.WRONG_TYPE,
          "chat_template_kwargs is " + Values.type(given) + ", not an object");
    }
    Optional<List<Object>> toolList = Optional.empty();
    if (tools instanceof List<?> list) {
      toolList = Optional.of(new ArrayList<>(list));
    }
    return new ChatSettings(toolList, variables);
  }
}
