package io.plumbline.text.jinja;

import java.time.Clock;
import java.util.ArrayList;
import java.util.List;

/** The state of one rendering: what has been spent, where it stands, what was marked. */
final class Rendering {
  private final Limits limits;
  private final Clock clock;
  private final StringBuilder root = new StringBuilder();
  private final List<JinjaTemplate.Span> generated = new ArrayList<>();
  private long steps;
  private int depth;
  private int line = 1;
  private String filtered = "";
  private int countedUnits;
  private int countedCharacters;

  Rendering(Limits limits, Clock clock) {
    this.limits = limits;
    this.clock = clock;
  }

  Clock clock() {
    return clock;
  }

  StringBuilder root() {
    return root;
  }

  int line() {
    return line;
  }

  List<JinjaTemplate.Span> generated() {
    return generated;
  }

  void enter(int newLine) {
    line = newLine;
    if (++depth > limits.depth()) {
      throw PyError.limit("evaluation is nested deeper than " + limits.depth());
    }
    step();
  }

  void leave() {
    depth--;
  }

  void step() {
    if (++steps > limits.steps()) {
      throw PyError.limit("rendering takes more than " + limits.steps() + " steps");
    }
  }

  /** Pays for copied characters or elements, before they are made. */
  void charge(long copied) {
    if (copied > limits.valueSize()) {
      throw PyError.limit("a value is longer than " + limits.valueSize());
    }
    steps += copied / 8 + 1;
    step();
  }

  /** Pays for elements, each of which costs far more than a character. */
  void chargeElements(long elements) {
    charge(elements);
    steps += elements;
    step();
  }

  void append(StringBuilder out, String text) {
    if ((long) out.length() + text.length() > limits.outputLength()) {
      throw PyError.limit("the text is longer than " + limits.outputLength());
    }
    steps += text.length() / 8;
    step();
    out.append(text);
  }

  /** Sets what the innermost filter of a filter block works on. */
  void filter(String text) {
    filtered = text;
  }

  String filtered() {
    return filtered;
  }

  /** Notes a span that begins where the text that has been printed so far ends. */
  void markGenerated(String text) {
    countedCharacters += root.codePointCount(countedUnits, root.length());
    countedUnits = root.length();
    generated.add(
        new JinjaTemplate.Span(
            countedCharacters, countedCharacters + text.codePointCount(0, text.length())));
  }
}
