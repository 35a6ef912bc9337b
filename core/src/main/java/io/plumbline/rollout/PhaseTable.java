package io.plumbline.rollout;

import io.plumbline.collective.Collective;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Numbers of every completion of a round, from all ranks, in the order of their prompts' slots: the
 * same on every rank and, up to rounding, at every world size.
 *
 * @param groupSize completions of a prompt, which stand together
 * @param firstGroup the place of this rank's first group
 * @param rows by completion
 */
record PhaseTable(int groupSize, int firstGroup, List<CompletionNumbers> rows) {
  /**
   * Gathers over all ranks, each of which holds prompts of consecutive slots.
   *
   * @param functions that score a completion
   */
  static PhaseTable gather(
      Collective collective, int groupSize, int functions, List<CompletionNumbers> own) {
    GatheredRows all =
        GatheredRows.over(
            collective,
            CompletionNumbers.width(functions),
            own.stream().map(CompletionNumbers::write).toList());
    return new PhaseTable(
        groupSize,
        all.first() / groupSize,
        all.rows().stream().map(CompletionNumbers::read).toList());
  }

  int groups() {
    return rows.size() / groupSize;
  }

  /** The completions of a group, by its place among all ranks' groups. */
  List<CompletionNumbers> group(int place) {
    return rows.subList(place * groupSize, (place + 1) * groupSize);
  }

  /** One number of every completion. */
  double[] column(ToDoubleFunction<CompletionNumbers> number) {
    return rows.stream().mapToDouble(number).toArray();
  }
}
