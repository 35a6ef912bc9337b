package io.plumbline.collective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.collective.RingListener.Transport;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A gang never hangs and never gives a wrong sum: it says which rank did what. */
@Timeout(60)
class RingFailureTest {
  private static PlumblineException broken(Future<?> future) throws Exception {
    Throwable failure = Gangs.failure(future);
    assertThat(failure).isInstanceOf(PlumblineException.class);
    assertThat(((PlumblineException) failure).code()).isEqualTo(ErrorCode.GANG_BROKEN);
    return (PlumblineException) failure;
  }

  private static List<Future<Object>> start(Transport transport, int n, Gangs.Work<Object> work) {
    return Gangs.start(n, transport, Gangs.DEADLINE, () -> false, work);
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void mismatchedCallsNameBothSides(Transport transport) throws Exception {
    List<Future<Object>> ranks =
        start(
            transport,
            2,
            ring -> {
              ring.barrier();
              if (ring.rank() == 0) {
                ring.allReduceSum(new double[3]);
              } else {
                ring.broadcast(FloatBuffer.allocate(9), 1);
              }
              return null;
            });
    for (Future<Object> rank : ranks) {
      assertThat(broken(rank))
          .hasMessageContaining("rank 0 called allReduceSum of 3 doubles (its operation 2)")
          .hasMessageContaining(
              "rank 1 called broadcast of 9 floats from rank 1 (its operation 2)");
    }
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void anotherLengthIsAMismatchToo(Transport transport) throws Exception {
    for (int[] lengths : new int[][] {{3, 4}, {50_000, 50_001}, {10, 50_000}}) {
      List<Future<Object>> ranks =
          start(
              transport,
              3,
              ring -> {
                ring.allReduceSum(FloatBuffer.allocate(lengths[ring.rank() == 1 ? 1 : 0]));
                return null;
              });
      assertThat(broken(ranks.get(1))).hasMessageContaining("different operations");
      assertThat(broken(ranks.get(0))).hasMessageContaining("different operations");
      assertThat(broken(ranks.get(2))).hasMessageContaining("different operations");
    }
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void aRankThatLeavesEarlyIsNamedAtOnce(Transport transport) throws Exception {
    long start = System.nanoTime();
    List<Future<Object>> ranks =
        start(
            transport,
            4,
            ring -> {
              ring.allReduceSum(new double[] {1});
              if (ring.rank() == 2) {
                return null;
              }
              ring.allReduceSum(FloatBuffer.allocate(100_000));
              return null;
            });
    for (int rank : new int[] {0, 1, 3}) {
      assertThat(broken(ranks.get(rank))).hasMessageContaining("Rank 2 left the gang");
    }
    assertThat(ranks.get(2).get()).isNull();
    assertThat(System.nanoTime() - start).isLessThan(5_000_000_000L);
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void theReasonOfARankThatFailsReachesTheOthers(Transport transport) throws Exception {
    List<Future<Object>> ranks =
        start(
            transport,
            3,
            ring -> {
              if (ring.rank() == 1) {
                ring.abandon(new PlumblineException(ErrorCode.NUMERICS, "The loss is NaN."));
                return null;
              }
              ring.barrier();
              return null;
            });
    for (int rank : new int[] {0, 2}) {
      PlumblineException failure = broken(ranks.get(rank));
      assertThat(failure).hasMessageContaining("Rank 1 failed: The loss is NaN.");
      assertThat(failure.getCause()).isInstanceOf(PlumblineException.class);
      assertThat(((PlumblineException) failure.getCause()).code()).isEqualTo(ErrorCode.NUMERICS);
    }
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void aSilentRankIsNamedAtTheDeadline(Transport transport) throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    List<Future<Object>> ranks =
        Gangs.start(
            2,
            transport,
            Duration.ofMillis(700),
            () -> false,
            ring -> {
              if (ring.rank() == 1) {
                over.await(30, TimeUnit.SECONDS);
                return null;
              }
              ring.allReduceSum(FloatBuffer.allocate(30_000));
              return null;
            });
    assertThat(broken(ranks.get(0)))
        .hasMessageContaining("waited 0.7 s for rank")
        .hasMessageContaining("rank 1");
    over.countDown();
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void interruptionEndsEveryWait(Transport transport) throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    CountDownLatch over = new CountDownLatch(1);
    List<Future<Object>> ranks =
        Gangs.start(
            2,
            transport,
            Gangs.DEADLINE,
            stop::get,
            ring -> {
              if (ring.rank() == 1) {
                over.await(30, TimeUnit.SECONDS);
                return null;
              }
              ring.barrier();
              return null;
            });
    Thread.sleep(300);
    stop.set(true);
    long asked = System.nanoTime();
    assertThat(((PlumblineException) Gangs.failure(ranks.get(0))).code())
        .isEqualTo(ErrorCode.INTERRUPTED);
    assertThat(System.nanoTime() - asked).isLessThan(1_000_000_000L);
    over.countDown();
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void afterAFailureEveryCallFails(Transport transport) throws Exception {
    List<Future<Object>> ranks =
        start(
            transport,
            2,
            ring -> {
              if (ring.rank() == 1) {
                return null;
              }
              assertThatThrownBy(ring::barrier).hasMessageContaining("Rank 1 left");
              assertThatThrownBy(ring::barrier).hasMessageContaining("Rank 1 left");
              assertThatThrownBy(() -> ring.allReduceSum(new double[1]))
                  .hasMessageContaining("Rank 1 left");
              return null;
            });
    Gangs.results(ranks);
  }

  @Test
  void strangersAndStaleRanksAreRefusedAndTheGangStillMeets() throws Exception {
    RingListener first = RingListener.open("127.0.0.1", Transport.SOCKETS);
    RingListener second = RingListener.open("127.0.0.1", Transport.SOCKETS);
    List<String> addresses = List.of(first.address(), second.address());
    Address target = Address.parse(0, first.address());
    ExecutorService threads = Executors.newCachedThreadPool();
    List<SocketChannel> strangers = new ArrayList<>();
    try (first;
        second) {
      // One that says nothing, one that talks rubbish, by both ways in.
      strangers.add(
          SocketChannel.open(
              new InetSocketAddress(InetAddress.getLoopbackAddress(), target.port())));
      strangers.add(SocketChannel.open(UnixDomainSocketAddress.of(target.socketFile())));
      SocketChannel rubbish =
          SocketChannel.open(
              new InetSocketAddress(InetAddress.getLoopbackAddress(), target.port()));
      strangers.add(rubbish);
      rubbish.write(ByteBuffer.allocate(200));

      Future<double[]> zero = threads.submit(() -> sum(first, Gangs.member(0, 2), addresses));

      Membership wrongSecret =
          new Membership(1, 2, 3, new byte[32], Duration.ofSeconds(5), () -> false);
      Membership stale = new Membership(1, 2, 2, Gangs.SECRET, Duration.ofSeconds(5), () -> false);
      for (Membership impostor : List.of(wrongSecret, stale)) {
        try (RingListener other = RingListener.open("127.0.0.1", Transport.SOCKETS)) {
          assertThatThrownBy(() -> other.join(impostor, addresses).close())
              .isInstanceOf(PlumblineException.class)
              .hasMessageContaining("Rank 1 cannot join rank 0")
              .hasMessageContaining("belongs to another job or attempt");
        }
      }
      assertThat(zero.isDone()).isFalse();
      Future<double[]> one = threads.submit(() -> sum(second, Gangs.member(1, 2), addresses));
      assertThat(zero.get(20, TimeUnit.SECONDS)).containsExactly(2);
      assertThat(one.get(20, TimeUnit.SECONDS)).containsExactly(2);
    } finally {
      for (SocketChannel stranger : strangers) {
        stranger.close();
      }
      threads.shutdown();
    }
  }

  private static double[] sum(RingListener listener, Membership me, List<String> addresses) {
    try (Collective ring = listener.join(me, addresses)) {
      double[] values = {1};
      ring.allReduceSum(values);
      return values;
    }
  }

  @Test
  void anAbsentRankIsNamedWhenJoining() {
    try (RingListener here = RingListener.open("127.0.0.1", Transport.TCP);
        RingListener silent = RingListener.open("127.0.0.1", Transport.TCP)) {
      Membership me = Gangs.member(0, 2, Duration.ofMillis(600), () -> false);
      assertThatThrownBy(() -> here.join(me, List.of(here.address(), silent.address())))
          .hasMessageContaining("waited 0.6 s for rank 1 during joining the gang");
    }
  }

  @Test
  void aMissingSocketFileMeansTcp() throws Exception {
    ExecutorService threads = Executors.newCachedThreadPool();
    try (RingListener zero = RingListener.open("127.0.0.1", Transport.SOCKETS);
        RingListener one = RingListener.open("127.0.0.1", Transport.SOCKETS)) {
      Files.delete(Path.of(Address.parse(0, zero.address()).socketFile()));
      List<String> addresses = List.of(zero.address(), one.address());
      Future<double[]> first = threads.submit(() -> sum(zero, Gangs.member(0, 2), addresses));
      Future<double[]> second = threads.submit(() -> sum(one, Gangs.member(1, 2), addresses));
      assertThat(first.get(20, TimeUnit.SECONDS)).containsExactly(2);
      assertThat(second.get(20, TimeUnit.SECONDS)).containsExactly(2);
    } finally {
      threads.shutdown();
    }
  }

  @Test
  void aKilledProcessIsNamedAtOnceByAllOthers(@TempDir Path directory) throws Exception {
    Process victim =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-cp",
                System.getProperty("java.class.path"),
                Victim.class.getName(),
                directory.toString())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("log").toFile())
            .start();
    ExecutorService threads = Executors.newCachedThreadPool();
    CountDownLatch going = new CountDownLatch(2);
    try {
      List<Future<Object>> survivors = new ArrayList<>();
      for (int rank : new int[] {0, 2}) {
        survivors.add(
            threads.submit(
                () -> {
                  try (RingListener listener = RingListener.open("127.0.0.1", Transport.SOCKETS)) {
                    List<String> all = Rendezvous.byFiles(directory, rank, 3, listener.address());
                    try (Collective ring = listener.join(Gangs.member(rank, 3), all)) {
                      FloatBuffer values = FloatBuffer.allocate(2_000_000);
                      while (true) {
                        ring.allReduceSum(values);
                        going.countDown();
                      }
                    }
                  }
                }));
      }
      assertThat(going.await(30, TimeUnit.SECONDS)).isTrue();
      victim.destroyForcibly();
      long killed = System.nanoTime();
      for (Future<Object> survivor : survivors) {
        assertThat(broken(survivor)).hasMessageContaining("Rank 1 went away");
      }
      assertThat(System.nanoTime() - killed).isLessThan(3_000_000_000L);
    } finally {
      victim.destroyForcibly();
      threads.shutdown();
    }
  }

  /** Sums for ever as rank 1 of 3. */
  static final class Victim {
    public static void main(String[] args) throws Exception {
      try (RingListener listener = RingListener.open("127.0.0.1", Transport.SOCKETS)) {
        List<String> all = Rendezvous.byFiles(Path.of(args[0]), 1, 3, listener.address());
        try (Collective ring = listener.join(Gangs.member(1, 3), all)) {
          FloatBuffer values = FloatBuffer.allocate(2_000_000);
          while (true) {
            ring.allReduceSum(values);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void overlappedSumsEqualPlainOnesAndFailuresSurface(Transport transport) throws Exception {
    List<Future<Object>> ranks =
        start(
            transport,
            2,
            ring -> {
              try (OverlappedAllReduce overlapped = new OverlappedAllReduce(ring)) {
                for (int round = 0; round < 20; round++) {
                  List<FloatBuffer> segments = new ArrayList<>();
                  for (int size : new int[] {10, 60_000, 0, 5}) {
                    FloatBuffer segment = FloatBuffer.allocate(size);
                    for (int i = 0; i < size; i++) {
                      segment.put(i, ring.rank() + i + round);
                    }
                    segments.add(segment);
                    overlapped.submit(segment);
                  }
                  overlapped.awaitAll(Gangs.DEADLINE);
                  for (FloatBuffer segment : segments) {
                    for (int i = 0; i < segment.limit(); i++) {
                      assertThat(segment.get(i)).isEqualTo(1 + 2 * (i + round));
                    }
                  }
                }
                if (ring.rank() == 1) {
                  return null;
                }
                overlapped.submit(FloatBuffer.allocate(60_000));
                assertThatThrownBy(() -> overlapped.awaitAll(Gangs.DEADLINE))
                    .hasMessageContaining("Rank 1 left the gang");
                assertThatThrownBy(() -> overlapped.awaitAll(Gangs.DEADLINE))
                    .hasMessageContaining("Rank 1 left the gang");
              }
              return null;
            });
    Gangs.results(ranks);
  }

  @ParameterizedTest
  @EnumSource(Transport.class)
  void overlappedSumsKeepTheirOwnDeadline(Transport transport) throws Exception {
    CountDownLatch over = new CountDownLatch(1);
    List<Future<Object>> ranks =
        start(
            transport,
            2,
            ring -> {
              if (ring.rank() == 1) {
                over.await(30, TimeUnit.SECONDS);
                return null;
              }
              try (OverlappedAllReduce overlapped = new OverlappedAllReduce(ring)) {
                overlapped.submit(FloatBuffer.allocate(60_000));
                assertThatThrownBy(() -> overlapped.awaitAll(Duration.ofMillis(300)))
                    .hasMessageContaining("waited 0.3 s for gradients to be summed");
              }
              return null;
            });
    ranks.get(0).get(20, TimeUnit.SECONDS);
    over.countDown();
    ranks.get(1).get(20, TimeUnit.SECONDS);
  }

  @Test
  void theSecretIsNotInAnyText() {
    assertThat(Gangs.member(0, 2).toString()).doesNotContain("secret").doesNotContain("[B");
  }
}
