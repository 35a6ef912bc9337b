package io.plumbline.train;

import io.plumbline.model.TokenGradients;
import io.plumbline.model.TokenLogps;
import io.plumbline.model.TokenStatistic;
import java.util.Set;

/** A method that learns from the log-probabilities of tokens of rows that say all themselves. */
public interface TokenMethod extends TrainingMethod<NoColumns, TokenLogps, TokenGradients> {
  /** What it wants to know of each token besides its log-probability. */
  Set<TokenStatistic> statistics();
}
