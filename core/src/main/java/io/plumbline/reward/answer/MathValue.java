package io.plumbline.reward.answer;

import java.util.ArrayList;
import java.util.List;

/** What a mathematical answer says. */
sealed interface MathValue {
  /** A number or an expression. */
  record Scalar(Quantity of) implements MathValue {}

  /** What a name stands for, as in x = 5. */
  record Named(String name, MathValue value) implements MathValue {}

  /**
   * A tuple or an interval.
   *
   * @param open ( or [, or M for the rows of a matrix
   * @param close ) or ], or M
   */
  record Sequence(char open, char close, List<MathValue> elements) implements MathValue {}

  /** A set, or answers behind each other without brackets. */
  record Collection(List<MathValue> elements) implements MathValue {}

  /** Of intervals. */
  record Union(List<MathValue> parts) implements MathValue {}

  /** Two sides, as their difference. */
  record Equation(Quantity difference) implements MathValue {}

  /** Whether two are the same answer. */
  static boolean same(MathValue a, MathValue b, Tolerance tolerance) {
    if (a instanceof Named x && b instanceof Named y && !x.name().equals(y.name())) {
      return isOneEquation(x, y);
    }
    if (a instanceof Equation x && b instanceof Named y) {
      return isSolvedAs(x, y);
    }
    if (a instanceof Named x && b instanceof Equation y) {
      return isSolvedAs(y, x);
    }
    MathValue left = bare(a);
    MathValue right = bare(b);
    if (left instanceof Scalar x && right instanceof Scalar y) {
      return x.of().isNear(y.of(), tolerance);
    }
    if (left instanceof Sequence x && right instanceof Sequence y) {
      return x.open() == y.open()
          && x.close() == y.close()
          && inOrder(x.elements(), y.elements(), tolerance);
    }
    if (left instanceof Collection x && right instanceof Collection y) {
      return areCollected(x, y, tolerance);
    }
    if (left instanceof Collection x && right instanceof Sequence y) {
      return isWrittenAs(x, y, tolerance);
    }
    if (left instanceof Sequence x && right instanceof Collection y) {
      return isWrittenAs(y, x, tolerance);
    }
    if (left instanceof Scalar && right instanceof Collection y && !y.elements().isEmpty()) {
      return y.elements().stream().allMatch(one -> same(left, one, tolerance)); // 1/2 or 0.5
    }
    if (right instanceof Scalar && left instanceof Collection x && !x.elements().isEmpty()) {
      return x.elements().stream().allMatch(one -> same(one, right, tolerance));
    }
    if (left instanceof Union x && right instanceof Collection y) {
      return matches(x.parts(), y.elements(), tolerance); // x < 1 or x > 2
    }
    if (left instanceof Collection x && right instanceof Union y) {
      return matches(x.elements(), y.parts(), tolerance);
    }
    if (left instanceof Union x && right instanceof Union y) {
      return matches(x.parts(), y.parts(), tolerance);
    }
    return left instanceof Equation x
        && right instanceof Equation y
        && x.difference().isMultipleOf(y.difference());
  }

  /** x = y for y = x, x = 2y for y = x/2. */
  private static boolean isOneEquation(Named a, Named b) {
    return a.value() instanceof Scalar left
        && b.value() instanceof Scalar right
        && left.of().variables()
        && right.of().variables()
        && Quantity.variable(a.name())
            .minus(left.of())
            .isMultipleOf(Quantity.variable(b.name()).minus(right.of()));
  }

  /** y − 2x = 1 for y = 2x + 1. */
  private static boolean isSolvedAs(Equation equation, Named solved) {
    return solved.value() instanceof Scalar right
        && equation.difference().isMultipleOf(Quantity.variable(solved.name()).minus(right.of()));
  }

  /** Without a name, and without the braces around a single element. */
  private static MathValue bare(MathValue value) {
    MathValue bare = value;
    while (true) {
      if (bare instanceof Named named) {
        bare = named.value();
      } else if (bare instanceof Collection collection && collection.elements().size() == 1) {
        bare = collection.elements().get(0);
      } else {
        return bare;
      }
    }
  }

  /** Several names say which value is whose; without names their order does. */
  private static boolean areCollected(Collection a, Collection b, Tolerance tolerance) {
    boolean ordered = (names(a) > 1 && names(b) == 0) || (names(b) > 1 && names(a) == 0);
    return ordered
        ? inOrder(a.elements(), b.elements(), tolerance)
        : matches(a.elements(), b.elements(), tolerance);
  }

  private static long names(Collection collection) {
    return collection.elements().stream()
        .filter(element -> element instanceof Named)
        .map(element -> ((Named) element).name())
        .distinct()
        .count();
  }

  /** x = 1, y = 2 or 1, 2 for (1, 2). */
  private static boolean isWrittenAs(Collection list, Sequence tuple, Tolerance tolerance) {
    return tuple.open() == '('
        && tuple.close() == ')'
        && inOrder(list.elements(), tuple.elements(), tolerance);
  }

  private static boolean inOrder(List<MathValue> a, List<MathValue> b, Tolerance tolerance) {
    if (a.size() != b.size()) {
      return false;
    }
    for (int i = 0; i < a.size(); i++) {
      if (!same(a.get(i), b.get(i), tolerance)) {
        return false;
      }
    }
    return true;
  }

  /** Whether each of one side is one of the other, in any order. */
  private static boolean matches(List<MathValue> a, List<MathValue> b, Tolerance tolerance) {
    List<MathValue> left = distinct(a, tolerance);
    List<MathValue> right = distinct(b, tolerance);
    return left.size() == right.size()
        && left.stream().allMatch(x -> right.stream().anyMatch(y -> same(x, y, tolerance)))
        && right.stream().allMatch(x -> left.stream().anyMatch(y -> same(x, y, tolerance)));
  }

  private static List<MathValue> distinct(List<MathValue> all, Tolerance tolerance) {
    List<MathValue> distinct = new ArrayList<>();
    for (MathValue one : all) {
      if (distinct.stream().noneMatch(other -> same(one, other, tolerance))) {
        distinct.add(one);
      }
    }
    return distinct;
  }
}
