package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import io.plumbline.model.TokenGradients;
import io.plumbline.model.TokenLogps;
import io.plumbline.model.TokenStatistic;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Supervised fine-tuning: the mean negative log-probability of the completion tokens that count,
 * over all such tokens of the step. A row with five tokens weighs half of one with ten, on any
 * number of ranks and micro-batches, and packed with others or not.
 */
public final class Sft implements TokenMethod {
  private static final String TOKENS = "tokens";
  private static final String LOSS = "loss";
  private static final String ENTROPY = "entropy";
  private static final String CORRECT = "correct";

  @Override
  public Set<TokenStatistic> statistics() {
    return Set.of(TokenStatistic.ENTROPY, TokenStatistic.ACCURACY);
  }

  @Override
  public List<String> sums() {
    return List.of(TOKENS, LOSS, ENTROPY, CORRECT);
  }

  /** Any row will do: each of its completions is learned. */
  @Override
  public void check(TokenizedRow row) {}

  @Override
  public BatchLoss<TokenLogps, TokenGradients> loss(WholeBatch<NoColumns> batch) {
    return (rows, tokens, sums) -> accumulate(rows.rows(), tokens, sums);
  }

  private static TokenGradients accumulate(List<TokenizedRow> rows, TokenLogps tokens, Sums sums) {
    List<List<float[]>> gradients = new ArrayList<>(rows.size());
    for (int i = 0; i < rows.size(); i++) {
      List<float[]> ofRow = new ArrayList<>();
      for (int c = 0; c < rows.get(i).completions().size(); c++) {
        float[] gradient = new float[rows.get(i).completions().get(c).length];
        Arrays.fill(gradient, -1f);
        ofRow.add(gradient);
        sums.add(TOKENS, CountedTokens.of(rows.get(i), c));
        sums.add(LOSS, -CountedTokens.sum(tokens.logps().get(i).get(c)));
        sums.add(ENTROPY, CountedTokens.sum(tokens.entropies().get(i).get(c)));
        sums.add(CORRECT, CountedTokens.sum(tokens.correct().get(i).get(c)));
      }
      gradients.add(ofRow);
    }
    return TokenGradients.of(gradients);
  }

  @Override
  public double normalizer(NoColumns columns, Sums sums) {
    return sums.of(TOKENS);
  }

  @Override
  public Map<String, Double> metrics(NoColumns columns, Sums sums) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("loss", sums.ratio(LOSS, TOKENS));
    metrics.put("entropy", sums.ratio(ENTROPY, TOKENS));
    metrics.put("mean_token_accuracy", sums.ratio(CORRECT, TOKENS));
    return metrics;
  }
}
