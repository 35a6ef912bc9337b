package io.plumbline.optim;

import io.plumbline.model.CausalLm.ComputeDtype;
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
import java.util.regex.Pattern;

/**
 * Muon (Jordan et al., 2024) for the matrices of layers, AdamW for embeddings, heads, norms and
 * biases.
 *
 * <p>m ← μm + (1−μ)G; U = NS₅((1−μ)G + μm); θ ← θ − η·λ·θ − η·0.2·√max(n, m)·U, with five
 * iterations of Newton and Schulz towards the nearest orthogonal matrix. The factor gives an update
 * the root mean square of AdamW's (Liu et al., "Muon is Scalable for LLM Training", 2025, equation
 * 4), so that one learning rate and one decay serve both. A matrix is a parameter of the
 * checkpoint: query, key and value each have their own.
 */
final class Muon implements UpdateRule {
  private static final long ITERATIONS = 5;

  /** Layers are numbered in the names of parameters, as in {@code model.layers.0.} */
  private static final Pattern IN_LAYER = Pattern.compile("(^|.*\\.)\\d+\\..*");

  /** The functions of muon.py. */
  private interface MuonKernels {
    void step(
        Value values,
        Value gradients,
        Value mean,
        double scale,
        double lr,
        double decay,
        double momentum,
        long iterations);
  }

  private record Matrix(Value values, Value gradients, Value mean) {}

  private final OptimizerSettings settings;
  private final Kernels<MuonKernels> kernels;
  private final Map<String, Moment> moments = new LinkedHashMap<>();
  private final List<Matrix> matrices = new ArrayList<>();
  private final AdamW others;

  /**
   * @param dtype in which the iterations multiply
   */
  Muon(List<Segment> segments, OptimizerSettings settings, ComputeDtype dtype) {
    this.settings = settings;
    this.kernels =
        Kernels.load(
            MuonKernels.class,
            "muon.py",
            new KernelFilling(Map.of("COMPUTE_DTYPE", dtype.inKernels()), Map.of()));
    segments.forEach(this::add);
    others = new AdamW(Run.of(segments, slice -> !isMatrix(slice)), settings);
    moments.putAll(others.moments());
  }

  private void add(Segment segment) {
    List<Slice> slices = segment.slices().stream().filter(Muon::isMatrix).toList();
    if (slices.isEmpty()) {
      return;
    }
    Moment mean = Moment.like(segment, slices, MomentDtype.F32);
    moments.put("momentum/" + segment.name(), mean);
    long offset = 0;
    for (Slice slice : slices) {
      matrices.add(
          new Matrix(
              segment.view(slice.offset(), slice.shape()),
              segment.gradientView(slice.offset(), slice.shape()),
              mean.shaped(offset, slice.shape())));
      offset += slice.length();
    }
  }

  private static boolean isMatrix(Slice slice) {
    return slice.shape().length == 2 && IN_LAYER.matcher(slice.name()).matches();
  }

  @Override
  public void step(long count, double learningRate, double scale) {
    try (Scope scope = Scope.open()) {
      MuonKernels calls = kernels.in(scope, GraphMode.NO_GRAPH);
      for (Matrix matrix : matrices) {
        calls.step(
            matrix.values(),
            matrix.gradients(),
            matrix.mean(),
            scale,
            learningRate,
            settings.weightDecay(),
            settings.muonMomentum(),
            ITERATIONS);
      }
    }
    others.step(count, learningRate, scale);
  }

  @Override
  public Map<String, Moment> moments() {
    return moments;
  }
}
