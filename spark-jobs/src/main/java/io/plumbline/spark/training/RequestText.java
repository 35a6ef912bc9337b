package io.plumbline.spark.training;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.RecordComponent;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/** A request as names and values, for run.json, the report and messages. */
final class RequestText {
  /** What may change when a run goes on. */
  private static final Set<String> DECIDE_NO_UPDATE =
      Set.of(
          "start",
          "ranks",
          "threadsPerRank",
          "output",
          "referenceCache",
          "microBatchSize",
          "microBatchTokens",
          "evalData",
          "evalSteps",
          "saveSteps",
          "saveDtype",
          "keepCheckpoints",
          "atMost",
          "atMostShare",
          "badSteps",
          "metric",
          "better",
          "patience",
          "threshold");

  /** Settings whose options are called otherwise. */
  private static final Map<String, String> OPTIONS =
      Map.ofEntries(
          Map.entry("weights", "data"),
          Map.entry("lossTypes", "loss-type"),
          Map.entry("referenceModel", "reference-free"),
          Map.entry("weighting", "use-weighting"),
          Map.entry("schedule", "lr-scheduler"),
          Map.entry("beta1", "adam-beta1"),
          Map.entry("beta2", "adam-beta2"),
          Map.entry("epsilon", "adam-epsilon"),
          Map.entry("truncation", "truncation-mode"),
          Map.entry("rowOrder", "no-shuffle"));

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
      } else if (value instanceof Optional<?> optional
          && optional.isPresent()
          && optional.get() instanceof Record record) {
        values.put(component.getName(), record.toString());
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

  /** The options that differ and decide updates, for a sentence. */
  static String difference(ObjectNode earlier, ObjectNode now) {
    Set<String> names = new LinkedHashSet<>();
    now.fieldNames().forEachRemaining(names::add);
    earlier.fieldNames().forEachRemaining(names::add);
    names.removeAll(DECIDE_NO_UPDATE);
    Set<String> options = new LinkedHashSet<>();
    for (String name : names) {
      // As text: what was read from a file has other types of numbers.
      if (!String.valueOf(earlier.get(name)).equals(String.valueOf(now.get(name)))) {
        options.add(option(name));
      }
    }
    return options.isEmpty() ? "content of the model or the data" : String.join(", ", options);
  }

  /** How a setting is written on the command line. */
  private static String option(String name) {
    return "--"
        + OPTIONS.getOrDefault(name, name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT));
  }
}
