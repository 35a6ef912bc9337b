package io.plumbline.spark.tracking;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.spark.tracking.TrackingSettings.Artifacts;
import io.plumbline.spark.tracking.TrackingSettings.Credentials;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * A real MLflow server with SQLite in a directory of a test, which can be ended and started again;
 * and what it knows, asked for without the client that is tested.
 */
public final class MlflowProcess implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration START = Duration.ofMinutes(2);

  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
  private final Path directory;
  private final int port;
  private Process process;

  private MlflowProcess(Path directory, int port) {
    this.directory = directory;
    this.port = port;
  }

  /** Starts one; skips the test where the variable PLUMBLINE_MLFLOW names none. */
  public static MlflowProcess start(Path directory) throws IOException, InterruptedException {
    assumeTrue(
        System.getenv("PLUMBLINE_MLFLOW") != null,
        "PLUMBLINE_MLFLOW is not set: name the program mlflow of a Python that has it");
    MlflowProcess server = new MlflowProcess(directory, freePort());
    server.start();
    return server;
  }

  /** A port that nobody listens on. */
  public static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  public String uri() {
    return "http://127.0.0.1:" + port;
  }

  /** Settings of a run that it hears of. */
  public TrackingSettings settings(String run) {
    return settings(uri(), run);
  }

  public static TrackingSettings settings(String uri, String run) {
    return new TrackingSettings(
        uri, Credentials.NONE, "tests", run, Optional.empty(), Artifacts.RECORDS, Optional.empty());
  }

  /** Starts the server that was ended, on its port and with what it knew. */
  public void start() throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
                System.getenv("PLUMBLINE_MLFLOW"),
                "server",
                "--host",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--workers",
                "1",
                "--backend-store-uri",
                "sqlite:///" + directory.resolve("mlflow.sqlite"),
                "--artifacts-destination",
                directory.resolve("artifacts").toString())
            .redirectErrorStream(true)
            .redirectOutput(
                ProcessBuilder.Redirect.appendTo(directory.resolve("mlflow.log").toFile()));
    builder.environment().put("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false");
    builder.environment().put("MLFLOW_DISABLE_TELEMETRY", "true");
    builder.environment().put("OMP_NUM_THREADS", "1");
    builder.directory(directory.toFile());
    process = builder.start();
    long end = System.nanoTime() + START.toNanos();
    while (!answers()) {
      if (!process.isAlive() || System.nanoTime() > end) {
        close();
        throw new IOException(
            "the MLflow server did not start:\n"
                + Files.readString(directory.resolve("mlflow.log"), StandardCharsets.UTF_8));
      }
      Thread.sleep(200);
    }
  }

  private boolean answers() throws InterruptedException {
    try {
      return http.send(
                  HttpRequest.newBuilder(URI.create(uri() + "/health")).build(),
                  HttpResponse.BodyHandlers.discarding())
              .statusCode()
          == 200;
    } catch (IOException e) {
      // Not yet.
      return false;
    }
  }

  /** Ends it at once, as a machine that fails would, with the processes that it started. */
  public void kill() {
    List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
    all.add(process.toHandle());
    all.forEach(ProcessHandle::destroyForcibly);
    all.forEach(one -> one.onExit().orTimeout(30, TimeUnit.SECONDS).exceptionally(e -> one).join());
  }

  @Override
  public void close() {
    kill();
  }

  /** The only run of this name. */
  public JsonNode run(String name) throws Exception {
    JsonNode found =
        post(
            "runs/search",
            JSON.createObjectNode()
                .put("filter", "attributes.run_name = '%s'".formatted(name))
                .set("experiment_ids", JSON.valueToTree(experiments())));
    if (found.path("runs").size() != 1) {
      throw new AssertionError("not one run " + name + ": " + found);
    }
    return found.path("runs").get(0);
  }

  private List<String> experiments() throws Exception {
    List<String> ids = new ArrayList<>();
    post("experiments/search", JSON.createObjectNode().put("max_results", 100))
        .path("experiments")
        .forEach(experiment -> ids.add(experiment.path("experiment_id").asText()));
    return ids;
  }

  /** Parameters or tags of a run. */
  public static Map<String, String> texts(JsonNode run, String field) {
    Map<String, String> texts = new TreeMap<>();
    run.path("data")
        .path(field)
        .forEach(entry -> texts.put(entry.path("key").asText(), entry.path("value").asText()));
    return texts;
  }

  /** Every metric of a run: a list of values for each step, in the order in which they came. */
  public Map<String, Map<Long, List<Double>>> metrics(JsonNode run) throws Exception {
    Map<String, Map<Long, List<Double>>> metrics = new TreeMap<>();
    for (String name : texts(run, "metrics").keySet()) {
      JsonNode history =
          get(
              "metrics/get-history?run_id=%s&metric_key=%s"
                  .formatted(id(run), URLEncoder.encode(name, StandardCharsets.UTF_8)));
      history
          .path("metrics")
          .forEach(
              point ->
                  metrics
                      .computeIfAbsent(name, n -> new TreeMap<>())
                      .computeIfAbsent(point.path("step").asLong(), s -> new ArrayList<>())
                      .add(
                          point.path("value").isTextual()
                              ? Double.parseDouble(point.path("value").asText())
                              : point.path("value").asDouble()));
    }
    return metrics;
  }

  /** What stands in a file of a run. */
  public byte[] artifact(JsonNode run, String name) throws Exception {
    String path = URI.create(run.path("info").path("artifact_uri").asText()).getPath();
    HttpResponse<byte[]> answer =
        http.send(
            HttpRequest.newBuilder(
                    URI.create(uri() + "/api/2.0/mlflow-artifacts/artifacts" + path + "/" + name))
                .build(),
            HttpResponse.BodyHandlers.ofByteArray());
    if (answer.statusCode() != 200) {
      throw new AssertionError(name + ": HTTP " + answer.statusCode());
    }
    return answer.body();
  }

  /** Versions of a model of the registry. */
  public List<JsonNode> versions(String model) throws Exception {
    List<JsonNode> versions = new ArrayList<>();
    get("model-versions/search?filter="
            + URLEncoder.encode("name='%s'".formatted(model), StandardCharsets.UTF_8))
        .path("model_versions")
        .forEach(versions::add);
    return versions;
  }

  public static String id(JsonNode run) {
    return run.path("info").path("run_id").asText();
  }

  private JsonNode get(String path) throws Exception {
    return send(HttpRequest.newBuilder(URI.create(uri() + "/api/2.0/mlflow/" + path)).build());
  }

  private JsonNode post(String path, JsonNode body) throws Exception {
    return send(
        HttpRequest.newBuilder(URI.create(uri() + "/api/2.0/mlflow/" + path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
            .build());
  }

  private JsonNode send(HttpRequest request) throws Exception {
    HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200) {
      throw new AssertionError(request.uri() + ": " + answer.body());
    }
    return JSON.readTree(answer.body());
  }
}
