package io.plumbline.advantage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Settings;
import io.plumbline.base.State;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Costs with limits, held by Lagrange multipliers. Every rank holds the same and updates it with
 * the same means, so that all have the same bits. The state is part of a training state.
 *
 * <p>The problem is max J_R subject to J_C ≤ d for each cost, whose Lagrangian is J_R − Σ λ·(J_C −
 * d) with λ ≥ 0. The policy learns from reward − Σ λ·cost, as in Dai et al., "Safe RLHF" (2024),
 * section 3.2; the constant λ·d changes no advantage. A multiplier follows the cost by the rule of
 * Stooke et al., "Responsive Safety in Reinforcement Learning by PID Lagrangian Methods" (2020),
 * algorithm 2, without its derivative:
 *
 * <p>Δ = (J_C − 0.9·d)/u², I ← (I + K·Δ)₊, λ = (I + 10·K·Δ)₊
 *
 * <p>I alone would be projected dual ascent, under which cost and multiplier swing around each
 * other for ever; the term in proportion to the present excess ends that. Multiplying by K inside
 * of the sum, a change of K does not make λ jump.
 *
 * <p>Costs are counted in the size u of their limit, or in their own unit where the limit is 0:
 * once for the excess, and once for λ, which is in the unit of the reward by that of the cost. The
 * same K so suits costs of all sizes.
 */
public final class Constraints {
  /**
   * How far below its limit a cost is steered, as a share of the limit's size: the mean swings
   * around what it is steered to, and sampling noise must stay under the limit as well.
   */
  static final double HEADROOM = 0.1;

  /** How much more the present excess counts than a past one. */
  private static final double PROPORTION = 10;

  /** K where nothing is said. */
  public static final double STANDARD_LEARNING_RATE = 0.1;

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private final List<Constraint> constraints;
  private final double learningRate;
  private final double[] integrals;
  private final double[] multipliers;

  /** NaN before the first update. */
  private final double[] lastCosts;

  /**
   * With every multiplier at 0.
   *
   * @param learningRate K, over 0
   * @throws PlumblineException BAD_USAGE where two have one name
   */
  public Constraints(List<Constraint> constraints, double learningRate) {
    Settings.positive("The multipliers' learning rate", learningRate);
    this.constraints = List.copyOf(constraints);
    this.learningRate = learningRate;
    int count = constraints.size();
    if (constraints.stream().map(Constraint::name).distinct().count() < count) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "Two costs have the same name: "
              + constraints.stream().map(Constraint::name).toList()
              + "; give each a name of its own.");
    }
    integrals = new double[count];
    multipliers = new double[count];
    lastCosts = new double[count];
    Arrays.fill(lastCosts, Double.NaN);
  }

  /** In the order of every array here. */
  public List<Constraint> constraints() {
    return constraints;
  }

  /** λ of each constraint. */
  public double[] multipliers() {
    return multipliers.clone();
  }

  /** What each cost counts for beside rewards that count for their weight: −λ. */
  public double[] weights() {
    return Arrays.stream(multipliers).map(multiplier -> -multiplier).toArray();
  }

  /**
   * What a completion's costs take off its reward: Σ λ·cost.
   *
   * @param costs holds a completion's costs, one a constraint; a NaN where the cost function has
   *     nothing to say of it, which then costs nothing
   * @param from where the first one stands
   */
  public double charge(double[] costs, int from) {
    double charge = 0;
    for (int i = 0; i < multipliers.length; i++) {
      double cost = costs[from + i];
      charge += Double.isNaN(cost) ? 0 : multipliers[i] * cost;
    }
    return charge;
  }

  /**
   * Moves the multipliers.
   *
   * @param meanCosts over the completions of all ranks, one a constraint; a NaN where the cost
   *     function had nothing to say of any, which leaves its multiplier as it is
   * @throws PlumblineException NUMERICS where one is infinite
   */
  public void update(double[] meanCosts) {
    checkLength(meanCosts);
    for (int i = 0; i < meanCosts.length; i++) {
      double cost = meanCosts[i];
      if (Double.isInfinite(cost)) {
        throw new PlumblineException(
            ErrorCode.NUMERICS,
            "The mean of the cost "
                + constraints.get(i).name()
                + " is infinite; bound what its function returns.");
      }
      if (Double.isNaN(cost)) {
        continue;
      }
      double limit = constraints.get(i).limit();
      double unit = limit == 0 ? 1 : Math.abs(limit);
      double excess = (cost - (limit - HEADROOM * Math.abs(limit))) / (unit * unit);
      integrals[i] = Math.max(0, integrals[i] + learningRate * excess);
      multipliers[i] = Math.max(0, integrals[i] + PROPORTION * learningRate * excess);
      lastCosts[i] = cost;
    }
  }

  private void checkLength(double[] costs) {
    if (costs.length != constraints.size()) {
      throw new IllegalArgumentException(
          "%d costs for %d constraints".formatted(costs.length, constraints.size()));
    }
  }

  /** {@code costs/NAME/mean}, once measured, and {@code lagrange/NAME}. */
  public Map<String, Double> metrics() {
    Map<String, Double> metrics = new LinkedHashMap<>();
    for (int i = 0; i < constraints.size(); i++) {
      String name = constraints.get(i).name();
      if (!Double.isNaN(lastCosts[i])) {
        metrics.put("costs/" + name + "/mean", lastCosts[i]);
      }
      metrics.put("lagrange/" + name, multipliers[i]);
    }
    return metrics;
  }

  public ObjectNode state() {
    ArrayNode each = NODES.arrayNode();
    for (int i = 0; i < constraints.size(); i++) {
      ObjectNode one =
          each.addObject()
              .put("name", constraints.get(i).name())
              .put("integral", integrals[i])
              .put("multiplier", multipliers[i]);
      if (!Double.isNaN(lastCosts[i])) {
        one.put("last_cost", lastCosts[i]);
      }
    }
    return NODES.objectNode().set("constraints", each);
  }

  /**
   * Continues from what {@link #state} gave.
   *
   * @throws PlumblineException BAD_CHECKPOINT where it is of other constraints
   */
  public void restore(ObjectNode state) {
    List<String> names = constraints.stream().map(Constraint::name).toList();
    List<String> found = state.path("constraints").findValuesAsText("name");
    if (!found.equals(names)) {
      throw State.unfit("it has the constraints " + found + ", and this run has " + names);
    }
    for (int i = 0; i < names.size(); i++) {
      JsonNode one = state.path("constraints").get(i);
      integrals[i] = State.number((ObjectNode) one, "integral");
      multipliers[i] = State.number((ObjectNode) one, "multiplier");
      lastCosts[i] = one.path("last_cost").asDouble(Double.NaN);
    }
  }
}
