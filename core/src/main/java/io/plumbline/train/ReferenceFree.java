package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import io.plumbline.model.TokenGradients;
import io.plumbline.model.TokenLogps;
import io.plumbline.model.TokenStatistic;
import io.plumbline.objective.Logistic;
import io.plumbline.objective.pair.OddsRatio;
import io.plumbline.objective.pair.PairLogps;
import io.plumbline.objective.pair.PairLoss;
import io.plumbline.objective.pair.PairObjective;
import io.plumbline.objective.pair.PolicyObjective;
import io.plumbline.train.Pairs.Side;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Preference optimization without a reference model: ORPO, SimPO, CPO and AlphaPO. The mean over
 * the step's pairs of an objective on the policy's own log-probabilities, which holds a mean
 * negative log-likelihood of the chosen side as one of its parts where it is asked for.
 */
public final class ReferenceFree implements TokenMethod {
  private static final String NLL = "nll";
  private static final String NLL_TOKENS = "nll_tokens";
  private static final String LOG_ODDS_RATIO = "log_odds_ratio";
  private static final String LOG_ODDS_CHOSEN = "log_odds_chosen";

  /**
   * @param command for messages
   * @param beta turns a log-probability into a reward, for the metrics
   * @param logps which log-probability of a side the objective compares and the metrics show
   * @param prompt whether the likelihood of the chosen side includes its prompt
   * @param odds whether the metrics show the odds ratio
   * @param alpha AlphaPO's reward shape, for the metrics; 0 for none
   */
  public record Settings(
      String command,
      PairObjective objective,
      double beta,
      SequenceLogp logps,
      PromptTokens prompt,
      Odds odds,
      double alpha) {}

  /** What stands for the log-probability of a whole completion. */
  public enum SequenceLogp {
    SUM,
    /** The sum divided by the number of tokens. */
    MEAN
  }

  /** Whether the prompt's own tokens are learned with the chosen side. */
  public enum PromptTokens {
    LEFT_OUT,
    LEARNED
  }

  /** Whether metrics of ORPO's odds ratio are given. */
  public enum Odds {
    HIDDEN,
    SHOWN
  }

  private final Settings settings;

  public ReferenceFree(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Set<TokenStatistic> statistics() {
    Set<TokenStatistic> wanted =
        EnumSet.of(TokenStatistic.ENTROPY, TokenStatistic.ACCURACY, TokenStatistic.MEAN_LOGIT);
    if (settings.prompt() == PromptTokens.LEARNED) {
      wanted.add(TokenStatistic.PROMPT_LOGPS);
    }
    return wanted;
  }

  @Override
  public List<String> sums() {
    List<String> sums = new ArrayList<>(Pairs.SUMS);
    sums.addAll(List.of(NLL, NLL_TOKENS, LOG_ODDS_RATIO, LOG_ODDS_CHOSEN));
    return sums;
  }

  @Override
  public void check(TokenizedRow row) {
    Pairs.check(row, settings.command());
  }

  @Override
  public int countWidth() {
    return 1;
  }

  /** Tokens whose likelihood counts, of which objectives want the mean over the batch. */
  @Override
  public double[] counts(StepBatch<NoColumns> batch, int slot) {
    TokenizedRow row = batch.rows().get(slot);
    return new double[] {CountedTokens.of(row, 0) + promptTokens(row)};
  }

  private int promptTokens(TokenizedRow row) {
    return settings.prompt() == PromptTokens.LEARNED ? Math.max(0, row.prompt().length - 1) : 0;
  }

  @Override
  public BatchLoss<TokenLogps, TokenGradients> loss(WholeBatch<NoColumns> batch) {
    double meanChosenTokens = batch.count(0) / batch.total();
    return (rows, tokens, sums) -> accumulate(rows.rows(), tokens, meanChosenTokens, sums);
  }

  private TokenGradients accumulate(
      List<TokenizedRow> rows, TokenLogps tokens, double meanChosenTokens, Sums sums) {
    List<List<float[]>> gradients = new ArrayList<>(rows.size());
    List<float[]> promptGradients = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      TokenizedRow row = rows.get(i);
      PairLogps pair = pair(row, tokens, i, meanChosenTokens);
      PairLoss loss = settings.objective().loss(pair);
      gradients.add(
          List.of(
              constant(row.completions().get(0).length, loss.byChosen()),
              constant(row.completions().get(1).length, loss.byRejected())));
      if (settings.prompt() == PromptTokens.LEARNED) {
        promptGradients.add(constant(row.prompt().length, loss.byPrompt()));
      }

      boolean mean = settings.logps() == SequenceLogp.MEAN;
      double chosen = mean ? pair.policyChosen() / pair.chosenTokens() : pair.policyChosen();
      double rejected =
          mean ? pair.policyRejected() / pair.rejectedTokens() : pair.policyRejected();
      Pairs.add(
          sums,
          row,
          tokens,
          i,
          loss.loss(),
          new Side(reward(chosen), chosen),
          new Side(reward(rejected), rejected));
      sums.add(NLL, -pair.policyChosen() - pair.policyPrompt());
      sums.add(NLL_TOKENS, pair.chosenTokens() + pair.promptTokens());
      if (settings.odds() == Odds.SHOWN) {
        double logOdds = OddsRatio.logOddsRatio(chosen, rejected);
        sums.add(LOG_ODDS_RATIO, Logistic.logSigmoid(logOdds));
        sums.add(LOG_ODDS_CHOSEN, logOdds);
      }
    }
    return new TokenGradients(gradients, promptGradients, List.of());
  }

  @Override
  public double normalizer(NoColumns columns, Sums sums) {
    return sums.of(Pairs.PAIRS);
  }

  @Override
  public Map<String, Double> metrics(NoColumns columns, Sums sums) {
    Map<String, Double> metrics = Pairs.metrics(sums);
    metrics.put("nll_loss", sums.ratio(NLL, NLL_TOKENS));
    if (settings.odds() == Odds.SHOWN) {
      metrics.put("log_odds_ratio", sums.ratio(LOG_ODDS_RATIO, Pairs.PAIRS));
      metrics.put("log_odds_chosen", sums.ratio(LOG_ODDS_CHOSEN, Pairs.PAIRS));
    }
    return metrics;
  }

  @Override
  public Map<String, Double> evaluationMetrics(NoColumns columns, Sums sums) {
    return Pairs.evaluationMetrics(metrics(columns, sums), sums);
  }

  private PairLogps pair(TokenizedRow row, TokenLogps tokens, int i, double meanChosenTokens) {
    double prompt =
        settings.prompt() == PromptTokens.LEARNED
            ? CountedTokens.sum(tokens.promptLogps().get(i))
            : 0;
    return new PairLogps(
        CountedTokens.sum(tokens.logps().get(i).get(0)),
        CountedTokens.sum(tokens.logps().get(i).get(1)),
        0,
        0,
        CountedTokens.of(row, 0),
        CountedTokens.of(row, 1),
        prompt,
        promptTokens(row),
        meanChosenTokens,
        row.margin());
  }

  private double reward(double logp) {
    return settings.beta() * PolicyObjective.shape(logp, settings.alpha());
  }

  private static float[] constant(int length, double value) {
    float[] values = new float[length];
    Arrays.fill(values, (float) value);
    return values;
  }
}
