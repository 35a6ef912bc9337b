package io.plumbline.spark.reference;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.storage.Storage;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Models for inference that the tasks of one process share. A model is loaded when the first task
 * asks for it, and closed a while after the last has given it back, so that the next wave of tasks
 * finds it still there.
 */
public final class SharedModels {
  private static final Duration LINGER = Duration.ofSeconds(20);
  private static final Map<Key, Held> HELD = new HashMap<>();
  private static final ScheduledExecutorService CLOSER =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "plumbline-shared-models");
            thread.setDaemon(true);
            return thread;
          });
  private static final Object LOCK = new Object();
  private static long loads;

  private record Key(String path, String fingerprint, ComputeDtype dtype) {}

  private static final class Held {
    final CausalLm model;
    int users;
    long idleSinceNanos;

    Held(CausalLm model) {
      this.model = model;
    }
  }

  /** The right to use a model until closed. */
  public static final class Lease implements AutoCloseable {
    private final Key key;
    private final Held held;
    private final boolean loaded;
    private boolean open = true;

    private Lease(Key key, Held held, boolean loaded) {
      this.key = key;
      this.held = held;
      this.loaded = loaded;
    }

    public CausalLm model() {
      return held.model;
    }

    /** Whether this lease is the one for which the model was loaded. */
    public boolean loadedModel() {
      return loaded;
    }

    @Override
    public void close() {
      synchronized (LOCK) {
        if (!open) {
          return;
        }
        open = false;
        held.users--;
        if (held.users == 0) {
          held.idleSinceNanos = System.nanoTime();
          closeLater(key, held, held.idleSinceNanos);
        }
      }
    }
  }

  private SharedModels() {}

  /**
   * Gives the model of a directory, loading it if no task of this process holds it.
   *
   * @param modelFingerprint what {@link ModelDirectory#fingerprint} said on the driver: a process
   *     that sees other weights under the same path fails with BAD_CHECKPOINT
   */
  public static Lease acquire(
      Storage storage, String path, String modelFingerprint, ComputeDtype dtype) {
    synchronized (LOCK) {
      return acquireLocked(storage, path, modelFingerprint, dtype);
    }
  }

  private static Lease acquireLocked(
      Storage storage, String path, String modelFingerprint, ComputeDtype dtype) {
    Key key = new Key(path, modelFingerprint, dtype);
    Held held = HELD.get(key);
    boolean load = held == null;
    if (held == null) {
      ModelDirectory directory = ModelDirectory.open(storage, path);
      if (!directory.fingerprint().equals(modelFingerprint)) {
        throw new PlumblineException(
            ErrorCode.BAD_CHECKPOINT,
            "The model in %s is not the one that the driver saw there; keep it in a place that all hosts share, and do not change it while a job runs."
                .formatted(path));
      }
      held = new Held(CausalLm.load(directory, Purpose.INFERENCE, dtype));
      loads++;
      HELD.put(key, held);
    }
    held.users++;
    return new Lease(key, held, load);
  }

  /** Closes the models of this process that no task uses just now. */
  public static void closeIdle() {
    synchronized (LOCK) {
      HELD.values()
          .removeIf(
              held -> {
                if (held.users > 0) {
                  return false;
                }
                held.model.close();
                return true;
              });
    }
  }

  /** How many models this process has loaded so far. */
  public static long loads() {
    synchronized (LOCK) {
      return loads;
    }
  }

  private static void closeLater(Key key, Held held, long idleSince) {
    var unused =
        CLOSER.schedule(
            () -> {
              synchronized (LOCK) {
                boolean idleAllTheWhile = held.users == 0 && held.idleSinceNanos == idleSince;
                if (idleAllTheWhile && HELD.remove(key, held)) {
                  held.model.close();
                }
              }
            },
            LINGER.toMillis(),
            TimeUnit.MILLISECONDS);
  }
}
