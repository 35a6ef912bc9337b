package io.plumbline.rollout;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.State;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Picks prompts by how hard they were when they were last sampled: first those never sampled, then
 * those whose group's rewards differed most. A prompt that every completion solves, or none,
 * teaches nothing: its advantages are 0.
 *
 * <p>Depends on what was measured and on nothing else. Every rank holds one and updates it with the
 * numbers of all ranks, so that all pick the same. Takes 12 bytes a prompt.
 */
public final class Curriculum {
  private static final int RECORD_BYTES = 2 * Integer.BYTES + 2 * Float.BYTES;

  private final int[] timesSeen;
  private final float[] means;
  private final float[] stds;

  /**
   * With nothing measured.
   *
   * @param prompts how many there are; indexes run from 0
   */
  public Curriculum(int prompts) {
    timesSeen = new int[prompts];
    means = new float[prompts];
    stds = new float[prompts];
  }

  /**
   * Picks prompts of a pool; of equally good ones, those that stand first.
   *
   * @param promptIndexes of the pool
   * @param wanted how many; all where the pool has no more
   * @return places in the pool, the best first
   */
  public int[] choose(long[] promptIndexes, int wanted) {
    double[] interest =
        LongStream.of(promptIndexes).mapToInt(this::at).mapToDouble(this::interest).toArray();
    // Sorting is stable: what compares as equal stays in the pool's order.
    return IntStream.range(0, promptIndexes.length)
        .boxed()
        .sorted(Comparator.comparingDouble(place -> -interest[place]))
        .limit(wanted)
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private double interest(int prompt) {
    return timesSeen[prompt] == 0 ? Double.POSITIVE_INFINITY : stds[prompt];
  }

  /**
   * Learns what groups made of their prompts, over all ranks and in an order that does not depend
   * on their number. A group without any reward (NaN) changes nothing.
   *
   * @param promptIndexes of the groups; the last of several groups of one prompt counts
   * @param rewardMeans of each group's rewards
   * @param rewardStds standard deviations, likewise
   */
  public void update(long[] promptIndexes, double[] rewardMeans, double[] rewardStds) {
    if (rewardMeans.length != promptIndexes.length || rewardStds.length != promptIndexes.length) {
      throw new IllegalArgumentException(
          "%d prompts, %d means, %d standard deviations"
              .formatted(promptIndexes.length, rewardMeans.length, rewardStds.length));
    }
    for (int i = 0; i < promptIndexes.length; i++) {
      if (Double.isNaN(rewardMeans[i]) || Double.isNaN(rewardStds[i])) {
        continue;
      }
      int prompt = at(promptIndexes[i]);
      timesSeen[prompt]++;
      means[prompt] = (float) rewardMeans[i];
      stds[prompt] = (float) rewardStds[i];
    }
  }

  private int at(long promptIndex) {
    if (promptIndex < 0 || promptIndex >= timesSeen.length) {
      throw new IllegalArgumentException(
          "prompt %d of %d".formatted(promptIndex, timesSeen.length));
    }
    return (int) promptIndex;
  }

  /**
   * {@code curriculum/frac_measured}: share of the prompts with a measurement; of these, {@code
   * curriculum/frac_zero_std}: share whose last group had equal rewards, and {@code
   * curriculum/reward}: mean of the last groups' means.
   */
  public Map<String, Double> metrics() {
    int[] measured = measured();
    double share = timesSeen.length == 0 ? 0 : (double) measured.length / timesSeen.length;
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("curriculum/frac_measured", share);
    if (measured.length > 0) {
      long equal = IntStream.of(measured).filter(prompt -> stds[prompt] == 0).count();
      metrics.put("curriculum/frac_zero_std", (double) equal / measured.length);
      metrics.put(
          "curriculum/reward",
          IntStream.of(measured).mapToDouble(prompt -> means[prompt]).average().orElseThrow());
    }
    return metrics;
  }

  private int[] measured() {
    return IntStream.range(0, timesSeen.length).filter(prompt -> timesSeen[prompt] > 0).toArray();
  }

  /** Measured prompts only, as bytes, which JSON holds as base64. */
  public ObjectNode state() {
    int[] measured = measured();
    byte[] bytes = new byte[measured.length * RECORD_BYTES];
    ByteBuffer records = inOrder(bytes);
    for (int prompt : measured) {
      records
          .putInt(prompt)
          .putInt(timesSeen[prompt])
          .putFloat(means[prompt])
          .putFloat(stds[prompt]);
    }
    return JsonNodeFactory.instance
        .objectNode()
        .put("prompts", timesSeen.length)
        .put("measured", bytes);
  }

  /**
   * Continues from what {@link #state} gave.
   *
   * @throws io.plumbline.error.PlumblineException BAD_CHECKPOINT where it is of other prompts
   */
  public void restore(ObjectNode state) {
    if (State.number(state, "prompts") != timesSeen.length) {
      throw State.unfit(
          "its curriculum has "
              + state.get("prompts")
              + " prompts, and this run has "
              + timesSeen.length);
    }
    ByteBuffer records = inOrder(bytes(state.path("measured")));
    if (records.remaining() % RECORD_BYTES != 0) {
      throw State.unfit("its curriculum is cut off");
    }
    Arrays.fill(timesSeen, 0);
    while (records.hasRemaining()) {
      int prompt = at(records.getInt());
      timesSeen[prompt] = records.getInt();
      means[prompt] = records.getFloat();
      stds[prompt] = records.getFloat();
    }
  }

  private static byte[] bytes(JsonNode value) {
    try {
      byte[] bytes = value.binaryValue();
      if (bytes != null) {
        return bytes;
      }
    } catch (IOException e) {
      throw State.unfit("its curriculum is no base64 (" + e.getMessage() + ")");
    }
    throw State.unfit("its curriculum is missing");
  }

  private static ByteBuffer inOrder(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
