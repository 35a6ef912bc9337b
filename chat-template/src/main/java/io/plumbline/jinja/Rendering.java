package io.plumbline.jinja;

import java.time.Clock;
import java.util.ArrayList;
import java.util.List;

/** The state of one rendering: what has been spent, where it stands, what was marked. */
final class Rendering extends Budget {
  private final Clock clock;
  private final StringBuilder root = new StringBuilder();
  private final List<JinjaTemplate.Span> generated = new ArrayList<>();
  private int depth;
  private int line = 1;
  private String filtered = "";
  private int countedUnits;
  private int countedCharacters;

  Rendering(Limits limits, Clock clock) {
    super(limits);
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
    if (++depth > limits().depth()) {
      throw PyError.limit("evaluation is nested deeper than " + limits().depth());
    }
    step();
  }

  void leave() {
    depth--;
  }

  /** Prints a text, and pays for its place in the output. */
  void append(StringBuilder out, String text) {
    if ((long) out.length() + text.length() > limits().outputLength()) {
      throw PyError.limit("the text is longer than " + limits().outputLength());
    }
    spend(1 + text.length() / 3);
    out.append(text);
  }

  /** What was printed into a part of its own, as a value. */
  String captured(StringBuilder out) {
    spend(4 + out.length() / 3);
    return out.toString();
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
    read(text.length() + root.length() - countedUnits);
    countedCharacters += root.codePointCount(countedUnits, root.length());
    countedUnits = root.length();
    generated.add(
        new JinjaTemplate.Span(
            countedCharacters, countedCharacters + text.codePointCount(0, text.length())));
  }
}
