package io.plumbline.spark.training;

import io.plumbline.checkpoint.RunRecord;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.run.HeldOutput;
import io.plumbline.spark.run.RunDirectory;
import io.plumbline.storage.Storage;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The run.json of a run that is under way. What the run reads is held to what the run read that is
 * in its directory already, and to what the run read that it repeats.
 */
final class RunRecording {
  private static final Logger LOG = LoggerFactory.getLogger(RunRecording.class);

  private final Storage storage;
  private final TrainingRequest request;
  private final Optional<Repetition> repetition;
  private final ProgressListener progress;
  private final HeldOutput claim;
  private final String path;

  /** The run that is in the output directory already. */
  private final Optional<EarlierRun> earlier;

  /** Fingerprints of what must be as the earlier run read it, by name. */
  private final SortedMap<String, String> held;

  private volatile RunRecord record;

  /** The record of a run that this one is refused for, which stays as it was. */
  private Optional<RunRecord> refusedFor = Optional.empty();

  /**
   * @param repetition what the run repeats
   * @throws PlumblineException OUTPUT_IN_USE where the place of the earlier run must not be taken
   */
  RunRecording(
      HeldOutput claim,
      TrainingRequest request,
      String sparkVersion,
      Optional<Repetition> repetition,
      ProgressListener progress) {
    this.claim = claim;
    this.storage = claim.storage();
    this.request = request;
    this.repetition = repetition;
    this.progress = progress;
    this.path = new RunDirectory(request.files().output()).runRecord();
    this.earlier = EarlierRun.accepted(storage, request);
    RunRecord asked =
        EarlierRun.asked(request, storage)
            .withVersions(RunRecord.libraryVersions())
            .withVersion("spark", sparkVersion);
    RunIdentity now = RunIdentity.of(asked);
    this.held = earlier.map(run -> run.held(now)).orElseGet(TreeMap::new);
    // What is held to stays until it is known to be the same: a try that fails, or is killed,
    // before it is compared must not make the next one pass.
    this.record =
        asked.withIdentity(
            held.isEmpty() ? now.json() : now.reading(earlier.get().identity(), held).json());
  }

  /** Does the work of the run, and records how it ended. */
  <T> T during(Supplier<T> work) {
    write();
    try {
      T result = work.get();
      record = record.completed(Instant.now());
      write();
      return result;
    } catch (Throwable e) {
      // Scala throws checked exceptions undeclared, and an Error ends a run as well.
      record = EarlierRun.failed(record, e);
      writeEndOf(e);
      throw e;
    }
  }

  /** Writes how the run failed; where that fails too, the first failure is still the one told. */
  private void writeEndOf(Throwable failure) {
    try {
      // Another run that has taken the output over has a record of its own there.
      if (claim.isHeld()) {
        refusedFor.orElse(record).write(storage, path);
      }
    } catch (PlumblineException e) {
      failure.addSuppressed(e);
    }
  }

  /** As far as it is known. */
  RunRecord record() {
    return record;
  }

  /** Fails with OUTPUT_IN_USE where another run has taken the output, and has its record there. */
  void write() {
    claim.require();
    record.write(storage, path);
  }

  /** Adds what the run came to. */
  void add(UnaryOperator<RunRecord> change) {
    record = change.apply(record);
  }

  /**
   * Adds and writes down what happened to a run. One that outlasts a full disk must not end by
   * this: what could not be written stands in the next record.
   */
  void addAndWrite(UnaryOperator<RunRecord> change) {
    add(change);
    try {
      write();
    } catch (PlumblineException e) {
      LOG.warn("What happened could not be written to {}", path, e);
    }
  }

  /** Adds what the run reads; an input must be what it was, where the run is held to another. */
  void read(UnaryOperator<RunRecord> change) {
    RunRecord before = record;
    record = change.apply(before);
    record
        .fingerprints()
        .forEach(
            (name, hex) -> {
              if (!before.fingerprint(name).equals(Optional.of(hex))) {
                requireHeld(name, hex);
                repetition.ifPresent(repeated -> repeated.check(name, hex, progress));
              }
            });
  }

  /** Adds the fingerprint of something that the run reads. */
  void read(String name, String hex) {
    read(run -> run.withFingerprint(name, hex));
  }

  /** Writes down what the run is, once all that it reads is known and as it must be. */
  void identify() {
    RunIdentity identity = identity();
    record = record.withIdentity(identity.json()).withFingerprint("run", identity.fingerprint());
    write();
  }

  private RunIdentity identity() {
    return RunIdentity.of(record).withFiles(InputFiles.of(storage, request));
  }

  private void requireHeld(String name, String hex) {
    if (hex.equals(held.getOrDefault(name, hex))) {
      return;
    }
    EarlierRun other = earlier.orElseThrow();
    refusedFor = Optional.of(other.record());
    throw new PlumblineException(
        ErrorCode.OUTPUT_IN_USE, other.refusalOf(name, identity(), request.saving().start()));
  }

  /** Does a stage and adds how long it took. */
  <T> T timed(String stage, Supplier<T> work) {
    long start = System.nanoTime();
    T result = work.get();
    record = record.withTiming(stage, Duration.ofNanos(System.nanoTime() - start));
    return result;
  }
}
