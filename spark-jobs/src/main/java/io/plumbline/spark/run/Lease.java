package io.plumbline.spark.run;

import io.plumbline.base.TimeSpan;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Signs of life of the holder of a lock, for who cannot see its process: a file beside the lock
 * that the holder writes again and again, with a number that grows. Nobody compares clocks: a
 * waiter watches the number.
 */
final class Lease implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Lease.class);

  /**
   * How a lease is kept.
   *
   * @param renewal after which the holder writes again
   * @param duration without a sign of life after which a holder counts as gone
   */
  record Terms(Duration renewal, Duration duration) {
    static final Terms STANDARD = new Terms(Duration.ofSeconds(20), Duration.ofMinutes(2));
  }

  private final Storage storage;
  private final String file;
  private final Terms terms;
  private final Thread thread;
  private final CountDownLatch closed = new CountDownLatch(1);

  private Lease(Storage storage, String file, Terms terms) {
    this.storage = storage;
    this.file = file;
    this.terms = terms;
    this.thread = new Thread(this::renew, "plumbline-lease");
    thread.setDaemon(true);
  }

  /** Writes the first sign of life, and others until it is closed. */
  static Lease begin(Storage storage, String lockFile, String token, Terms terms) {
    Lease lease = new Lease(storage, file(lockFile, token), terms);
    storage.writeText(lease.file, "0\n");
    lease.thread.start();
    return lease;
  }

  private static String file(String lockFile, String token) {
    return lockFile + ".alive-" + token;
  }

  private void renew() {
    try {
      for (long sign = 1;
          !closed.await(terms.renewal().toMillis(), TimeUnit.MILLISECONDS);
          sign++) {
        try {
          storage.writeText(file, sign + "\n");
        } catch (RuntimeException e) {
          // Whatever it was: a holder that stops giving signs counts as gone.
          LOG.warn("The claim on the output could not be renewed; it is tried again", e);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed.countDown();
    try {
      thread.join(TimeUnit.SECONDS.toMillis(30));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    storage.delete(file);
  }

  /** Deletes the signs of life of a holder that is gone. */
  static void forget(Storage storage, String lockFile, String token) {
    storage.delete(file(lockFile, token));
  }

  /**
   * Waits until the holder of a lock gives a sign of life, or has been silent for the lease.
   *
   * @param holder as a sentence names it
   * @return whether it lives
   */
  static boolean isRenewed(
      Storage storage,
      String lockFile,
      String token,
      String holder,
      Terms terms,
      Consumer<String> notes) {
    Optional<String> first = read(storage, file(lockFile, token));
    notes.accept(
        "%s holds the output, or did until it was lost: waiting up to %s for a sign of life (%s)"
            .formatted(holder, TimeSpan.text(terms.duration()), lockFile));
    long end = System.nanoTime() + terms.duration().toNanos();
    while (System.nanoTime() < end) {
      pause(terms.renewal().dividedBy(4));
      if (!storage.exists(lockFile)) {
        // Given free meanwhile, and its signs of life with it.
        return false;
      }
      if (!read(storage, file(lockFile, token)).equals(first)) {
        // Whoever gives it free deletes the lock first.
        return storage.exists(lockFile);
      }
    }
    return false;
  }

  /** Waits until a file is gone, or has stayed for so long. */
  static boolean staysFor(Storage storage, String file, Duration duration) {
    long end = System.nanoTime() + duration.toNanos();
    while (System.nanoTime() < end) {
      pause(duration.dividedBy(20));
      if (!storage.exists(file)) {
        return false;
      }
    }
    return true;
  }

  private static Optional<String> read(Storage storage, String file) {
    try {
      return storage.exists(file) ? Optional.of(storage.readText(file)) : Optional.empty();
    } catch (PlumblineException e) {
      if (e.code() != ErrorCode.INPUT_NOT_FOUND) {
        throw e;
      }
      return Optional.empty(); // Deleted between the two calls.
    }
  }

  private static void pause(Duration duration) {
    try {
      Thread.sleep(duration.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PlumblineException(
          ErrorCode.INTERRUPTED, "The wait for another run's output was stopped from outside.", e);
    }
  }
}
