package io.plumbline.spark.training.rank;

import io.plumbline.spark.gang.GangMember;
import io.plumbline.spark.run.HeldOutput;
import io.plumbline.storage.LineLog;
import io.plumbline.storage.Storage;
import io.plumbline.train.TrainingObserver;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A rank's observer. On rank 0 it appends metrics to the run's file and sends them to the driver; a
 * run that continues from step s first drops what was written after s.
 */
public final class MetricsWriter implements TrainingObserver, AutoCloseable {
  /** People need no more, and the way to the driver is not for that. */
  private static final Duration LEAST_BETWEEN = Duration.ofMillis(500);

  private static final long EVERY_STEP_UP_TO = 50_000;

  private final Storage storage;
  private final String file;
  private final HeldOutput claim;
  private final GangMember member;
  private Optional<LineLog> log = Optional.empty();
  private long lastEvaluated;

  /**
   * @param file that rank 0 writes
   * @param claim on the output: without it no state is shown any more
   */
  public MetricsWriter(Storage storage, String file, HeldOutput claim, GangMember member) {
    this.storage = storage;
    this.file = file;
    this.claim = claim;
    this.member = member;
  }

  @Override
  public void begins(long afterStep) {
    if (member.rank() == 0) {
      log =
          Optional.of(
              storage.appendLinesAfter(
                  file, line -> afterStep > 0 && MetricLine.read(line).get("step") <= afterStep));
    }
  }

  @Override
  public void checkInterrupted() {
    member.checkInterrupted();
  }

  @Override
  public boolean isAskedToStop() {
    return member.isAskedToStop();
  }

  @Override
  public void metrics(Map<String, Double> metrics) {
    if (isKept(metrics)) {
      log.orElseThrow().append(MetricLine.write(metrics));
    }
    tell(new RankMessage.Metrics(metrics));
  }

  /**
   * Whether a line stands in the file: every step up to 50,000, every second up to 100,000, and so
   * on, so that the file of a long run stays one that a driver and a browser can hold. By the step
   * alone, so that a run that resumes writes what it would have written.
   */
  static boolean isKept(Map<String, Double> metrics) {
    if (metrics.containsKey("eval_runtime")) {
      return true;
    }
    long step = metrics.get("step").longValue();
    long stride = Long.highestOneBit(Math.max(1, 2 * ((step - 1) / EVERY_STEP_UP_TO)));
    return step % stride == 0;
  }

  @Override
  public void note(String sentence) {
    tell(new RankMessage.Note(sentence));
  }

  @Override
  public void evaluated(long done, long total) {
    long now = System.nanoTime();
    if (done == 0 || now - lastEvaluated > LEAST_BETWEEN.toNanos()) {
      lastEvaluated = now;
      tell(new RankMessage.Evaluated(done, total));
    }
  }

  @Override
  public void culprits(long step, List<Long> rows) {
    tell(new RankMessage.BadRows(step, rows));
  }

  private void tell(RankMessage message) {
    member.publish(message.write());
  }

  @Override
  public void beforeStateIsVisible() {
    claim.require();
    log.ifPresent(LineLog::flush);
  }

  @Override
  public void close() {
    log.ifPresent(LineLog::close);
  }
}
