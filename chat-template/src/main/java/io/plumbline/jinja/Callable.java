package io.plumbline.jinja;

/** Something that a template can call. */
interface Callable {
  Object call(Rendering rendering, Arguments arguments);

  /** How it prints. */
  default String describe() {
    return "<function>";
  }
}
