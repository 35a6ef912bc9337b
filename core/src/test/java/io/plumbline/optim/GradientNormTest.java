package io.plumbline.optim;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Segment.Gradients;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The norm over all gradients, against a sum in double precision. */
class GradientNormTest {
  /** With one sum in f32, the largest of these is 0.02 % off. */
  @ParameterizedTest
  @ValueSource(ints = {1, 65_535, 65_536, 65_537, 200_001, 1 << 23})
  void isExactHoweverManyThereAre(int n) {
    try (Segment segment =
            Segment.allocate(
                "s", List.of("w"), List.of(new long[] {n}), Gradients.PRESENT, Device.CPU);
        Optimizer optimizer =
            Optimizer.of(List.of(segment), Optimizers.constant(1), ComputeDtype.F32)) {
      long seed = System.nanoTime();
      System.out.println("seed " + seed);
      Random random = new Random(seed);
      double squares = 0;
      for (FloatBuffer gradients : segment.gradients().buffers()) {
        while (gradients.hasRemaining()) {
          float g = (float) random.nextGaussian();
          squares += (double) g * g;
          gradients.put(g);
        }
      }
      assertThat(optimizer.gradientNorm())
          .isCloseTo(Math.sqrt(squares), Percentage.withPercentage(1e-4));
    }
  }
}
