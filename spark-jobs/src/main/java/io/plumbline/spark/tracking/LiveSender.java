package io.plumbline.spark.tracking;

import io.plumbline.spark.tracking.TrackingFailure.Kind;
import io.plumbline.storage.Storage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that brings metrics to a server during a run. Lines wait in a bounded queue; one that
 * does not fit is left to metrics.jsonl, from which everything lacking is sent at the end.
 */
final class LiveSender {
  private static final Logger LOG = LoggerFactory.getLogger(LiveSender.class);
  private static final int MOST_WAITING = 4096;
  private static final int LINES_PER_CALL = 64;
  private static final Duration IDLE = Duration.ofMillis(200);
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  private final Storage storage;
  private final String output;
  private final TrackingSettings settings;
  private final RunFacts facts;
  private final Consumer<String> note;
  private final BlockingQueue<MetricPoints> queue = new ArrayBlockingQueue<>(MOST_WAITING);
  private final CountDownLatch ending = new CountDownLatch(1);
  private final Thread thread = new Thread(this::work, "plumbline-mlflow");

  // The thread's own, until it has ended.
  private final List<MetricPoints> taken = new ArrayList<>();
  private final MlflowServer server;
  private TrackingRecord record;
  private Optional<MlflowRun> run = Optional.empty();
  private Optional<TrackingFailure> away = Optional.empty();
  private long awayAt;
  private boolean toldOfFailure;

  /**
   * @param record which run of the server it is; written to the output directory here
   * @param note hears sentences for the user, from the thread
   */
  LiveSender(
      Storage storage,
      String output,
      TrackingSettings settings,
      TrackingRecord record,
      RunFacts facts,
      Consumer<String> note) {
    this.storage = storage;
    this.output = output;
    this.settings = settings;
    this.facts = facts;
    this.note = note;
    this.record = record;
    this.server = new MlflowServer(settings, RunUpload.DEADLINE);
  }

  void start() {
    record.write(storage, output);
    thread.setDaemon(true);
    thread.start();
  }

  /** Never waits. */
  void hear(MetricPoints line) {
    if (!queue.offer(line)) {
      LOG.debug("The queue is full: step {} is left to metrics.jsonl", line.step());
    }
  }

  /** Ends the thread and sends what the server lacks. */
  RunUpload.Result finish() {
    long asked = System.nanoTime();
    ending.countDown();
    boolean ended = false;
    try {
      // A call that is under way ends with its deadline.
      thread.join(RunUpload.DEADLINE.plusSeconds(10).toMillis());
      ended = !thread.isAlive();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!ended) {
      return RunUpload.send(storage, output, settings);
    }
    if (away.isPresent() && awayAt - asked > 0) {
      // It has just been tried.
      server.close();
      return RunUpload.nothing(storage, output, record, away.get());
    }
    return rest();
  }

  private RunUpload.Result rest() {
    try (server) {
      MlflowRun open = open();
      queue.drainTo(taken);
      return RunUpload.send(storage, output, settings, record, open, taken);
    } catch (TrackingFailure e) {
      return RunUpload.nothing(storage, output, record, e);
    }
  }

  private void work() {
    Duration pause = FIRST_PAUSE;
    while (ending.getCount() > 0 && !Thread.currentThread().isInterrupted()) {
      try {
        send();
        pause = FIRST_PAUSE;
      } catch (TrackingFailure | RuntimeException | LinkageError e) {
        tell(e);
        heard(e);
        rest(pause);
        pause = pause.compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
      }
    }
  }

  private void heard(Throwable e) {
    if (e instanceof TrackingFailure failure && failure.kind() == Kind.AWAY) {
      away = Optional.of(failure);
      awayAt = System.nanoTime();
    } else {
      // Once more at the end; the lines behind these may be taken.
      taken.clear();
    }
  }

  private void send() throws TrackingFailure {
    MlflowRun to = open();
    if (taken.isEmpty()) {
      try {
        MetricPoints line = queue.poll(IDLE.toMillis(), TimeUnit.MILLISECONDS);
        if (line != null) {
          taken.add(line);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    queue.drainTo(taken, LINES_PER_CALL - taken.size());
    to.metrics(taken);
    taken.clear();
  }

  private MlflowRun open() throws TrackingFailure {
    if (run.isEmpty()) {
      MlflowRun opened =
          MlflowRun.open(server, settings, record, facts.tags(settings), facts.started());
      if (!record.runId().equals(opened.id())) {
        record = record.withRunId(opened.id());
        record.write(storage, output);
      }
      run = Optional.of(opened);
      note.accept(
          "MLflow: %s/#/experiments/%s/runs/%s"
              .formatted(settings.uri(), opened.experimentId(), opened.id()));
      opened.resumes();
      opened.parameters(facts.parameters());
    }
    return run.get();
  }

  private void tell(Throwable failure) {
    if (!toldOfFailure) {
      toldOfFailure = true;
      note.accept(
          "The MLflow server at %s does not take what the run tells it (%s): the run continues, and"
                  .formatted(settings.uri(), failure.getMessage())
              + " the server gets it later.");
    }
  }

  private void rest(Duration pause) {
    try {
      ending.await(pause.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
