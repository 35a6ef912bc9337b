package io.plumbline.rollout;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
 * d) with λ ≥ 0. The policy takes its advantages from reward − Σ λ·cost, by default over 1 + Σ λ,
 * as in Dai et al., "Safe RLHF" (2024), section 3.2; the constant λ·d changes no advantage. A
 * multiplier follows the cost by the PID rule of Stooke et al., "Responsive Safety in Reinforcement
 * Learning by PID Lagrangian Methods" (2020), algorithm 2:
 *
 * <p>Δ = J_C − d, I ← (I + K_I·Δ)₊, λ = (K_P·Δ + I + K_D·(J_C − J_C′)₊)₊
 *
 * <p>where J_C′ is the cost at the update before. With K_P = K_D = 0 it is projected dual ascent.
 * The paper multiplies I by K_I afterwards; inside the sum, a change of K_I does not make λ jump.
 */
public final class Constraints {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private final List<Constraint> constraints;
  private final LagrangeSettings settings;
  private final double[] integrals;
  private final double[] multipliers;

  /** NaN before the first update. */
  private final double[] lastCosts;

  /**
   * With every multiplier at its initial value.
   *
   * @throws PlumblineException BAD_USAGE where two have one name
   */
  public Constraints(List<Constraint> constraints, LagrangeSettings settings) {
    this.constraints = List.copyOf(constraints);
    this.settings = settings;
    int count = constraints.size();
    if (constraints.stream().map(Constraint::name).distinct().count() < count) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "Two costs have the same name: "
              + constraints.stream().map(Constraint::name).toList()
              + "; give each a name of its own.");
    }
    double initial = Math.min(settings.initial(), settings.highest());
    integrals = new double[count];
    multipliers = new double[count];
    lastCosts = new double[count];
    Arrays.fill(integrals, initial);
    Arrays.fill(multipliers, initial);
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

  /**
   * A completion's reward with its costs taken off.
   *
   * @param costs of the completion, one a constraint; a NaN where the cost function has nothing to
   *     say of it, which then costs nothing
   */
  public double combined(double reward, double[] costs) {
    checkLength(costs);
    double value = reward;
    double weights = 1;
    for (int i = 0; i < costs.length; i++) {
      if (!Double.isNaN(costs[i])) {
        value -= multipliers[i] * costs[i];
      }
      weights += multipliers[i];
    }
    return settings.combination() == LagrangeSettings.Combination.NORMALIZED
        ? value / weights
        : value;
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
      // Once for the excess in the limit's unit, once for λ in that of the reward by the cost's.
      double unit = unit(limit) * unit(limit);
      double excess = (cost - aim(limit)) / unit;
      double rise = Double.isNaN(lastCosts[i]) ? 0 : Math.max(0, cost - lastCosts[i]) / unit;
      integrals[i] = bounded(integrals[i] + settings.learningRate() * excess);
      multipliers[i] =
          bounded(settings.proportional() * excess + integrals[i] + settings.derivative() * rise);
      lastCosts[i] = cost;
    }
  }

  private double aim(double limit) {
    return limit - settings.headroom() * Math.abs(limit);
  }

  private double unit(double limit) {
    return settings.unit() == LagrangeSettings.Unit.LIMIT && limit != 0 ? Math.abs(limit) : 1;
  }

  private double bounded(double multiplier) {
    return Math.max(0, Math.min(settings.highest(), multiplier));
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
   * Goes on from what {@link #state} gave.
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
