package io.plumbline.optim;

import io.plumbline.optim.OptimizerSettings.MomentDtype;
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
 * Adafactor (Shazeer &amp; Stern, 2018, algorithm 4) without momentum, with the learning rate of
 * the schedule: what transformers' Trainer makes of {@code optim="adafactor"}, with {@code
 * scale_parameter} and {@code relative_step} off.
 *
 * <p>With β = 1 − t^−0.8, of a matrix G: r ← βr + (1−β)·mean over columns of (G² + ε); c ← βc +
 * (1−β)·mean over rows of the same; U = G / √(r cᵀ / mean r); U ← U / max(1, rms U / d); θ ← θ −
 * η·λ·θ − η·U. Vectors keep a mean square of each element.
 */
final class Adafactor implements UpdateRule {
  private static final double DECAY_RATE = -0.8;
  private static final double EPSILON = 1e-30;

  /** d: the root mean square of an update is held to this. */
  private static final double THRESHOLD = 1.0;

  /** Elements of a matrix that squares are made of at once. */
  private static final long CHUNK = 1 << 20;

  /** The functions of adafactor.py. */
  private interface AdafactorKernels {
    void step(
        Value values,
        Value gradients,
        Value square,
        double scale,
        double lr,
        double decay,
        double beta2,
        double eps,
        double threshold);

    void factoredStep(
        Value values,
        Value gradients,
        Value row,
        Value column,
        double scale,
        double lr,
        double decay,
        double beta2,
        double eps,
        double threshold,
        long chunk);
  }

  private record Matrix(Value values, Value gradients, Value row, Value column, long chunk) {}

  private record Vector(Value values, Value gradients, Value square) {}

  private final double weightDecay;
  private final Kernels<AdafactorKernels> kernels =
      Kernels.load(AdafactorKernels.class, "adafactor.py", KernelFilling.NONE);
  private final Map<String, Moment> moments = new LinkedHashMap<>();
  private final List<Matrix> matrices = new ArrayList<>();
  private final List<Vector> vectors = new ArrayList<>();

  Adafactor(List<Segment> segments, OptimizerSettings settings) {
    this.weightDecay = settings.weightDecay();
    segments.forEach(this::add);
  }

  private void add(Segment segment) {
    List<String> names = new ArrayList<>();
    List<long[]> shapes = new ArrayList<>();
    for (Slice slice : segment.slices()) {
      if (slice.shape().length == 2) {
        names.addAll(List.of(slice.name() + " by row", slice.name() + " by column"));
        shapes.addAll(List.of(new long[] {slice.shape()[0]}, new long[] {slice.shape()[1]}));
      } else {
        names.add(slice.name());
        shapes.add(slice.shape());
      }
    }
    Moment squares = new Moment(segment, names, shapes, MomentDtype.F32);
    moments.put("square/" + segment.name(), squares);
    long offset = 0;
    for (Slice slice : segment.slices()) {
      Value values = segment.view(slice.offset(), slice.shape());
      Value gradients = segment.gradientView(slice.offset(), slice.shape());
      if (slice.shape().length == 2) {
        long rows = slice.shape()[0];
        long columns = slice.shape()[1];
        matrices.add(
            new Matrix(
                values,
                gradients,
                squares.part(offset, rows),
                squares.part(offset + rows, columns),
                Math.max(1, CHUNK / columns)));
        offset += rows + columns;
      } else {
        vectors.add(new Vector(values, gradients, squares.shaped(offset, slice.shape())));
        offset += slice.length();
      }
    }
  }

  @Override
  public void step(long count, double learningRate, double scale) {
    double beta2 = 1 - Math.pow((double) count, DECAY_RATE);
    try (Scope scope = Scope.open()) {
      AdafactorKernels calls = kernels.in(scope, GraphMode.NO_GRAPH);
      for (Matrix matrix : matrices) {
        calls.factoredStep(
            matrix.values(),
            matrix.gradients(),
            matrix.row(),
            matrix.column(),
            scale,
            learningRate,
            weightDecay,
            beta2,
            EPSILON,
            THRESHOLD,
            matrix.chunk());
      }
      for (Vector vector : vectors) {
        calls.step(
            vector.values(),
            vector.gradients(),
            vector.square(),
            scale,
            learningRate,
            0,
            beta2,
            EPSILON,
            THRESHOLD);
      }
    }
  }

  @Override
  public Map<String, Moment> moments() {
    return moments;
  }
}
