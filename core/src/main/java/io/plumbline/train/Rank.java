package io.plumbline.train;

import io.plumbline.collective.Collective;
import java.time.Duration;

/**
 * A rank's place in its gang.
 *
 * @param collective joins it with its peers
 * @param deadline how long it waits for them in one operation
 * @param observer hears of its work
 */
public record Rank(Collective collective, Duration deadline, TrainingObserver observer) {
  public boolean isFirst() {
    return collective.rank() == 0;
  }
}
