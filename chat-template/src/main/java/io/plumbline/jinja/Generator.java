package io.plumbline.jinja;

import java.util.Iterator;

/** A lazy sequence that can be walked once. */
record Generator(Iterator<Object> elements, String typeName) {
  Generator(Iterator<Object> elements) {
    this(elements, "generator");
  }
}
