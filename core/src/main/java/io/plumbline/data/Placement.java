package io.plumbline.data;

import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.CanonicalShards.Plan;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/** Where the rows of a run are trained on, by their index in the input. */
public final class Placement implements Serializable {
  private static final long serialVersionUID = 1L;

  private final Plan plan;
  private final Order order;
  private final Sources sources;
  private transient List<EpochOrder> epochs;

  /**
   * @param mixture how often the rows of each source are trained on; without one every row once an
   *     epoch
   */
  public Placement(Plan plan, Order order, Optional<Mixture> mixture) {
    this.plan = plan;
    this.order = order;
    mixture.ifPresent(m -> requireFitting(plan, m));
    this.sources = mixture.map(Sources::of).orElse(null);
  }

  /**
   * Calls {@code place} for every time that the run trains on a row, with step · G + slot; by step,
   * unless there is a mixture.
   */
  public void places(long index, LongConsumer place) {
    if (sources != null) {
      mixed(index, place);
      return;
    }
    for (int epoch = 0; epoch < orders().size(); epoch++) {
      place(epoch, index, place);
    }
  }

  /** The place that stands at {@code ordinal} before the epoch's places are shuffled. */
  private void place(int epoch, long ordinal, LongConsumer place) {
    long batch = plan.globalBatchSize();
    long position = orders().get(epoch).position(ordinal);
    long step = epoch * plan.stepsPerEpoch() + position / batch;
    if (step < plan.steps()) {
      place.accept(step * batch + position % batch);
    }
  }

  /** A source's k-th place, counted over the run, has the row at k of its rounds. */
  private void mixed(long index, LongConsumer place) {
    int source = sources.of(index);
    long rows = sources.rows[source];
    long perEpoch = sources.places[source];
    long local = index - sources.firstRow[source];
    for (long round = 0; round * rows < plan.epochs() * perEpoch; round++) {
      EpochOrder order =
          this.order == Order.INPUT
              ? EpochOrder.ofInput(rows)
              : EpochOrder.ofSource(rows, plan.seed(), source, round);
      long k = round * rows + order.position(local);
      long epoch = k / perEpoch;
      if (epoch < plan.epochs()) {
        place((int) epoch, sources.firstPlace[source] + k % perEpoch, place);
      }
    }
  }

  private List<EpochOrder> orders() {
    if (epochs == null) {
      List<EpochOrder> orders = new ArrayList<>();
      for (long epoch = 0; epoch < plan.epochs(); epoch++) {
        orders.add(
            order == Order.INPUT
                ? EpochOrder.ofInput(plan.rows())
                : EpochOrder.shuffled(plan.rows(), plan.seed(), epoch));
      }
      epochs = orders;
    }
    return epochs;
  }

  private static void requireFitting(Plan plan, Mixture mixture) {
    if (mixture.totalRows() != plan.rows()) {
      throw new IllegalArgumentException(
          "a mixture of " + mixture.totalRows() + " rows in a plan of " + plan.rows());
    }
  }

  /** Where each source's rows and places begin. */
  private record Sources(long[] rows, long[] firstRow, long[] places, long[] firstPlace)
      implements Serializable {
    static Sources of(Mixture mixture) {
      long[] rows = mixture.rows().stream().mapToLong(Long::longValue).toArray();
      long[] places = mixture.places().stream().mapToLong(Long::longValue).toArray();
      return new Sources(rows, starts(rows), places, starts(places));
    }

    private static long[] starts(long[] sizes) {
      long[] starts = new long[sizes.length];
      for (int i = 1; i < sizes.length; i++) {
        starts[i] = starts[i - 1] + sizes[i - 1];
      }
      return starts;
    }

    int of(long index) {
      int source = rows.length - 1;
      while (source > 0 && index < firstRow[source]) {
        source--;
      }
      return source;
    }
  }
}
