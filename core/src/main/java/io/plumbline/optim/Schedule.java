package io.plumbline.optim;

/**
 * How the learning rate moves over a run, as Hugging Face's schedulers of the same names define it:
 * a linear climb from 0 over the warm-up steps, then the shape.
 */
public enum Schedule {
  /** Falls in a straight line to 0 at the last step. */
  LINEAR {
    @Override
    double afterWarmup(double progress) {
      return Math.max(0.0, 1.0 - progress);
    }
  },
  /** Falls along half a cosine to 0 at the last step. */
  COSINE {
    @Override
    double afterWarmup(double progress) {
      return Math.max(0.0, 0.5 * (1.0 + Math.cos(Math.PI * progress)));
    }
  },
  /** Stays. */
  CONSTANT {
    @Override
    double afterWarmup(double progress) {
      return 1.0;
    }
  };

  abstract double afterWarmup(double progress);

  /**
   * The factor on the peak learning rate in one step.
   *
   * @param step the step that is about to be taken, counted from 0
   * @param warmupSteps steps of the climb; the first of them has factor 0
   * @param totalSteps steps of the whole run
   */
  public double factor(long step, long warmupSteps, long totalSteps) {
    if (step < warmupSteps) {
      return (double) step / Math.max(1, warmupSteps);
    }
    return afterWarmup((double) (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  }
}
