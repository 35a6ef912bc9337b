package io.plumbline.collective;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.Arrays;

/**
 * A rank of a gang whose ranks are threads of one process. Every rank adds up its own share of the
 * elements, reading from and writing to all ranks' buffers.
 *
 * <p>A buffer may be freed as soon as its owner's call is over, so no call ends, not even by a
 * failure, while another rank may still touch its buffer.
 */
final class SharedMemory implements Collective {
  private static final int BLOCK = 4096;
  private static final long SPIN_NANOS = 30_000;

  /** What the ranks of one gang share; its monitor guards all that is not volatile. */
  static final class Group {
    private final int worldSize;
    private final Operation.Kind[] kinds;
    private final long[] sequences;
    private final long[] lengths;
    private final int[] roots;
    private final FloatBuffer[] floats;
    private final double[][] doubles;
    private final boolean[] arrived;
    private final boolean[] left;
    private int arrivals;
    private int working;
    private volatile long started;
    private volatile long finished;
    private volatile PlumblineException broken;

    private final long created = System.nanoTime();
    private int joined;

    Group(int worldSize) {
      this.worldSize = worldSize;
      kinds = new Operation.Kind[worldSize];
      sequences = new long[worldSize];
      lengths = new long[worldSize];
      roots = new int[worldSize];
      floats = new FloatBuffer[worldSize];
      doubles = new double[worldSize][];
      arrived = new boolean[worldSize];
      left = new boolean[worldSize];
    }

    /** Whether all ranks have joined, so that nobody will look for this group any more. */
    synchronized boolean joinedByLast() {
      return ++joined == worldSize;
    }

    boolean isOlderThan(Duration age) {
      return System.nanoTime() - created > age.toNanos();
    }

    private String describe(int rank) {
      return Operation.describe(kinds[rank], sequences[rank], lengths[rank], roots[rank]);
    }

    private void breakOff(PlumblineException failure) {
      if (broken == null) {
        broken = failure;
      }
      notifyAll();
    }
  }

  private final Group group;
  private final Membership membership;
  private final int rank;
  private final float[] sum = new float[BLOCK];
  private final float[] values = new float[BLOCK];
  private long sequence;
  private boolean closed;

