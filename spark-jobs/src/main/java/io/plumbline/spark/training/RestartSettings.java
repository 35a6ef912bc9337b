package io.plumbline.spark.training;

import io.plumbline.base.TimeSpan;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.spark.gang.Endurance;

/**
 * What a run outlasts.
 *
 * @param maxAttempts attempts in a row without a newer training state, of which the last ends it
 * @param waitForSlots how long it waits for room for its ranks
 * @param minRanks with how many ranks it goes on where the wait was in vain; 0 for all
 * @param collectiveDeadline how long a rank waits for its peers while nothing moves
 */
@Heading("Cluster and arithmetic")
public record RestartSettings(
    @Option(
            help =
                "Ends the run after N failed attempts in a row without a newer training state."
                    + " Attempts are counted anew after each that has saved one.",
            standard = "4",
            min = 1,
            decidesNothing = "how often ranks are started again")
        int maxAttempts,
    @Option(
            help =
                "How long the run waits, at its start and after a failure, while the cluster has"
                    + " fewer slots free than --ranks, such as 90s, 5m or 2h; 0 to fail at once.",
            label = "TIME",
            standard = "5m",
            decidesNothing = "how long a run waits")
        TimeSpan waitForSlots,
    @Option(
            help =
                "With how many ranks the run goes on where it has waited for --ranks in vain; it"
                    + " goes back to --ranks when there are slots again. 0 for no fewer than"
                    + " --ranks.",
            standard = "0",
            min = 0,
            decidesNothing = "a step's rows do not depend on the number of ranks")
        int minRanks,
    @Option(
            help =
                "How long a rank waits for its peers while nothing moves between them, such as 10m or"
                    + " 2h. Rank 0 may be saving a state meanwhile, or a peer be slow with its rewards.",
            label = "TIME",
            standard = "30m",
            decidesNothing = "how long a run waits")
        TimeSpan collectiveDeadline) {

  /** The least ranks of a run that asks for so many. */
  int leastOf(int ranks) {
    return minRanks == 0 ? ranks : Math.min(minRanks, ranks);
  }

  /** As a gang of so many ranks has it. */
  Endurance endurance(int ranks) {
    return new Endurance(maxAttempts, waitForSlots.duration(), leastOf(ranks));
  }
}
