package io.plumbline.advantage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;

class ConstraintsTest {
  private static final List<Constraint> LENGTH = List.of(new Constraint("length", 10));
  private static final List<Constraint> TWO =
      List.of(new Constraint("length", 10), new Constraint("harm", -1));

  /** Two costs with limits 10 and −1 are steered to 9 and −1.1, and counted in 10 and in 1. */
  @Example
  void aMultiplierRisesByTheExcessAndStopsAtZero() {
    Constraints constraints = new Constraints(TWO, 0.1);

    constraints.update(new double[] {19, -0.6}); // Δ 0.1 and 0.5: I 0.01 and 0.05
    assertThat(constraints.multipliers()).containsExactly(new double[] {0.11, 0.55}, within(1e-12));
    constraints.update(new double[] {12, Double.NaN}); // I 0.013
    assertThat(constraints.multipliers())
        .containsExactly(new double[] {0.043, 0.55}, within(1e-12));
    constraints.update(new double[] {8.5, -1.1}); // I 0.0125; the other is where it should be
    assertThat(constraints.multipliers())
        .containsExactly(new double[] {0.0075, 0.05}, within(1e-12));
    constraints.update(new double[] {0, -9});
    assertThat(constraints.multipliers()).containsExactly(0, 0);
    assertThat(constraints.metrics())
        .containsOnlyKeys(
            "costs/length/mean", "lagrange/length", "costs/harm/mean", "lagrange/harm")
        .containsEntry("costs/length/mean", 0.0);
  }

  @Example
  void aCostTakesItsMultiplierTimesItselfOff() {
    Constraints constraints = new Constraints(TWO, 1);
    constraints.update(new double[] {13.5, -1.1 + 1 / 44.0}); // times 11, in both terms together
    assertThat(constraints.multipliers())
        .containsExactly(new double[] {0.495, 0.25}, within(1e-12));

    assertThat(constraints.charge(new double[] {7, 4, -2}, 1)).isCloseTo(1.48, within(1e-12));
    assertThat(constraints.charge(new double[] {4, Double.NaN}, 0)).isCloseTo(1.98, within(1e-12));
    assertThat(constraints.weights()).containsExactly(new double[] {-0.495, -0.25}, within(1e-12));
    assertThat(new Constraints(List.of(), 1).charge(new double[] {3}, 1)).isZero();
    assertThatThrownBy(() -> constraints.update(new double[1]))
        .hasMessage("1 costs for 2 constraints");
  }

  @Property
  void aRestoredStateGoesOnWithTheSameBits(
      @ForAll @Size(max = 12) List<@DoubleRange(min = 0, max = 30) Double> costs) throws Exception {
    Constraints constraints = new Constraints(TWO, 0.05);
    for (double cost : costs) {
      constraints.update(new double[] {cost, Double.NaN});
    }
    ObjectMapper json = new ObjectMapper();
    Constraints restored = new Constraints(TWO, 0.05);
    restored.restore((ObjectNode) json.readTree(json.writeValueAsString(constraints.state())));

    assertThat(restored.metrics()).isEqualTo(constraints.metrics());
    for (Constraints each : List.of(constraints, restored)) {
      each.update(new double[] {11, -0.5});
    }
    assertThat(restored.multipliers()).isEqualTo(constraints.multipliers());
  }

