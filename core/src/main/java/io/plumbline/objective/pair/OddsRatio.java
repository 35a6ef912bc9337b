package io.plumbline.objective.pair;

import io.plumbline.base.Settings;
import io.plumbline.objective.Lengths;
import io.plumbline.objective.Logistic;
import io.plumbline.objective.Require;
import java.util.List;

/**
 * The odds-ratio part of ORPO: Hong et al., "ORPO: Monolithic Preference Optimization without
 * Reference Model" (2024), equations 4, 6 and 7. ORPO's loss is this and the negative
 * log-likelihood of the chosen side, {@link Sft}, in a {@link Mix}.
 *
 * <p>loss = −β·log σ(log odds(y⁺) − log odds(y⁻)), where log odds(y) = u − log(1 − eᵘ) and u = log
 * π(y)/|y|, per token. β is the paper's λ.
 *
 * <p>TRL computes the likelihood part over the prompt's tokens as well and as a mean over tokens;
 * the paper over the completion ({@code sft_norm}).
 *
 * <p>A mean log-probability of exactly 0 (every token certain, as float32 rounds it) has infinite
 * odds. It is taken as −2⁻²⁴, the largest that float32 tells from 0 in a probability, so that loss
 * and derivatives are finite everywhere.
 *
 * @param beta β, over 0
 */
public record OddsRatio(double beta) implements PairObjective {
  private static final double NEAREST_TO_CERTAIN = -0x1p-24;

  public OddsRatio {
    Require.positive("beta", beta);
  }

  /**
   * ORPO's whole loss as TRL has it: this, and the negative log-likelihood of the chosen side with
   * its prompt (where the pair brings it). Fails with BAD_USAGE where β is not over 0.
   *
   * @param mean of the likelihood: TRL's is over the batch's tokens, the paper's over pairs
   */
  public static PreferenceObjective withLikelihood(double beta, Sft.Mean mean) {
    Settings.positive("beta", beta);
    return Mix.of(List.of(new Mix.Part(new Sft(mean), 1), new Mix.Part(new OddsRatio(beta), 1)));
  }

  @Override
  public boolean needsReference() {
    return false;
  }

  @Override
  public PairLoss loss(PairLogps pair) {
    double chosenTokens = Lengths.PER_TOKEN.divisor(pair.chosenTokens());
    double rejectedTokens = Lengths.PER_TOKEN.divisor(pair.rejectedTokens());
    double chosen = Math.min(pair.policyChosen() / chosenTokens, NEAREST_TO_CERTAIN);
    double rejected = Math.min(pair.policyRejected() / rejectedTokens, NEAREST_TO_CERTAIN);
    double logOddsRatio = logOdds(chosen) - logOdds(rejected);
    double slope = -beta * Logistic.sigmoid(-logOddsRatio);
    return new PairLoss(
        -beta * Logistic.logSigmoid(logOddsRatio),
        slope * logOddsSlope(chosen) / chosenTokens,
        -slope * logOddsSlope(rejected) / rejectedTokens);
  }

  /** log odds(y⁺) − log odds(y⁻) of two log-probabilities per token. */
  public static double logOddsRatio(double chosen, double rejected) {
    return logOdds(Math.min(chosen, NEAREST_TO_CERTAIN))
        - logOdds(Math.min(rejected, NEAREST_TO_CERTAIN));
  }

  /** log(p / (1 − p)) of a log-probability under 0. */
  private static double logOdds(double logp) {
    return logp - Logistic.log1mExp(logp);
  }

  /** 1 / (1 − p). */
  private static double logOddsSlope(double logp) {
    return -1 / Math.expm1(logp);
  }
}
