package io.plumbline.optim;

import io.plumbline.base.Floats;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.KernelFilling;
import io.plumbline.tensor.Kernels;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Segment.Gradients;
import io.plumbline.tensor.Segment.Slice;
import io.plumbline.tensor.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * Adam with decoupled weight decay: Loshchilov &amp; Hutter, "Decoupled Weight Decay
 * Regularization" (2019), algorithm 2, with PyTorch's placing of ε. Works on the flat buffers of
 * segments, by PyTorch's fused kernel.
 *
 * <p>θ ← θ − η·λ·θ; m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; θ ← θ − η·m̂ / (√v̂ + ε), with m̂ and v̂
 * corrected for their start at 0. Parameters with fewer than two dimensions have λ = 0.
 */
public final class AdamW implements AutoCloseable {
  private static final double NO_SCALE = 1.0;

  /** The functions of adamw.py. */
  private interface AdamWKernels {
    void clear(Value x);

    Value norm(Value x);

    void step(
        Value values,
        Value gradients,
        Value mean,
        Value square,
        Value count,
        Value scale,
        double lr,
        double beta1,
        double beta2,
        double decay,
        double eps);
  }

  /** Neighbouring parameters of one segment that decay alike, as one tensor each. */
  private record Run(Value value, Value gradient, Value mean, Value square, double decay) {}

  private final OptimizerSettings settings;
  private final Kernels<AdamWKernels> kernels =
      Kernels.load(AdamWKernels.class, "adamw.py", KernelFilling.NONE);
  private final Scope scope = Scope.open();
  private final Device device;
  private final List<Segment> segments;
  private final List<Segment> means = new ArrayList<>();
  private final List<Segment> squares = new ArrayList<>();
  private final List<Value> flatGradients = new ArrayList<>();
  private final List<Run> runs = new ArrayList<>();
  private long step;

  /** Moments of 0 for all parameters of the segments, which must have gradients. */
  public AdamW(List<Segment> segments, OptimizerSettings settings) {
    this.settings = settings;
    this.segments = List.copyOf(segments);
    this.device = segments.isEmpty() ? Device.CPU : segments.get(0).device();
    for (Segment segment : segments) {
      Segment mean = likeness(segment);
      Segment square = likeness(segment);
      means.add(mean);
      squares.add(square);
      flatGradients.add(segment.gradientView(0, segment.length()));
      List<Slice> slices = segment.slices();
      int first = 0;
      while (first < slices.size()) {
        int end = first + 1;
        while (end < slices.size() && decays(slices.get(end)) == decays(slices.get(first))) {
          end++;
        }
        long offset = slices.get(first).offset();
        long length = slices.get(end - 1).offset() + slices.get(end - 1).length() - offset;
        runs.add(
            new Run(
                segment.view(offset, length),
                segment.gradientView(offset, length),
                mean.view(offset, length),
                square.view(offset, length),
                decays(slices.get(first)) ? settings.weightDecay() : 0.0));
        first = end;
      }
    }
  }

  private static Segment likeness(Segment segment) {
    return Segment.allocate(
        segment.name(),
        segment.slices().stream().map(Slice::name).toList(),
        segment.slices().stream().map(Slice::shape).toList(),
        Gradients.NONE,
        segment.device());
  }

  private static boolean decays(Slice slice) {
    return slice.shape().length > 1;
  }

  /** Sets all gradients to 0. */
  public void clearGradients() {
    try (Scope scope = Scope.open()) {
      for (Value gradient : flatGradients) {
        kernels.in(scope, GraphMode.NO_GRAPH).clear(gradient);
      }
    }
  }

  /** The L2 norm over all gradients as they stand, not divided by anything. */
  public double gradientNorm() {
    double squares = 0;
    try (Scope step = Scope.open()) {
      for (Value gradient : flatGradients) {
        double norm = kernels.in(step, GraphMode.NO_GRAPH).norm(gradient).floats()[0];
        squares += norm * norm;
      }
    }
    return Math.sqrt(squares);
  }

  /**
   * One update.
   *
   * @param learningRate η
   * @param gradientScale what every gradient is multiplied with first: clipping and the division by
   *     the global count
   */
  public void step(double learningRate, double gradientScale) {
    step++;
    try (Scope scope = Scope.on(device)) {
      Value count = scope.floats(new float[] {step}, 1);
      // The kernel divides by its scale.
      Value scale = scope.floats(new float[] {(float) (NO_SCALE / gradientScale)}, 1);
      for (double decay : new double[] {settings.weightDecay(), 0.0}) {
        List<Run> alike = runs.stream().filter(run -> run.decay() == decay).toList();
        if (!alike.isEmpty()) {
          kernels
              .in(scope, GraphMode.NO_GRAPH)
              .step(
                  list(scope, alike.stream().map(Run::value).toList()),
                  list(scope, alike.stream().map(Run::gradient).toList()),
                  list(scope, alike.stream().map(Run::mean).toList()),
                  list(scope, alike.stream().map(Run::square).toList()),
                  count,
                  scale,
                  learningRate,
                  settings.beta1(),
                  settings.beta2(),
                  decay,
                  settings.epsilon());
        }
        if (settings.weightDecay() == 0.0) {
          break;
        }
      }
    }
  }

  private static Value list(Scope scope, List<Value> values) {
    return scope.list(values.toArray(Value[]::new));
  }

  /** Hands over all numbers that {@link #restore} needs, under names of their own. */
  public void save(BiConsumer<String, Floats> writer) {
    moments((name, moment) -> writer.accept(name, moment.values()));
  }

  /** Fills the moments with what {@link #save} named, after so many steps. */
  public void restore(long stepsDone, BiConsumer<String, Floats> reader) {
    moments((name, moment) -> moment.fillValues(values -> reader.accept(name, values)));
    step = stepsDone;
  }

  private void moments(BiConsumer<String, Segment> use) {
    for (int i = 0; i < segments.size(); i++) {
      use.accept("mean/" + segments.get(i).name(), means.get(i));
      use.accept("square/" + segments.get(i).name(), squares.get(i));
    }
  }

  @Override
  public void close() {
    scope.close();
    means.forEach(Segment::close);
    squares.forEach(Segment::close);
  }
}