  SharedMemory(Group group, Membership membership) {
    this.group = group;
    this.membership = membership;
    this.rank = membership.rank();
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int worldSize() {
    return group.worldSize;
  }

  @Override
  public void allReduceSum(FloatBuffer buffer) {
    together(Operation.Kind.SUM_FLOATS, buffer.remaining(), 0, buffer, null);
  }

  @Override
  public void allReduceSum(double[] buffer) {
    together(Operation.Kind.SUM_DOUBLES, buffer.length, 0, null, buffer);
  }

  @Override
  public void broadcast(FloatBuffer buffer, int root) {
    Failures.checkRoot(root, group.worldSize);
    together(Operation.Kind.BROADCAST, buffer.remaining(), root, buffer, null);
  }

  @Override
  public void barrier() {
    together(Operation.Kind.BARRIER, 0, 0, null, null);
  }

  private void together(
      Operation.Kind kind, long length, int root, FloatBuffer floats, double[] doubles) {
    if (closed) {
      throw Failures.closed(rank);
    }
    long operation = ++sequence;
    enter(kind, operation, length, root, floats, doubles);
    PlumblineException failure = null;
    try {
      work(kind, length, root);
    } catch (RuntimeException | Error e) {
      failure =
          new PlumblineException(
              ErrorCode.INTERNAL,
              "Rank %d failed in %s: %s"
                  .formatted(rank, Operation.describe(kind, operation, length, root), e),
              e);
    }
    leave(operation, failure);
  }

  private void enter(
      Operation.Kind kind,
      long operation,
      long length,
      int root,
      FloatBuffer floats,
      double[] doubles) {
    synchronized (group) {
      throwIfBroken();
      group.kinds[rank] = kind;
      group.sequences[rank] = operation;
      group.lengths[rank] = length;
      group.roots[rank] = root;
      group.floats[rank] = floats;
      group.doubles[rank] = doubles;
      group.arrived[rank] = true;
      group.arrivals++;
      for (int peer = 0; peer < group.worldSize; peer++) {
        if (group.arrived[peer]
            && (group.kinds[peer] != kind
                || group.sequences[peer] != operation
                || group.lengths[peer] != length
                || group.roots[peer] != root)) {
          PlumblineException mismatch =
              Failures.mismatch(rank, group.describe(rank), peer, group.describe(peer));
          group.breakOff(mismatch);
          throw mismatch;
        }
      }
      if (group.arrivals == group.worldSize) {
        group.arrivals = 0;
        Arrays.fill(group.arrived, false);
        group.working = group.worldSize;
        group.started = operation;
        group.notifyAll();
        return;
      }
    }
    spin(() -> group.started >= operation || group.broken != null);
    long deadline = System.nanoTime() + membership.deadline().toNanos();
    synchronized (group) {
      while (group.started < operation) {
        // Until all have arrived nobody touches a buffer, so leaving here is safe.
        throwIfBroken();
        for (int peer = 0; peer < group.worldSize; peer++) {
          if (group.left[peer]) {
            breakOff(Failures.left(rank, peer, group.describe(rank)));
          }
        }
        if (Thread.currentThread().isInterrupted() || membership.interrupted().getAsBoolean()) {
          breakOff(Failures.interrupted(rank, group.describe(rank)));
        }
        long remaining = deadline - System.nanoTime();
        if (remaining <= 0) {
          breakOff(Failures.late(rank, membership.deadline(), missing(), group.describe(rank)));
        }
        try {
          group.wait(Math.min(100, remaining / 1_000_000 + 1));
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
    }
  }

  private void leave(long operation, PlumblineException failure) {
    synchronized (group) {
      if (failure != null) {
        group.breakOff(failure);
      }
      if (--group.working == 0) {
        Arrays.fill(group.floats, null);
        Arrays.fill(group.doubles, null);
        group.finished = operation;
        group.notifyAll();
      }
    }
    spin(() -> group.finished >= operation);
    boolean interrupted = false;
    synchronized (group) {
      long deadline = System.nanoTime() + membership.deadline().toNanos();
      while (group.finished < operation) {
        // The others are only computing; leaving now could free memory under their hands.
        if (System.nanoTime() > deadline) {
          breakOff(
              Failures.late(
                  rank, membership.deadline(), "ranks that are adding up", group.describe(rank)));
        }
        try {
          group.wait(100);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      if (failure != null) {
        throw failure;
      }
      throwIfBroken();
    }
  }

  private static void spin(java.util.function.BooleanSupplier until) {
    long end = System.nanoTime() + SPIN_NANOS;
    while (!until.getAsBoolean() && System.nanoTime() < end) {
      Spin.once();
    }
  }

  private void breakOff(PlumblineException failure) {
    group.breakOff(failure);
    throw failure;
  }

  private void throwIfBroken() {
    if (group.broken != null) {
      throw Failures.again(group.broken);
    }
  }

  private String missing() {
    StringBuilder names = new StringBuilder();
    for (int peer = 0; peer < group.worldSize; peer++) {
      if (!group.arrived[peer]) {
        names.append(names.isEmpty() ? "rank " : ", rank ").append(peer);
      }
    }
    return names.toString();
  }

  private void work(Operation.Kind kind, long length, int root) {
    int from = Plan.start(length, rank, group.worldSize);
    int to = Plan.start(length, rank + 1, group.worldSize);
    switch (kind) {
      case SUM_FLOATS -> sumFloats(from, to, length <= Plan.SMALL_FLOATS ? 0 : rank);
      case SUM_DOUBLES -> sumDoubles(from, to);
      case BROADCAST -> copyFloats(from, to, root);
      case BARRIER -> {}
    }
  }

  private void sumFloats(int from, int to, int first) {
    int n = group.worldSize;
    for (int at = from; at < to; at += BLOCK) {
      int count = Math.min(BLOCK, to - at);
      FloatBuffer own = group.floats[first];
      own.get(own.position() + at, sum, 0, count);
      for (int i = 1; i < n; i++) {
        FloatBuffer other = group.floats[(first + i) % n];
        other.get(other.position() + at, values, 0, count);
        Plan.add(sum, values, count);
      }
      for (int i = 0; i < n; i++) {
        FloatBuffer buffer = group.floats[i];
        buffer.put(buffer.position() + at, sum, 0, count);
      }
    }
  }

  private void sumDoubles(int from, int to) {
    for (int at = from; at < to; at++) {
      double total = group.doubles[0][at];
      for (int peer = 1; peer < group.worldSize; peer++) {
        total += group.doubles[peer][at];
      }
      for (int peer = 0; peer < group.worldSize; peer++) {
        group.doubles[peer][at] = total;
      }
    }
  }

  private void copyFloats(int from, int to, int root) {
    FloatBuffer source = group.floats[root];
    for (int peer = 0; peer < group.worldSize; peer++) {
      if (peer != root) {
        FloatBuffer buffer = group.floats[peer];
        buffer.put(buffer.position() + from, source, source.position() + from, to - from);
      }
    }
  }

  @Override
  public void abandon(PlumblineException failure) {
    synchronized (group) {
      group.breakOff(Failures.told(rank, Failures.origin(failure)));
    }
    close();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      synchronized (group) {
        group.left[rank] = true;
        group.notifyAll();
      }
    }
  }
}
