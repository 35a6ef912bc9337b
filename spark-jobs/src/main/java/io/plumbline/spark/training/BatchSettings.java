package io.plumbline.spark.training;

import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.model.ActivationMemory;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.PartlyUsed;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * How long a run is and what a step holds.
 *
 * @param maxSteps ends the run after so many steps, whatever {@code epochs} says
 * @param globalBatchSize rows (of preferences: pairs) a step, over all ranks
 * @param microBatchSize rows in one forward pass of a rank; by default as many as fit {@code
 *     microBatchTokens}
 * @param microBatchTokens token budget of one forward pass where {@code microBatchSize} is absent
 * @param activations what is kept of a forward pass for its backward pass
 */
@Heading("How long a run is and what a step holds")
public record BatchSettings(
    @Option(help = "Passes over the data.", standard = "3", positive = true, follows = "max-steps")
        double epochs,
    @Option(help = "Ends the run after N steps, whatever --epochs says.", min = 1)
        OptionalLong maxSteps,
    @Option(
            help =
                "Rows a step, over all ranks and all accumulation. The update is the same however"
                    + " many ranks share it.",
            standard = "8",
            min = 1)
        int globalBatchSize,
    @Option(
            help = "Rows in one forward pass of a rank. Changes memory and speed, not the update.",
            min = 1,
            decidesNothing = "how a step's rows share passes")
        OptionalInt microBatchSize,
    @Option(
            help =
                "As many rows in one forward pass as fit N tokens; instead of --micro-batch-size.",
            standard = "4096",
            min = 1,
            decidesNothing = "how a step's rows share passes")
        int microBatchTokens,
    @Option(
            name = "gradient-checkpointing",
            help =
                "Keeps of each forward pass only the inputs of layers, and computes layers again on"
                    + " the way back: less memory, more time.",
            flag = "RECOMPUTE",
            decidesNothing = "what is kept for the way back")
        ActivationMemory activations,
    @Option(
            help = "Decides the order of rows and everything else that is random.",
            standard = "42",
            min = 0)
        long seed,
    @Option(
            name = "no-shuffle",
            help = "Keeps the rows in the order they are read.",
            flag = "INPUT",
            neutral = "false")
        Order order)
    implements PartlyUsed {
  @Override
  public Set<String> unused() {
    return microBatchSize.isPresent() ? Set.of("micro-batch-tokens") : Set.of();
  }
}
