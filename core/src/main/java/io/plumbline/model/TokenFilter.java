package io.plumbline.model;

import io.plumbline.settings.Option;
import java.io.Serializable;

/**
 * Which tokens may be drawn, and how much less those that are there already.
 *
 * @param topP draws from the smallest set of most probable tokens that holds this share; 1 from all
 * @param topK draws from this many most probable tokens only; 0 from all
 * @param minP leaves out tokens less probable than this share of the most probable one; 0 none
 * @param repetitionPenalty divides the positive logits of tokens that the prompt or the completion
 *     holds already and multiplies their negative ones (Keskar et al. 2019, CTRL, section 4.1, as
 *     transformers has it); 1 leaves them as they are
 */
public record TokenFilter(
    @Option(
            help = "Draws from the smallest set of most probable tokens that holds this share.",
            standard = "1",
            positive = true,
            max = 1,
            neutral = "1")
        double topP,
    @Option(
            help = "Draws from this many most probable tokens; 0 from all.",
            standard = "0",
            min = 0,
            neutral = "0")
        int topK,
    @Option(
            help =
                "Leaves out tokens less probable than this share of the most probable one; 0 none.",
            standard = "0",
            min = 0,
            max = 1,
            neutral = "0")
        double minP,
    @Option(
            help =
                "Above 1, makes tokens less probable that the prompt or the completion holds already.",
            standard = "1",
            positive = true,
            neutral = "1")
        double repetitionPenalty)
    implements Serializable {
  /** Every token as it is. */
  public static final TokenFilter NONE = new TokenFilter(1, 0, 0, 1);

  /** Fails with BAD_USAGE where a value makes no sense. */
  public TokenFilter {
    SamplingSettings.check(topK >= 0, "top-k must be 0 (all tokens) or positive, not " + topK);
    SamplingSettings.check(
        topP > 0 && topP <= 1, "top-p must lie above 0 and not above 1, not " + topP);
    SamplingSettings.check(minP >= 0 && minP <= 1, "min-p must lie from 0 to 1, not " + minP);
    SamplingSettings.check(
        repetitionPenalty > 0 && repetitionPenalty < Double.POSITIVE_INFINITY,
        "repetition-penalty must be a positive number, not " + repetitionPenalty);
  }
}
