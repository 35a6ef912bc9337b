package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.TokenGradients;
import io.plumbline.model.TokenLogps;
import io.plumbline.model.TokenStatistic;
import io.plumbline.objective.rollout.RolloutLogps;
import io.plumbline.objective.rollout.RolloutLoss;
import io.plumbline.objective.rollout.RolloutObjective;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Group relative policy optimization (Shao et al. 2024, <i>DeepSeekMath</i>, section 4.1) and its
 * kin: the policy writes a group of completions to each prompt, programs or a reward model score
 * them, and what a completion scored above its group is its advantage in a clipped policy gradient.
 *
 * <p>The phase of rollouts makes the groups and their advantages, which come with the batch; here
 * is what a step learns from them.
 */
public final class Grpo implements TrainingMethod<RolloutColumns, TokenLogps, TokenGradients> {
  /**
   * @param groupSize completions of a prompt
   * @param maxNewTokens greatest length of a completion
   * @param topEntropyQuantile share of the tokens, those of the highest entropy, that are learned
   *     from
   * @param trustRegion how far the policy may be from the one that wrote the rollouts, in nats a
   *     token: outside no further update is made on them
   * @param driftTolerance how far, in nats a token on average, the pass that learns may be from the
   *     sampler before the first update
   */
  public record Settings(
      int groupSize,
      int maxNewTokens,
      double topEntropyQuantile,
      TrustRegion trustRegion,
      double driftTolerance) {}

  private final Settings settings;

  public Grpo(Settings settings) {
    this.settings = settings;
  }

  private static final String SEQUENCES = "sequences";
  private static final String TOKENS = "tokens";
  private static final String LOSS = "loss";
  private static final String REFERENCED = "referenced";
  private static final String KL = "kl";
  private static final String ENTROPY = "entropy";
  private static final String CLIPPED_LOW = "clip_ratio/low_mean";
  private static final String CLIPPED_HIGH = "clip_ratio/high_mean";
  private static final String CLIPPED = "clip_ratio/region_mean";
  private static final String MOVED = "policy/approxkl_avg";
  private static final String RATIO = "ratio";
  private static final String SAMPLED_DIFFERENCE = "sampled_difference";
  private static final String RATIOS = "importance_ratio";
  private static final String SAMPLED_RATIOS = "sampling/importance_sampling_ratio";

  /** What a pass is to say of each token besides its log-probability. */
  public Set<TokenStatistic> statistics() {
    return Set.of(TokenStatistic.ENTROPY);
  }

  @Override
  public List<String> sums() {
    return List.of(
        SEQUENCES,
        TOKENS,
        LOSS,
        REFERENCED,
        KL,
        ENTROPY,
        CLIPPED_LOW,
        CLIPPED_HIGH,
        CLIPPED,
        MOVED,
        RATIO,
        SAMPLED_DIFFERENCE);
  }

  @Override
  public List<String> ranges() {
    return List.of(RATIOS, SAMPLED_RATIOS);
  }

  /** Rows are made here, of what was sampled. */
  @Override
  public void check(TokenizedRow row) {}

  @Override
  public int countWidth() {
    return 2;
  }

  /** Completions, and their tokens that count: what the loss is divided by. */
  @Override
  public double[] counts(StepBatch<RolloutColumns> batch, int slot) {
    TokenizedRow row = batch.rows().get(slot);
    double tokens = 0;
    for (int c = 0; c < row.completions().size(); c++) {
      tokens += CountedTokens.of(row, c);
    }
    return new double[] {row.completions().size(), tokens};
  }

  /** Where only tokens of high entropy are learned from, every rank must know all entropies. */
  @Override
  public int surveyWidth() {
    return settings.topEntropyQuantile() < 1 ? settings.groupSize() * settings.maxNewTokens() : 0;
  }

  /** Entropies of the tokens that count; −1 for the others. */
  @Override
  public double[] survey(List<TokenizedRow> rows, TokenLogps tokens, int i) {
    double[] entropies = new double[surveyWidth()];
    Arrays.fill(entropies, -1);
    int at = 0;
    for (int c = 0; c < rows.get(i).completions().size(); c++) {
      byte[] counted = CountedTokens.mask(rows.get(i), c);
      for (int t = 0; t < counted.length; t++) {
        entropies[at++] = counted[t] == 1 ? tokens.entropies().get(i).get(c)[t] : -1;
      }
    }
    return entropies;
  }

  /**
   * What tokens of a batch are learned from.
   *
   * @param entropy from which a token is learned from
   * @param bonusScale what makes a mean over the batch's tokens of the entropy bonus
   */
  private record Chosen(double entropy, double bonusScale) {}

  private Chosen chosen(WholeBatch<RolloutColumns> batch) {
    double divisor = divisor(batch.columns(), batch.count(0), batch.count(1));
    if (settings.topEntropyQuantile() >= 1) {
      return new Chosen(Double.NEGATIVE_INFINITY, divisor / Math.max(1, batch.count(1)));
    }
    double[] entropies =
        Arrays.stream(batch.survey())
            .flatMapToDouble(Arrays::stream)
            .filter(entropy -> entropy >= 0)
            .toArray();
    double threshold = RolloutObjective.entropyThreshold(entropies, settings.topEntropyQuantile());
    long tokens = Arrays.stream(entropies).filter(entropy -> entropy >= threshold).count();
    return new Chosen(threshold, divisor / Math.max(1, tokens));
  }

  @Override
  public BatchLoss<TokenLogps, TokenGradients> loss(WholeBatch<RolloutColumns> batch) {
    Chosen chosen = chosen(batch);
    return (rows, tokens, sums) -> accumulate(rows, tokens, batch.columns(), chosen, sums);
  }

