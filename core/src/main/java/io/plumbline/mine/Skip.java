package io.plumbline.mine;

/** Why nothing was taken of a prompt. */
public enum Skip {
  /** The row cannot be read or tokenized. */
  BAD_PROMPT,
  /** With the completions whose reward failed there would have been enough. */
  REWARD_FAILED,
  /** Too few completions are left that differ and can be learned. */
  TOO_FEW_COMPLETIONS,
  EQUAL_REWARDS,
  /** Rewards differ by less than the margin. */
  BELOW_MARGIN,
  /** No reward reaches the threshold. */
  BELOW_THRESHOLD
}
