package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.TokenLogps;
import io.plumbline.objective.PairLogps;
import io.plumbline.objective.PairLoss;
import io.plumbline.objective.PairObjective;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Direct preference optimization: the mean over the step's pairs of an objective on the log-ratios
 * between policy and frozen reference. The reference's log-probabilities come with the rows.
 */
public final class Dpo implements TrainingMethod {
  private static final String PAIRS = "pairs";
  private static final String LOSS = "loss";
  private static final String CHOSEN_REWARD = "rewards/chosen";
  private static final String REJECTED_REWARD = "rewards/rejected";
  private static final String ACCURATE = "rewards/accuracies";
  private static final String CHOSEN_LOGP = "logps/chosen";
  private static final String REJECTED_LOGP = "logps/rejected";
  private static final String PREFERS_CHOSEN = "prefers_chosen";
  private static final String TOKENS = "tokens";
  private static final String CHOSEN_TOKENS = "chosen_tokens";
  private static final String ENTROPY = "entropy";
  private static final String CORRECT = "correct";
  private static final String DRIFT = "drift";

  private final PairObjective objective;
  private final double beta;
  private final double driftTolerance;

  /**
   * @param beta turns a log-ratio into an implicit reward, for the metrics
   * @param driftTolerance how far, in nats a token on average, policy and reference may differ
   *     before the first update where they are the same model; infinity if they are not
   */
  public Dpo(PairObjective objective, double beta, double driftTolerance) {
    this.objective = objective;
    this.beta = beta;
    this.driftTolerance = driftTolerance;
  }

  @Override
  public List<String> sums() {
    return List.of(
        PAIRS,
        LOSS,
        CHOSEN_REWARD,
        REJECTED_REWARD,
        ACCURATE,
        CHOSEN_LOGP,
        REJECTED_LOGP,
        PREFERS_CHOSEN,
        TOKENS,
        CHOSEN_TOKENS,
        ENTROPY,
        CORRECT,
        DRIFT);
  }

  @Override
  public List<List<float[]>> accumulate(List<TokenizedRow> rows, TokenLogps tokens, Sums sums) {
    List<List<float[]>> gradients = new ArrayList<>(rows.size());
    for (int i = 0; i < rows.size(); i++) {
      TokenizedRow row = rows.get(i);
      List<float[]> policy = tokens.logps().get(i);
      PairLogps pair = pair(row, policy);
      PairLoss loss = objective.loss(pair);
      gradients.add(
          List.of(
              constant(row.completions().get(0).length, loss.byChosen()),
              constant(row.completions().get(1).length, loss.byRejected())));

      double chosenReward = beta * pair.chosenLogRatio();
      double rejectedReward = beta * pair.rejectedLogRatio();
      sums.add(PAIRS, 1);
      sums.add(LOSS, loss.loss());
      sums.add(CHOSEN_REWARD, chosenReward);
      sums.add(REJECTED_REWARD, rejectedReward);
      sums.add(ACCURATE, chosenReward > rejectedReward ? 1 : 0);
      sums.add(CHOSEN_LOGP, pair.policyChosen());
      sums.add(REJECTED_LOGP, pair.policyRejected());
      sums.add(
          PREFERS_CHOSEN,
          pair.policyChosen() / pair.chosenTokens() > pair.policyRejected() / pair.rejectedTokens()
              ? 1
              : 0);
      sums.add(TOKENS, pair.chosenTokens() + pair.rejectedTokens());
      sums.add(CHOSEN_TOKENS, pair.chosenTokens());
      sums.add(DRIFT, drift(policy, row.referenceLogps()));
      if (!tokens.entropies().isEmpty()) {
        sums.add(ENTROPY, CountedTokens.sum(tokens.entropies().get(i).get(0)));
        sums.add(ENTROPY, CountedTokens.sum(tokens.entropies().get(i).get(1)));
        sums.add(CORRECT, CountedTokens.sum(tokens.correct().get(i).get(0)));
      }
    }
    return gradients;
  }

  @Override
  public double normalizer(Sums sums) {
    return sums.of(PAIRS);
  }

  @Override
  public Map<String, Double> metrics(Sums sums) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("loss", sums.ratio(LOSS, PAIRS));
    metrics.put("rewards/chosen", sums.ratio(CHOSEN_REWARD, PAIRS));
    metrics.put("rewards/rejected", sums.ratio(REJECTED_REWARD, PAIRS));
    metrics.put("rewards/accuracies", sums.ratio(ACCURATE, PAIRS));
    metrics.put(
        "rewards/margins", sums.ratio(CHOSEN_REWARD, PAIRS) - sums.ratio(REJECTED_REWARD, PAIRS));
    metrics.put("logps/chosen", sums.ratio(CHOSEN_LOGP, PAIRS));
    metrics.put("logps/rejected", sums.ratio(REJECTED_LOGP, PAIRS));
    metrics.put("prefers_chosen", sums.ratio(PREFERS_CHOSEN, PAIRS));
    metrics.put("entropy", sums.ratio(ENTROPY, TOKENS));
    metrics.put("mean_token_accuracy", sums.ratio(CORRECT, CHOSEN_TOKENS));
    return metrics;
  }

  /** Before any update the policy is the reference, so every log-ratio must be 0. */
  @Override
  public void checkBeforeFirstUpdate(Sums sums) {
    double drift = sums.ratio(DRIFT, TOKENS);
    if (!(drift <= driftTolerance)) {
      throw new PlumblineException(
          ErrorCode.NUMERICS,
          String.format(
              Locale.ROOT,
              "Before the first update the policy's log-probabilities differ from the reference's by"
                  + " %.3g nats a token on average (at most %.3g is rounding), so the cached"
                  + " reference values are not this model's: delete the reference cache that the run"
                  + " was given and start again.",
              drift,
              driftTolerance));
    }
  }

  private static PairLogps pair(TokenizedRow row, List<float[]> policy) {
    if (row.completions().size() != 2) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "DPO needs two completions a row, and row "
              + row.index()
              + " has "
              + row.completions().size()
              + ": prepare the data as preferences.");
    }
    if (row.referenceLogps().size() != 2) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "Row " + row.index() + " has no reference log-probabilities: run the reference stage.");
    }
    return new PairLogps(
        CountedTokens.sum(policy.get(0)),
        CountedTokens.sum(policy.get(1)),
        CountedTokens.sum(row.referenceLogps().get(0)),
        CountedTokens.sum(row.referenceLogps().get(1)),
        CountedTokens.of(row, 0),
        CountedTokens.of(row, 1));
  }

  private static double drift(List<float[]> policy, List<float[]> reference) {
    double drift = 0;
    for (int c = 0; c < policy.size(); c++) {
      for (int t = 0; t < policy.get(c).length; t++) {
        drift += Math.abs((double) policy.get(c)[t] - reference.get(c)[t]);
      }
    }
    return drift;
  }

  private static float[] constant(int length, double value) {
    float[] values = new float[length];
    Arrays.fill(values, (float) value);
    return values;
  }
}
