package io.plumbline.jinja;

import java.util.Arrays;

/** The values of a scope's names while it runs. */
final class Activation {
  private final Symbols.Plan plan;
  private final Activation parent;
  private final Context context;
  private final Object[] slots;

  Activation(Symbols.Plan plan, Activation parent, Context context) {
    this.plan = plan;
    this.parent = parent;
    this.context = context;
    this.slots = new Object[plan.layout().size()];
    Arrays.fill(slots, Values.MISSING);
  }

  /** The names of a scope take eight bytes each. */
  Activation inner(Rendering rendering, Symbols.Plan innerPlan) {
    rendering.spend(4 + innerPlan.layout().size());
    return new Activation(innerPlan, this, context);
  }

  /** Gives every name that is no parameter the value it starts with. */
  Activation enter(Rendering rendering) {
    rendering.spend(plan.steps().size());
    for (Symbols.Plan.Step step : plan.steps()) {
      if (step.resolve() != null) {
        slots[step.slot()] = context.resolve(step.resolve());
      } else if (step.alias() != null) {
        slots[step.slot()] = read(step.alias());
      } else {
        slots[step.slot()] = Values.MISSING;
      }
    }
    return this;
  }

  void leave() {
    Arrays.fill(slots, Values.MISSING);
  }

  private Activation at(int level) {
    Activation activation = this;
    while (activation.plan.level() != level) {
      activation = activation.parent;
    }
    return activation;
  }

  Object read(Symbols.Ref ref) {
    return at(ref.level()).slots[ref.slot()];
  }

  void write(Symbols.Ref ref, Object value) {
    at(ref.level()).slots[ref.slot()] = value;
  }

  Context context() {
    return context;
  }
}
