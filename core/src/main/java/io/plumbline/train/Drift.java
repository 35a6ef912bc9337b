package io.plumbline.train;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.List;
import java.util.Locale;

/**
 * How far policy and reference are apart before the first update, where they are the same model and
 * every log-ratio must be 0.
 */
final class Drift {
  /** Sum of the distances, in nats. */
  static final String SUM = "drift";

  private Drift() {}

  /** Σ |log π − log π_ref| over the tokens of a row's completions. */
  static double of(List<float[]> policy, List<float[]> reference) {
    double drift = 0;
    for (int c = 0; c < policy.size(); c++) {
      for (int t = 0; t < policy.get(c).length; t++) {
        drift += Math.abs((double) policy.get(c)[t] - reference.get(c)[t]);
      }
    }
    return drift;
  }

  /**
   * @param drift nats a token, on average
   * @param tolerance what rounding alone may give; infinity where the two are not the same model
   */
  static void refuse(double drift, double tolerance) {
    if (!(drift <= tolerance)) {
      throw new PlumblineException(
          ErrorCode.NUMERICS,
          String.format(
              Locale.ROOT,
              "Before the first update the policy's log-probabilities differ from the reference's by"
                  + " %.3g nats a token on average (at most %.3g is rounding), so the cached"
                  + " reference values are not this model's: delete the reference cache that the run"
                  + " was given and start again.",
              drift,
              tolerance));
    }
  }
}
