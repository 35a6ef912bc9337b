package io.plumbline.spark.publish;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.base.Json;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.apache.hadoop.fs.Path;

/** What an evaluation.json says about held-out preferences, by model. */
final class EvaluationFile {
  private final Storage storage;
  private final String path;
  private final Map<String, JsonNode> policies = new LinkedHashMap<>();

  private EvaluationFile(Storage storage, String path) {
    this.storage = storage;
    this.path = path;
  }

  static EvaluationFile read(Storage storage, String path) {
    if (!storage.exists(path)) {
      throw new PlumblineException(
          ErrorCode.INPUT_NOT_FOUND,
          "There is no "
              + path
              + ": run evaluate first, and name the evaluation.json in its output.");
    }
    JsonNode json;
    try {
      json = Json.MAPPER.readTree(storage.readText(path));
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA, path + " is not JSON: name the evaluation.json of evaluate.", e);
    }
    EvaluationFile evaluation = new EvaluationFile(storage, path);
    for (JsonNode policy : json.path("policies")) {
      evaluation.policies.put(
          identity(storage, policy.path("model").asText()), policy.path("preferences"));
    }
    if (evaluation.policies.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA, path + " has no policies: name the evaluation.json of evaluate.");
    }
    return evaluation;
  }

  boolean holds(String model) {
    return policies.containsKey(identity(storage, model));
  }

  /**
   * The scores of a model.
   *
   * @throws PlumblineException BAD_DATA where it was not evaluated, or not on preferences
   */
  HeldOutScores scores(String model, ComparedMetric metric) {
    JsonNode preferences =
        Optional.ofNullable(policies.get(identity(storage, model)))
            .orElseThrow(
                () ->
                    new PlumblineException(
                        ErrorCode.BAD_DATA,
                        String.format(
                            "%s has no policy %s, only %s: name the model that was evaluated.",
                            path, model, new TreeSet<>(policies.keySet()))));
    HeldOutScores scores = HeldOutScores.read(preferences);
    if (!Double.isFinite(metric.of(scores))) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          String.format(
              "%s says nothing of the %s of %s on held-out preferences: run evaluate with --data.",
              path, metric.word(), model));
    }
    return scores;
  }

  /** One text for one directory, however it is written. */
  static String identity(Storage storage, String path) {
    URI uri = new Path(storage.absolute(path)).toUri();
    return uri.getScheme() == null || uri.getScheme().equals("file")
        ? uri.getPath()
        : uri.toString();
  }
}
