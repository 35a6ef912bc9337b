package io.plumbline.train;

import io.plumbline.collective.Collective;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.TrainedModel;
import java.util.List;
import java.util.function.Function;

/**
 * What every rank knows of a step's whole batch before it learns from its own rows: how many rows
 * there are, sums of counts, and a survey of the rows, by place. The same numbers on every rank
 * and, up to rounding, at every world size.
 *
 * @param total rows of the batch over all ranks
 * @param counts the sums over all rows of what {@link TrainingMethod#counts} gave
 * @param survey what the survey found of every row: [total][surveyWidth]; empty without a survey
 * @param learned this rank's rows as the pass that learns takes them, by slot
 * @param columns of this rank's rows, by slot
 * @param firstPlace the place of this rank's first row among all rows
 */
public record WholeBatch<P>(
    int total,
    double[] counts,
    double[][] survey,
    List<TokenizedRow> learned,
    P columns,
    int firstPlace) {

  /**
   * Gathers over all ranks.
   *
   * @param own this rank's rows
   * @param split into micro-batches
   */
  static <P, V, G> WholeBatch<P> gather(
      TrainingMethod<P, V, G> method,
      TrainedModel<V, G> model,
      StepBatch<P> own,
      Collective collective,
      Function<List<TokenizedRow>, List<MicroBatch>> split) {
    own.rows().forEach(method::check);
    // Ranks hold slots in order, so the rows of lower ranks stand before this rank's.
    double[] sizes = new double[collective.worldSize()];
    sizes[collective.rank()] = own.rows().size();
    double[] counts = counts(method, own);
    double[] all = new double[sizes.length + counts.length];
    System.arraycopy(sizes, 0, all, 0, sizes.length);
    System.arraycopy(counts, 0, all, sizes.length, counts.length);
    collective.allReduceSum(all);
    System.arraycopy(all, sizes.length, counts, 0, counts.length);
    int before = 0;
    int total = 0;
    for (int rank = 0; rank < sizes.length; rank++) {
      before += rank < collective.rank() ? (int) all[rank] : 0;
      total += (int) all[rank];
    }
    double[][] survey = new double[method.surveyWidth() == 0 ? 0 : total][method.surveyWidth()];
    if (survey.length > 0) {
      List<TokenizedRow> surveyed = own.rows().stream().map(method::surveyed).toList();
      for (MicroBatch batch : split.apply(surveyed)) {
        V values = model.infer(batch.rows());
        for (int i = 0; i < batch.size(); i++) {
          survey[before + batch.slot(i)] = method.survey(batch.rows(), values, i);
        }
      }
      allReduceSum(survey, collective);
    }
    return new WholeBatch<>(
        total,
        counts,
        survey,
        own.rows().stream().map(method::learned).toList(),
        own.columns(),
        before);
  }

  private static <P> double[] counts(TrainingMethod<P, ?, ?> method, StepBatch<P> own) {
    double[] sums = new double[method.countWidth()];
    for (int slot = 0; slot < own.rows().size(); slot++) {
      double[] counts = method.counts(own, slot);
      for (int c = 0; c < sums.length; c++) {
        sums[c] += counts[c];
      }
    }
    return sums;
  }

  private static void allReduceSum(double[][] table, Collective collective) {
    int width = table[0].length;
    double[] flat = new double[table.length * width];
    for (int row = 0; row < table.length; row++) {
      System.arraycopy(table[row], 0, flat, row * width, width);
    }
    collective.allReduceSum(flat);
    for (int row = 0; row < table.length; row++) {
      System.arraycopy(flat, row * width, table[row], 0, width);
    }
  }

  /** A sum over all rows of a number of {@link TrainingMethod#counts}. */
  double count(int i) {
    return counts[i];
  }

  /** The place among all rows of one of this rank's. */
  int place(int slot) {
    return firstPlace + slot;
  }
}
