package io.plumbline.spark.inference;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.ScoreModel;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.HeldDtype;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Models of one kind for inference that the tasks of one process share. A model is loaded when the
 * first task asks for it, and closed a while after the last has given it back, so that the next
 * wave of tasks finds it still there.
 *
 * @param <M> the kind of model
 */
public final class SharedModels<M> {
  private static final Duration LINGER = Duration.ofSeconds(20);
  private static final ScheduledExecutorService CLOSER =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "plumbline-shared-models");
            thread.setDaemon(true);
            return thread;
          });

  /** Language models: policies and references. */
  public static final SharedModels<CausalLm> LANGUAGE_MODELS =
      new SharedModels<>(
          (directory, dtype, matrices, seed) -> CausalLm.frozen(directory, dtype, matrices),
          CausalLm::close);

  /** Reward models. */
  public static final SharedModels<ScoreModel> REWARD_MODELS =
      new SharedModels<>(
          (directory, dtype, matrices, seed) ->
              ScoreModel.load(directory, Purpose.INFERENCE, dtype),
          ScoreModel::close);

  /** What adapters are trained on that score: reward models, and language models with a head. */
  public static final SharedModels<ScoreModel> SCORED_BASES =
      new SharedModels<>(ScoreModel::frozen, ScoreModel::close);

  private static final List<SharedModels<?>> KINDS =
      List.of(LANGUAGE_MODELS, REWARD_MODELS, SCORED_BASES);

  /** Loads a model, with a seed for what its directory lacks. */
  private interface Loader<M> {
    M load(ModelDirectory directory, ComputeDtype dtype, HeldDtype matrices, long seed);
  }

  private final Loader<M> loader;
  private final Consumer<M> closing;
  private final Map<Key, Held<M>> held = new HashMap<>();
  private long loads;

  private record Key(
      String path,
      String fingerprint,
      ComputeDtype dtype,
      HeldDtype matrices,
      Device device,
      long seed) {}

  private static final class Held<M> {
    final M model;
    int users;
    long idleSinceNanos;

    Held(M model) {
      this.model = model;
    }
  }

  /**
   * The right to use a model until closed.
   *
   * @param <M> the kind of model
   */
  public static final class Lease<M> implements AutoCloseable {
    private final SharedModels<M> owner;
    private final Key key;
    private final Held<M> leased;
    private final boolean loaded;
    private boolean open = true;

    private Lease(SharedModels<M> owner, Key key, Held<M> leased, boolean loaded) {
      this.owner = owner;
      this.key = key;
      this.leased = leased;
      this.loaded = loaded;
    }

    public M model() {
      return leased.model;
    }

    /** Whether this lease is the one for which the model was loaded. */
    public boolean loadedModel() {
      return loaded;
    }

    @Override
    public void close() {
      synchronized (owner) {
        if (open) {
          open = false;
          owner.giveBack(key, leased);
        }
      }
    }
  }

  private SharedModels(Loader<M> loader, Consumer<M> closing) {
    this.loader = loader;
    this.closing = closing;
  }

  /**
   * Gives the model of a directory on this thread's device, loading it if no task of this process
   * holds it there.
   *
   * @param modelFingerprint what {@link ModelDirectory#fingerprint} said on the driver: a process
   *     that sees other weights under the same path fails with BAD_CHECKPOINT
   */
  public Lease<M> acquire(
      Storage storage, String path, String modelFingerprint, ComputeDtype dtype) {
    return acquire(storage, path, modelFingerprint, dtype, HeldDtype.F32, 0);
  }

  /**
   * Gives a model as above.
   *
   * @param matrices the type of the matrices of layers; for models that are not reward models
   * @param seed of what the directory lacks, such as a head
   */
  public synchronized Lease<M> acquire(
      Storage storage,
      String path,
      String modelFingerprint,
      ComputeDtype dtype,
      HeldDtype matrices,
      long seed) {
    Key key = new Key(path, modelFingerprint, dtype, matrices, Device.ofThread(), seed);
    Held<M> found = held.get(key);
    boolean load = found == null;
    if (found == null) {
      ModelDirectory directory = ModelDirectory.open(storage, path);
      if (!directory.fingerprint().equals(modelFingerprint)) {
        throw new PlumblineException(
            ErrorCode.BAD_CHECKPOINT,
            "The model in %s is not the one that the driver saw there; keep it in a place that all hosts share, and do not change it while a job runs."
                .formatted(path));
      }
      found = new Held<>(loader.load(directory, dtype, matrices, seed));
      loads++;
      held.put(key, found);
    }
    found.users++;
    return new Lease<>(this, key, found, load);
  }

  /** Closes the models of this process, of every kind, that no task uses just now. */
  public static void closeIdle() {
    KINDS.forEach(SharedModels::closeIdleOfKind);
  }

  private synchronized void closeIdleOfKind() {
    held.values()
        .removeIf(
            one -> {
              if (one.users > 0) {
                return false;
              }
              closing.accept(one.model);
              return true;
            });
  }

  /** How many models of this kind this process has loaded so far. */
  public synchronized long loads() {
    return loads;
  }

  /** How many models of this kind this process holds, in use or lingering. */
  synchronized int size() {
    return held.size();
  }

  private void giveBack(Key key, Held<M> leased) {
    leased.users--;
    if (leased.users == 0) {
      leased.idleSinceNanos = System.nanoTime();
      closeLater(key, leased, leased.idleSinceNanos);
    }
  }

  private void closeLater(Key key, Held<M> leased, long idleSince) {
    var unused =
        CLOSER.schedule(
            () -> {
              synchronized (this) {
                boolean idleAllTheWhile = leased.users == 0 && leased.idleSinceNanos == idleSince;
                if (idleAllTheWhile && held.remove(key, leased)) {
                  closing.accept(leased.model);
                }
              }
            },
            LINGER.toMillis(),
            TimeUnit.MILLISECONDS);
  }
}