  private static TokenGradients accumulate(
      MicroBatch rows, TokenLogps tokens, RolloutColumns columns, Chosen chosen, Sums sums) {
    List<List<float[]>> byLogp = new ArrayList<>(rows.size());
    List<List<float[]>> byEntropy = new ArrayList<>(rows.size());
    for (int i = 0; i < rows.size(); i++) {
      TokenizedRow row = rows.rows().get(i);
      LearnedRollout learned = columns.rollouts().get(rows.slot(i));
      List<float[]> logpGradients = new ArrayList<>();
      List<float[]> entropyGradients = new ArrayList<>();
      for (int c = 0; c < row.completions().size(); c++) {
        RolloutLogps rollout =
            new RolloutLogps(
                tokens.logps().get(i).get(c),
                learned.old(c),
                learned.reference(c),
                learned.advantages().get(c),
                CountedTokens.mask(row, c),
                tokens.entropies().get(i).get(c));
        RolloutLoss loss = columns.objective().loss(rollout, chosen.entropy(), chosen.bonusScale());
        logpGradients.add(loss.byLogp());
        entropyGradients.add(loss.byEntropy());
        sums.add(REFERENCED, learned.reference().isEmpty() ? 0 : 1);
        add(sums, rollout, loss);
        if (columns.isFresh()) {
          addSampled(sums, rollout, learned.sampled().get(c));
        }
      }
      byLogp.add(logpGradients);
      byEntropy.add(entropyGradients);
    }
    return new TokenGradients(byLogp, List.of(), byEntropy);
  }

  private static void add(Sums sums, RolloutLogps rollout, RolloutLoss loss) {
    sums.add(SEQUENCES, 1);
    sums.add(TOKENS, rollout.tokens());
    sums.add(LOSS, loss.loss());
    sums.add(KL, loss.statistics().kl());
    sums.add(CLIPPED_LOW, loss.statistics().clippedLow());
    sums.add(CLIPPED_HIGH, loss.statistics().clippedHigh());
    sums.add(CLIPPED, loss.statistics().clippedLow() + loss.statistics().clippedHigh());
    for (int t = 0; t < rollout.length(); t++) {
      if (rollout.counts(t)) {
        double moved = rollout.logRatio(t);
        sums.add(ENTROPY, rollout.entropies()[t]);
        sums.add(MOVED, Math.expm1(moved) - moved);
        sums.add(RATIO, Math.exp(moved));
        sums.cover(RATIOS, Math.exp(moved));
      }
    }
  }

  /** Before a phase's first update the policy is still the one that wrote its rollouts. */
  private static void addSampled(Sums sums, RolloutLogps rollout, float[] sampled) {
    for (int t = 0; t < rollout.length(); t++) {
      if (rollout.counts(t)) {
        double difference = (double) rollout.policy()[t] - sampled[t];
        sums.add(SAMPLED_DIFFERENCE, Math.abs(difference));
        sums.cover(SAMPLED_RATIOS, Math.exp(difference));
      }
    }
  }

  @Override
  public double normalizer(RolloutColumns columns, Sums sums) {
    return divisor(columns, sums.of(SEQUENCES), sums.of(TOKENS));
  }

  private double divisor(RolloutColumns columns, double sequences, double tokens) {
    return switch (columns.objective().normalization()) {
      case SEQUENCES -> sequences;
      case TOKENS -> Math.max(1, tokens);
      case SEQUENCES_TIMES_MAX_LENGTH -> sequences * settings.maxNewTokens();
    };
  }

  @Override
  public Map<String, Double> metrics(RolloutColumns columns, Sums sums) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("loss", sums.of(LOSS) / normalizer(columns, sums));
    if (sums.of(REFERENCED) > 0) {
      metrics.put(KL, sums.ratio(KL, TOKENS));
    }
    metrics.put(ENTROPY, sums.ratio(ENTROPY, TOKENS));
    for (String share : List.of(CLIPPED_LOW, CLIPPED_HIGH, CLIPPED)) {
      metrics.put(share, sums.ratio(share, TOKENS));
    }
    metrics.put(MOVED, sums.ratio(MOVED, TOKENS));
    metrics.put(RATIOS + "/mean", sums.ratio(RATIO, TOKENS));
    metrics.put(RATIOS + "/min", sums.least(RATIOS));
    metrics.put(RATIOS + "/max", sums.most(RATIOS));
    if (columns.isFresh()) {
      metrics.put("sampling/sampling_logp_difference/mean", sums.ratio(SAMPLED_DIFFERENCE, TOKENS));
      metrics.put(SAMPLED_RATIOS + "/min", sums.least(SAMPLED_RATIOS));
      metrics.put(SAMPLED_RATIOS + "/max", sums.most(SAMPLED_RATIOS));
    }
    return metrics;
  }

  @Override
  public boolean stopsUpdates(Sums sums) {
    return settings.trustRegion().isLeftAt(sums.ratio(MOVED, TOKENS));
  }

  /**
   * The pass that learns must find the log-probabilities that the sampler found token by token, so
   * that the importance ratio is 1: another pass over the same weights, the same bits but for
   * rounding.
   */
  @Override
  public void checkBeforeFirstUpdate(Sums sums) {
    double drift = sums.ratio(SAMPLED_DIFFERENCE, TOKENS);
    if (!(drift <= settings.driftTolerance())) {
      throw new PlumblineException(
          ErrorCode.NUMERICS,
          String.format(
              Locale.ROOT,
              "Before a phase's first update the policy's log-probabilities differ from those at"
                  + " sampling by %.3g nats a token on average (at most %.3g is rounding), so the"
                  + " importance ratio would not begin at 1: this is a mistake in Plumbline; report"
                  + " it with the run's run.json.",
              drift,
              settings.driftTolerance()));
    }
  }
}
