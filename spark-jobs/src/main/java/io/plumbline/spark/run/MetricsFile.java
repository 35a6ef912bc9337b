package io.plumbline.spark.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads {@code metrics.jsonl}: one object a step. */
public final class MetricsFile {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  /** A chart has fewer points, and a driver's heap room for more. */
  private static final int MOST_STEPS = 10_000;

  private MetricsFile() {}

  /**
   * The numbers of each line, by name, in the file's order. A null stands for a number that was not
   * finite, and is NaN; other values that are no numbers are left out. A run that resumed writes
   * steps again: the later line of a step wins. Of a long run, steps at equal distances and all
   * that have an evaluation.
   *
   * @throws PlumblineException BAD_DATA where a line that another follows is not a JSON object; a
   *     broken last line is a run that was stopped while it wrote, and is left out
   */
  public static List<Map<String, Double>> read(Storage storage, String path) {
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(storage.open(path), StandardCharsets.UTF_8))) {
      return read(lines, path, MOST_STEPS);
    } catch (IOException e) {
      throw new PlumblineException(
          ErrorCode.STORAGE_FAILED,
          path + " could not be read: " + e.getMessage() + "; check that it is there.",
          e);
    }
  }

  /** Of the steps without an evaluation at most so many stay, at equal distances. */
  static List<Map<String, Double>> read(BufferedReader lines, String path, int mostSteps)
      throws IOException {
    Map<Double, Map<String, Double>> byStep = new HashMap<>();
    List<Map<String, Double>> withoutStep = new ArrayList<>();
    long stride = 1;
    double newest = -1;
    String line = lines.readLine();
    for (long number = 1; line != null; number++) {
      String next = lines.readLine();
      Optional<Map<String, Double>> read =
          line.isBlank() ? Optional.empty() : numbers(line, path, number, next == null);
      line = next;
      if (read.isEmpty()) {
        continue;
      }
      Map<String, Double> numbers = read.get();
      Double step = numbers.get("step");
      if (step == null) {
        withoutStep.add(numbers);
        continue;
      }
      // Training and evaluation may write a line each for one step; a resumed run repeats both.
      byStep.computeIfAbsent(step, s -> new LinkedHashMap<>()).putAll(numbers);
      // A step that is passed over stays until the next one comes: it may be the last.
      Map<String, Double> before = byStep.get(newest);
      if (newest != step && before != null && isPassedOver(before, stride)) {
        byStep.remove(newest);
      }
      newest = step;
      if (byStep.size() > 2L * mostSteps) {
        stride *= 2;
        long every = stride;
        byStep
            .values()
            .removeIf(one -> one.get("step") < numbers.get("step") && isPassedOver(one, every));
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

  private static boolean isPassedOver(Map<String, Double> line, long stride) {
    return line.get("step") % stride != 0 && !line.containsKey("eval_runtime");
  }

  /** Empty where a last line is broken. */
  private static Optional<Map<String, Double>> numbers(
      String line, String path, long number, boolean last) {
    JsonNode node;
    try {
      node = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      if (last) {
        return Optional.empty();
      }
      throw notAnObject(path, number, e);
    }
    if (!node.isObject()) {
      throw notAnObject(path, number, null);
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
    return Optional.of(numbers);
  }

  private static PlumblineException notAnObject(String path, long line, Throwable cause) {
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
