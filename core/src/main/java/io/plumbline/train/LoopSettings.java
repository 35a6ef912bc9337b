package io.plumbline.train;

import io.plumbline.optim.OptimizerSettings;
import java.io.Serializable;
import java.util.OptionalInt;

/**
 * How the loop runs.
 *
 * @param microBatchSize rows in one forward pass, if fixed
 * @param microBatchTokens token budget of a forward pass otherwise
 * @param evalSteps evaluates every so many steps; 0 for only before the first and after the last
 * @param saveSteps writes training state every so many steps; 0 for only after the last
 * @param keepCheckpoints how many training states stay; 0 for all
 */
public record LoopSettings(
    OptimizerSettings optimizer,
    OptionalMicroBatchSize microBatchSize,
    int microBatchTokens,
    long evalSteps,
    long saveSteps,
    int keepCheckpoints)
    implements Serializable {

  /** An optional number that can travel to executors. */
  public record OptionalMicroBatchSize(int orZero) implements Serializable {
    public static OptionalMicroBatchSize of(OptionalInt size) {
      return new OptionalMicroBatchSize(size.orElse(0));
    }

    OptionalInt size() {
      return orZero == 0 ? OptionalInt.empty() : OptionalInt.of(orZero);
    }
  }
}
