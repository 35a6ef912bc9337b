package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import io.plumbline.model.ActorCritic;
import io.plumbline.model.TokenGradients;
import io.plumbline.model.TokenLogps;
import io.plumbline.model.TokenStatistic;
import io.plumbline.objective.rollout.ClippedValue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Proximal policy optimization (Schulman et al. 2017) of a language model, as Ouyang et al.,
 * "Training language models to follow instructions with human feedback" (2022, InstructGPT), have
 * it: completions are scored, each token is charged with its distance from the reference, a critic
 * says what was to be expected, and what came out above that is made likelier, within a clip.
 *
 * <p>The phase of rollouts makes the completions and, by the critic, advantages and returns, which
 * come with the batch; here is what a step learns from them:
 *
 * <p>loss = mean over tokens of the clipped policy loss + vf_coef · mean over states of the clipped
 * value loss + ptx_coef · mean over pretraining tokens of −log π
 *
 * <p>A state is what stands before a token, or behind the last where the completion ended by
 * itself. The last term is the paper's PPO-ptx.
 */
public final class Ppo
    implements TrainingMethod<RolloutColumns, ActorCritic.Values, ActorCritic.Gradients> {
  /**
   * @param maxNewTokens greatest length of a completion
   * @param value the loss of the critic
   * @param valueCoefficient its weight: TRL's {@code vf_coef}
   * @param pretrainingCoefficient weight of the pretraining rows
   * @param trustRegion how far the policy may be from the one that wrote the rollouts, in nats a
   *     token: outside no further update is made on them
   * @param driftTolerance how far, in nats a token on average, the pass that learns may be from the
   *     sampler before the first update
   */
  public record Settings(
      int groupSize,
      int maxNewTokens,
      ClippedValue value,
      double valueCoefficient,
      double pretrainingCoefficient,
      TrustRegion trustRegion,
      double driftTolerance) {}

  private static final String STATES = "states";
  private static final String VALUE_LOSS = "value_loss";
  private static final String VALUE_CLIPPED = "value_clipped";
  private static final String VALUE = "value";
  private static final String RETURN = "return";
  private static final String RETURN_SQUARED = "return_squared";
  private static final String ERROR = "error";
  private static final String ERROR_SQUARED = "error_squared";
  private static final String MOVED_SQUARED = "moved_squared";
  private static final String RATIO_SQUARED = "ratio_squared";
  private static final String PRETRAINING_TOKENS = "pretraining_tokens";
  private static final String PRETRAINING_LOSS = "pretraining_loss";

  private final Settings settings;

  /** The policy's part, which is that of GRPO: a clipped policy gradient on rollouts. */
  private final Grpo policy;

  public Ppo(Settings settings) {
    this.settings = settings;
    this.policy =
        new Grpo(
            new Grpo.Settings(
                settings.groupSize(),
                settings.maxNewTokens(),
                1,
                settings.trustRegion(),
                settings.driftTolerance()));
  }

  /** What a pass is to say of the policy's tokens. */
  public Set<TokenStatistic> statistics() {
    return policy.statistics();
  }

  @Override
  public List<String> sums() {
    List<String> sums = new ArrayList<>(policy.sums());
    sums.addAll(
        List.of(
            STATES,
            VALUE_LOSS,
            VALUE_CLIPPED,
            VALUE,
            RETURN,
            RETURN_SQUARED,
            ERROR,
            ERROR_SQUARED,
            MOVED_SQUARED,
            RATIO_SQUARED,
            PRETRAINING_TOKENS,
            PRETRAINING_LOSS));
    return sums;
  }

  @Override
  public List<String> ranges() {
    return policy.ranges();
  }

  @Override
  public void check(TokenizedRow row) {}

  /** The critic is not asked about rows of the pretraining mix. */
  @Override
  public boolean isValued(RolloutColumns columns, int slot) {
    return columns.isRollout(slot);
  }

  @Override
  public int countWidth() {
    return 4;
  }

  /** Completions, their tokens, their states, and tokens of pretraining rows. */
  @Override
  public double[] counts(StepBatch<RolloutColumns> batch, int slot) {
    TokenizedRow row = batch.rows().get(slot);
    double[] counts = new double[4];
    if (batch.columns().isRollout(slot)) {
      System.arraycopy(policy.counts(batch, slot), 0, counts, 0, 2);
      for (int c = 0; c < row.completions().size(); c++) {
        counts[2] += states(row, batch.columns().rollouts().get(slot), c);
      }
    } else {
      for (int c = 0; c < row.completions().size(); c++) {
        counts[3] += CountedTokens.of(row, c);
      }
    }
    return counts;
  }

  private static int states(TokenizedRow row, LearnedRollout learned, int c) {
    return CountedTokens.of(row, c) == 0 ? 0 : learned.returns().get(c).length;
  }

  @Override
  public BatchLoss<ActorCritic.Values, ActorCritic.Gradients> loss(
      WholeBatch<RolloutColumns> batch) {
    // The loop divides all by the tokens; other means get that back.
    double tokens = Math.max(1, batch.count(1));
    double ofStates = settings.valueCoefficient() * tokens / Math.max(1, batch.count(2));
    double ofPretraining = settings.pretrainingCoefficient() * tokens / Math.max(1, batch.count(3));
    BatchLoss<TokenLogps, TokenGradients> ofPolicy = policy.loss(batch);
    return (rows, said, sums) -> {
      List<List<float[]>> byLogp = new ArrayList<>();
      List<List<float[]>> byEntropy = new ArrayList<>();
      List<List<float[]>> byValue = new ArrayList<>();
      for (int i = 0; i < rows.size(); i++) {
        TokenizedRow row = rows.rows().get(i);
        List<float[]> logps = said.tokens().logps().get(i);
        if (batch.columns().isRollout(rows.slot(i))) {
          LearnedRollout learned = batch.columns().rollouts().get(rows.slot(i));
          TokenGradients gradients =
              ofPolicy.accumulate(rows.only(i), only(said.tokens(), i), sums);
          byLogp.add(gradients.byLogp().get(0));
          byEntropy.add(gradients.byEntropy().get(0));
          addMoved(row, learned, logps, sums);
          byValue.add(values(row, learned, said.values().get(i), ofStates, sums));
        } else {
          byLogp.add(pretraining(row, logps, ofPretraining, sums));
          byEntropy.add(row.completions().stream().map(c -> new float[0]).toList());
          byValue.add(row.completions().stream().map(c -> new float[c.length + 1]).toList());
        }
      }
      return new ActorCritic.Gradients(new TokenGradients(byLogp, List.of(), byEntropy), byValue);
    };
  }

  private static TokenLogps only(TokenLogps tokens, int i) {
    return new TokenLogps(
        List.of(tokens.logps().get(i)),
        List.of(tokens.entropies().get(i)),
        List.of(),
        List.of(),
        List.of(),
        List.of());
  }

  /** The critic's part of a row: derivatives by its values. */
  private List<float[]> values(
      TokenizedRow row, LearnedRollout learned, List<float[]> said, double weight, Sums sums) {
    List<float[]> gradients = new ArrayList<>();
    for (int c = 0; c < said.size(); c++) {
      float[] gradient = new float[said.get(c).length];
      float[] old = learned.values().get(c);
      double[] returns = learned.returns().get(c);
      int states = states(row, learned, c);
      for (int t = 0; t < states; t++) {
        double value = said.get(c)[t];
        ClippedValue.At at = settings.value().at(value, old[t], returns[t]);
        gradient[t] = (float) (weight * at.slope());
        sums.add(VALUE_LOSS, at.loss());
        sums.add(VALUE_CLIPPED, at.clipped() ? 1 : 0);
        sums.add(VALUE, value);
        sums.add(RETURN, returns[t]);
        sums.add(RETURN_SQUARED, returns[t] * returns[t]);
        sums.add(ERROR, returns[t] - value);
        sums.add(ERROR_SQUARED, (returns[t] - value) * (returns[t] - value));
      }
      sums.add(STATES, states);
      gradients.add(gradient);
    }
    return gradients;
  }

  private static List<float[]> pretraining(
      TokenizedRow row, List<float[]> logps, double weight, Sums sums) {
    List<float[]> gradients = new ArrayList<>();
    for (int c = 0; c < logps.size(); c++) {
      float[] gradient = new float[logps.get(c).length];
      Arrays.fill(gradient, (float) -weight);
      gradients.add(gradient);
      sums.add(PRETRAINING_TOKENS, CountedTokens.of(row, c));
      sums.add(PRETRAINING_LOSS, -CountedTokens.sum(logps.get(c)));
    }
    return gradients;
  }

  private static void addMoved(
      TokenizedRow row, LearnedRollout learned, List<float[]> logps, Sums sums) {
    for (int c = 0; c < logps.size(); c++) {
      float[] old = learned.old().isEmpty() ? logps.get(c) : learned.old().get(c);
      byte[] counted = CountedTokens.mask(row, c);
      for (int t = 0; t < counted.length; t++) {
        if (counted[t] == 1) {
          double moved = (double) logps.get(c)[t] - old[t];
          sums.add(MOVED_SQUARED, moved * moved);
          sums.add(RATIO_SQUARED, Math.exp(2 * moved));
        }
      }
    }
  }

  @Override
  public double normalizer(RolloutColumns columns, Sums sums) {
    return policy.normalizer(columns, sums);
  }

  /** TRL's names; {@code approxkl} is half the mean squared log-ratio, as TRL's. */
  @Override
  public Map<String, Double> metrics(RolloutColumns columns, Sums sums) {
    Map<String, Double> ofPolicy = policy.metrics(columns, sums);
    double valueLoss = sums.ratio(VALUE_LOSS, STATES);
    double pretrainingLoss = sums.ratio(PRETRAINING_LOSS, PRETRAINING_TOKENS);
    double ratio = ofPolicy.get("importance_ratio/mean");
    double ratioSquared = sums.of(RATIO_SQUARED) / Math.max(1, normalizer(columns, sums));
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put(
        "loss",
        ofPolicy.get("loss")
            + settings.valueCoefficient() * valueLoss
            + settings.pretrainingCoefficient() * pretrainingLoss);
    metrics.put("loss/policy_avg", ofPolicy.get("loss"));
    metrics.put("loss/value_avg", valueLoss);
    if (settings.pretrainingCoefficient() > 0) {
      metrics.put("loss/ptx_avg", pretrainingLoss);
    }
    metrics.put(
        "policy/approxkl_avg", sums.of(MOVED_SQUARED) / 2 / Math.max(1, normalizer(columns, sums)));
    metrics.put("policy/clipfrac_avg", ofPolicy.get("clip_ratio/region_mean"));
    metrics.put("policy/entropy_avg", ofPolicy.get("entropy"));
    metrics.put("val/clipfrac_avg", sums.ratio(VALUE_CLIPPED, STATES));
    metrics.put("val/ratio", ratio);
    metrics.put("val/ratio_var", Math.max(0, ratioSquared - ratio * ratio));
    metrics.put("val/value_avg", sums.ratio(VALUE, STATES));
    metrics.put("val/explained_variance", explained(sums));
    ofPolicy.forEach(
        (name, value) -> {
          if (name.startsWith("importance_ratio/m") || name.startsWith("sampling/")) {
            metrics.put(name, value);
          }
        });
    return metrics;
  }

  /** The share of the returns' variance that the critic foresees; 0 where they do not vary. */
  private static double explained(Sums sums) {
    double mean = sums.ratio(RETURN, STATES);
    double error = sums.ratio(ERROR, STATES);
    double variance = sums.ratio(RETURN_SQUARED, STATES) - mean * mean;
    double left = sums.ratio(ERROR_SQUARED, STATES) - error * error;
    return variance <= 1e-12 ? 0 : 1 - left / variance;
  }

  @Override
  public boolean stopsUpdates(Sums sums) {
    return policy.stopsUpdates(sums);
  }

  @Override
  public void checkBeforeFirstUpdate(Sums sums) {
    policy.checkBeforeFirstUpdate(sums);
  }
}
