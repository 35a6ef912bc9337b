package io.plumbline.model;

import io.plumbline.data.TokenizedRow;
import io.plumbline.tensor.Segment;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** A language model that is trained by the log-probabilities of tokens. */
public final class TokenModel implements TrainedModel<TokenLogps, TokenGradients> {
  private final CausalLm model;
  private final Set<TokenStatistic> statistics;

  /**
   * @param statistics what every pass reports besides log-probabilities
   */
  public TokenModel(CausalLm model, Set<TokenStatistic> statistics) {
    this.model = model;
    this.statistics =
        statistics.isEmpty() ? EnumSet.noneOf(TokenStatistic.class) : EnumSet.copyOf(statistics);
  }

  @Override
  public List<Segment> segments() {
    return model.segments();
  }

  @Override
  public TokenLogps infer(List<TokenizedRow> rows) {
    return model.logps(rows, statistics);
  }

  @Override
  public TrainingPass<TokenLogps, TokenGradients> forward(
      List<TokenizedRow> rows, ActivationMemory memory) {
    return model.forward(rows, memory, statistics);
  }
}
