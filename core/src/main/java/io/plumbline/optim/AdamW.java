package io.plumbline.optim;

import io.plumbline.optim.OptimizerSettings.MomentDtype;
import io.plumbline.optim.OptimizerSettings.OfAdamW;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.KernelFilling;
import io.plumbline.tensor.Kernels;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Segment.Slice;
import io.plumbline.tensor.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Adam with decoupled weight decay: Loshchilov &amp; Hutter, "Decoupled Weight Decay
 * Regularization" (2019), algorithm 2, with PyTorch's placing of ε, by PyTorch's fused kernel.
 *
 * <p>θ ← θ − η·λ·θ; m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; θ ← θ − η·m̂ / (√v̂ + ε), with m̂ and v̂
 * corrected for their start at 0. Parameters with fewer than two dimensions have λ = 0.
 *
 * <p>Moments may be kept in bf16. All is computed in f32 then, and moments are rounded at random,
 * up or down with the probabilities that keep their expectation: to the nearest, v would not move
 * any more once (1−β₂)·|g² − v| is less than half of what v's 8 bits can tell apart, which with β₂
 * = 0.999 is so for all g² between 0 and 2.9 v. The random numbers are a hash of step and place, so
 * that all ranks and a resumed run have the same.
 */
final class AdamW implements UpdateRule {
  private static final double NO_SCALE = 1.0;

  /** Values that are made f32 at once: they stay in the processor's cache. */
  private static final long CHUNK = 1 << 16;

  /** The functions of adamw.py. */
  private interface AdamWKernels {
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

    Value noise(long length, long seed, Value like);

    void stepInBf16(
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
        double eps,
        Value random,
        long first);
  }

  /**
   * A run with its moments.
   *
   * @param first its place among all values
   */
  private record Part(
      Value value, Value gradient, Value mean, Value square, double decay, long first) {}

  private final OfAdamW settings;
  private final Kernels<AdamWKernels> kernels =
      Kernels.load(AdamWKernels.class, "adamw.py", KernelFilling.NONE);
  private final Device device;
  private final Map<String, Moment> moments = new LinkedHashMap<>();
  private final List<Part> parts = new ArrayList<>();

  AdamW(List<Run> runs, OptimizerSettings settings) {
    this.settings = settings.adamW();
    this.device = runs.isEmpty() ? Device.CPU : runs.get(0).segment().device();
    Map<Segment, List<Run>> bySegment = new LinkedHashMap<>();
    runs.forEach(run -> bySegment.computeIfAbsent(run.segment(), s -> new ArrayList<>()).add(run));
    long first = 0;
    for (Map.Entry<Segment, List<Run>> entry : bySegment.entrySet()) {
      Segment segment = entry.getKey();
      Moment mean = moment("mean", segment, entry.getValue());
      Moment square = moment("square", segment, entry.getValue());
      long offset = 0;
      for (Run run : entry.getValue()) {
        long length = run.length();
        parts.add(
            new Part(
                run.values(),
                run.gradients(),
                mean.part(offset, length),
                square.part(offset, length),
                run.decays() ? settings.weightDecay() : 0.0,
                first + offset));
        offset += length;
      }
      first += offset;
    }
  }

  private Moment moment(String name, Segment segment, List<Run> runs) {
    List<Slice> slices = runs.stream().flatMap(run -> run.slices().stream()).toList();
    Moment moment = Moment.like(segment, slices, settings.moments());
    moments.put(name + "/" + segment.name(), moment);
    return moment;
  }

  @Override
  public void step(long step, double learningRate, double gradientScale) {
    if (parts.isEmpty()) {
      return;
    }
    try (Scope scope = Scope.on(device)) {
      AdamWKernels calls = kernels.in(scope, GraphMode.NO_GRAPH);
      Value count = scope.floats(new float[] {step}, 1);
      // The kernel divides by its scale.
      Value scale = scope.floats(new float[] {(float) (NO_SCALE / gradientScale)}, 1);
      if (settings.moments() == MomentDtype.BF16) {
        Value random = calls.noise(CHUNK, step, parts.get(0).gradient());
        for (Part part : parts) {
          calls.stepInBf16(
              part.value(),
              part.gradient(),
              part.mean(),
              part.square(),
              count,
              scale,
              learningRate,
              settings.beta1(),
              settings.beta2(),
              part.decay(),
              settings.epsilon(),
              random,
              part.first());
        }
        return;
      }
      for (double decay : parts.stream().mapToDouble(Part::decay).distinct().toArray()) {
        List<Part> alike = parts.stream().filter(part -> part.decay() == decay).toList();
        calls.step(
            list(scope, alike.stream().map(Part::value).toList()),
            list(scope, alike.stream().map(Part::gradient).toList()),
            list(scope, alike.stream().map(Part::mean).toList()),
            list(scope, alike.stream().map(Part::square).toList()),
            count,
            scale,
            learningRate,
            settings.beta1(),
            settings.beta2(),
            decay,
            settings.epsilon());
      }
    }
  }

  private static Value list(Scope scope, List<Value> values) {
    return scope.list(values.toArray(Value[]::new));
  }

  @Override
  public Map<String, Moment> moments() {
    return moments;
  }
}
