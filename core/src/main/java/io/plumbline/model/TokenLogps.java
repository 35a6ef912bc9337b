package io.plumbline.model;

import java.util.List;

/**
 * Per-token values of a micro-batch's completions. The statistics have the shape of {@code logps};
 * each is an empty list unless it was asked for.
 *
 * @param logps by row, by completion: log p of each completion token given all before it, in nats,
 *     over the full vocabulary at the pass's temperature. Tokens masked out of the loss have 0.
 * @param entropies {@link TokenStatistic#ENTROPY}
 * @param correct {@link TokenStatistic#ACCURACY}: 1 where the token is the most probable one, else
 *     0
 * @param meanLogits {@link TokenStatistic#MEAN_LOGIT}
 * @param logSumsOfSquares {@link TokenStatistic#LOG_SUM_OF_SQUARES}
 * @param promptLogps {@link TokenStatistic#PROMPT_LOGPS}: by row, log p of each prompt token; the
 *     first token, which nothing predicts, has 0
 */
public record TokenLogps(
    List<List<float[]>> logps,
    List<List<float[]>> entropies,
    List<List<float[]>> correct,
    List<List<float[]>> meanLogits,
    List<List<float[]>> logSumsOfSquares,
    List<float[]> promptLogps) {}
