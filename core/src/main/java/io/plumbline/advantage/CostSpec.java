package io.plumbline.advantage;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;

/**
 * What {@code --cost} says: a reward function whose values are costs, and a limit on their mean, as
 * in {@code length{"per_token":1}<=12}.
 *
 * @param rewardSpec the function, as {@code --reward} would have it
 * @param limit in the cost's own unit
 */
public record CostSpec(String rewardSpec, double limit) {
  private static final String AT_MOST = "<=";

  /**
   * Reads a specification.
   *
   * @throws PlumblineException BAD_USAGE where it has no limit, or no function before it
   */
  public static CostSpec parse(String text) {
    // The last one: options of the function may hold the same two characters.
    int at = text.lastIndexOf(AT_MOST);
    String function = at < 0 ? "" : text.substring(0, at).strip();
    if (function.isEmpty()) {
      throw refused(text, null);
    }
    double limit;
    try {
      limit = Double.parseDouble(text.substring(at + AT_MOST.length()).strip());
    } catch (NumberFormatException e) {
      throw refused(text, e);
    }
    if (!Double.isFinite(limit)) {
      throw refused(text, null);
    }
    return new CostSpec(function, limit);
  }

  private static PlumblineException refused(String text, Exception cause) {
    return new PlumblineException(
        ErrorCode.BAD_USAGE,
        "\""
            + text
            + "\" is not a cost with a limit: write a reward function, <= and the most that its mean"
            + " may be, as in length<=200.",
        cause);
  }
}
