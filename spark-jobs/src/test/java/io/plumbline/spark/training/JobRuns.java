package io.plumbline.spark.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.checkpoint.SafetensorsFile;
import io.plumbline.spark.training.rank.MetricLine;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** What tests of whole jobs look at, and TRL's runs that they compare with. */
final class JobRuns {
  private static final ObjectMapper JSON = new ObjectMapper();

  private JobRuns() {}

  /** The small Llama with its tokenizer, as one directory. */
  static Path llama(Path directory) throws IOException {
    Path model = Files.createDirectory(directory.resolve("llama"));
    for (String source : List.of("models/llama", "tokenizer")) {
      try (Stream<Path> files = Files.list(Fixtures.golden(source))) {
        for (Path file : files.toList()) {
          Files.copy(file, model.resolve(file.getFileName()));
        }
      }
    }
    return model;
  }

  static Path golden(String data) {
    return Fixtures.golden("traj/" + data);
  }

  static JsonNode log(String trajectory) throws IOException {
    return JSON.readTree(golden(trajectory + "/log.json").toFile()).get("steps");
  }

  static void followsTrl(TrainingOutcome outcome, String trajectory, int steps) throws IOException {
    List<Map<String, Double>> lines = lines(outcome);
    JsonNode expected = log(trajectory);
    assertThat(lines).hasSize(steps);
    for (int i = 0; i < steps; i++) {
      for (String metric :
          List.of(
              "loss",
              "grad_norm",
              "learning_rate",
              "rewards/chosen",
              "rewards/rejected",
              "rewards/margins",
              "rewards/accuracies",
              "logps/chosen",
              "logps/rejected",
              "num_tokens")) {
        follows(lines.get(i), expected.get(i), metric);
      }
    }
    assertThat(lines.get(0).get("rewards/margins")).isCloseTo(0.0, within(1e-5));
  }

  static void follows(Map<String, Double> line, JsonNode step, String metric) {
    double expected = step.get(metric).asDouble();
    assertThat(line.get(metric))
        .as("%s of step %s", metric, step.get("step"))
        .isCloseTo(expected, within(1e-4 * Math.abs(expected) + 1e-5));
  }

  static List<Map<String, Double>> lines(TrainingOutcome outcome) throws IOException {
    List<Map<String, Double>> lines = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of(outcome.files().metrics()))) {
      lines.add(MetricLine.read(line));
    }
    return lines;
  }

  static List<Map<String, Double>> withoutTimings(List<Map<String, Double>> lines) {
    List<Map<String, Double>> kept = new ArrayList<>();
    for (Map<String, Double> line : lines) {
      Map<String, Double> copy = new LinkedHashMap<>(line);
      copy.keySet().removeAll(Set.of("tokens_per_second", "step_time", "eval_runtime"));
      kept.add(copy);
    }
    return kept;
  }

  static Map<String, List<Float>> weights(Path output) {
    return weights(output.resolve("checkpoint/model.safetensors").toString());
  }

  static Map<String, List<Float>> weights(String path) {
    SafetensorsFile file = SafetensorsFile.open(Storage.local(), path);
    Map<String, List<Float>> weights = new LinkedHashMap<>();
    file.tensors()
        .forEach(
            (name, tensor) -> {
              FloatBuffer values = FloatBuffer.allocate((int) tensor.elements());
              file.read(name, values);
              List<Float> list = new ArrayList<>();
              for (float value : values.array()) {
                list.add(value);
              }
              weights.put(name, list);
            });
    return weights;
  }

  static double largestDifference(TrainingOutcome outcome, String golden) {
    Map<String, List<Float>> actual = weights(outcome.files().checkpoint() + "/model.safetensors");
    Map<String, List<Float>> expected = weights(Fixtures.golden(golden).toString());
    assertThat(actual.keySet()).containsExactlyInAnyOrderElementsOf(expected.keySet());
    double largest = 0;
    for (String name : expected.keySet()) {
      for (int i = 0; i < expected.get(name).size(); i++) {
        largest = Math.max(largest, Math.abs(expected.get(name).get(i) - actual.get(name).get(i)));
      }
    }
    return largest;
  }

  static JsonNode record(TrainingOutcome outcome) throws IOException {
    return JSON.readTree(Path.of(outcome.files().runRecord()).toFile());
  }
}
