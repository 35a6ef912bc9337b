package io.plumbline.spark.tracking;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.base.Json;
import io.plumbline.spark.tracking.TrackingFailure.Kind;
import io.plumbline.spark.tracking.TrackingSettings.Credentials;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.mlflow.tracking.MlflowClient;
import org.mlflow.tracking.MlflowHttpException;
import org.mlflow.tracking.creds.BasicMlflowHostCreds;

/**
 * An MLflow server, each call with a deadline: the Java client has none of its own, so it works on
 * a thread that is left behind when it takes too long. For one thread at a time.
 */
final class MlflowServer implements AutoCloseable {
  private static final String ARTIFACT_SCHEME = "mlflow-artifacts";
  private static final int LONGEST_REASON = 300;

  /** A file that comes in more slowly is given up. */
  private static final long SLOWEST_BYTES_PER_SECOND = 1 << 20;

  private final TrackingSettings settings;
  private final Duration deadline;
  private final HttpClient files;
  private MlflowClient client;
  private ExecutorService caller;

  /**
   * @param deadline how long one call may take; a file has the time of its length besides
   */
  MlflowServer(TrackingSettings settings, Duration deadline) {
    this.settings = settings;
    this.deadline = deadline;
    this.files =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(deadline)
            .build();
    connect();
  }

  private void connect() {
    Credentials credentials = settings.credentials();
    client =
        isHttp(host())
            ? new MlflowClient(
                new BasicMlflowHostCreds(
                    host(),
                    orNull(credentials.user()),
                    orNull(credentials.password()),
                    orNull(credentials.token()),
                    false))
            : new MlflowClient(settings.uri());
    caller =
        Executors.newSingleThreadExecutor(
            work -> {
              Thread thread = new Thread(work, "plumbline-mlflow-call");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** Where the server is; {@code databricks} where only the client's own configuration says it. */
  private String host() {
    return settings.credentials().host().isEmpty() ? settings.uri() : settings.credentials().host();
  }

  private static boolean isHttp(String uri) {
    return uri.startsWith("http://") || uri.startsWith("https://");
  }

  private static String orNull(String text) {
    return text.isEmpty() ? null : text;
  }

  /** Runs calls of the client. */
  <T> T call(Function<MlflowClient, T> calls) throws TrackingFailure {
    MlflowClient with = client;
    Future<T> answer = caller.submit(() -> calls.apply(with));
    try {
      return answer.get(deadline.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      close();
      connect();
      throw new TrackingFailure(Kind.AWAY, "no answer within " + deadline.toSeconds() + " s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TrackingFailure(Kind.AWAY, "the wait for it was interrupted", e);
    } catch (ExecutionException e) {
      throw failure(e.getCause());
    }
  }

  /** A call of the REST API that the client has no method for. */
  JsonNode post(String path, JsonNode body) throws TrackingFailure {
    return call(with -> json(with.sendPost(path, body.toString())));
  }

  JsonNode get(String pathAndQuery) throws TrackingFailure {
    return call(with -> json(with.sendGet(pathAndQuery)));
  }

  private static JsonNode json(String text) {
    try {
      return Json.MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException("the answer is not JSON", e);
    }
  }

  /**
   * Sends a file into the artifacts of a run, by the server's own address for files: the client
   * would call a Python program for it.
   *
   * @param artifacts the run's artifact URI
   * @param name the file's path within them
   */
  void put(Storage storage, String file, String artifacts, String name) throws TrackingFailure {
    URI root = URI.create(artifacts);
    if (!ARTIFACT_SCHEME.equals(root.getScheme()) || !isHttp(host())) {
      throw new TrackingFailure(
          Kind.REFUSED, "the server takes no files and keeps them at " + artifacts, null);
    }
    long length = storage.size(file);
    URI target =
        URI.create(
            host() + "/api/2.0/mlflow-artifacts/artifacts" + escaped(root.getPath() + "/" + name));
    HttpRequest.Builder request =
        HttpRequest.newBuilder(target)
            .timeout(deadline.plusSeconds(length / SLOWEST_BYTES_PER_SECOND))
            .header("Content-Type", "application/octet-stream")
            .PUT(
                length == 0
                    ? BodyPublishers.noBody()
                    : BodyPublishers.fromPublisher(
                        BodyPublishers.ofInputStream(() -> storage.open(file)), length));
    authorization(request);
    try {
      HttpResponse<String> answer =
          files.send(request.build(), HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() / 100 != 2) {
        throw refused(answer.statusCode(), answer.body());
      }
    } catch (IOException e) {
      throw failure(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TrackingFailure(Kind.AWAY, "sending a file was interrupted", e);
    }
  }

  private static String escaped(String path) {
    try {
      return new URI(null, null, path, null).toASCIIString();
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(path + " is no path", e);
    }
  }

  private void authorization(HttpRequest.Builder request) {
    Credentials credentials = settings.credentials();
    if (!credentials.user().isEmpty() && !credentials.password().isEmpty()) {
      byte[] pair =
          (credentials.user() + ":" + credentials.password()).getBytes(StandardCharsets.UTF_8);
      request.header("Authorization", "Basic " + Base64.getEncoder().encodeToString(pair));
    } else if (!credentials.token().isEmpty()) {
      request.header("Authorization", "Bearer " + credentials.token());
    }
  }

  private static TrackingFailure failure(Throwable error) {
    if (error instanceof MlflowHttpException answer) {
      return refused(answer.getStatusCode(), answer.getBodyMessage());
    }
    Throwable root = error;
    while (root.getCause() != null && root.getCause() != root) {
      root = root.getCause();
    }
    boolean away = root instanceof IOException;
    return new TrackingFailure(
        away ? Kind.AWAY : Kind.REFUSED,
        oneLine(root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage()),
        error);
  }

  private static TrackingFailure refused(int status, String body) {
    boolean away = status >= 500 || status == 408 || status == 429;
    String said = String.valueOf(body);
    try {
      JsonNode message = Json.MAPPER.readTree(said).path("message");
      said = message.isTextual() ? message.asText() : said;
    } catch (JsonProcessingException e) {
      // Not every answer is the API's: a proxy writes HTML.
      said = said.replaceAll("<[^>]*>", " ");
    }
    return new TrackingFailure(
        away ? Kind.AWAY : Kind.REFUSED, "HTTP " + status + ": " + oneLine(said), null);
  }

  private static String oneLine(String text) {
    String line = text.strip().replaceAll("\\s+", " ").replaceAll("\\.$", "");
    return line.length() <= LONGEST_REASON ? line : line.substring(0, LONGEST_REASON) + "…";
  }

  /** Ends what is under way: closing the client's connections wakes a call that waits for one. */
  @Override
  public void close() {
    caller.shutdownNow();
    client.close();
  }
}
