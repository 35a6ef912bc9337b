package io.plumbline.jinja;

import java.util.Iterator;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** A lazy sequence that can be walked once. */
record Generator(Iterator<Object> elements, String typeName) {
  Generator(Iterator<Object> elements) {
    this(elements, "generator");
  }

  /** A sequence that is made when its first element is asked for. */
  static Generator lazily(Rendering rendering, Supplier<Iterator<Object>> source) {
    rendering.spend(16);
    return new Generator(
        new Lazy() {
          private Iterator<Object> elements;

          @Override
          Object find() {
            if (elements == null) {
              elements = source.get();
            }
            return elements.hasNext() ? elements.next() : Values.MISSING;
          }
        });
  }

  /** The elements of a sequence that pass a test, each tested when it is asked for. */
  static Generator filtered(
      Rendering rendering, Supplier<Iterator<Object>> source, Predicate<Object> kept) {
    return lazily(
        rendering,
        () -> {
          Iterator<Object> elements = source.get();
          return new Lazy() {
            @Override
            Object find() {
              while (elements.hasNext()) {
                Object element = elements.next();
                if (kept.test(element)) {
                  return element;
                }
              }
              return Values.MISSING;
            }
          };
        });
  }
}
