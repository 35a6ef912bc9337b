package io.plumbline.data;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A column by its name, or a value within one by a path with dots, such as {@code
 * reward_model.ground_truth} of verl's rows. A column whose own name has the dots wins. Elements of
 * a list are counted from 0.
 */
public final class ColumnPath {
  private ColumnPath() {}

  /** The value; empty where there is none or where it is null. */
  public static Optional<Object> find(Map<?, ?> row, String name) {
    Object own = row.get(name);
    if (own != null || row.containsKey(name)) {
      return Optional.ofNullable(own);
    }
    for (int dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
      Optional<Object> within = within(row.get(name.substring(0, dot)), name.substring(dot + 1));
      if (within.isPresent()) {
        return within;
      }
    }
    return Optional.empty();
  }

  private static Optional<Object> within(Object value, String rest) {
    if (value instanceof Map<?, ?> map) {
      return find(map, rest);
    }
    if (value instanceof List<?> list) {
      int dot = rest.indexOf('.');
      String place = dot < 0 ? rest : rest.substring(0, dot);
      if (place.matches("[0-9]{1,9}") && Integer.parseInt(place) < list.size()) {
        Object element = list.get(Integer.parseInt(place));
        return dot < 0 ? Optional.ofNullable(element) : within(element, rest.substring(dot + 1));
      }
    }
    return Optional.empty();
  }
}
