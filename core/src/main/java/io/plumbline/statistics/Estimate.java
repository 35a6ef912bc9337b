package io.plumbline.statistics;

import java.util.Arrays;

/**
 * A mean over prompts with its standard errors.
 *
 * @param error of the mean as one over all prompts that might have been asked: it holds what the
 *     choice of prompts and the draws of completions add; where there is one prompt only, {@code
 *     samplingError}
 * @param samplingError of the mean over exactly these prompts: what the draws of completions add;
 *     NaN where it is not known
 */
public record Estimate(double mean, double error, double samplingError) {
  /**
   * Of values by prompt, each an estimate of its own.
   *
   * @param values at least one, without NaN
   * @param errors the values' own standard errors
   */
  public static Estimate of(double[] values, double[] errors) {
    double squares = Arrays.stream(errors).map(error -> error * error).sum();
    double samplingError = Math.sqrt(squares) / values.length;
    return of(values, samplingError);
  }

  /** Of values by prompt, without NaN, whose own errors are not known. */
  public static Estimate of(double[] values) {
    return of(values, Double.NaN);
  }

  private static Estimate of(double[] values, double samplingError) {
    if (values.length == 0) {
      throw new IllegalArgumentException("a mean over prompts needs at least one");
    }
    Moments moments = Moments.of(values);
    double error =
        values.length > 1 ? moments.deviation() / Math.sqrt(values.length) : samplingError;
    return new Estimate(moments.mean(), error, samplingError);
  }
}
