package io.plumbline.jinja;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * An immutable sequence that is not equal to a list of the same elements.
 *
 * @param items the elements
 * @param grouped whether this is a group of the groupby filter, whose key and members have names
 */
record Tuple(List<Object> items, boolean grouped) {
  Tuple(List<Object> items) {
    this(items, false);
  }

  static Tuple of(Object... items) {
    return new Tuple(Collections.unmodifiableList(Arrays.asList(items)));
  }
}
