package io.plumbline.collective;

import io.plumbline.collective.RingListener.Transport;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Times all-reduce among processes of this host: {@code RingBenchmark WORLD_SIZE
 * SOCKETS|TCP|NEAREST}. NEAREST runs the ranks as threads of one process, through memory. Algorithm
 * bandwidth = bytes of the buffer / time of the fastest of several calls.
 */
public final class RingBenchmark {
  private RingBenchmark() {}

  public static void main(String[] args) throws Exception {
    int worldSize = Integer.parseInt(args[0]);
    Transport transport = Transport.valueOf(args[1]);
    if (args.length == 4) {
      Path directory = Path.of(args[2]);
      measure(worldSize, transport, directory, Integer.parseInt(args[3]));
      return;
    }
    Path directory = Files.createTempDirectory("ring-benchmark");
    if (transport == Transport.NEAREST) {
      Gangs.run(
          worldSize,
          transport,
          ring -> {
            time(ring, transport);
            return null;
          });
      return;
    }
    List<Process> processes = new ArrayList<>();
    for (int rank = 0; rank < worldSize; rank++) {
      processes.add(
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xmx1g",
                  "-cp",
                  System.getProperty("java.class.path"),
                  RingBenchmark.class.getName(),
                  args[0],
                  args[1],
                  directory.toString(),
                  Integer.toString(rank))
              .inheritIO()
              .start());
    }
    for (Process process : processes) {
      process.waitFor();
    }
  }

  private static void measure(int worldSize, Transport transport, Path directory, int rank)
      throws Exception {
    try (RingListener listener = RingListener.open("127.0.0.1", transport)) {
      List<String> addresses = Rendezvous.byFiles(directory, rank, worldSize, listener.address());
      try (Collective ring = listener.join(Gangs.member(rank, worldSize), addresses)) {
        time(ring, transport);
      }
    }
  }

  private static void time(Collective ring, Transport transport) {
    int worldSize = ring.worldSize();
    double[] few = {1, 2, 3};
    long[] nanos = new long[4000];
    for (int i = 0; i < nanos.length; i++) {
      long start = System.nanoTime();
      ring.allReduceSum(few);
      nanos[i] = System.nanoTime() - start;
    }
    Arrays.sort(nanos, 1000, 4000);
    if (ring.rank() == 0) {
      System.out.printf(
          Locale.ROOT,
          "%s, %d ranks, 3 doubles: median %.1f us, 99th percentile %.1f us%n",
          transport,
          worldSize,
          nanos[2500] / 1e3,
          nanos[3970] / 1e3);
    }
    for (int megabytes : new int[] {1, 4, 16, 64}) {
      FloatBuffer values =
          ByteBuffer.allocateDirect(megabytes << 20).order(ByteOrder.nativeOrder()).asFloatBuffer();
      long best = Long.MAX_VALUE;
      for (int i = 0; i < (megabytes >= 64 ? 10 : 60); i++) {
        ring.barrier();
        long start = System.nanoTime();
        ring.allReduceSum(values);
        best = Math.min(best, System.nanoTime() - start);
      }
      if (ring.rank() == 0) {
        System.out.printf(
            Locale.ROOT,
            "%s, %d ranks, %d MB: %.2f ms, algorithm bandwidth %.2f GB/s%n",
            transport,
            worldSize,
            megabytes,
            best / 1e6,
            megabytes / 1024.0 / (best / 1e9));
      }
    }
  }
}
