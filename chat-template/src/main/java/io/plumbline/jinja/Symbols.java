package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What the names of one scope mean, decided before rendering as Jinja2 decides it: a name that a
 * scope only reads comes from the nearest scope that knows it or else from the context when the
 * scope is entered; a name that a scope assigns is its own, and starts as the outer one.
 */
final class Symbols {
  /** Where a name lives: a scope, counted from the outermost, and a place in it. */
  record Ref(int level, int slot) {}

  /** How a name of a scope gets its value when the scope is entered. */
  private record Load(Action action, Ref alias) {}

  private enum Action {
    PARAMETER,
    RESOLVE,
    ALIAS,
    UNDEFINED
  }

  /** The places of a scope; shared by the branches of an if. */
  static final class Layout {
    private final Map<String, Integer> slots = new HashMap<>();

    int slot(String name) {
      return slots.computeIfAbsent(name, ignored -> slots.size());
    }

    int size() {
      return slots.size();
    }
  }

  private final Budget budget;
  private final int level;
  private final Symbols parent;
  private final Layout layout;
  private final Map<String, Load> loads;
  private final Set<String> stores;

  private Symbols(
      Budget budget,
      int level,
      Symbols parent,
      Layout layout,
      Map<String, Load> loads,
      Set<String> stores) {
    this.budget = budget;
    this.level = level;
    this.parent = parent;
    this.layout = layout;
    this.loads = loads;
    this.stores = stores;
  }

  /** The outermost scope; what names cost to resolve is paid for from the budget. */
  static Symbols root(Budget budget) {
    return new Symbols(budget, 0, null, new Layout(), new HashMap<>(), new HashSet<>());
  }

  Symbols inner() {
    budget.spend(20);
    return new Symbols(budget, level + 1, this, new Layout(), new HashMap<>(), new HashSet<>());
  }

  /** Pays for a name that is looked at. */
  void visited() {
    budget.step();
  }

  private Symbols copy() {
    budget.spend(20 + 4L * (loads.size() + stores.size()));
    return new Symbols(budget, level, parent, layout, new HashMap<>(loads), new HashSet<>(stores));
  }

  private Optional<Ref> find(String name) {
    for (Symbols symbols = this; symbols != null; symbols = symbols.parent) {
      budget.step();
      if (symbols.loads.containsKey(name)) {
        return Optional.of(new Ref(symbols.level, symbols.layout.slot(name)));
      }
    }
    return Optional.empty();
  }

  private Ref define(String name, Action action, Ref alias) {
    budget.spend(12);
    loads.put(name, new Load(action, alias));
    return new Ref(level, layout.slot(name));
  }

  void load(String name) {
    if (find(name).isEmpty()) {
      define(name, Action.RESOLVE, null);
    }
  }

  void store(String name) {
    stores.add(name);
    if (loads.containsKey(name)) {
      return;
    }
    Optional<Ref> outer = parent == null ? Optional.empty() : parent.find(name);
    define(name, outer.isPresent() ? Action.ALIAS : Action.UNDEFINED, outer.orElse(null));
  }

  Ref parameter(String name) {
    stores.add(name);
    return define(name, Action.PARAMETER, null);
  }

  /** Analyzes the branches of an if, each from the same start, and joins what they assign. */
  void branches(List<Branch> branches) {
    List<Symbols> ends = new ArrayList<>();
    for (Branch branch : branches) {
      Symbols copy = copy();
      branch.analyze(copy);
      ends.add(copy);
    }
    Set<String> stored = new HashSet<>();
    for (Symbols end : ends) {
      budget.spend(2L * (end.loads.size() + end.stores.size()));
      stored.addAll(end.stores);
    }
    stored.removeAll(stores);
    for (Symbols end : ends) {
      loads.putAll(end.loads);
      stores.addAll(end.stores);
    }
    for (String name : stored) {
      Optional<Ref> outer = parent == null ? Optional.empty() : parent.find(name);
      define(name, outer.isPresent() ? Action.ALIAS : Action.RESOLVE, outer.orElse(null));
    }
  }

  /** The analysis of one branch. */
  interface Branch {
    void analyze(Symbols symbols);
  }

  /** Where a name lives; every name has been analyzed before. */
  Ref ref(String name, int line) {
    return find(name)
        .orElseThrow(
            () ->
                new TemplateSyntaxException(
                    "the name '" + name + "' cannot be used in the filter of a set block", line));
  }

  /** The frozen result, to make activations from. */
  Plan plan() {
    budget.spend(4L * loads.size());
    List<Plan.Step> steps = new ArrayList<>();
    loads.forEach(
        (name, load) -> {
          if (load.action() != Action.PARAMETER) {
            steps.add(
                new Plan.Step(
                    layout.slot(name),
                    load.action() == Action.RESOLVE ? name : null,
                    load.action() == Action.ALIAS ? load.alias() : null));
          }
        });
    return new Plan(level, layout, steps);
  }

  /** What entering a scope does. */
  record Plan(int level, Layout layout, List<Step> steps) {
    /** Fills a slot from the context by name, from another scope, or with nothing. */
    record Step(int slot, String resolve, Ref alias) {}
  }
}
