package io.plumbline.data;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.Serializable;

/**
 * How long a row may be, and what is cut where it is longer.
 *
 * @param maxLength tokens of the prompt and one completion together; 0 for no limit
 * @param maxPromptLength tokens of the prompt; 0 for no limit. A longer prompt keeps its end,
 *     before anything else is cut, as TRL did while it had the option.
 * @param truncation what happens to a row past {@code maxLength}
 */
public record LengthLimits(int maxLength, int maxPromptLength, Truncation truncation)
    implements Serializable {
  /** TRL's truncation_mode. */
  public enum Truncation {
    /** The first tokens of prompt and completion stay. */
    KEEP_START,
    /** The last tokens of prompt and completion stay. */
    KEEP_END,
    /** Nothing is cut: longer rows are refused. */
    REFUSE
  }

  public LengthLimits {
    if (maxLength < 0 || maxLength == 1) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "A greatest length of "
              + maxLength
              + " leaves nothing to learn, as the first token is never predicted; give at least 2");
    }
    if (maxPromptLength < 0) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "A greatest length of prompts of "
              + maxPromptLength
              + " is not a length; give at least 1");
    }
  }

  /** The limits in a form that stays, for keys of what is kept. */
  public String text() {
    String cut =
        switch (truncation) {
          case KEEP_START -> "keep_start";
          case KEEP_END -> "keep_end";
          case REFUSE -> "refuse";
        };
    return "max-length %d, max-prompt-length %d, %s".formatted(maxLength, maxPromptLength, cut);
  }

  public static LengthLimits none() {
    return new LengthLimits(0, 0, Truncation.KEEP_START);
  }
}
