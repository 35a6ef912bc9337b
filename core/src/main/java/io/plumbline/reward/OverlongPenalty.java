package io.plumbline.reward;

import io.plumbline.base.Settings;

/**
 * The soft penalty of overlong completions: Yu et al., "DAPO: An Open-Source LLM Reinforcement
 * Learning System at Scale" (2025), equation 13. Added to a completion's reward.
 *
 * <p>With L_max the longest length and L_cache the stretch before it:
 *
 * <ul>
 *   <li>0 where |y| ≤ L_max − L_cache,
 *   <li>((L_max − L_cache) − |y|) / L_cache where L_max − L_cache &lt; |y| ≤ L_max,
 *   <li>−1 where L_max &lt; |y|.
 * </ul>
 *
 * @param maxLength L_max, in tokens
 * @param cacheLength L_cache, in tokens, from 1 to L_max; 4,096 of 20,480 in the paper
 */
public record OverlongPenalty(int maxLength, int cacheLength) {
  public OverlongPenalty {
    Settings.check(
        cacheLength >= 1 && cacheLength <= maxLength,
        "The stretch of the overlong penalty",
        "from 1 to the longest completion (" + maxLength + ")",
        cacheLength);
  }

  /** What is added to the reward of a completion of so many tokens: −1 to 0. */
  public double penalty(int length) {
    int free = maxLength - cacheLength;
    if (length <= free) {
      return 0;
    }
    return length <= maxLength ? (double) (free - length) / cacheLength : -1;
  }
}
