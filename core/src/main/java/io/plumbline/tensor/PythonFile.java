package io.plumbline.tensor;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The definitions of a Python file that holds kernels: imports, constants in upper case, named
 * tuples and functions with a type for every argument and result, and nothing else.
 *
 * @param imports names of modules
 * @param constants names that are declared with an example of a value
 */
record PythonFile(
    String name,
    List<String> imports,
    List<String> constants,
    List<NamedTuple> tuples,
    List<Function> functions) {
  /** An argument of a function, or a field of a named tuple; the type as Python writes it. */
  record Typed(String name, String type) {}

  /** A class with fields. */
  record NamedTuple(String name, List<Typed> fields) {}

  /** A function; the body's lines are indented as in the file. */
  record Function(String file, String name, List<Typed> parameters, String result, String body) {
    @Override
    public String toString() {
      return "%s(%s) -> %s"
          .formatted(
              name,
              String.join(", ", parameters.stream().map(p -> p.name() + ": " + p.type()).toList()),
              result);
    }
  }

  /** Documentation, a text, or a comment. */
  private static final Pattern TEXTS =
      Pattern.compile(
          "\"\"\"(?:(?!\"\"\").)*\"\"\"|\"(?:[^\"\\\\\n]|\\\\.)*\"|#[^\n]*", Pattern.DOTALL);

  private static final Pattern IMPORT =
      Pattern.compile("import ([\\w.]+)(?: as F)?|from ([\\w.]+) import [\\w\\s,()]+");
  private static final Pattern EXPORTS = Pattern.compile("__all__ = .*", Pattern.DOTALL);
  private static final Pattern CONSTANT = Pattern.compile("([A-Z][A-Z0-9_]*): [\\w.]+ = .+");
  private static final Pattern TUPLE =
      Pattern.compile("class (\\w+)\\(NamedTuple\\):\n(.*)", Pattern.DOTALL);
  private static final Pattern FUNCTION =
      Pattern.compile("def (\\w+)\\(([^)]*)\\) -> ([^:]+):\n(.*)", Pattern.DOTALL);

  /** Reads a file; fails with INTERNAL where it has another kind of statement. */
  static PythonFile parse(String name, String text) {
    PythonFile file =
        new PythonFile(
            name, new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    statements(withoutComments(text)).forEach(file::add);
    return file;
  }

  private static String withoutComments(String text) {
    return TEXTS
        .matcher(text)
        .replaceAll(
            match -> {
              boolean dropped = match.group().startsWith("\"\"\"") || match.group().startsWith("#");
              return dropped ? "" : Matcher.quoteReplacement(match.group());
            });
  }

  /** Top-level statements: each begins in the first column, outside of brackets. */
  private static List<String> statements(String code) {
    List<String> out = new ArrayList<>();
    StringBuilder statement = new StringBuilder();
    int depth = 0;
    for (String line : code.lines().filter(l -> !l.isBlank()).toList()) {
      if (depth == 0 && !Character.isWhitespace(line.charAt(0)) && !statement.isEmpty()) {
        out.add(statement.toString());
        statement.setLength(0);
      }
      statement.append(line.stripTrailing()).append('\n');
      depth += (int) line.chars().filter(c -> "([{".indexOf(c) >= 0).count();
      depth -= (int) line.chars().filter(c -> ")]}".indexOf(c) >= 0).count();
    }
    if (!statement.isEmpty()) {
      out.add(statement.toString());
    }
    return out;
  }

  private void add(String statement) {
    String trimmed = statement.stripTrailing();
    Matcher found = IMPORT.matcher(trimmed);
    // A name is the same in all files.
    if (found.matches() && !trimmed.matches("from [\\s\\S]+ as [\\s\\S]+")) {
      imports.add(found.group(1) == null ? found.group(2) : found.group(1));
      return;
    }
    found = CONSTANT.matcher(trimmed);
    if (found.matches()) {
      constants.add(found.group(1));
      return;
    }
    found = TUPLE.matcher(trimmed);
    if (found.matches()) {
      List<Typed> fields = found.group(2).lines().map(this::typed).toList();
      tuples.add(new NamedTuple(found.group(1), fields));
      return;
    }
    found = FUNCTION.matcher(trimmed);
    if (found.matches()) {
      List<Typed> parameters = split(found.group(2)).stream().map(this::typed).toList();
      functions.add(new Function(name, found.group(1), parameters, found.group(3), found.group(4)));
      return;
    }
    if (!EXPORTS.matcher(trimmed).matches()) {
      throw unreadable(trimmed);
    }
  }

  private Typed typed(String declaration) {
    int colon = declaration.indexOf(':');
    if (colon < 0) {
      throw unreadable(declaration);
    }
    return new Typed(
        declaration.substring(0, colon).strip(), declaration.substring(colon + 1).strip());
  }

  /** Splits at the commas outside of brackets. */
  private static List<String> split(String parameters) {
    List<String> out = new ArrayList<>();
    int depth = 0;
    int start = 0;
    for (int i = 0; i <= parameters.length(); i++) {
      char c = i == parameters.length() ? ',' : parameters.charAt(i);
      if (c == '[') {
        depth++;
      } else if (c == ']') {
        depth--;
      } else if (c == ',' && depth == 0) {
        String parameter = parameters.substring(start, i).strip();
        if (!parameter.isEmpty()) {
          out.add(parameter);
        }
        start = i + 1;
      }
    }
    return out;
  }

  private PlumblineException unreadable(String code) {
    return new PlumblineException(
        ErrorCode.INTERNAL,
        "%s has what no kernel file may have, only imports, constants such as HEADS: int = 4, named tuples and functions with all types: %s"
            .formatted(name, code.lines().findFirst().orElse("")));
  }
}
