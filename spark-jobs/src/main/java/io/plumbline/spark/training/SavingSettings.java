package io.plumbline.spark.training;

import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.spark.run.Start;
import io.plumbline.train.LoopSettings.BadSteps;
import io.plumbline.train.LoopSettings.Selection;

/**
 * When a run is evaluated and saved, and how it starts and ends.
 *
 * @param evalSteps evaluates every so many steps; 0 for only before the first and after the last
 * @param selection which evaluation's weights are the result
 * @param saveSteps training state every so many steps; 0 for only at the end
 * @param maxHours ends training at the first step after so many hours; 0 for no limit
 */
@Heading("Evaluation, checkpoints and starting again")
public record SavingSettings(
    @Option(
            help = "Evaluates every N steps; 0 for only before the first and after the last.",
            standard = "0",
            min = 0,
            decidesNothing = "when is evaluated")
        long evalSteps,
    Selection selection,
    @Option(
            name = "on-bad-step",
            help =
                "What follows a step whose loss or gradient is not finite: the run ends, or the step"
                    + " is left out. Weights are not changed by it, and its bad rows are named.",
            standard = "stop",
            decidesNothing = "what follows where the run would have ended")
        BadSteps badSteps,
    @Option(
            help = "Training state every N steps; 0 for only at the end.",
            standard = "500",
            min = 0,
            decidesNothing = "when is saved")
        long saveSteps,
    @Option(
            help = "Training states that stay; older ones are deleted. (TRL keeps all.)",
            standard = "2",
            min = 1,
            decidesNothing = "how many states stay")
        int keepCheckpoints,
    @Option(
            help =
                "Ends training at its first step after so many hours, with its state saved, so that"
                    + " --resume continues; 0 for no limit.",
            standard = "0",
            min = 0,
            decidesNothing = "when a run pauses")
        double maxHours,
    @Option(
            help =
                "Continues from the newest complete training state in --output, or starts if there is"
                    + " none.",
            recorded = false,
            decidesNothing = "says what becomes of the directory")
        boolean resume,
    @Option(
            help = "Deletes what is in --output first.",
            recorded = false,
            decidesNothing = "says what becomes of the directory")
        boolean overwrite) {
  /** These with another choice of the result. */
  public SavingSettings selecting(Selection other) {
    return new SavingSettings(
        evalSteps, other, badSteps, saveSteps, keepCheckpoints, maxHours, resume, overwrite);
  }

  /** How an output directory that has something in it is treated. */
  public Start start() {
    return resume ? Start.RESUME : overwrite ? Start.OVERWRITE : Start.FRESH;
  }
}
