package io.plumbline.spark.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/** A request as names and values, for run.json, the report and messages. */
final class RequestText {
  private RequestText() {}

  /** Every setting by its name, nested records flattened, absent ones left out. */
  static Map<String, Object> of(TrainingRequest request) {
    Map<String, Object> values = new LinkedHashMap<>();
    flatten(request, values);
    return values;
  }

  private static void flatten(Record settings, Map<String, Object> values) {
    for (RecordComponent component : settings.getClass().getRecordComponents()) {
      Object value;
      try {
        value = component.getAccessor().invoke(settings);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("records can be read", e);
      }
      if (value instanceof Record nested) {
        flatten(nested, values);
      } else if (value instanceof Optional<?> optional) {
        optional.ifPresent(present -> values.put(component.getName(), present));
      } else if (value instanceof OptionalInt optional) {
        optional.ifPresent(present -> values.put(component.getName(), present));
      } else if (value instanceof OptionalLong optional) {
        optional.ifPresent(present -> values.put(component.getName(), present));
      } else {
        values.put(component.getName(), value instanceof Enum<?> e ? e.name() : value);
      }
    }
  }

  /** Names of the settings that differ, for a sentence. */
  static String difference(ObjectNode earlier, Map<String, Object> now) {
    List<String> names = new ArrayList<>();
    now.forEach(
        (name, value) -> {
          JsonNode old = earlier.get(name);
          if (old != null && !old.isContainerNode() && !old.asText().equals(value.toString())) {
            names.add(name);
          }
        });
    names.removeAll(List.of("start", "ranks", "threadsPerRank", "output"));
    return names.isEmpty()
        ? "model or data content"
        : names.stream().collect(Collectors.joining(", "));
  }
}
