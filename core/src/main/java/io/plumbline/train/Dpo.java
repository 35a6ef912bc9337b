package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.TokenGradients;
import io.plumbline.model.TokenLogps;
import io.plumbline.model.TokenStatistic;
import io.plumbline.objective.pair.BatchObjective;
import io.plumbline.objective.pair.LengthDesensitized;
import io.plumbline.objective.pair.PairLogps;
import io.plumbline.objective.pair.PairLoss;
import io.plumbline.objective.pair.PairObjective;
import io.plumbline.objective.pair.PreferenceObjective;
import io.plumbline.objective.pair.PreferenceSettings.Weighting;
import io.plumbline.objective.pair.WeightedPreference;
import io.plumbline.train.Pairs.Side;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Direct preference optimization and its family: the mean over the step's pairs of an objective on
 * the log-ratios between policy and frozen reference. The reference's log-probabilities come with
 * the rows.
 */
public final class Dpo implements TokenMethod {
  /**
   * @param objective the loss of a pair
   * @param beta turns a log-ratio into an implicit reward, for the metrics
   * @param reference whether log-ratios are taken to the reference or to 1
   * @param weighting how much a pair counts
   * @param lengths how little the tokens count by which one side is longer; empty for as much as
   *     all others
   * @param driftTolerance how far, in nats a token on average, policy and reference may differ
   *     before the first update where they are the same model; infinity if they are not
   */
  public record Settings(
      PreferenceObjective objective,
      double beta,
      Reference reference,
      Weighting weighting,
      Optional<LengthDesensitized> lengths,
      double driftTolerance) {}

  /** What the policy is compared with. */
  public enum Reference {
    /** The model that training began with. */
    FROZEN,
    /** A model that finds everything equally probable: log π_ref = 0. */
    UNIFORM
  }

  private final Settings settings;

