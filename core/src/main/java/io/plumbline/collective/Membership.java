package io.plumbline.collective;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.time.Duration;
import java.util.Objects;
import java.util.function.BooleanSupplier;

/**
 * Who a rank is, and what it needs to be let in.
 *
 * @param rank 0 to worldSize - 1
 * @param attempt counts up when a gang is started again; ranks of another attempt are refused
 * @param secret at least 16 random bytes that all ranks of the job share and nobody else knows
 * @param deadline how long a rank waits for the others while nothing moves
 * @param interrupted asked at least five times a second in every wait; true ends it with
 *     INTERRUPTED
 */
public record Membership(
    int rank,
    int worldSize,
    int attempt,
    byte[] secret,
    Duration deadline,
    BooleanSupplier interrupted) {
  private static final int LARGEST_WORLD = 4096;

  public Membership {
    Objects.requireNonNull(interrupted, "interrupted");
    if (worldSize < 1 || worldSize > LARGEST_WORLD || rank < 0 || rank >= worldSize) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "Rank %d of %d is not possible: a gang has 1 to %d ranks, counted from 0."
              .formatted(rank, worldSize, LARGEST_WORLD));
    }
    if (deadline.isNegative() || deadline.isZero()) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE, "The gang's deadline is " + deadline + ": give a positive one.");
    }
    if (secret.length < 16) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "The gang's secret has %d bytes: give at least 16 random ones.".formatted(secret.length));
    }
  }

  /** Leaves the secret out. */
  @Override
  public String toString() {
    return "Membership[rank=%d, worldSize=%d, attempt=%d]".formatted(rank, worldSize, attempt);
  }
}
