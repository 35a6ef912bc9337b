package io.plumbline.spark.reference;

import java.time.Duration;
import java.util.List;

/**
 * What a fill of the reference cache did.
 *
 * @param referenceFingerprint names the reference model and its compute type in the cache
 * @param rows rows that were asked for; equal rows count each time
 * @param found distinct rows that the cache had
 * @param computed distinct rows that were computed and written
 * @param computedTokens tokens of the rows computed, prompts included
 * @param duration wall-clock time of the fill, looking up included
 * @param tokensPerSecond computed tokens by the wall-clock time of computing; 0 if there were none
 * @param modelLoads how often a process loaded the reference model for this fill; 0 where nothing
 *     was missing
 * @param damagedParts part files of the cache that could not be used; their rows were computed anew
 */
public record Filled(
    String referenceFingerprint,
    long rows,
    long found,
    long computed,
    long computedTokens,
    Duration duration,
    double tokensPerSecond,
    long modelLoads,
    List<String> damagedParts) {
  public Filled {
    damagedParts = List.copyOf(damagedParts);
  }

  /** One line for people. */
  public String summary() {
    String line =
        "%,d rows computed, %,d found in the cache, %.1f s"
            .formatted(computed, found, duration.toMillis() / 1000.0);
    return computed == 0 ? line : line + ", %,.0f tokens/s".formatted(tokensPerSecond);
  }
}
