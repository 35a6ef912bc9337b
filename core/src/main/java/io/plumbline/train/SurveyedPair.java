package io.plumbline.train;

import io.plumbline.objective.pair.PairLogps;
import java.nio.DoubleBuffer;

/**
 * A pair as numbers that add up over ranks: what an objective on the whole batch must know of every
 * other pair.
 */
final class SurveyedPair {
  static final int WIDTH = 8;

  private SurveyedPair() {}

  static double[] write(PairLogps pair) {
    boolean hasMargin = !Double.isNaN(pair.margin());
    return DoubleBuffer.allocate(WIDTH)
        .put(pair.policyChosen())
        .put(pair.policyRejected())
        .put(pair.referenceChosen())
        .put(pair.referenceRejected())
        .put(pair.chosenTokens())
        .put(pair.rejectedTokens())
        // A NaN here would look like a bad row.
        .put(hasMargin ? 1 : 0)
        .put(hasMargin ? pair.margin() : 0)
        .array();
  }

  /**
   * The pair of {@link #write}, without tokens of its prompt.
   *
   * @param meanChosenTokens of the whole batch
   */
  static PairLogps read(double[] numbers, double meanChosenTokens) {
    DoubleBuffer in = DoubleBuffer.wrap(numbers);
    return new PairLogps(
        in.get(),
        in.get(),
        in.get(),
        in.get(),
        (int) in.get(),
        (int) in.get(),
        0,
        0,
        meanChosenTokens,
        in.get() == 0 ? Double.NaN : in.get());
  }
}
