package io.plumbline.spark.tracking;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.spark.tracking.TrackingFailure.Kind;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.mlflow.api.proto.Service.CreateRun;
import org.mlflow.api.proto.Service.Experiment;
import org.mlflow.api.proto.Service.Metric;
import org.mlflow.api.proto.Service.Param;
import org.mlflow.api.proto.Service.Run;
import org.mlflow.api.proto.Service.RunInfo;
import org.mlflow.api.proto.Service.RunStatus;
import org.mlflow.api.proto.Service.RunTag;

/**
 * One run at a server. What it has is asked for once, so that everything here can be repeated: a
 * metric of a step is sent once, whoever sent it before.
 */
final class MlflowRun {
  /** The tag by which a run is found again. */
  static final String KEY_TAG = "plumbline.tracking_key";

  /** MLflow's limits of one batch. */
  private static final int METRICS_PER_CALL = 1000;

  private static final int OTHERS_PER_CALL = 100;

  private final MlflowServer server;
  private final RunInfo info;
  private final Map<String, String> parameters = new HashMap<>();
  private final Map<String, BitSet> sent = new HashMap<>();

  private MlflowRun(MlflowServer server, RunInfo info) {
    this.server = server;
    this.info = info;
  }

  /**
   * The run that a record tells of, made where the server has none.
   *
   * @param tags of a run that is made
   * @param started when it began, in milliseconds since 1970
   */
  static MlflowRun open(
      MlflowServer server,
      TrackingSettings settings,
      TrackingRecord record,
      Map<String, String> tags,
      long started)
      throws TrackingFailure {
    String experiment = experiment(server, settings.experiment());
    Optional<String> id =
        record.runId().isEmpty()
            ? server
                .call(
                    client ->
                        client.searchRuns(
                            List.of(experiment),
                            "tags.`%s` = '%s'".formatted(KEY_TAG, record.key())))
                .stream()
                .findFirst()
                .map(RunInfo::getRunId)
            : Optional.of(record.runId());
    if (id.isEmpty()) {
      CreateRun.Builder wanted =
          CreateRun.newBuilder()
              .setExperimentId(experiment)
              .setRunName(settings.run())
              .setStartTime(started);
      tags.forEach((name, value) -> wanted.addTags(tag(name, value)));
      wanted.addTags(tag(KEY_TAG, record.key()));
      return new MlflowRun(server, server.call(client -> client.createRun(wanted.build())));
    }
    Run found = server.call(client -> client.getRun(id.get()));
    if (found.getInfo().getLifecycleStage().equals("deleted")) {
      throw new TrackingFailure(
          Kind.REFUSED,
          "run %s was deleted there: restore it, or delete tracking.json for a new one"
              .formatted(id.get()),
          null);
    }
    MlflowRun run = new MlflowRun(server, found.getInfo());
    found.getData().getParamsList().forEach(p -> run.parameters.put(p.getKey(), p.getValue()));
    for (Metric newest : found.getData().getMetricsList()) {
      server
          .call(client -> client.getMetricHistory(id.get(), newest.getKey()))
          .forEach(point -> run.steps(point.getKey()).set((int) point.getStep()));
    }
    return run;
  }

  private static String experiment(MlflowServer server, String name) throws TrackingFailure {
    Optional<Experiment> found = server.call(client -> client.getExperimentByName(name));
    if (found.isEmpty()) {
      try {
        return server.call(client -> client.createExperiment(name));
      } catch (TrackingFailure e) {
        // Another run may have made it at the same moment.
        found = server.call(client -> client.getExperimentByName(name));
        if (found.isEmpty()) {
          throw e;
        }
      }
    }
    if (found.get().getLifecycleStage().equals("deleted")) {
      throw new TrackingFailure(
          Kind.REFUSED,
          "experiment %s was deleted there: restore it, or name another by --mlflow-experiment"
              .formatted(name),
          null);
    }
    return found.get().getExperimentId();
  }

  String id() {
    return info.getRunId();
  }

  String experimentId() {
    return info.getExperimentId();
  }

  /** Parameters are written once; what differs in a run that is resumed becomes a tag. */
  void parameters(Map<String, String> values) throws TrackingFailure {
    List<Param> absent = new ArrayList<>();
    Map<String, String> changed = new HashMap<>();
    values.forEach(
        (name, given) -> {
          String key = MlflowNames.of(name);
          String value = MlflowNames.parameter(given);
          String there = parameters.get(key);
          if (there == null) {
            absent.add(Param.newBuilder().setKey(key).setValue(value).build());
          } else if (!there.equals(value)) {
            changed.put("plumbline.resumed." + key, value);
          }
        });
    for (List<Param> some : parts(absent, OTHERS_PER_CALL)) {
      batch(List.of(), some, List.of());
      some.forEach(param -> parameters.put(param.getKey(), param.getValue()));
    }
    tags(changed);
  }

