package io.plumbline.collective;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.collective.RingListener.Transport;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** What every collective must give, whatever carries it. */
class CollectiveTest {
  private static final int[] SIZES = {0, 1, 2, 3, 7, 4095, 4096, 4097, 4099, 70_001, 400_003};

  /** The order that is promised: by rank when small, else by segment from its own rank onwards. */
  private static float[] expectedSum(float[][] inputs) {
    int n = inputs.length;
    int length = inputs[0].length;
    float[] sum = new float[length];
    for (int segment = 0; segment < n; segment++) {
      int first = length <= 4096 ? 0 : segment;
      int end = (int) ((long) length * (segment + 1) / n);
      for (int i = (int) ((long) length * segment / n); i < end; i++) {
        float total = inputs[first][i];
        for (int k = 1; k < n; k++) {
          total += inputs[(first + k) % n][i];
        }
        sum[i] = total;
      }
    }
    return sum;
  }

  private static float[][] inputs(int worldSize, int length, long seed) {
    Random random = new Random(seed);
    float[][] inputs = new float[worldSize][length];
    for (float[] input : inputs) {
      for (int i = 0; i < length; i++) {
        input[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(9) - 4));
      }
    }
    return inputs;
  }

  private static void sums(int worldSize, Transport transport, long seed) throws Exception {
    for (int length : SIZES) {
      float[][] inputs = inputs(worldSize, length, seed + length);
      List<float[]> sums =
          Gangs.run(
              worldSize,
              transport,
              ring -> {
                FloatBuffer buffer =
                    ByteBuffer.allocateDirect((length + 5) * Float.BYTES)
                        .order(ByteOrder.nativeOrder())
                        .asFloatBuffer();
                buffer.put(0, 77f).put(length + 3, 78f);
                buffer.position(3).put(inputs[ring.rank()]).flip().position(3);
                ring.allReduceSum(buffer);
                assertThat(buffer.position()).isEqualTo(3);
                assertThat(buffer.limit()).isEqualTo(length + 3);
                buffer.clear();
                assertThat(buffer.get(0)).isEqualTo(77f);
                assertThat(buffer.get(length + 3)).isEqualTo(78f);
                float[] sum = new float[length];
                buffer.get(3, sum);
                return sum;
              });
      float[] expected = worldSize == 1 ? inputs[0] : expectedSum(inputs);
      for (int rank = 0; rank < worldSize; rank++) {
        assertThat(Arrays.equals(sums.get(rank), expected))
            .as("seed %d, %s, %d floats on rank %d", seed, transport, length, rank)
            .isTrue();
      }
    }
  }

  @Property(tries = 3)
  void sumsOverSocketsAreTheSequentialSums(
      @ForAll @IntRange(min = 1, max = 5) int worldSize, @ForAll long seed) throws Exception {
    sums(worldSize, Transport.SOCKETS, seed);
  }

  @Property(tries = 2)
  void sumsOverTcpAreTheSequentialSums(
      @ForAll @IntRange(min = 2, max = 5) int worldSize, @ForAll long seed) throws Exception {
    sums(worldSize, Transport.TCP, seed);
  }

  @Property(tries = 3)
  void sumsThroughMemoryAreTheSequentialSums(
      @ForAll @IntRange(min = 1, max = 5) int worldSize, @ForAll long seed) throws Exception {
    sums(worldSize, Transport.NEAREST, seed);
  }

  @Example
  void everyWorldSizeSumsAndBroadcasts() throws Exception {
    for (Transport transport : Transport.values()) {
      for (int worldSize = 1; worldSize <= 5; worldSize++) {
        int n = worldSize;
        Gangs.run(
            n,
            transport,
            ring -> {
              for (int root = 0; root < n; root++) {
                for (int length : new int[] {0, 1, 5000, 150_000}) {
                  FloatBuffer heap = FloatBuffer.allocate(length);
                  for (int i = 0; i < length; i++) {
                    heap.put(i, ring.rank() * 1000 + i % 997);
                  }
                  ring.broadcast(heap, root);
                  for (int i = 0; i < length; i++) {
                    if (heap.get(i) != root * 1000 + i % 997) {
                      throw new AssertionError(transport + " rank " + ring.rank() + " at " + i);
                    }
                  }
                }
              }
              // More than one message of doubles; the order by rank shows in the last bits.
              double[] values = new double[5000];
              Arrays.fill(values, ring.rank() == 0 ? 1 : 1e-17 * ring.rank());
              ring.allReduceSum(values);
              double expected = 1;
              for (int rank = 1; rank < n; rank++) {
                expected += 1e-17 * rank;
              }
              for (double value : values) {
                if (value != expected) {
                  throw new AssertionError(value + " is not " + expected);
                }
              }
              ring.allReduceSum(new double[0]);
              ring.barrier();
              return null;
            });
      }
    }
  }

  @Example
  void aHundredRanksOverTcpSum() throws Exception {
    assertThat(Gangs.run(96, Transport.TCP, CollectiveTest::ranksSummed)).hasSize(96);
  }

  @Example
  void aThousandRanksOfOneProcessSum() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(1024);
    try {
      List<Future<Integer>> ranks = new ArrayList<>();
      for (Collective ring : LocalRings.create(1024)) {
        ranks.add(threads.submit(() -> ranksSummed(ring)));
      }
      for (Future<Integer> rank : ranks) {
        assertThat(rank.get(60, TimeUnit.SECONDS)).isBetween(0, 1023);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  /** Every rank puts in its own number, and finds all of them. */
  private static int ranksSummed(Collective ring) {
    double[] values = new double[ring.worldSize()];
    values[ring.rank()] = ring.rank() + 1;
    ring.allReduceSum(values);
    ring.barrier();
    assertThat(values)
        .isEqualTo(IntStream.rangeClosed(1, ring.worldSize()).asDoubleStream().toArray());
    return ring.rank();
  }

  @Example
  void bigEndianBuffersAreSummedToo() throws Exception {
    for (Transport transport : new Transport[] {Transport.SOCKETS, Transport.NEAREST}) {
      Gangs.run(
          3,
          transport,
          ring -> {
            FloatBuffer foreign =
                ByteBuffer.allocateDirect(9000 * 4).order(ByteOrder.BIG_ENDIAN).asFloatBuffer();
            for (int i = 0; i < 9000; i++) {
              foreign.put(i, ring.rank() + i);
            }
            ring.allReduceSum(foreign);
            for (int i = 0; i < 9000; i++) {
              if (foreign.get(i) != 3 + 3 * i) {
                throw new AssertionError("at " + i);
              }
            }
            return null;
          });
    }
  }

  @Example
  void thousandsOfSmallOperationsOfChangingKinds() throws Exception {
    for (Transport transport : Transport.values()) {
      Gangs.run(
          3,
          transport,
          ring -> {
            Random random = new Random(42);
            FloatBuffer floats = FloatBuffer.allocate(9000);
            for (int i = 0; i < 6000; i++) {
              int length = random.nextInt(i % 10 == 0 ? 9000 : 40);
              switch (random.nextInt(4)) {
                case 0 -> {
                  double[] values = new double[length];
                  Arrays.fill(values, i + ring.rank());
                  ring.allReduceSum(values);
                  for (double value : values) {
                    if (value != 3.0 * i + 3) {
                      throw new AssertionError(i + ": " + value);
                    }
                  }
                }
                case 1 -> {
                  floats.clear().limit(length);
                  for (int k = 0; k < length; k++) {
                    floats.put(k, ring.rank() + i % 100);
                  }
                  ring.allReduceSum(floats);
                  for (int k = 0; k < length; k++) {
                    if (floats.get(k) != 3 + 3 * (i % 100)) {
                      throw new AssertionError(i + ": " + floats.get(k));
                    }
                  }
                }
                case 2 -> {
                  floats.clear().limit(length);
                  for (int k = 0; k < length; k++) {
                    floats.put(k, ring.rank());
                  }
                  ring.broadcast(floats, i % 3);
                  for (int k = 0; k < length; k++) {
                    if (floats.get(k) != i % 3) {
                      throw new AssertionError(i + ": " + floats.get(k));
                    }
                  }
                }
                default -> ring.barrier();
              }
            }
            return null;
          });
    }
  }

  @Example
  void aLargeBufferGoesRoundWithManyChunks() throws Exception {
    int length = 12_000_007;
    List<Future<Double>> sums =
        Gangs.start(
            3,
            Transport.SOCKETS,
            Gangs.DEADLINE,
            () -> false,
            ring -> {
              FloatBuffer values =
                  ByteBuffer.allocateDirect(length * 4)
                      .order(ByteOrder.nativeOrder())
                      .asFloatBuffer();
              for (int i = 0; i < length; i++) {
                values.put(i, (ring.rank() + 1) * (i % 1000));
              }
              ring.allReduceSum(values);
              double wrong = 0;
              for (int i = 0; i < length; i++) {
                wrong += values.get(i) == 6 * (i % 1000) ? 0 : 1;
              }
              return wrong;
            });
    assertThat(Gangs.results(sums)).containsOnly(0.0);
  }
}
