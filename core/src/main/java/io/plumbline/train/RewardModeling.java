package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import io.plumbline.objective.score.BradleyTerry;
import io.plumbline.objective.score.ScoreLoss;
import io.plumbline.statistics.Calibration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A Bradley–Terry reward model: the mean over the step's pairs of −log σ(r(x, y⁺) − r(x, y⁻) −
 * margin), with a pull of the two scores' sum towards 0 where it is asked for.
 *
 * <p>Held-out pairs also say how well the predicted probability that one side is preferred agrees
 * with how often it is.
 */
public final class RewardModeling
    implements TrainingMethod<NoColumns, List<float[]>, List<float[]>> {
  private static final String PAIRS = "pairs";
  private static final String LOSS = "loss";
  private static final String SCORE = "score";
  private static final String SQUARE = "square";
  private static final String ACCURATE = "accurate";
  private static final String MARGIN = "margin";
  private static final String BRIER = "brier";
  private static final String BIN_COUNT = "bin_count/";
  private static final String BIN_CONFIDENCE = "bin_confidence/";
  private static final String BIN_ACCURATE = "bin_accurate/";

  private final BradleyTerry objective;

  public RewardModeling(BradleyTerry objective) {
    this.objective = objective;
  }

  @Override
  public List<String> sums() {
    List<String> sums =
        new ArrayList<>(List.of(PAIRS, LOSS, SCORE, SQUARE, ACCURATE, MARGIN, BRIER));
    for (int bin = 0; bin < Calibration.BINS; bin++) {
      sums.addAll(List.of(BIN_COUNT + bin, BIN_CONFIDENCE + bin, BIN_ACCURATE + bin));
    }
    sums.addAll(MarginHistogram.SUMS);
    return sums;
  }

  @Override
  public List<String> ranges() {
    return List.of(SCORE);
  }

  @Override
  public void check(TokenizedRow row) {
    Pairs.check(row, "reward");
  }

  @Override
  public BatchLoss<List<float[]>, List<float[]>> loss(WholeBatch<NoColumns> batch) {
    return (rows, scores, sums) -> accumulate(rows.rows(), scores, sums);
  }

  private List<float[]> accumulate(List<TokenizedRow> rows, List<float[]> scores, Sums sums) {
    List<float[]> gradients = new ArrayList<>(rows.size());
    for (int i = 0; i < rows.size(); i++) {
      double chosen = scores.get(i)[0];
      double rejected = scores.get(i)[1];
      ScoreLoss loss = objective.loss(chosen, rejected, rows.get(i).margin());
      gradients.add(new float[] {(float) loss.byChosen(), (float) loss.byRejected()});

      sums.add(PAIRS, 1);
      sums.add(LOSS, loss.loss());
      for (double score : new double[] {chosen, rejected}) {
        sums.add(SCORE, score);
        sums.add(SQUARE, score * score);
        sums.cover(SCORE, score);
      }
      sums.add(ACCURATE, chosen > rejected ? 1 : 0);
      sums.add(MARGIN, chosen - rejected);
      MarginHistogram.add(sums, chosen - rejected);
      double probability = BradleyTerry.preferenceProbability(chosen, rejected);
      if (Double.isNaN(probability)) {
        // The loss is NaN as well, which the loop sees to.
        continue;
      }
      sums.add(BRIER, Calibration.brier(probability));
      int bin = Calibration.bin(probability);
      sums.add(BIN_COUNT + bin, 1);
      sums.add(BIN_CONFIDENCE + bin, Calibration.confidence(probability));
      sums.add(BIN_ACCURATE + bin, chosen > rejected ? 1 : 0);
    }
    return gradients;
  }

  @Override
  public double normalizer(NoColumns columns, Sums sums) {
    return sums.of(PAIRS);
  }

  @Override
  public Map<String, Double> metrics(NoColumns columns, Sums sums) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    double scores = 2 * sums.of(PAIRS);
    double mean = sums.of(SCORE) / scores;
    metrics.put("loss", sums.ratio(LOSS, PAIRS));
    metrics.put("accuracy", sums.ratio(ACCURATE, PAIRS));
    metrics.put("margin", sums.ratio(MARGIN, PAIRS));
    metrics.put("min_reward", sums.least(SCORE));
    metrics.put("mean_reward", mean);
    metrics.put("max_reward", sums.most(SCORE));
    metrics.put("reward_std", Math.sqrt(Math.max(0, sums.of(SQUARE) / scores - mean * mean)));
    metrics.put("brier_score", sums.ratio(BRIER, PAIRS));
    return metrics;
  }

  /**
   * Also the expected calibration error, and for each bin that holds pairs their share, the mean
   * predicted probability of the side that is predicted to win, and how often it did; and how the
   * margins are spread.
   */
  @Override
  public Map<String, Double> evaluationMetrics(NoColumns columns, Sums sums) {
    Map<String, Double> metrics = metrics(columns, sums);
    List<Calibration.Bin> bins = new ArrayList<>();
    Map<String, Double> byBin = new LinkedHashMap<>();
    for (int number = 0; number < Calibration.BINS; number++) {
      if (sums.of(BIN_COUNT + number) > 0) {
        Calibration.Bin bin =
            new Calibration.Bin(
                number,
                sums.ratio(BIN_COUNT + number, PAIRS),
                sums.ratio(BIN_CONFIDENCE + number, BIN_COUNT + number),
                sums.ratio(BIN_ACCURATE + number, BIN_COUNT + number));
        bins.add(bin);
        byBin.put("calibration/" + number + "/share", bin.share());
        byBin.put("calibration/" + number + "/predicted", bin.predicted());
        byBin.put("calibration/" + number + "/observed", bin.observed());
      }
    }
    metrics.put("calibration_error", Calibration.error(bins));
    metrics.putAll(byBin);
    MarginHistogram.put(metrics, sums, sums.of(PAIRS));
    return metrics;
  }
}