  void tags(Map<String, String> values) throws TrackingFailure {
    List<RunTag> tags = new ArrayList<>();
    values.forEach((name, value) -> tags.add(tag(name, value)));
    for (List<RunTag> some : parts(tags, OTHERS_PER_CALL)) {
      batch(List.of(), List.of(), some);
    }
  }

  /** Sends what the server lacks of these lines, a line of a run's metrics each. */
  void metrics(List<MetricPoints> lines) throws TrackingFailure {
    List<Metric> lacking = new ArrayList<>();
    Map<String, BitSet> among = new HashMap<>();
    for (MetricPoints line : lines) {
      line.values()
          .forEach(
              (name, value) -> {
                String key = MlflowNames.of(name);
                int step = Math.toIntExact(line.step());
                BitSet taken = among.computeIfAbsent(key, k -> new BitSet());
                if (!name.equals(MetricPoints.STEP) && !steps(key).get(step) && !taken.get(step)) {
                  taken.set(step);
                  lacking.add(
                      Metric.newBuilder()
                          .setKey(key)
                          .setValue(value)
                          .setTimestamp(line.millis())
                          .setStep(line.step())
                          .build());
                }
              });
    }
    for (List<Metric> some : parts(lacking, METRICS_PER_CALL)) {
      batch(some, List.of(), List.of());
      some.forEach(metric -> steps(metric.getKey()).set((int) metric.getStep()));
    }
  }

  /** Steps of these lines of which the server lacks something. */
  long lacking(List<MetricPoints> lines) {
    return lines.stream()
        .filter(
            line ->
                line.values().keySet().stream()
                    .anyMatch(
                        name ->
                            !name.equals(MetricPoints.STEP)
                                && !steps(MlflowNames.of(name)).get((int) line.step())))
        .map(MetricPoints::step)
        .distinct()
        .count();
  }

  private BitSet steps(String key) {
    return sent.computeIfAbsent(key, k -> new BitSet());
  }

  private void batch(List<Metric> metrics, List<Param> params, List<RunTag> tags)
      throws TrackingFailure {
    server.call(
        client -> {
          client.logBatch(id(), metrics, params, tags);
          return null;
        });
  }

  /** Sends a file; one of the same name is replaced. */
  void artifact(Storage storage, String file, String name) throws TrackingFailure {
    server.put(storage, file, info.getArtifactUri(), name);
  }

  /** Where a file or directory of the run is at the server. */
  String artifactUri(String name) {
    return info.getArtifactUri() + "/" + name;
  }

  /**
   * Gives a model of the registry a version; one that this run has given it before is used again,
   * with its tags brought up to date.
   *
   * @param source where the checkpoint is
   * @return the version
   */
  String modelVersion(String model, String source, Map<String, String> tags)
      throws TrackingFailure {
    try {
      server.post("registered-models/create", Json.MAPPER.createObjectNode().put("name", model));
    } catch (TrackingFailure e) {
      // It is usually there; whatever else is wrong shows in the next call.
      if (e.kind() == Kind.AWAY) {
        throw e;
      }
    }
    Optional<String> version =
        server
            .call(client -> client.searchModelVersions("run_id = '%s'".formatted(id())))
            .getItems()
            .stream()
            .filter(v -> v.getName().equals(model))
            .map(v -> v.getVersion())
            .findFirst();
    if (version.isPresent()) {
      for (Map.Entry<String, String> tag : tags.entrySet()) {
        server.post(
            "model-versions/set-tag", named(tag).put("name", model).put("version", version.get()));
      }
      return version.get();
    }
    ObjectNode wanted =
        Json.MAPPER.createObjectNode().put("name", model).put("source", source).put("run_id", id());
    ArrayNode list = wanted.putArray("tags");
    tags.entrySet().forEach(tag -> list.add(named(tag)));
    JsonNode made = server.post("model-versions/create", wanted);
    return made.path("model_version").path("version").asText();
  }

  private static ObjectNode named(Map.Entry<String, String> tag) {
    return Json.MAPPER
        .createObjectNode()
        .put("key", MlflowNames.of(tag.getKey()))
        .put("value", MlflowNames.tag(tag.getValue()));
  }

  /** The run resumes. */
  void resumes() throws TrackingFailure {
    server.post(
        "runs/update", Json.MAPPER.createObjectNode().put("run_id", id()).put("status", "RUNNING"));
  }

  void ends(RunStatus status, long millis) throws TrackingFailure {
    server.call(
        client -> {
          client.setTerminated(id(), status, millis);
          return null;
        });
  }

  private static RunTag tag(String name, String value) {
    return RunTag.newBuilder()
        .setKey(MlflowNames.of(name))
        .setValue(MlflowNames.tag(value))
        .build();
  }

  private static <T> List<List<T>> parts(List<T> all, int size) {
    List<List<T>> parts = new ArrayList<>();
    for (int i = 0; i < all.size(); i += size) {
      parts.add(all.subList(i, Math.min(all.size(), i + size)));
    }
    return parts;
  }
}
