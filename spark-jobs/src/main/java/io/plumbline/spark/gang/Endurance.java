package io.plumbline.spark.gang;

import java.time.Duration;
import java.util.List;

/**
 * What a gang outlasts. The driver counts attempts, and counts them anew after each that has come
 * further than what was kept before it.
 *
 * @param mostAttempts attempts in a row without progress, of which the last ends the gang
 * @param waitForSlots how long the gang waits for room for its ranks; zero to fail at once
 * @param leastRanks with how many ranks it goes on where the wait was in vain
 * @param pauses before the second attempt without progress, the third and so on; the last counts
 *     for all that follow
 */
public record Endurance(
    int mostAttempts, Duration waitForSlots, int leastRanks, List<Duration> pauses) {
  private static final List<Duration> PAUSES =
      List.of(
          Duration.ofSeconds(1),
          Duration.ofSeconds(5),
          Duration.ofSeconds(15),
          Duration.ofSeconds(60));

  public Endurance {
    if (mostAttempts < 1 || leastRanks < 1 || pauses.isEmpty() || waitForSlots.isNegative()) {
      throw new IllegalArgumentException(
          "%d attempts, %d ranks, %s, pauses %s"
              .formatted(mostAttempts, leastRanks, waitForSlots, pauses));
    }
    pauses = List.copyOf(pauses);
  }

  /** With pauses from a second to a minute. */
  public Endurance(int mostAttempts, Duration waitForSlots, int leastRanks) {
    this(mostAttempts, waitForSlots, leastRanks, PAUSES);
  }

  /** The pause after so many attempts in a row without progress. */
  Duration pauseAfter(int fruitless) {
    return pauses.get(Math.min(Math.max(fruitless, 1), pauses.size()) - 1);
  }
}
