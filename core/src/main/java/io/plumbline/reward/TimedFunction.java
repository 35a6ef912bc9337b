package io.plumbline.reward;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A reward function on a thread of its own, with a deadline for each batch. One that does not come
 * back when it is interrupted is left alone, and a new one takes its place.
 */
final class TimedFunction implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TimedFunction.class);

  /** What a function has to come back once it is interrupted. */
  private static final Duration GRACE = Duration.ofSeconds(1);

  private static final Duration CLOSING = Duration.ofSeconds(10);

  private final String name;
  private final Duration timeout;
  private final Supplier<RewardFunction> maker;

  /** What the function looks for in completions. */
  private final Set<String> reads;

  /** Null after one was left alone. */
  private Seat seat;

  /**
   * @param maker makes the function; called now, and again after one had to be left alone
   */
  TimedFunction(String name, Duration timeout, Supplier<RewardFunction> maker) {
    this.name = name;
    this.timeout = timeout;
    this.maker = maker;
    this.seat = new Seat(name, maker.get());
    this.reads = Set.copyOf(seat.function.reads());
  }

  Set<String> reads() {
    return reads;
  }

  /** A function and the thread that calls it. */
  private static final class Seat {
    private final RewardFunction function;
    private final ExecutorService executor;
    private volatile Thread thread;

    Seat(String name, RewardFunction function) {
      this.function = function;
      ClassLoader loader = Thread.currentThread().getContextClassLoader();
      this.executor =
          Executors.newSingleThreadExecutor(
              task -> {
                Thread made = new Thread(task, "plumbline-reward-" + name);
                made.setDaemon(true);
                made.setContextClassLoader(loader);
                thread = made;
                return made;
              });
    }

    void interrupt() {
      Thread running = thread;
      if (running != null) {
        running.interrupt();
      }
    }

    /** Closes the function on its thread, once that is free. */
    void close() {
      executor.execute(
          () -> {
            boolean unused = Thread.interrupted();
            try {
              function.close();
            } catch (Exception e) {
              LOG.warn("A reward function could not be closed: {}", e.getClass().getName());
            }
          });
      executor.shutdown();
    }
  }

  /** A batch that a function was given. */
  final class Call {
    private final Seat seat;
    private final Batch batch;
    private final long deadline;

    private Call(Seat seat, Batch batch) {
      this.seat = seat;
      this.batch = batch;
      this.deadline = System.nanoTime() + Math.min(timeout.toNanos(), Long.MAX_VALUE / 4);
      seat.executor.execute(batch);
    }

    /** Waits, until the deadline; one outcome for each completion. */
    List<Outcome> await() throws InterruptedException {
      if (finishedWithin(deadline - System.nanoTime())) {
        return batch.outcomes("gave no reward");
      }
      end();
      return batch.outcomes("gave no reward within " + seconds(timeout));
    }

    /** Interrupts the function, and leaves it alone where that does not help. */
    void end() throws InterruptedException {
      batch.giveUp();
      seat.interrupt();
      if (!finishedWithin(GRACE.toNanos())) {
        LOG.warn(
            "The reward {} continues although its time is up and it was interrupted; it is left"
                + " alone, and a new one takes its place",
            name);
        leave();
      }
    }

    /** Interrupts the function and does not look back. */
    void drop() {
      batch.giveUp();
      seat.interrupt();
      leave();
    }

    private void leave() {
      if (TimedFunction.this.seat == seat) {
        TimedFunction.this.seat = null;
        seat.close();
      }
    }

    private boolean finishedWithin(long nanos) throws InterruptedException {
      try {
        batch.done().get(Math.max(0, nanos), TimeUnit.NANOSECONDS);
        return true;
      } catch (TimeoutException e) {
        return false;
      } catch (ExecutionException e) {
        if (e.getCause() instanceof OutOfMemoryError error) {
          throw error;
        }
        throw new PlumblineException(
            ErrorCode.INTERNAL, "The reward " + name + " could not be run; please report this.", e);
      }
    }
  }

  private static String seconds(Duration duration) {
    double seconds = duration.toNanos() / 1e9;
    return (seconds == Math.rint(seconds) ? String.valueOf((long) seconds) : "" + seconds) + " s";
  }

  /** Gives the function a batch; it must have none at the time. */
  Call start(List<Completion> completions) {
    if (seat == null) {
      seat = new Seat(name, maker.get());
    }
    return new Call(seat, new Batch(seat.function, completions));
  }

  /** Closes the function; waits for that, within bounds. */
  @Override
  public void close() {
    if (seat == null) {
      return;
    }
    seat.close();
    try {
      if (!seat.executor.awaitTermination(CLOSING.toMillis(), TimeUnit.MILLISECONDS)) {
        seat.interrupt();
        LOG.warn("The reward {} does not end its close(); it is left alone", name);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    seat = null;
  }
}
