package io.plumbline.spark.tracking;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.run.MetricsFile;
import io.plumbline.spark.tracking.TrackingFailure.Kind;
import io.plumbline.spark.tracking.TrackingSettings.Artifacts;
import io.plumbline.storage.Storage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.mlflow.api.proto.Service.RunStatus;

/**
 * Brings what a server lacks of an output directory there: parameters, metrics, files, a version of
 * the model. Everything comes from the directory, so it can be done while a run ends, when it is
 * resumed, or later.
 */
public final class RunUpload {
  static final Duration DEADLINE = Duration.ofSeconds(10);

  private static final List<String> RECORDS = List.of("run.json", "metrics.jsonl", "report.html");
  private static final Pattern LOCAL = Pattern.compile("(?:file:|/|\\./)?[^:]*|file:.*");
  private static final Pattern S3 = Pattern.compile("s3[an]://(.*)");

  /**
   * What came of it.
   *
   * @param runId of the server; empty where it was not reached
   * @param lacking what the server did not get, in words
   * @param reason why; empty where nothing is lacking
   */
  public record Result(String uri, String runId, List<String> lacking, String reason) {
    /** One sentence of what the server lacks and how to send it. */
    public String sentence(String output) {
      String what = runId.isEmpty() ? "nothing of this run" : "this run without ";
      return "The MLflow server at "
          + uri
          + " has "
          + what
          + (runId.isEmpty() ? "" : listing())
          + " ("
          + reason
          + "): send "
          + (runId.isEmpty() ? "it" : "the rest")
          + " by 'plumbline track "
          + output
          + " --mlflow-uri "
          + uri
          + "'.";
    }

    private String listing() {
      return lacking.size() == 1
          ? lacking.get(0)
          : String.join(", ", lacking.subList(0, lacking.size() - 1))
              + " and "
              + lacking.get(lacking.size() - 1);
    }
  }

  /** One thing to send. */
  private interface Sending {
    void to(MlflowRun run) throws TrackingFailure;
  }

  private final Storage storage;
  private final String output;
  private final TrackingSettings settings;
  private final RunFacts facts;
  private final List<String> lacking = new ArrayList<>();
  private Optional<TrackingFailure> failure = Optional.empty();

  private RunUpload(Storage storage, String output, TrackingSettings settings, RunFacts facts) {
    this.storage = storage;
    this.output = output;
    this.settings = settings;
    this.facts = facts;
  }

  /**
   * Sends what the server lacks of the run in an output directory, and notes in its tracking.json
   * what is lacking still.
   *
   * @throws PlumblineException INPUT_NOT_FOUND where no run is in the directory
   */
  public static Result send(Storage storage, String output, TrackingSettings settings) {
    if (!storage.exists(RunFacts.runRecord(output))) {
      throw new PlumblineException(
          ErrorCode.INPUT_NOT_FOUND,
          output + " holds no run.json: name the output directory of a training run.");
    }
    RunFacts facts = RunFacts.read(storage, output);
    TrackingRecord record = TrackingRecord.of(storage, output, settings);
    record.write(storage, output);
    try (MlflowServer server = new MlflowServer(settings, DEADLINE)) {
      MlflowRun run =
          MlflowRun.open(server, settings, record, facts.tags(settings), facts.started());
      return send(storage, output, settings, record.withRunId(run.id()), run, List.of());
    } catch (TrackingFailure e) {
      return nothing(storage, output, record, e);
    }
  }

  /** Notes that the server was not reached at all. */
  static Result nothing(
      Storage storage, String output, TrackingRecord record, TrackingFailure failure) {
    List<String> everything = List.of("what is new");
    record.withLacking(everything, failure.getMessage()).write(storage, output);
    return new Result(record.uri(), record.runId(), everything, failure.getMessage());
  }

  /**
   * Sends to a run that is open.
   *
   * @param heard lines that were heard and not sent, with their times
   */
  static Result send(
      Storage storage,
      String output,
      TrackingSettings settings,
      TrackingRecord record,
      MlflowRun run,
      List<MetricPoints> heard) {
    RunUpload upload = new RunUpload(storage, output, settings, RunFacts.read(storage, output));
    upload.all(run, heard);
    Result result =
        new Result(
            record.uri(),
            run.id(),
            upload.lacking,
            upload.failure.map(Throwable::getMessage).orElse(""));
    record.withLacking(result.lacking(), result.reason()).write(storage, output);
    return result;
  }

  private void all(MlflowRun run, List<MetricPoints> heard) {
    send(run, () -> "its parameters", to -> to.parameters(facts.parameters()));
    send(run, () -> "its tags", to -> to.tags(facts.tags(settings)));
    List<MetricPoints> lines = lines();
    send(
        run,
        () -> String.format(Locale.ROOT, "the metrics of %,d steps", run.lacking(lines)),
        to -> {
          to.metrics(heard);
          to.metrics(lines);
        });
    for (String name : RECORDS) {
      String file = Storage.join(output, name);
      if (storage.exists(file)) {
        send(run, () -> name, to -> to.artifact(storage, file, name));
      }
    }
    if (facts.completed()) {
      boolean sent = sendsCheckpoint();
      if (sent) {
        send(run, () -> "checkpoint/", to -> directory(to, facts.checkpoint(), "checkpoint"));
      }
      settings
          .model()
          .ifPresent(
              model ->
                  send(
                      run,
                      () -> "a version of the model " + model,
                      to ->
                          to.modelVersion(
                              model,
                              sent ? to.artifactUri("checkpoint") : publicUri(facts.checkpoint()),
                              facts.modelTags(to))));
    }
    if (facts.status() != RunStatus.RUNNING) {
      send(run, () -> "its end", to -> to.ends(facts.status(), facts.ended()));
    }
  }

  /** A server that is away is not asked for the rest; one that refuses something may take it. */
  private void send(MlflowRun run, Supplier<String> what, Sending sending) {
    if (failure.isPresent() && failure.get().kind() == Kind.AWAY) {
      lacking.add(what.get());
      return;
    }
    try {
      sending.to(run);
    } catch (TrackingFailure e) {
      lacking.add(what.get());
      failure = Optional.of(e);
    }
  }

  private List<MetricPoints> lines() {
    String file = Storage.join(output, "metrics.jsonl");
    return storage.exists(file)
        ? MetricsFile.read(storage, file).stream()
            .map(line -> MetricPoints.of(line, facts.ended()))
            .toList()
        : List.of();
  }

  /** Registries refuse local paths: a version's files must then be at the server. */
  private boolean sendsCheckpoint() {
    return settings.artifacts() == Artifacts.CHECKPOINT
        || (settings.model().isPresent() && LOCAL.matcher(facts.checkpoint()).matches());
  }

  private void directory(MlflowRun run, String directory, String name) throws TrackingFailure {
    for (Storage.Entry entry : storage.list(directory)) {
      String child = name + entry.path().substring(directory.length());
      if (entry.directory()) {
        directory(run, entry.path(), child);
      } else {
        run.artifact(storage, entry.path(), child);
      }
    }
  }

  /** As programs outside of Hadoop write it. */
  private static String publicUri(String path) {
    Matcher s3 = S3.matcher(path);
    return s3.matches() ? "s3://" + s3.group(1) : path;
  }
}