  public Dpo(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Set<TokenStatistic> statistics() {
    Set<TokenStatistic> wanted =
        EnumSet.of(TokenStatistic.ENTROPY, TokenStatistic.ACCURACY, TokenStatistic.MEAN_LOGIT);
    if (settings.weighting() == Weighting.WPO) {
      wanted.add(TokenStatistic.LOG_SUM_OF_SQUARES);
    }
    return wanted;
  }

  @Override
  public List<String> sums() {
    List<String> sums = new ArrayList<>(Pairs.SUMS);
    sums.add(Drift.SUM);
    return sums;
  }

  @Override
  public void check(TokenizedRow row) {
    Pairs.check(row, "dpo");
    if (settings.reference() == Reference.FROZEN) {
      Pairs.checkReference(row);
    }
    if (settings.objective().needsMargin() && Double.isNaN(row.margin())) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "The loss reads by how much the chosen side is better, and row "
              + row.index()
              + " does not say: give the data a column margin, or take another loss type.");
    }
  }

  @Override
  public int countWidth() {
    return 1;
  }

  /** Tokens of the chosen side, of which objectives want the mean over the batch. */
  @Override
  public double[] counts(StepBatch<NoColumns> batch, int slot) {
    return new double[] {CountedTokens.of(batch.rows().get(slot), 0)};
  }

  /** An objective on the whole batch must know every pair before the gradient of one. */
  @Override
  public int surveyWidth() {
    return settings.objective() instanceof BatchObjective ? SurveyedPair.WIDTH : 0;
  }

  @Override
  public double[] survey(List<TokenizedRow> rows, TokenLogps tokens, int i) {
    return SurveyedPair.write(pair(rows.get(i), tokens.logps().get(i), 0));
  }

  @Override
  public BatchLoss<TokenLogps, TokenGradients> loss(WholeBatch<NoColumns> batch) {
    double meanChosenTokens = batch.count(0) / batch.total();
    if (settings.objective() instanceof PairObjective each) {
      return (rows, tokens, sums) ->
          accumulate(rows, tokens, meanChosenTokens, (pair, slot) -> each.loss(pair), sums);
    }
    List<PairLogps> pairs =
        Arrays.stream(batch.survey())
            .map(numbers -> SurveyedPair.read(numbers, meanChosenTokens))
            .toList();
    List<PairLoss> losses = settings.objective().losses(pairs);
    return (rows, tokens, sums) ->
        accumulate(
            rows, tokens, meanChosenTokens, (pair, slot) -> losses.get(batch.place(slot)), sums);
  }

  /** The loss of a pair that stands in a slot. */
  private interface LossOfPair {
    PairLoss at(PairLogps pair, int slot);
  }

  private TokenGradients accumulate(
      MicroBatch rows, TokenLogps tokens, double meanChosenTokens, LossOfPair losses, Sums sums) {
    List<List<float[]>> gradients = new ArrayList<>(rows.size());
    for (int i = 0; i < rows.size(); i++) {
      TokenizedRow row = rows.rows().get(i);
      PairLogps pair = pair(row, tokens.logps().get(i), meanChosenTokens);
      PairLoss weighted = losses.at(pair, rows.slot(i)).times(weight(tokens, i, row));
      gradients.add(
          List.of(byToken(row, 0, weighted.byChosen()), byToken(row, 1, weighted.byRejected())));
      Pairs.add(
          sums,
          row,
          tokens,
          i,
          weighted.loss(),
          new Side(settings.beta() * pair.chosenLogRatio(), pair.policyChosen()),
          new Side(settings.beta() * pair.rejectedLogRatio(), pair.policyRejected()));
      if (settings.reference() == Reference.FROZEN) {
        sums.add(Drift.SUM, Drift.of(tokens.logps().get(i), row.referenceLogps()));
      }
    }
    return TokenGradients.of(gradients);
  }

  @Override
  public double normalizer(NoColumns columns, Sums sums) {
    return sums.of(Pairs.PAIRS);
  }

  @Override
  public Map<String, Double> metrics(NoColumns columns, Sums sums) {
    return Pairs.metrics(sums);
  }

  @Override
  public Map<String, Double> evaluationMetrics(NoColumns columns, Sums sums) {
    return Pairs.evaluationMetrics(metrics(columns, sums), sums);
  }

  /** Before any update the policy is the reference, so every log-ratio must be 0. */
  @Override
  public void checkBeforeFirstUpdate(Sums sums) {
    Drift.refuse(sums.of(Drift.SUM) / Pairs.tokens(sums), settings.driftTolerance());
  }

  private PairLogps pair(TokenizedRow row, List<float[]> policy, double meanChosenTokens) {
    List<float[]> reference =
        settings.reference() == Reference.FROZEN
            ? row.referenceLogps()
            : policy.stream().map(logps -> new float[logps.length]).toList();
    return new PairLogps(
        sum(row, 0, policy),
        sum(row, 1, policy),
        sum(row, 0, reference),
        sum(row, 1, reference),
        CountedTokens.of(row, 0),
        CountedTokens.of(row, 1),
        0,
        0,
        meanChosenTokens,
        row.margin());
  }

  /** A side's log-probability, its tail counting less where that was asked for. */
  private double sum(TokenizedRow row, int side, List<float[]> logps) {
    return settings.lengths().isPresent()
        ? LengthDesensitized.logp(logps.get(side), factors(row, side))
        : CountedTokens.sum(logps.get(side));
  }

  /** A derivative by the side's log-probability as derivatives by its tokens'. */
  private float[] byToken(TokenizedRow row, int side, double derivative) {
    float[] values;
    if (settings.lengths().isPresent()) {
      values = factors(row, side);
      for (int t = 0; t < values.length; t++) {
        values[t] = (float) (values[t] * derivative);
      }
    } else {
      values = new float[row.completions().get(side).length];
      Arrays.fill(values, (float) derivative);
    }
    return values;
  }

  private float[] factors(TokenizedRow row, int side) {
    int shared = Math.min(CountedTokens.of(row, 0), CountedTokens.of(row, 1));
    return settings.lengths().orElseThrow().factors(CountedTokens.mask(row, side), shared);
  }

  private double weight(TokenLogps tokens, int i, TokenizedRow row) {
    if (settings.weighting() == Weighting.NONE) {
      return 1;
    }
    double weight = 1;
    for (int side = 0; side < 2; side++) {
      weight *=
          WeightedPreference.weight(
              tokens.logps().get(i).get(side),
              tokens.logSumsOfSquares().get(i).get(side),
              CountedTokens.mask(row, side));
    }
    return weight;
  }
}
