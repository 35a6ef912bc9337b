package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.TokenGradients;
import io.plumbline.model.TokenLogps;
import io.plumbline.model.TokenStatistic;
import io.plumbline.objective.unpaired.Desirability;
import io.plumbline.objective.unpaired.UnpairedLoss;
import io.plumbline.objective.unpaired.UnpairedObjective;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Kahneman–Tversky optimization: learns from single completions with a label, good or bad.
 *
 * <p>The point from which gains and losses count is an estimate of KL(π‖π_ref): the mean log-ratio
 * of completions that belong to other prompts, over the step's whole batch, never below 0 and
 * without a gradient. Each row carries such a completion as its second.
 */
public final class Kto implements TokenMethod {
  private static final String ROWS = "rows";
  private static final String LOSS = "loss";
  private static final String KL = "kl";
  private static final String TOKENS = "tokens";
  private static final String ENTROPY = "entropy";
  private static final String COUNT = "count/";
  private static final String REWARD = "rewards/";
  private static final String LOGP = "logps/";
  private static final String LOGIT = "logits/";
  private static final String LABEL_TOKENS = "tokens/";
  private static final List<String> LABELS = List.of("chosen", "rejected");

  private final UnpairedObjective objective;
  private final double beta;
  private final double driftTolerance;

  /**
   * @param beta turns a log-ratio into an implicit reward, for the metrics
   * @param driftTolerance as for {@link Dpo}
   */
  public Kto(UnpairedObjective objective, double beta, double driftTolerance) {
    this.objective = objective;
    this.beta = beta;
    this.driftTolerance = driftTolerance;
  }

  @Override
  public Set<TokenStatistic> statistics() {
    return Set.of(TokenStatistic.ENTROPY, TokenStatistic.MEAN_LOGIT);
  }

  @Override
  public List<String> sums() {
    List<String> sums = new ArrayList<>(List.of(ROWS, LOSS, KL, TOKENS, ENTROPY, Drift.SUM));
    for (String sum : List.of(COUNT, REWARD, LOGP, LOGIT, LABEL_TOKENS)) {
      LABELS.forEach(label -> sums.add(sum + label));
    }
    return sums;
  }

  @Override
  public void check(TokenizedRow row) {
    int completions = objective.needsKl() ? 2 : 1;
    if (row.desirability() == TokenizedRow.Desirability.UNSTATED
        || row.completions().size() < completions) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "kto learns from completions with a label, and row "
              + row.index()
              + " has none: prepare data with the columns prompt, completion and label.");
    }
    Pairs.checkReference(row);
  }

  @Override
  public int surveyWidth() {
    return objective.needsKl() ? 1 : 0;
  }

  /** The completion of another prompt. */
  @Override
  public TokenizedRow surveyed(TokenizedRow row) {
    return row.withOnlyCompletion(1);
  }

  @Override
  public double[] survey(List<TokenizedRow> rows, TokenLogps tokens, int i) {
    return new double[] {
      CountedTokens.sum(tokens.logps().get(i).get(0))
          - CountedTokens.sum(rows.get(i).referenceLogps().get(0))
    };
  }

  @Override
  public TokenizedRow learned(TokenizedRow row) {
    return row.withOnlyCompletion(0);
  }

  @Override
  public BatchLoss<TokenLogps, TokenGradients> loss(WholeBatch<NoColumns> batch) {
    double kl =
        objective.needsKl()
            ? UnpairedObjective.kl(
                Arrays.stream(batch.survey()).mapToDouble(numbers -> numbers[0]).sum(),
                batch.total())
            : 0;
    return (rows, tokens, sums) -> accumulate(rows.rows(), tokens, kl, sums);
  }

  private TokenGradients accumulate(
      List<TokenizedRow> rows, TokenLogps tokens, double kl, Sums sums) {
    List<List<float[]>> gradients = new ArrayList<>(rows.size());
    for (int i = 0; i < rows.size(); i++) {
      TokenizedRow row = rows.get(i);
      double policy = CountedTokens.sum(tokens.logps().get(i).get(0));
      double reference = CountedTokens.sum(row.referenceLogps().get(0));
      boolean good = row.desirability() == TokenizedRow.Desirability.DESIRABLE;
      UnpairedLoss loss =
          objective.loss(
              policy, reference, good ? Desirability.DESIRABLE : Desirability.UNDESIRABLE, kl);
      float[] gradient = new float[row.completions().get(0).length];
      Arrays.fill(gradient, (float) loss.byPolicy());
      gradients.add(List.of(gradient));

      int counted = CountedTokens.of(row, 0);
      String label = LABELS.get(good ? 0 : 1);
      sums.add(ROWS, 1);
      sums.add(LOSS, loss.loss());
      sums.add(KL, kl);
      sums.add(TOKENS, counted);
      sums.add(ENTROPY, CountedTokens.sum(tokens.entropies().get(i).get(0)));
      sums.add(Drift.SUM, Drift.of(tokens.logps().get(i), row.referenceLogps()));
      sums.add(COUNT + label, 1);
      sums.add(REWARD + label, beta * (policy - reference));
      sums.add(LOGP + label, policy);
      sums.add(LOGIT + label, CountedTokens.sum(tokens.meanLogits().get(i).get(0)));
      sums.add(LABEL_TOKENS + label, counted);
    }
    return TokenGradients.of(gradients);
  }

  @Override
  public double normalizer(NoColumns columns, Sums sums) {
    return sums.of(ROWS);
  }

  @Override
  public Map<String, Double> metrics(NoColumns columns, Sums sums) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("loss", sums.ratio(LOSS, ROWS));
    metrics.put("kl", sums.ratio(KL, ROWS));
    for (String label : LABELS) {
      // A batch may have no row of a label; it then says nothing of it.
      if (sums.of(COUNT + label) > 0) {
        metrics.put(REWARD + label, sums.ratio(REWARD + label, COUNT + label));
        metrics.put(LOGP + label, sums.ratio(LOGP + label, COUNT + label));
        metrics.put(LOGIT + label, sums.ratio(LOGIT + label, LABEL_TOKENS + label));
      }
    }
    if (metrics.containsKey("rewards/chosen") && metrics.containsKey("rewards/rejected")) {
      metrics.put(
          "rewards/margins", metrics.get("rewards/chosen") - metrics.get("rewards/rejected"));
    }
    metrics.put("entropy", sums.ratio(ENTROPY, TOKENS));
    return metrics;
  }

  @Override
  public void checkBeforeFirstUpdate(Sums sums) {
    Drift.refuse(sums.ratio(Drift.SUM, TOKENS), driftTolerance);
  }
}
