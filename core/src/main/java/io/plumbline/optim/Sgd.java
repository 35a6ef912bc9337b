package io.plumbline.optim;

import io.plumbline.optim.OptimizerSettings.MomentDtype;
import io.plumbline.optim.OptimizerSettings.OfSgd;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.KernelFilling;
import io.plumbline.tensor.Kernels;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Stochastic gradient descent as {@code torch.optim.SGD}: g ← g + λθ; b ← μb + g; θ ← θ − ηb, or θ
 * − η(g + μb) with Nesterov's momentum. Weight decay is a part of the gradient here, not decoupled.
 */
final class Sgd implements UpdateRule {
  /** The functions of sgd.py. */
  private interface SgdKernels {
    void step(Value values, Value gradients, double scale, double lr, double decay);

    void stepWithMomentum(
        Value values,
        Value gradients,
        Value velocity,
        double scale,
        double lr,
        double decay,
        double momentum,
        boolean nesterov);
  }

  /**
   * A run with the sum of its gradients.
   *
   * @param velocity null without momentum
   */
  private record Part(Value value, Value gradient, Value velocity, double decay) {}

  private final OfSgd settings;
  private final Kernels<SgdKernels> kernels =
      Kernels.load(SgdKernels.class, "sgd.py", KernelFilling.NONE);
  private final Map<String, Moment> moments = new LinkedHashMap<>();
  private final List<Part> parts = new ArrayList<>();

  Sgd(List<Run> runs, OptimizerSettings settings) {
    this.settings = settings.sgd();
    for (Run run : runs) {
      Value velocity = this.settings.momentum() == 0 ? null : velocity(run);
      parts.add(
          new Part(
              run.values(),
              run.gradients(),
              velocity,
              run.decays() ? settings.weightDecay() : 0.0));
    }
  }

  /** The runs are all of their segment, so a run's place is the same in both. */
  private Value velocity(Run run) {
    return moments
        .computeIfAbsent(
            "momentum/" + run.segment().name(),
            name -> Moment.like(run.segment(), run.segment().slices(), MomentDtype.F32))
        .part(run.offset(), run.length());
  }

  @Override
  public void step(long count, double learningRate, double scale) {
    try (Scope scope = Scope.open()) {
      SgdKernels calls = kernels.in(scope, GraphMode.NO_GRAPH);
      for (Part part : parts) {
        if (part.velocity() == null) {
          calls.step(part.value(), part.gradient(), scale, learningRate, part.decay());
        } else {
          calls.stepWithMomentum(
              part.value(),
              part.gradient(),
              part.velocity(),
              scale,
              learningRate,
              part.decay(),
              settings.momentum(),
              settings.nesterov());
        }
      }
    }
  }

  @Override
  public Map<String, Moment> moments() {
    return moments;
  }
}
