package io.plumbline.model;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.Segment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * A policy and its critic, trained as one model. The critic is a model of its own, or a head on the
 * policy's trunk, which then learns for both.
 */
public final class ActorCritic
    implements TrainedModel<ActorCritic.Values, ActorCritic.Gradients>, AutoCloseable {
  /**
   * What both say of a micro-batch.
   *
   * @param values by row and completion, what the critic expects before each token and behind the
   *     last: one more than the completion has tokens
   */
  public record Values(TokenLogps tokens, List<List<float[]>> values) {}

  /**
   * The derivative of a loss by that.
   *
   * @param byValue in the shape of {@link Values#values}
   */
  public record Gradients(TokenGradients tokens, List<List<float[]>> byValue) {}

  private final CausalLm policy;
  private final Optional<ScoreModel> critic;
  private final Optional<ValueHead> head;
  private final Set<TokenStatistic> statistics;
  private final double temperature;

  private ActorCritic(
      CausalLm policy,
      Optional<ScoreModel> critic,
      Optional<ValueHead> head,
      Set<TokenStatistic> statistics,
      double temperature) {
    TokenPass.check(temperature);
    this.policy = policy;
    this.critic = critic;
    this.head = head;
    this.statistics = Set.copyOf(statistics);
    this.temperature = temperature;
  }

  /**
   * A policy with a critic of its own trunk. Closing this closes neither.
   *
   * @param statistics what every pass reports besides log-probabilities
   * @param temperature divides the logits in every pass
   */
  public static ActorCritic of(
      CausalLm policy, ScoreModel critic, Set<TokenStatistic> statistics, double temperature) {
    return new ActorCritic(policy, Optional.of(critic), Optional.empty(), statistics, temperature);
  }

  /**
   * A policy with a critic on its own trunk, under a fresh head.
   *
   * @param start where the policy was loaded from
   * @param seed of the head
   */
  public static ActorCritic onOneTrunk(
      CausalLm policy,
      ModelDirectory start,
      long seed,
      Set<TokenStatistic> statistics,
      double temperature) {
    return new ActorCritic(
        policy,
        Optional.empty(),
        Optional.of(ValueHead.of(ScoreModel.freshHead(start, seed))),
        statistics,
        temperature);
  }

  /** The policy's, then the critic's. */
  @Override
  public List<Segment> segments() {
    List<Segment> all = new ArrayList<>(policy.segments());
    critic.ifPresent(model -> all.addAll(model.segments()));
    head.ifPresent(on -> all.add(on.segment()));
    return List.copyOf(all);
  }

  @Override
  public ComputeDtype computeDtype() {
    return policy.decoder().dtype;
  }

  @Override
  public boolean hasDropout() {
    return policy.hasDropout();
  }

  @Override
  public void begin(long draw) {
    policy.decoder().begin(draw);
    critic.ifPresent(model -> model.begin(draw));
  }

  /** What the critic expects at every state, without a graph; one micro-batch. */
  public List<List<float[]>> values(List<TokenizedRow> rows) {
    if (critic.isPresent()) {
      return critic.get().values(rows);
    }
    ValueHead on = head.orElseThrow();
    try (ValuePass pass =
        new ValuePass(
            policy.decoder(),
            on.weight(),
            on.gradient(),
            rows,
            GraphMode.INFERENCE,
            ActivationMemory.RECOMPUTE)) {
      return pass.values();
    }
  }

  private TokenPass pass(List<TokenizedRow> rows, GraphMode mode, ActivationMemory memory) {
    return new TokenPass(policy.decoder(), rows, mode, memory, statistics, temperature, head);
  }

  @Override
  public Values infer(List<TokenizedRow> rows) {
    try (TokenPass pass = pass(rows, GraphMode.INFERENCE, ActivationMemory.RECOMPUTE)) {
      return new Values(
          pass.values(), critic.map(model -> model.values(rows)).orElse(pass.states()));
    }
  }

  @Override
  public TrainingPass<Values, Gradients> forward(List<TokenizedRow> rows, ActivationMemory memory) {
    return forward(rows, all -> true, memory);
  }

  /** A critic of its own trunk has values of 0 for rows that it is not asked about. */
  @Override
  public TrainingPass<Values, Gradients> forward(
      List<TokenizedRow> rows, IntPredicate valued, ActivationMemory memory) {
    TokenPass tokens = pass(rows, GraphMode.GRAPH, memory);
    if (critic.isEmpty()) {
      return new Pass(tokens, Optional.empty(), tokens.states());
    }
    try {
      Asked asked = new Asked(rows, valued, critic.get(), memory);
      return new Pass(tokens, Optional.of(asked), asked.values(rows));
    } catch (RuntimeException | Error e) {
      tokens.close();
      throw e;
    }
  }

  /** The critic's part of a micro-batch; no pass where it is asked about no row. */
  private static final class Asked implements AutoCloseable {
    private final ScoreModel critic;
    private final int[] places;
    private final Optional<TrainingPass<List<List<float[]>>, List<List<float[]>>>> pass;

    Asked(
        List<TokenizedRow> rows, IntPredicate valued, ScoreModel critic, ActivationMemory memory) {
      this.critic = critic;
      this.places = IntStream.range(0, rows.size()).filter(valued).toArray();
      this.pass =
          places.length == 0
              ? Optional.empty()
              : Optional.of(
                  critic.forwardValues(Arrays.stream(places).mapToObj(rows::get).toList(), memory));
    }

    /** Values of all rows; 0 for those that were not asked about. */
    List<List<float[]>> values(List<TokenizedRow> rows) {
      List<List<float[]>> all = new ArrayList<>();
      for (TokenizedRow row : rows) {
        all.add(row.completions().stream().map(c -> new float[c.length + 1]).toList());
      }
      for (int i = 0; i < places.length; i++) {
        all.set(places[i], pass.orElseThrow().values().get(i));
      }
      return List.copyOf(all);
    }

    void backward(List<List<float[]>> byValue, Consumer<Segment> onFinal) {
      if (pass.isPresent()) {
        pass.get().backward(Arrays.stream(places).mapToObj(byValue::get).toList(), onFinal);
        return;
      }
      List<Segment> segments = critic.segments();
      for (int s = segments.size() - 1; s >= 0; s--) {
        onFinal.accept(segments.get(s));
      }
    }

    @Override
    public void close() {
      pass.ifPresent(TrainingPass::close);
    }
  }

  private static final class Pass implements TrainingPass<Values, Gradients> {
    private final TokenPass tokens;
    private final Optional<Asked> asked;
    private final Values values;

    Pass(TokenPass tokens, Optional<Asked> asked, List<List<float[]>> values) {
      this.tokens = tokens;
      this.asked = asked;
      this.values = new Values(tokens.values(), values);
    }

    @Override
    public Values values() {
      return values;
    }

    /** The critic comes last among the segments, so it goes back first. */
    @Override
    public void backward(Gradients gradients, Consumer<Segment> onFinal) {
      asked.ifPresent(pass -> pass.backward(gradients.byValue(), onFinal));
      tokens.backward(gradients.tokens(), gradients.byValue(), onFinal);
    }

    @Override
    public void close() {
      asked.ifPresent(Asked::close);
      tokens.close();
    }
  }

  /** Frees a head on the policy's trunk; the policy and a critic of its own stay. */
  @Override
  public void close() {
    head.ifPresent(ValueHead::close);
  }
}
