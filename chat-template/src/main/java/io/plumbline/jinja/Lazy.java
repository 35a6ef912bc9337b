package io.plumbline.jinja;

import java.util.Iterator;
import java.util.NoSuchElementException;

/** An iterator that looks for its next element when it is asked for. */
abstract class Lazy implements Iterator<Object> {
  private Object found = Values.MISSING;

  /** The next element, or {@link Values#MISSING} at the end. */
  abstract Object find();

  @Override
  public final boolean hasNext() {
    if (found == Values.MISSING) {
      found = find();
    }
    return found != Values.MISSING;
  }

  @Override
  public final Object next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    Object element = found;
    found = Values.MISSING;
    return element;
  }
}
