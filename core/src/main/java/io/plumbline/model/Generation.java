package io.plumbline.model;

/**
 * A completion that the model wrote.
 *
 * @param tokens ids of the new tokens, with the EOS where one was drawn
 * @param logps of each token its log-probability in nats over the full vocabulary, at the
 *     temperature of the draw (at 1 where that is 0): never of a distribution that top-k, top-p or
 *     min-p have cut or the repetition penalty has bent
 */
public record Generation(int[] tokens, float[] logps, Finish finish) {
  /** Why a completion ends. */
  public enum Finish {
    /** One of the EOS tokens was drawn. */
    EOS,
    /** The longest completion was reached. */
    LENGTH,
    /** The text holds one of the stop strings. */
    STOP
  }
}
