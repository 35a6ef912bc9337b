package io.plumbline.objective.pair;

/**
 * The negative log-likelihood of the chosen side: {@code sft}, {@code sft_norm}. Part of a {@link
 * Mix} in MPO (Wang et al., "Enhancing the Reasoning Ability of Multimodal Large Language Models
 * via Mixed Preference Optimization", 2024), RPO, CPO and ORPO.
 *
 * <p>{@link Mean#OVER_TOKENS}, TRL's {@code sft}: the mean over all tokens of all chosen sides of
 * the batch, so that a long completion weighs more than a short one. For a pair: loss = −log π(y⁺)
 * / T where T is the mean number of such tokens a pair.
 *
 * <p>{@link Mean#OVER_PAIRS}, {@code sft_norm}: the mean over pairs of the mean over each one's
 * tokens, −log π(y⁺)/|y⁺|, as papers write it.
 *
 * <p>Where the pair comes with its prompt's log-probability (ORPO in TRL), the prompt's tokens are
 * counted like the completion's.
 *
 * @param mean which of the two forms
 */
public record Sft(Mean mean) implements PairObjective {
  /** What the mean runs over. */
  public enum Mean {
    /** All tokens of the batch alike. */
    OVER_TOKENS,
    /** Each pair's own tokens, then pairs. */
    OVER_PAIRS
  }

  @Override
  public boolean needsReference() {
    return false;
  }

  @Override
  public PairLoss loss(PairLogps pair) {
    double tokens =
        mean == Mean.OVER_TOKENS
            ? pair.meanChosenTokens()
            : pair.chosenTokens() + pair.promptTokens();
    if (tokens <= 0) {
      // A batch whose chosen sides have no counted token has nothing to learn from.
      return new PairLoss(0, 0, 0);
    }
    double slope = -1 / tokens;
    return new PairLoss(
        slope * (pair.policyChosen() + pair.policyPrompt()),
        slope,
        0,
        pair.promptTokens() > 0 ? slope : 0);
  }
}
