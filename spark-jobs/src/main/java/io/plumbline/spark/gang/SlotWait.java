package io.plumbline.spark.gang;

import io.plumbline.base.TimeSpan;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.apache.spark.SparkContext;

/** The wait for room for ranks, which says what it waits for. */
final class SlotWait {
  private static final Duration POLL = Duration.ofMillis(200);

  /** Executors come one by one; nobody needs to hear of the first moments. */
  private static final Duration SILENCE = Duration.ofSeconds(10);

  private final SparkContext context;
  private final Duration patience;
  private final StopRequest stop;
  private final Consumer<String> notes;

  SlotWait(SparkContext context, Duration patience, StopRequest stop, Consumer<String> notes) {
    this.context = context;
    this.patience = patience;
    this.stop = stop;
    this.notes = notes;
  }

  /**
   * Waits until there is room for so many ranks.
   *
   * @param least how many are enough when the wait is over
   * @return for how many there is room: {@code ranks}, or at least {@code least}
   * @throws PlumblineException CLUSTER_UNFIT where there is room for fewer when the wait is over
   */
  int forRanks(int ranks, int least) {
    if (Slots.isLocal(context)) {
      return ranks;
    }
    long start = System.nanoTime();
    Duration half = patience.dividedBy(2);
    Duration silence = half.compareTo(SILENCE) < 0 ? half : SILENCE;
    boolean inVain = Slots.most(context).orElse(ranks) < ranks;
    int told = -1;
    while (true) {
      OptionalInt registered = Slots.registered(context);
      if (registered.isEmpty()) {
        return ranks;
      }
      Slots slots = Slots.now(context, registered.getAsInt());
      if (slots.free() >= ranks) {
        return ranks;
      }
      Duration waited = Duration.ofNanos(System.nanoTime() - start);
      // What the application's own settings rule out does not come by waiting.
      boolean enough = inVain && slots.free() >= Slots.most(context).orElse(ranks);
      if (enough || waited.compareTo(patience) >= 0 || (inVain && least == ranks)) {
        return settled(ranks, least, slots, waited);
      }
      if (waited.compareTo(silence) > 0 && slots.free() != told) {
        told = slots.free();
        notes.accept(waiting(ranks, slots, patience.minus(waited)));
      }
      if (stop.reasonWithin(POLL).isPresent()) {
        throw new PlumblineException(
            ErrorCode.INTERRUPTED,
            "The run was stopped by %s while it waited for slots: continue by the same call with --resume."
                .formatted(stop.reason().orElseThrow()));
      }
    }
  }

  private String waiting(int ranks, Slots slots, Duration left) {
    return "Waiting for slots for %d ranks, for up to %s more: %s%s."
        .formatted(ranks, TimeSpan.text(left), slots.sentence(), missing(ranks, slots));
  }

  private static String missing(int ranks, Slots slots) {
    return slots.registered() < ranks
        ? "; what is missing still starts, waits for what other applications hold, or is gone"
        : "";
  }

  private int settled(int ranks, int least, Slots slots, Duration waited) {
    if (slots.free() >= least) {
      notes.accept(
          "Going on with %d ranks in place of %d: after %s, %s."
              .formatted(slots.free(), ranks, TimeSpan.text(waited), slots.sentence()));
      return slots.free();
    }
    throw Preflight.tooFewSlots(
        ranks, slots, waited, Slots.most(context), GpuResources.of(context.getConf()));
  }
}
