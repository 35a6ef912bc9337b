package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The arguments of a call as they stand in the source.
 *
 * @param spread what stands behind {@code *}
 * @param namedSpread what stands behind {@code **}
 */
record ArgumentList(
    List<Expression> positional,
    Map<String, Expression> named,
    Optional<Expression> spread,
    Optional<Expression> namedSpread) {
  static ArgumentList of(List<Expression> positional) {
    return new ArgumentList(positional, Map.of(), Optional.empty(), Optional.empty());
  }

  List<Expression> expressions() {
    List<Expression> all = new ArrayList<>(positional);
    all.addAll(named.values());
    spread.ifPresent(all::add);
    namedSpread.ifPresent(all::add);
    return all;
  }

  Arguments evaluate(Rendering rendering, Activation activation) {
    if (positional.isEmpty() && named.isEmpty() && spread.isEmpty() && namedSpread.isEmpty()) {
      return Arguments.NONE;
    }
    rendering.spend(4 + positional.size() / 2 + 8L * named.size());
    List<Object> values = new ArrayList<>(positional.size());
    for (Expression expression : positional) {
      values.add(expression.value(rendering, activation));
    }
    if (spread.isPresent()) {
      values.addAll(Values.listOf(rendering, spread.get().value(rendering, activation)));
    }
    Map<String, Object> byName = new LinkedHashMap<>();
    named.forEach((name, value) -> byName.put(name, value.value(rendering, activation)));
    if (namedSpread.isPresent()) {
      addAll(rendering, byName, namedSpread.get().value(rendering, activation));
    }
    return new Arguments(values, byName);
  }

  private static void addAll(Rendering rendering, Map<String, Object> byName, Object more) {
    if (!(more instanceof PyDict dict)) {
      throw PyError.type("the argument after ** must be a mapping");
    }
    rendering.spend(8L * dict.size());
    for (PyDict.Entry entry : dict.entries()) {
      if (!(entry.key() instanceof String name)) {
        throw PyError.type("keywords must be strings");
      }
      if (byName.containsKey(name)) {
        throw PyError.type(
            "got multiple values for keyword argument '" + PyError.shown(name) + "'");
      }
      byName.put(name, entry.value());
    }
  }
}
