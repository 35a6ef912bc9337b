package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.TokenLogps;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What the methods on preference pairs share: the check of a row, and metrics under TRL's names.
 */
final class Pairs {
  static final String PAIRS = "pairs";
  private static final String LOSS = "loss";
  private static final String CHOSEN_REWARD = "rewards/chosen";
  private static final String REJECTED_REWARD = "rewards/rejected";
  private static final String ACCURATE = "rewards/accuracies";
  private static final String CHOSEN_LOGP = "logps/chosen";
  private static final String REJECTED_LOGP = "logps/rejected";
  private static final String CHOSEN_LOGIT = "logits/chosen";
  private static final String REJECTED_LOGIT = "logits/rejected";
  private static final String PREFERS_CHOSEN = "prefers_chosen";
  private static final String CHOSEN_TOKENS = "chosen_tokens";
  private static final String REJECTED_TOKENS = "rejected_tokens";
  private static final String ENTROPY = "entropy";
  private static final String CORRECT = "correct";

  static final List<String> SUMS =
      Stream.concat(
              Stream.of(
                  PAIRS,
                  LOSS,
                  CHOSEN_REWARD,
                  REJECTED_REWARD,
                  ACCURATE,
                  CHOSEN_LOGP,
                  REJECTED_LOGP,
                  CHOSEN_LOGIT,
                  REJECTED_LOGIT,
                  PREFERS_CHOSEN,
                  CHOSEN_TOKENS,
                  REJECTED_TOKENS,
                  ENTROPY,
                  CORRECT),
              MarginHistogram.SUMS.stream())
          .toList();

  /** One side as the metrics show it: its implicit reward and its sequence log-probability. */
  record Side(double reward, double logp) {}

  private Pairs() {}

  static void check(TokenizedRow row, String command) {
    if (row.completions().size() != 2) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          command
              + " learns from pairs, and row "
              + row.index()
              + " has "
              + row.completions().size()
              + " completion(s): prepare the data as preferences, with chosen and rejected.");
    }
  }

  static void checkReference(TokenizedRow row) {
    if (row.referenceLogps().size() != row.completions().size()) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "Row " + row.index() + " has no reference log-probabilities: run the reference stage.");
    }
  }

  /** Adds pair {@code i} of a micro-batch. */
  static void add(
      Sums sums,
      TokenizedRow row,
      TokenLogps tokens,
      int i,
      double loss,
      Side chosen,
      Side rejected) {
    int chosenTokens = CountedTokens.of(row, 0);
    int rejectedTokens = CountedTokens.of(row, 1);
    sums.add(PAIRS, 1);
    sums.add(LOSS, loss);
    sums.add(CHOSEN_REWARD, chosen.reward());
    sums.add(REJECTED_REWARD, rejected.reward());
    sums.add(ACCURATE, chosen.reward() > rejected.reward() ? 1 : 0);
    MarginHistogram.add(sums, chosen.reward() - rejected.reward());
    sums.add(CHOSEN_LOGP, chosen.logp());
    sums.add(REJECTED_LOGP, rejected.logp());
    sums.add(CHOSEN_LOGIT, CountedTokens.sum(tokens.meanLogits().get(i).get(0)));
    sums.add(REJECTED_LOGIT, CountedTokens.sum(tokens.meanLogits().get(i).get(1)));
    double chosenPerToken = CountedTokens.sum(tokens.logps().get(i).get(0)) / chosenTokens;
    double rejectedPerToken = CountedTokens.sum(tokens.logps().get(i).get(1)) / rejectedTokens;
    sums.add(PREFERS_CHOSEN, chosenPerToken > rejectedPerToken ? 1 : 0);
    sums.add(CHOSEN_TOKENS, chosenTokens);
    sums.add(REJECTED_TOKENS, rejectedTokens);
    sums.add(ENTROPY, CountedTokens.sum(tokens.entropies().get(i).get(0)));
    sums.add(ENTROPY, CountedTokens.sum(tokens.entropies().get(i).get(1)));
    sums.add(CORRECT, CountedTokens.sum(tokens.correct().get(i).get(0)));
  }

  static double tokens(Sums sums) {
    return sums.of(CHOSEN_TOKENS) + sums.of(REJECTED_TOKENS);
  }

  /** What held-out pairs say beside the metrics that a method gives of every step. */
  static Map<String, Double> evaluationMetrics(Map<String, Double> metrics, Sums sums) {
    Map<String, Double> all = new LinkedHashMap<>(metrics);
    MarginHistogram.put(all, sums, sums.of(PAIRS));
    return all;
  }

  static Map<String, Double> metrics(Sums sums) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("loss", sums.ratio(LOSS, PAIRS));
    metrics.put("rewards/chosen", sums.ratio(CHOSEN_REWARD, PAIRS));
    metrics.put("rewards/rejected", sums.ratio(REJECTED_REWARD, PAIRS));
    metrics.put("rewards/accuracies", sums.ratio(ACCURATE, PAIRS));
    metrics.put(
        "rewards/margins", sums.ratio(CHOSEN_REWARD, PAIRS) - sums.ratio(REJECTED_REWARD, PAIRS));
    metrics.put("logps/chosen", sums.ratio(CHOSEN_LOGP, PAIRS));
    metrics.put("logps/rejected", sums.ratio(REJECTED_LOGP, PAIRS));
    metrics.put("logits/chosen", sums.ratio(CHOSEN_LOGIT, CHOSEN_TOKENS));
    metrics.put("logits/rejected", sums.ratio(REJECTED_LOGIT, REJECTED_TOKENS));
    metrics.put("prefers_chosen", sums.ratio(PREFERS_CHOSEN, PAIRS));
    metrics.put("entropy", tokens(sums) == 0 ? 0 : sums.of(ENTROPY) / tokens(sums));
    metrics.put("mean_token_accuracy", sums.ratio(CORRECT, CHOSEN_TOKENS));
    return metrics;
  }
}
