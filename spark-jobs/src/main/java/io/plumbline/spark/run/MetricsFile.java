package io.plumbline.spark.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads {@code metrics.jsonl}: one object a step. */
public final class MetricsFile {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  private MetricsFile() {}

  /**
   * The numbers of each line, by name, in the file's order. A null stands for a number that was not
   * finite, and is NaN; other values that are no numbers are left out. A run that resumed writes
   * steps again: the later line of a step wins.
   *
   * @throws PlumblineException BAD_DATA where a line that another follows is not a JSON object; a
   *     broken last line is a run that was stopped while it wrote, and is left out
   */
  public static List<Map<String, Double>> read(Storage storage, String path) {
    return parse(storage.readText(path), path);
  }

  static List<Map<String, Double>> parse(String text, String path) {
    List<String> lines = text.lines().toList();
    Map<Double, Map<String, Double>> byStep = new LinkedHashMap<>();
    List<Map<String, Double>> withoutStep = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).isBlank()) {
        continue;
      }
      JsonNode node;
      try {
        node = JSON.readTree(lines.get(i));
      } catch (JsonProcessingException e) {
        if (i == lines.size() - 1) {
          break;
        }
        throw notAnObject(path, i + 1, e);
      }
      if (!node.isObject()) {
        throw notAnObject(path, i + 1, null);
      }
      Map<String, Double> numbers = new LinkedHashMap<>();
      node.properties()
          .forEach(
              field -> {
                if (field.getValue().isNumber()) {
                  numbers.put(field.getKey(), field.getValue().doubleValue());
                } else if (field.getValue().isNull()) {
                  numbers.put(field.getKey(), Double.NaN);
                }
              });
      Double step = numbers.get("step");
      if (step == null) {
        withoutStep.add(numbers);
      } else {
        // Training and evaluation may write a line each for one step; a resumed run repeats both.
        byStep.computeIfAbsent(step, s -> new LinkedHashMap<>()).putAll(numbers);
      }
    }
    List<Map<String, Double>> steps = new ArrayList<>(byStep.values());
    steps.sort((a, b) -> Double.compare(a.get("step"), b.get("step")));
    if (steps.isEmpty()) {
      for (int i = 0; i < withoutStep.size(); i++) {
        withoutStep.get(i).put("step", i + 1.0);
      }
      return withoutStep;
    }
    return steps;
  }

  private static PlumblineException notAnObject(String path, int line, Throwable cause) {
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        "Line "
            + line
            + " of "
            + path
            + " is not a JSON object; remove the line, or name a metrics.jsonl that a run wrote.",
        cause);
  }
}
