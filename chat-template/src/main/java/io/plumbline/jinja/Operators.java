package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.function.UnaryOperator;

/** Operators as Python defines them on the types of templates. */
final class Operators {
  private Operators() {}

  static Object negative(Object value) {
    return Numbers.negative(operand("-", value));
  }

  static Object positive(Object value) {
    Object number = operand("+", value);
    return number instanceof Boolean ? (Object) Numbers.small(number) : number;
  }

  private static Object operand(String operator, Object value) {
    Undefined.refuse(value);
    if (!Numbers.isNumber(value)) {
      throw PyError.type("bad operand type for unary " + operator + ": '%s'", value);
    }
    return value;
  }

  static Object binary(Rendering rendering, String operator, Object left, Object right) {
    if (operator.equals("%") && Values.isString(left)) {
      return Markup.like(left, Formats.percent(rendering, Values.text(left), right));
    }
    Undefined.refuse(left);
    Undefined.refuse(right);
    if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
      return Numbers.binary(rendering, operator, left, right);
    }
    if (operator.equals("+")) {
      if (left instanceof String a && right instanceof String b) {
        rendering.makeText((long) a.length() + b.length());
        return a.concat(b);
      }
      if (Values.isString(left) && Values.isString(right)) {
        String a = Markup.escaped(rendering, left);
        String b = Markup.escaped(rendering, right);
        rendering.makeText((long) a.length() + b.length());
        return new Markup(a + b);
      }
      if (left instanceof List<?> a && right instanceof List<?> b) {
        return joined(rendering, a, b);
      }
      if (left instanceof Tuple a && right instanceof Tuple b) {
        return new Tuple(joined(rendering, a.items(), b.items()));
      }
    }
    if (operator.equals("*")) {
      if (Numbers.isInteger(right) && repeatable(left)) {
        return repeat(rendering, left, right);
      }
      if (Numbers.isInteger(left) && repeatable(right)) {
        return repeat(rendering, right, left);
      }
    }
    // Doubled, as the sentence is a format for the names of the types.
    String shown = operator.replace("%", "%%");
    throw PyError.type("unsupported operand types for " + shown + ": '%s' and '%s'", left, right);
  }

  private static boolean repeatable(Object value) {
    return Values.isString(value) || value instanceof List || value instanceof Tuple;
  }

  private static List<Object> joined(Rendering rendering, List<?> a, List<?> b) {
    rendering.makeElements((long) a.size() + b.size());
    List<Object> joined = new ArrayList<>(a.size() + b.size());
    joined.addAll(a);
    joined.addAll(b);
    return joined;
  }

  private static Object repeat(Rendering rendering, Object value, Object times) {
    long count = Math.max(0, Numbers.index(times));
    if (Values.isString(value)) {
      String text = Values.text(value);
      if (text.isEmpty() || count == 0) {
        return Markup.like(value, "");
      }
      rendering.makeText(text.length() * count);
      return Markup.like(value, text.repeat((int) count));
    }
    List<?> items = Values.items(value);
    rendering.makeElements(items.size() * count);
    List<Object> repeated = new ArrayList<>();
    if (!items.isEmpty()) {
      for (long i = 0; i < count; i++) {
        repeated.addAll(items);
      }
    }
    return value instanceof Tuple ? new Tuple(repeated) : repeated;
  }

  static boolean compare(Rendering rendering, String operator, Object left, Object right) {
    return switch (operator) {
      case "==" -> equal(rendering, left, right);
      case "!=" -> !equal(rendering, left, right);
      case "in" -> contains(rendering, right, left);
      case "not in" -> !contains(rendering, right, left);
      default -> ordered(rendering, operator, left, right);
    };
  }

  static boolean equal(Rendering rendering, Object left, Object right) {
    if (left == right) {
      return !Numbers.isNan(left);
    }
    if (left == null || right == null) {
      return false;
    }
    if (Numbers.isNumber(left)) {
      return Numbers.isNumber(right)
          && !Numbers.isNan(left)
          && !Numbers.isNan(right)
          && Numbers.compare(rendering, left, right) == 0;
    }
    if (Values.isString(left)) {
      return Values.isString(right) && equalTexts(rendering, Values.text(left), Values.text(right));
    }
    if (left instanceof Undefined) {
      return right instanceof Undefined;
    }
    if (left instanceof List<?> a && right instanceof List<?> b) {
      return equalItems(rendering, a, b);
    }
    if (left instanceof Tuple a && right instanceof Tuple b) {
      return equalItems(rendering, a.items(), b.items());
    }
    if (left instanceof PyDict a && right instanceof PyDict b) {
      return equalDicts(rendering, a, b);
    }
    if (left instanceof PyRange a && right instanceof PyRange b) {
      return a.size() == b.size()
          && (a.size() == 0 || (a.start() == b.start() && (a.size() == 1 || a.step() == b.step())));
    }
    if (left instanceof DictView && right instanceof DictView) {
      throw Unsupported.of("comparing keys(), values() or items() is", "compare lists of them");
    }
    return false;
  }

  static boolean equalTexts(Rendering rendering, String a, String b) {
    if (a.length() != b.length()) {
      return false;
    }
    rendering.read(a.length());
    return a.equals(b);
  }

  /** Elements compare as containers compare them: the same object is equal to itself. */
  static boolean same(Rendering rendering, Object left, Object right) {
    return left == right || equal(rendering, left, right);
  }

  private static boolean equalItems(Rendering rendering, List<?> a, List<?> b) {
    if (a.size() != b.size()) {
      return false;
    }
    rendering.enter(rendering.line());
    boolean equal = true;
    for (int i = 0; equal && i < a.size(); i++) {
      rendering.step();
      equal = same(rendering, a.get(i), b.get(i));
    }
    rendering.leave();
    return equal;
  }

  private static boolean equalDicts(Rendering rendering, PyDict a, PyDict b) {
    if (a.size() != b.size()) {
      return false;
    }
    rendering.enter(rendering.line());
    boolean equal = true;
    for (PyDict.Entry entry : a.entries()) {
      rendering.step();
      Object other = b.find(rendering, entry.key());
      equal &= other != Values.MISSING && same(rendering, entry.value(), other);
    }
    rendering.leave();
    return equal;
  }

  static boolean contains(Rendering rendering, Object container, Object value) {
    if (Values.isString(container)) {
      if (!Values.isString(value)) {
        throw PyError.type("'in <string>' requires string as left operand, not %s", value);
      }
      rendering.read(Values.text(container).length());
      return Search.contains(rendering, Values.text(container), Values.text(value));
    }
    if (container instanceof PyDict dict) {
      return dict.contains(rendering, value);
    }
    if (container instanceof DictView view) {
      if (view.kind() == DictView.Kind.KEYS) {
        return view.dict().contains(rendering, value);
      }
      if (view.kind() == DictView.Kind.ITEMS) {
        if (!(value instanceof Tuple tuple) || tuple.items().size() != 2) {
          return false;
        }
        Object found = view.dict().find(rendering, tuple.items().get(0));
        return found != Values.MISSING && same(rendering, found, tuple.items().get(1));
      }
    }
    Iterator<Object> elements = Values.iterate(rendering, container);
    while (elements.hasNext()) {
      rendering.step();
      if (same(rendering, elements.next(), value)) {
        return true;
      }
    }
    return false;
  }

  static boolean ordered(Rendering rendering, String operator, Object left, Object right) {
    Undefined.refuse(left);
    Undefined.refuse(right);
    int order;
    if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
      if (Numbers.isNan(left) || Numbers.isNan(right)) {
        return false;
      }
      order = Numbers.compare(rendering, left, right);
    } else if (Values.isString(left) && Values.isString(right)) {
      rendering.read(Math.min(Values.text(left).length(), Values.text(right).length()));
      order = Strings.compare(Values.text(left), Values.text(right));
    } else if (left instanceof List<?> a && right instanceof List<?> b) {
      return orderedItems(rendering, operator, a, b);
    } else if (left instanceof Tuple a && right instanceof Tuple b) {
      return orderedItems(rendering, operator, a.items(), b.items());
    } else {
      throw PyError.type(
          "'" + operator + "' not supported between instances of '%s' and '%s'", left, right);
    }
    return holds(operator, order);
  }

  private static boolean holds(String operator, int order) {
    return switch (operator) {
      case "<" -> order < 0;
      case "<=" -> order <= 0;
      case ">" -> order > 0;
      case ">=" -> order >= 0;
      default -> throw new IllegalArgumentException(operator);
    };
  }

  private static boolean orderedItems(Rendering rendering, String operator, List<?> a, List<?> b) {
    rendering.enter(rendering.line());
    for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
      rendering.step();
      if (!same(rendering, a.get(i), b.get(i))) {
        boolean ordered = ordered(rendering, operator, a.get(i), b.get(i));
        rendering.leave();
        return ordered;
      }
    }
    rendering.leave();
    return holds(operator, Integer.compare(a.size(), b.size()));
  }

  static Object slice(Rendering rendering, Object value, Object start, Object stop, Object step) {
    Undefined.refuse(value);
    if (!(Values.isString(value)
        || value instanceof List
        || value instanceof Tuple
        || value instanceof PyRange)) {
      throw PyError.type("an object of type '%s' cannot be sliced", value);
    }
    for (Object bound : new Object[] {start, stop, step}) {
      if (bound != null && !Numbers.isInteger(bound)) {
        throw PyError.type("slice indices must be integers or None");
      }
    }
    int stride = step == null ? 1 : Numbers.index(step);
    if (stride == 0) {
      throw PyError.of("slice step cannot be zero");
    }
    int size = Values.length(rendering, value);
    int least = stride < 0 ? -1 : 0;
    int most = stride < 0 ? size - 1 : size;
    int first = start == null ? (stride < 0 ? most : least) : clamp(start, size, least, most);
    int last = stop == null ? (stride < 0 ? least : most) : clamp(stop, size, least, most);
    if (value instanceof PyRange range) {
      rendering.spend(4);
      return range.slice(first, last, stride);
    }
    if (Values.isString(value)) {
      return Markup.like(
          value, Strings.slice(rendering, Values.text(value), size, first, last, stride));
    }
    List<?> items = Values.items(value);
    long count =
        stride > 0 ? ((long) last - first) / stride + 1 : ((long) first - last) / -stride + 1;
    rendering.makeElements(Math.max(0, count));
    List<Object> part = new ArrayList<>();
    for (long i = first; stride > 0 ? i < last : i > last; i += stride) {
      part.add(items.get((int) i));
    }
    return value instanceof Tuple ? new Tuple(part) : part;
  }

  private static int clamp(Object bound, int size, int least, int most) {
    long index = Numbers.index(bound);
    if (index < 0) {
      index += size;
    }
    return (int) Math.max(least, Math.min(most, index));
  }

  /** Sorts by Python's {@code <}, stable; values that cannot be ordered fail. */
  static List<Object> sorted(
      Rendering rendering, List<Object> items, UnaryOperator<Object> keyOf, boolean reverse) {
    // A pair for each, and the lists of a merge.
    rendering.makeElements(items.size());
    rendering.spend(4L * items.size());
    List<Object[]> keyed = new ArrayList<>(items.size());
    for (Object item : items) {
      keyed.add(new Object[] {keyOf.apply(item), item});
    }
    Comparator<Object[]> order = (a, b) -> order(rendering, a[0], b[0]);
    try {
      keyed.sort(reverse ? order.reversed() : order);
    } catch (IllegalArgumentException e) {
      throw PyError.of("the values that are to be sorted have no order");
    }
    List<Object> sorted = new ArrayList<>(keyed.size());
    keyed.forEach(pair -> sorted.add(pair[1]));
    return sorted;
  }

  private static int order(Rendering rendering, Object a, Object b) {
    rendering.step();
    if (ordered(rendering, "<", a, b)) {
      return -1;
    }
    return ordered(rendering, "<", b, a) ? 1 : 0;
  }
}
