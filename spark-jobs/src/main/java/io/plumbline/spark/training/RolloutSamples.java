package io.plumbline.spark.training;

import io.plumbline.rollout.ledger.Ledger;
import io.plumbline.rollout.ledger.LedgerReader;
import io.plumbline.rollout.ledger.LedgerRow;
import io.plumbline.spark.report.ReportData.Rollout;
import io.plumbline.spark.report.ReportData.RolloutGroup;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A few groups of a ledger's last phase, which a person looks at first. */
final class RolloutSamples {
  private static final int GROUPS = 6;

  /** Of a group's completions the best ones and the worst one. */
  private static final int BEST = 3;

  private RolloutSamples() {}

  /** None where the ledger is empty. */
  static List<RolloutGroup> of(Storage storage, String ledger) {
    List<Long> phases = Ledger.in(storage, ledger).steps();
    if (phases.isEmpty()) {
      return List.of();
    }
    Map<Integer, List<LedgerRow>> bySlot = new LinkedHashMap<>();
    try (LedgerReader reader =
        LedgerReader.fromStep(storage, ledger, phases.get(phases.size() - 1))) {
      for (Optional<LedgerRow> row = reader.next(); row.isPresent(); row = reader.next()) {
        int slot = row.get().slot();
        if (bySlot.containsKey(slot) || bySlot.size() < GROUPS) {
          bySlot.computeIfAbsent(slot, s -> new ArrayList<>()).add(row.get());
        }
      }
    }
    return bySlot.values().stream().map(RolloutSamples::group).toList();
  }

  private static RolloutGroup group(List<LedgerRow> rows) {
    List<Rollout> sorted =
        rows.stream()
            .map(
                row ->
                    new Rollout(
                        row.completion(), row.reward().orElse(Double.NaN), row.tokens().length))
            .sorted(Comparator.comparingDouble(RolloutSamples::rank).reversed())
            .toList();
    List<Rollout> shown = new ArrayList<>(sorted.subList(0, Math.min(BEST, sorted.size())));
    if (sorted.size() > BEST) {
      shown.add(sorted.get(sorted.size() - 1));
    }
    return new RolloutGroup(rows.get(0).prompt(), shown);
  }

  private static double rank(Rollout rollout) {
    return Double.isNaN(rollout.reward()) ? Double.NEGATIVE_INFINITY : rollout.reward();
  }
}
