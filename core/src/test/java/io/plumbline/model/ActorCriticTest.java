package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.Fixtures;
import io.plumbline.base.Floats;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ActorCriticTest {
  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  private static ModelDirectory llama() {
    return ModelDirectory.open(Storage.local(), Fixtures.golden("models/llama").toString());
  }

  private static CausalLm policy() {
    return CausalLm.load(llama(), Purpose.TRAINING, ComputeDtype.F32);
  }

  /** Completions of a prompt together, a plain row, and one behind an empty prompt. */
  private static List<TokenizedRow> rows() {
    return List.of(
        TokenizedRow.of(
            0,
            new int[] {5, 17, 300, 44},
            List.of(new int[] {9, 8, 7}, new int[] {100, 2}, new int[] {61, 62, 63, 64, 2}),
            List.of(new byte[] {1, 1, 1}, new byte[] {0, 0}, new byte[] {1, 1, 1, 1, 1})),
        TokenizedRow.of(1, new int[] {12, 13}, List.of(new int[] {201, 202}), List.of()),
        TokenizedRow.of(2, new int[0], List.of(new int[] {30, 31, 32}), List.of()));
  }

  @Test
  void aCriticsValuesAreScoresOfEveryPrefix() {
    try (ScoreModel critic = ScoreModel.critic(llama(), Purpose.INFERENCE, ComputeDtype.F32, 3)) {
      List<List<float[]>> values = critic.values(rows());
      for (int r = 0; r < rows().size(); r++) {
        TokenizedRow row = rows().get(r);
        for (int c = 0; c < row.completions().size(); c++) {
          int[] completion = row.completions().get(c);
          assertThat(values.get(r).get(c)).hasSize(completion.length + 1);
          for (int t = 0; t <= completion.length; t++) {
            int[] prefix = Arrays.copyOf(row.prompt(), row.prompt().length + t);
            System.arraycopy(completion, 0, prefix, row.prompt().length, t);
            float expected =
                prefix.length == 0
                    ? 0
                    : critic.infer(
                            List.of(TokenizedRow.of(0, new int[0], List.of(prefix), List.of())))
                        .get(0)[0];
            assertThat(values.get(r).get(c)[t]).isCloseTo(expected, within(2e-5f));
          }
        }
      }
    }
  }

  @Test
  void aHeadOnThePolicysTrunkSaysWhatACriticOfTheSameWeightsSays() {
    try (CausalLm policy = policy();
        ScoreModel critic = ScoreModel.critic(llama(), Purpose.TRAINING, ComputeDtype.F32, 3);
        ActorCritic one = ActorCritic.onOneTrunk(policy, llama(), 3, Set.of(), 1);
        ActorCritic two = ActorCritic.of(policy, critic, Set.of(), 1)) {
      ActorCritic.Values shared = one.infer(rows());
      ActorCritic.Values separate = two.infer(rows());
      assertSame(shared.values(), separate.values());
      assertSame(one.values(rows()), separate.values());
      assertSame(shared.tokens().logps(), separate.tokens().logps());
      assertSame(shared.tokens().logps(), policy.logps(rows()).logps());
    }
  }

  @Test
  void gradientsAreTheSlopesOfBothHeads() {
    try (CausalLm policy = policy();
        ScoreModel critic = ScoreModel.critic(llama(), Purpose.TRAINING, ComputeDtype.F32, 3);
        ActorCritic one = ActorCritic.onOneTrunk(policy, llama(), 3, Set.of(), 1);
        ActorCritic two = ActorCritic.of(policy, critic, Set.of(), 1)) {
      for (ActorCritic model : List.of(one, two)) {
        for (ActivationMemory memory : ActivationMemory.values()) {
          assertSlope(model, memory);
        }
      }
    }
  }

  /** A step along the gradient changes the loss by the gradient's square. */
  private static void assertSlope(ActorCritic model, ActivationMemory memory) {
    for (Segment segment : model.segments()) {
      segment.gradients().put(0, new float[(int) segment.length()]);
    }
    List<String> order = new ArrayList<>();
    try (TrainingPass<ActorCritic.Values, ActorCritic.Gradients> pass =
        model.forward(rows(), memory)) {
      pass.backward(weights(pass.values()), segment -> order.add(segment.name()));
    }
    List<String> reversed = new ArrayList<>(model.segments().stream().map(Segment::name).toList());
    Collections.reverse(reversed);
    assertThat(order).isEqualTo(reversed).doesNotHaveDuplicates();

    double square = 0;
    for (Segment segment : model.segments()) {
      Floats gradients = segment.gradients();
      double own = 0;
      for (int i = 0; i < gradients.length(); i++) {
        own += Math.pow(gradients.get(i), 2);
      }
      assertThat(own).as(segment.name()).isPositive();
      square += own;
    }
    double length = 2e-3 / Math.sqrt(square);
    double up = moved(model, length);
    double down = moved(model, -2 * length);
    moved(model, length);
    assertThat((up - down) / (2 * length * square)).isCloseTo(1, within(0.02));
  }

  /** The loss after a step along the gradient, which stays. */
  private static double moved(ActorCritic model, double by) {
    for (Segment segment : model.segments()) {
      Floats values = segment.values();
      Floats gradients = segment.gradients();
      for (int i = 0; i < values.length(); i++) {
        values.put(i, (float) (values.get(i) + by * gradients.get(i)));
      }
    }
    try (TrainingPass<ActorCritic.Values, ActorCritic.Gradients> pass =
        model.forward(rows(), ActivationMemory.KEEP)) {
      ActorCritic.Gradients weights = weights(pass.values());
      return sum(pass.values().tokens().logps(), weights.tokens().byLogp())
          + sum(pass.values().values(), weights.byValue());
    }
  }

  private static double sum(List<List<float[]>> values, List<List<float[]>> weights) {
    double sum = 0;
    for (int r = 0; r < values.size(); r++) {
      for (int c = 0; c < values.get(r).size(); c++) {
        for (int t = 0; t < values.get(r).get(c).length; t++) {
          sum += (double) values.get(r).get(c)[t] * weights.get(r).get(c)[t];
        }
      }
    }
    return sum;
  }

  /** A loss that is a sum of everything the model says, with these weights. */
  private static ActorCritic.Gradients weights(ActorCritic.Values said) {
    Random random = new Random(8);
    return new ActorCritic.Gradients(
        TokenGradients.of(like(said.tokens().logps(), random)), like(said.values(), random));
  }

  private static List<List<float[]>> like(List<List<float[]>> values, Random random) {
    List<List<float[]>> out = new ArrayList<>();
    for (List<float[]> row : values) {
      List<float[]> ofRow = new ArrayList<>();
      for (float[] completion : row) {
        float[] weights = new float[completion.length];
        for (int t = 0; t < weights.length; t++) {
          weights[t] = (float) random.nextGaussian();
        }
        ofRow.add(weights);
      }
      out.add(ofRow);
    }
    return out;
  }

  private static void assertSame(List<List<float[]>> actual, List<List<float[]>> expected) {
    for (int r = 0; r < expected.size(); r++) {
      for (int c = 0; c < expected.get(r).size(); c++) {
        assertThat(actual.get(r).get(c)).containsExactly(expected.get(r).get(c), within(2e-5f));
      }
    }
  }
}
