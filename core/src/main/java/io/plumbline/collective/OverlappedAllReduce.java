package io.plumbline.collective;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.ArrayDeque;

/**
 * Sums over ranks on a thread of its own, while the caller computes on. All ranks must submit
 * buffers of the same lengths in the same order. From the first {@link #submit} until {@link
 * #awaitAll} returns, the collective and the submitted buffers belong to this class.
 */
public final class OverlappedAllReduce implements AutoCloseable {
  private final Collective collective;
  private final Thread thread;
  private final ArrayDeque<FloatBuffer> queue = new ArrayDeque<>();
  private boolean busy;

  /** Buffers that hold their sums. */
  private long finished;

  private boolean closed;
  private RuntimeException failure;

  /** Starts the thread; closing ends it, and leaves the collective open. */
  public OverlappedAllReduce(Collective collective) {
    this.collective = collective;
    thread = new Thread(this::work, "plumbline-all-reduce-" + collective.rank());
    thread.setDaemon(true);
    thread.start();
  }

  /** Queues a buffer, position to limit, to be summed in place. Never waits. */
  public void submit(FloatBuffer values) {
    FloatBuffer own = values.duplicate();
    synchronized (queue) {
      if (closed) {
        throw new PlumblineException(
            ErrorCode.INTERNAL, "A buffer was submitted to an all-reduce that is closed.");
      }
      // After a failure nothing is summed any more; awaitAll says why.
      if (failure == null) {
        queue.add(own);
        queue.notifyAll();
      }
    }
  }

  /**
   * Returns when all submitted buffers hold their sums. However it ends, no submitted buffer is
   * touched afterwards.
   *
   * @param deadline for each buffer: how long all of them take depends on their size
   * @throws PlumblineException what the collective threw; GANG_BROKEN past the deadline;
   *     INTERRUPTED
   */
  public void awaitAll(Duration deadline) {
    synchronized (queue) {
      long end = System.nanoTime() + deadline.toNanos();
      long finishedBefore = finished;
      while (failure == null && (busy || !queue.isEmpty())) {
        if (finished > finishedBefore) {
          finishedBefore = finished;
          end = System.nanoTime() + deadline.toNanos();
        }
        long left = end - System.nanoTime();
        if (left <= 0) {
          stop();
          throw new PlumblineException(
              ErrorCode.GANG_BROKEN,
              "Rank %d waited %s for gradients to be summed; look for a slow rank, or raise --collective-deadline."
                  .formatted(collective.rank(), Failures.seconds(deadline)));
        }
        try {
          queue.wait(Math.max(1, left / 1_000_000));
        } catch (InterruptedException e) {
          stop();
          Thread.currentThread().interrupt();
          throw Failures.interrupted(collective.rank(), "the summing of gradients");
        }
      }
      if (failure != null) {
        throw failure;
      }
    }
  }

  /** Ends the thread; what was not summed yet stays as it is. */
  @Override
  public void close() {
    synchronized (queue) {
      closed = true;
      stop();
    }
  }

  /** Waits without a limit of its own: the collective polls for interruption in every wait. */
  private void stop() {
    closed = true;
    queue.clear();
    boolean interrupted = false;
    if (busy) {
      thread.interrupt();
    }
    queue.notifyAll();
    while (busy) {
      try {
        queue.wait(100);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void work() {
    while (true) {
      FloatBuffer values;
      synchronized (queue) {
        busy = false;
        queue.notifyAll();
        while (queue.isEmpty()) {
          if (closed) {
            return;
          }
          try {
            queue.wait();
          } catch (InterruptedException e) {
            // Only stop() interrupts, and it sets closed first: the loop's next turn sees it.
          }
        }
        values = queue.remove();
        busy = true;
      }
      try {
        collective.allReduceSum(values);
        synchronized (queue) {
          finished++;
          queue.notifyAll();
        }
      } catch (RuntimeException | Error e) {
        synchronized (queue) {
          failure =
              e instanceof RuntimeException known
                  ? known
                  : new PlumblineException(
                      ErrorCode.INTERNAL,
                      "Rank %d failed in summing gradients: %s".formatted(collective.rank(), e),
                      e);
          queue.clear();
        }
      }
    }
  }
}
