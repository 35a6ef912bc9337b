package io.plumbline.train;

import io.plumbline.collective.Collective;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.TrainedModel;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.Function;

/**
 * What every rank knows of a step's whole batch before it learns from its own rows: how many rows
 * there are, sums of counts, and a survey of the rows, by slot. The same numbers on every rank and,
 * up to rounding, at every world size.
 */
public final class WholeBatch {
  /** A rank without rows does not know how many counts a row has; no method has more than these. */
  private static final int MOST_COUNTS = 8;

  private final long rows;
  private final double[] counts;
  private final double[][] survey;
  private final IdentityHashMap<TokenizedRow, Integer> places = new IdentityHashMap<>();
  private final List<TokenizedRow> learned;
  private Object computed;

  private WholeBatch(
      long rows, double[] counts, double[][] survey, List<TokenizedRow> learned, int firstPlace) {
    this.rows = rows;
    this.counts = counts;
    this.survey = survey;
    this.learned = learned;
    for (int i = 0; i < learned.size(); i++) {
      places.put(learned.get(i), firstPlace + i);
    }
  }

  /**
   * Gathers over all ranks.
   *
   * @param own this rank's rows, by slot
   * @param split into micro-batches
   */
  static <V, G> WholeBatch gather(
      TrainingMethod<V, G> method,
      TrainedModel<V, G> model,
      List<TokenizedRow> own,
      Collective collective,
      Function<List<TokenizedRow>, List<List<TokenizedRow>>> split) {
    own.forEach(method::check);
    double[] counts = own.isEmpty() ? new double[0] : method.counts(own.get(0)).clone();
    for (int i = 1; i < own.size(); i++) {
      double[] more = method.counts(own.get(i));
      for (int c = 0; c < counts.length; c++) {
        counts[c] += more[c];
      }
    }
    // Ranks hold slots in order, so the rows of lower ranks stand before this rank's.
    int ranks = collective.worldSize();
    double[] all = new double[ranks + MOST_COUNTS];
    all[collective.rank()] = own.size();
    System.arraycopy(counts, 0, all, ranks, counts.length);
    collective.allReduceSum(all);
    int before = 0;
    int total = 0;
    for (int rank = 0; rank < ranks; rank++) {
      before += rank < collective.rank() ? (int) all[rank] : 0;
      total += (int) all[rank];
    }
    double[] totals = new double[MOST_COUNTS];
    System.arraycopy(all, ranks, totals, 0, MOST_COUNTS);
    double[][] survey = survey(method, model, own, collective, split, before, total);
    return new WholeBatch(
        total, totals, survey, own.stream().map(method::learned).toList(), before);
  }

  private static <V, G> double[][] survey(
      TrainingMethod<V, G> method,
      TrainedModel<V, G> model,
      List<TokenizedRow> own,
      Collective collective,
      Function<List<TokenizedRow>, List<List<TokenizedRow>>> split,
      int before,
      int total) {
    int width = method.surveyWidth();
    if (width == 0) {
      return new double[0][];
    }
    IdentityHashMap<TokenizedRow, Integer> places = new IdentityHashMap<>();
    List<TokenizedRow> surveyed = new ArrayList<>();
    for (int i = 0; i < own.size(); i++) {
      TokenizedRow row = method.surveyed(own.get(i));
      surveyed.add(row);
      places.put(row, before + i);
    }
    double[] flat = new double[total * width];
    for (List<TokenizedRow> batch : split.apply(surveyed)) {
      V values = model.infer(batch);
      for (int i = 0; i < batch.size(); i++) {
        double[] of = method.survey(batch, values, i);
        System.arraycopy(of, 0, flat, places.get(batch.get(i)) * width, width);
      }
    }
    collective.allReduceSum(flat);
    double[][] table = new double[total][width];
    for (int row = 0; row < total; row++) {
      System.arraycopy(flat, row * width, table[row], 0, width);
    }
    return table;
  }

  /** A batch that one rank holds whole, for a method that needs no survey. */
  public static WholeBatch alone(TrainingMethod<?, ?> method, List<TokenizedRow> rows) {
    double[] totals = new double[MOST_COUNTS];
    for (TokenizedRow row : rows) {
      double[] counts = method.counts(row);
      for (int c = 0; c < counts.length; c++) {
        totals[c] += counts[c];
      }
    }
    return new WholeBatch(rows.size(), totals, new double[0][], rows, 0);
  }

  /** Rows of the batch over all ranks. */
  public long rows() {
    return rows;
  }

  /** The sum over all rows of what {@link TrainingMethod#counts} gave at place {@code i}. */
  public double count(int i) {
    return counts[i];
  }

  /** What the survey found of every row, by slot: [rows][surveyWidth]; empty without a survey. */
  public double[][] survey() {
    return survey;
  }

  /** A row's place among all rows of the batch. */
  public int place(TokenizedRow row) {
    return places.get(row);
  }

  /** What is computed from the whole batch, once for all micro-batches. */
  @SuppressWarnings("unchecked") // one method asks, and always for the same thing
  <T> T once(Function<WholeBatch, T> computation) {
    if (computed == null) {
      computed = computation.apply(this);
    }
    return (T) computed;
  }

  /** This rank's rows as the pass that learns takes them, by slot. */
  List<TokenizedRow> learned() {
    return learned;
  }
}
