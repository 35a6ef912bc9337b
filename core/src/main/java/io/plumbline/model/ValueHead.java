package io.plumbline.model;

import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Segment.Gradients;
import io.plumbline.tensor.Value;
import java.util.List;

/**
 * A critic's head on the trunk of a policy: a segment of its own.
 *
 * @param weight [1, hidden]
 * @param gradient of the same shape
 */
record ValueHead(Segment segment, Value weight, Value gradient) implements AutoCloseable {
  /**
   * A head with these weights, on the device of this thread.
   *
   * @param weights [hidden] values
   */
  static ValueHead of(float[] weights) {
    long hidden = weights.length;
    Segment segment =
        Segment.allocate(
            "critic head",
            List.of(DecoderConfig.SCORE_WEIGHT),
            List.of(new long[] {1, hidden}),
            Gradients.PRESENT,
            Device.ofThread());
    segment.fillValues(values -> values.put(0, weights));
    return new ValueHead(segment, segment.view(0, 1, hidden), segment.gradientView(0, 1, hidden));
  }

  @Override
  public void close() {
    segment.close();
  }
}
