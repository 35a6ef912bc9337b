package io.plumbline.jinja;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** A part of a parsed template. */
abstract class Node {
  final int line;

  Node(int line) {
    this.line = line;
  }

  /** How a name is used. */
  enum Use {
    LOAD,
    STORE,
    PARAMETER
  }

  /** Told of every name in the order of the source tree. */
  interface Names {
    void name(String name, Use use);
  }

  /** Walks over every name below this node, nested scopes included, blocks left out. */
  abstract void walk(Names names);

  /** What the enclosing scope is while names are resolved. */
  record Frame(Symbols symbols, Kind kind, boolean soft) {
    enum Kind {
      TOP,
      LOOP,
      OTHER
    }

    Frame inner(Kind innerKind) {
      return new Frame(symbols.inner(), innerKind, false);
    }

    Frame softened() {
      return new Frame(symbols, kind, true);
    }
  }

  /** Which of the wanted names these nodes read before they assign them. */
  static Set<String> undeclared(Symbols symbols, List<? extends Node> nodes, Set<String> wanted) {
    Set<String> open = new HashSet<>(wanted);
    Set<String> found = new HashSet<>();
    for (Node node : nodes) {
      node.walk(
          (name, use) -> {
            symbols.visited();
            if (use == Use.LOAD && open.contains(name)) {
              found.add(name);
            } else {
              open.remove(name);
            }
          });
    }
    return found;
  }

  static void walkAll(List<? extends Node> nodes, Names names) {
    for (Node node : nodes) {
      node.walk(names);
    }
  }
}
