package io.plumbline.objective.pair;

import java.util.List;

/** An objective that looks at each pair alone. */
@FunctionalInterface
public non-sealed interface PairObjective extends PreferenceObjective {
  PairLoss loss(PairLogps pair);

  @Override
  default List<PairLoss> losses(List<PairLogps> batch) {
    return batch.stream().map(this::loss).toList();
  }
}
