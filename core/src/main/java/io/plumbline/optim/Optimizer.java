package io.plumbline.optim;

import io.plumbline.base.Floats;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.KernelFilling;
import io.plumbline.tensor.Kernels;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Value;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * An optimizer of segments of parameters, which must have gradients: what all optimizers do alike,
 * around an {@link UpdateRule}.
 */
public final class Optimizer implements AutoCloseable {
  /** The functions of gradients.py. */
  private interface GradientKernels {
    void clear(Value x);

    Value norm(Value x);
  }

  private final Kernels<GradientKernels> kernels =
      Kernels.load(GradientKernels.class, "gradients.py", KernelFilling.NONE);
  private final List<Value> gradients;
  private final UpdateRule rule;
  private long count;

  private Optimizer(List<Segment> segments, UpdateRule rule) {
    this.gradients =
        segments.stream().map(segment -> segment.gradientView(0, segment.length())).toList();
    this.rule = rule;
  }

  /**
   * The optimizer that settings name, before its first step.
   *
   * @param dtype what its products of matrices are computed in, where it has any
   */
  public static Optimizer of(
      List<Segment> segments, OptimizerSettings settings, ComputeDtype dtype) {
    List<Run> all = Run.of(segments, slice -> true);
    return new Optimizer(
        segments,
        switch (settings.optim()) {
          case ADAMW -> new AdamW(all, settings);
          case ADAFACTOR -> new Adafactor(segments, settings);
          case SGD -> new Sgd(all, settings);
          case MUON -> new Muon(segments, settings, dtype);
        });
  }

  /** Sets all gradients to 0. */
  public void clearGradients() {
    try (Scope scope = Scope.open()) {
      for (Value gradient : gradients) {
        kernels.in(scope, GraphMode.NO_GRAPH).clear(gradient);
      }
    }
  }

  /** The L2 norm over all gradients as they stand, not divided by anything. */
  public double gradientNorm() {
    double squares = 0;
    try (Scope scope = Scope.open()) {
      for (Value gradient : gradients) {
        double norm = kernels.in(scope, GraphMode.NO_GRAPH).norm(gradient).floats()[0];
        squares += norm * norm;
      }
    }
    return Math.sqrt(squares);
  }

  /**
   * One update. The gradients are undefined after it.
   *
   * @param learningRate η
   * @param gradientScale what every gradient is multiplied with first: clipping and the division by
   *     the global count
   */
  public void step(double learningRate, double gradientScale) {
    count++;
    rule.step(count, learningRate, gradientScale);
  }

  /** Hands over all numbers that {@link #restore} needs, under names of their own. */
  public void save(BiConsumer<String, Floats> writer) {
    rule.moments().forEach((name, moment) -> moment.save(name, writer));
  }

  /** Fills the moments with what {@link #save} named, after so many steps. */
  public void restore(long stepsDone, BiConsumer<String, Floats> reader) {
    rule.moments().forEach((name, moment) -> moment.restore(name, reader));
    count = stepsDone;
  }

  /** Bytes that are kept from step to step beside values and gradients. */
  public long momentBytes() {
    return rule.moments().values().stream().mapToLong(Moment::bytes).sum();
  }

  @Override
  public void close() {
    rule.moments().values().forEach(Moment::close);
  }
}