  @Example
  void whatCannotBeIsRefused() {
    Constraints one = new Constraints(LENGTH, 1);
    assertThatThrownBy(() -> one.restore(new Constraints(TWO, 1).state()))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_CHECKPOINT))
        .hasMessageContaining("the constraints [length, harm], and this run has [length]");
    assertThatThrownBy(() -> one.update(new double[] {Double.POSITIVE_INFINITY}))
        .hasMessageContaining("The mean of the cost length is infinite");
    assertThatThrownBy(() -> new Constraints(List.of(LENGTH.get(0), LENGTH.get(0)), 1))
        .hasMessageContaining("Two costs have the same name");
    assertThatThrownBy(() -> new Constraints(LENGTH, 0))
        .hasMessageContaining("learning rate must be over 0");
  }

  @Example
  void aSpecificationIsAFunctionAndALimit() {
    assertThat(CostSpec.parse("length{\"per_token\":1}<=12"))
        .isEqualTo(new CostSpec("length{\"per_token\":1}", 12));
    assertThat(CostSpec.parse(" regex{\"pattern\":\"a<=b\"} <= -1.5e1 "))
        .isEqualTo(new CostSpec("regex{\"pattern\":\"a<=b\"}", -15));
    for (String wrong :
        List.of(
            "",
            "length",
            "length<=",
            "<=3",
            "length<=many",
            "length<=NaN",
            "length<3",
            "regex{\"pattern\":\"a<=b\"}",
            "length<=Infinity")) {
      assertThatThrownBy(() -> CostSpec.parse(wrong))
          .as(wrong)
          .isInstanceOfSatisfying(
              PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_USAGE))
          .hasMessageStartingWith("\"" + wrong + "\" is not a cost with a limit");
    }
  }

  /**
   * A bandit: the longer the answer, the better its reward. The policy is a softmax over the arms,
   * trained by REINFORCE on sampled batches. Without the constraint it takes the longest.
   */
  private static final class Bandit {
    private static final double[] REWARDS = {0, 0.5, 0.8, 1};
    private static final double[] COSTS = {2, 8, 14, 30};
    private static final int BATCH = 64;

    private final double[] logits = new double[REWARDS.length];
    private final Random random;

    private final double learningRate;

    private Bandit(long seed, double learningRate) {
      random = new Random(seed);
      this.learningRate = learningRate;
    }

    private double[] probabilities() {
      double[] weights = new double[logits.length];
      double sum = 0;
      for (int arm = 0; arm < logits.length; arm++) {
        weights[arm] = Math.exp(logits[arm]);
        sum += weights[arm];
      }
      for (int arm = 0; arm < logits.length; arm++) {
        weights[arm] /= sum;
      }
      return weights;
    }

    private double expected(double[] values) {
      double[] probabilities = probabilities();
      double sum = 0;
      for (int arm = 0; arm < values.length; arm++) {
        sum += probabilities[arm] * values[arm];
      }
      return sum;
    }

    /** Samples a batch, updates the policy and then the multipliers. */
    private void step(Constraints constraints) {
      double[] probabilities = probabilities();
      int[] arms = new int[BATCH];
      double[] values = new double[BATCH];
      double meanCost = 0;
      double meanValue = 0;
      for (int i = 0; i < BATCH; i++) {
        double at = random.nextDouble() - probabilities[0];
        while (at > 0 && arms[i] < logits.length - 1) {
          arms[i]++;
          at -= probabilities[arms[i]];
        }
        values[i] = REWARDS[arms[i]] - constraints.charge(COSTS, arms[i]);
        meanCost += COSTS[arms[i]] / BATCH;
        meanValue += values[i] / BATCH;
      }
      for (int i = 0; i < BATCH; i++) {
        double advantage = values[i] - meanValue;
        for (int arm = 0; arm < logits.length; arm++) {
          double gradient = (arm == arms[i] ? 1 : 0) - probabilities[arm];
          logits[arm] += learningRate * advantage * gradient / BATCH;
        }
      }
      constraints.update(new double[] {meanCost});
    }
  }

  @Example
  void withoutAConstraintTheBanditTakesTheDearestArm() {
    Bandit bandit = new Bandit(1, 0.5);
    Constraints none =
        new Constraints(
            List.of(new Constraint("length", 1000)), Constraints.STANDARD_LEARNING_RATE);
    for (int step = 0; step < 2000; step++) {
      bandit.step(none);
    }
    assertThat(bandit.expected(Bandit.COSTS)).isGreaterThan(20);
  }

  /** The controller that grpo and ppo run, at the standard value of its only setting. */
  @Property(tries = 20)
  void underAConstraintItsMeanCostStaysUnderTheLimit(
      @ForAll @LongRange(min = 0) long seed,
      @ForAll @DoubleRange(min = 0.2, max = 4) double learningRate) {
    Constraints constraints = new Constraints(LENGTH, Constraints.STANDARD_LEARNING_RATE);
    Bandit bandit = new Bandit(seed, learningRate);
    double worst = 0;
    double reward = 0;
    for (int step = 0; step < 6000; step++) {
      bandit.step(constraints);
      if (step >= 4000) {
        worst = Math.max(worst, bandit.expected(Bandit.COSTS));
        reward += bandit.expected(Bandit.REWARDS) / 2000;
      }
    }
    assertThat(worst).isLessThan(10);
    // Not by giving up: most of what the limit allows is earned.
    assertThat(reward).isGreaterThan(0.45);
  }

  @Example
  void aMultiplierDoesNotDependOnTheScaleOfACost() {
    Constraints small = new Constraints(List.of(new Constraint("length", 1)), 0.1);
    Constraints large = new Constraints(List.of(new Constraint("length", 200)), 0.1);

    for (double cost : new double[] {1.5, 1.8, 0.7, 1.2}) {
      small.update(new double[] {cost});
      large.update(new double[] {200 * cost});

      assertThat(large.multipliers()[0] * 200).isCloseTo(small.multipliers()[0], within(1e-9));
    }
    assertThat(small.multipliers()[0]).isPositive();
    Constraints ofNothing = new Constraints(List.of(new Constraint("harm", 0)), 0.1);
    ofNothing.update(new double[] {1});
    assertThat(ofNothing.multipliers()[0]).isCloseTo(1.1, within(1e-12));
  }
}
