package io.plumbline.train;

import io.plumbline.base.Settings;

/**
 * A hard limit on how far updates may carry the policy: past it, the remaining updates of the
 * rollout phase are left out, and the next phase samples anew. The limit is checked after the
 * update that breaks it, so a phase ends just outside, by one update at most.
 *
 * @param limit KL divergence in nats, over 0; infinite for none
 * @param center where the divergence is measured from
 */
public record TrustRegion(double limit, Center center) {
  /** What policy the divergence is measured from. */
  public enum Center {
    /** The policy that sampled the phase's completions: bounds what one phase changes. */
    SAMPLING_POLICY,
    /** The reference model: bounds the run as a whole. */
    REFERENCE
  }

  /** Share of the limit up to which nothing holds the policy back. */
  private static final double FREE = 0.6;

  public TrustRegion {
    Settings.check(limit > 0, "The KL limit", "over 0", limit);
  }

  /** No limit. */
  public static TrustRegion everywhere() {
    return new TrustRegion(Double.POSITIVE_INFINITY, Center.SAMPLING_POLICY);
  }

  /**
   * Whether the policy has left the region.
   *
   * @param kl mean over all ranks, in nats; one that is not a number is outside
   */
  public boolean isLeftAt(double kl) {
    return !(kl <= limit);
  }

  /**
   * Which share of what is learned is to come back to the center: nothing far inside, everything
   * outside, in between more the nearer the limit is. Were it nothing up to the limit, the
   * divergence would be over it half the time.
   *
   * @param kl mean over all ranks, in nats; one that is not a number is outside
   */
  public double restraintAt(double kl) {
    if (isLeftAt(kl)) {
      return 1;
    }
    return Double.isFinite(limit) ? Math.max(0, (kl / limit - FREE) / (1 - FREE)) : 0;
  }
}
