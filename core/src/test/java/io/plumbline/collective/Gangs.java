package io.plumbline.collective;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Gangs whose ranks are threads of the test, over real sockets or memory. */
final class Gangs {
  static final byte[] SECRET =
      "a secret of at least 16 bytes".getBytes(java.nio.charset.StandardCharsets.UTF_8);
  static final Duration DEADLINE = Duration.ofSeconds(20);

  interface Work<T> {
    T run(Collective collective) throws Exception;
  }

  private Gangs() {}

  static Membership member(int rank, int worldSize) {
    return member(rank, worldSize, DEADLINE, () -> false);
  }

  static Membership member(
      int rank, int worldSize, Duration deadline, BooleanSupplier interrupted) {
    return new Membership(rank, worldSize, 3, SECRET, deadline, interrupted);
  }

  static <T> List<T> run(int worldSize, RingListener.Transport transport, Work<T> work)
      throws Exception {
    return results(start(worldSize, transport, DEADLINE, () -> false, work));
  }

  static <T> List<Future<T>> start(
      int worldSize,
      RingListener.Transport transport,
      Duration deadline,
      BooleanSupplier interrupted,
      Work<T> work) {
    List<RingListener> listeners = new ArrayList<>();
    List<String> addresses = new ArrayList<>();
    for (int rank = 0; rank < worldSize; rank++) {
      listeners.add(RingListener.open("127.0.0.1", transport));
      addresses.add(listeners.get(rank).address());
    }
    ExecutorService threads = Executors.newFixedThreadPool(worldSize);
    List<Future<T>> futures = new ArrayList<>();
    for (int rank = 0; rank < worldSize; rank++) {
      int mine = rank;
      futures.add(
          threads.submit(
              () -> {
                Membership membership = member(mine, worldSize, deadline, interrupted);
                try (RingListener listener = listeners.get(mine);
                    Collective collective = listener.join(membership, addresses)) {
                  return work.run(collective);
                }
              }));
    }
    threads.shutdown();
    return futures;
  }

  static <T> List<T> results(List<Future<T>> futures) throws Exception {
    List<T> results = new ArrayList<>();
    for (Future<T> future : futures) {
      results.add(future.get(60, TimeUnit.SECONDS));
    }
    return results;
  }

  static Throwable failure(Future<?> future) throws Exception {
    try {
      Object result = future.get(60, TimeUnit.SECONDS);
      throw new AssertionError("should have failed, gave " + result);
    } catch (ExecutionException e) {
      return e.getCause();
    }
  }
}
