package io.plumbline.model;

import io.plumbline.data.TokenizedRow;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.tensor.Segment;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** A language model that is trained by the log-probabilities of tokens. */
public final class TokenModel implements TrainedModel<TokenLogps, TokenGradients> {
  private final CausalLm model;
  private final Set<TokenStatistic> statistics;
  private final double temperature;

  /**
   * At temperature 1.
   *
   * @param statistics what every pass reports besides log-probabilities
   */
  public TokenModel(CausalLm model, Set<TokenStatistic> statistics) {
    this(model, statistics, 1);
  }

  /**
   * @param statistics what every pass reports besides log-probabilities
   * @param temperature divides the logits in every pass
   * @throws PlumblineException BAD_USAGE where the temperature is not a positive number
   */
  public TokenModel(CausalLm model, Set<TokenStatistic> statistics, double temperature) {
    TokenPass.check(temperature);
    this.model = model;
    this.temperature = temperature;
    this.statistics =
        statistics.isEmpty() ? EnumSet.noneOf(TokenStatistic.class) : EnumSet.copyOf(statistics);
  }

  @Override
  public List<Segment> segments() {
    return model.segments();
  }

  @Override
  public ComputeDtype computeDtype() {
    return model.decoder().dtype;
  }

  @Override
  public boolean hasDropout() {
    return model.hasDropout();
  }

  @Override
  public void begin(long draw) {
    model.decoder().begin(draw);
  }

  @Override
  public TokenLogps infer(List<TokenizedRow> rows) {
    return model.logps(rows, statistics, temperature);
  }

  @Override
  public TrainingPass<TokenLogps, TokenGradients> forward(
      List<TokenizedRow> rows, ActivationMemory memory) {
    return model.forward(rows, memory, statistics, temperature);
  }
}
