package io.plumbline.model;

/** What a forward pass reports of each token besides its log-probability. */
public enum TokenStatistics {
  NONE,
  /** Entropy of the distribution, and whether the token is its most probable one. */
  ENTROPY_AND_ACCURACY
}
