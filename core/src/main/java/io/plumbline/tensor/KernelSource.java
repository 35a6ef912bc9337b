package io.plumbline.tensor;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A Python file of kernels with the files that it imports, as one TorchScript module: its functions
 * are the module's methods.
 *
 * <p>TorchScript reads the bodies of functions as they are. What is changed is what the archive's
 * format has no name for: a call of another function gets {@code self.}, a named tuple its module,
 * and a constant its value.
 */
final class KernelSource {
  /** What the archive has without an import. */
  private static final Set<String> LIBRARIES =
      Set.of("torch", "torch.nn.functional", "typing", "math");

  /** PyTorch's numbers of types, which are all that the format knows. */
  private static final Map<String, String> DTYPES =
      Map.of("torch.float32", "6", "torch.float64", "7", "torch.int8", "1", "torch.bfloat16", "15");

  private static final Pattern NAME =
      Pattern.compile(
          "\"(?:[^\"\\\\\n]|\\\\.)*\"|torch\\.(?:float32|float64|int8|bfloat16)\\b|(?<![\\w.])[A-Za-z_]\\w*");

  private final String file;
  private final Map<String, PythonFile.Function> functions = new LinkedHashMap<>();
  private final Map<String, PythonFile.NamedTuple> tuples = new LinkedHashMap<>();
  private final Map<String, String> constants = new HashMap<>();

  private KernelSource(String file) {
    this.file = file;
  }

  /** Reads a resource that lies beside a class, and what it imports from there. */
  static KernelSource read(Class<?> owner, String file, KernelFilling filling) {
    KernelSource source = new KernelSource(file);
    Map<String, PythonFile> read = new LinkedHashMap<>();
    visit(owner, file, filling, read);
    Map<String, String> declared = new LinkedHashMap<>();
    for (PythonFile one : read.values()) {
      for (PythonFile.Function function : one.functions()) {
        source.add(source.functions, one, function.name(), function);
      }
      for (PythonFile.NamedTuple tuple : one.tuples()) {
        source.add(source.tuples, one, tuple.name(), tuple);
      }
      one.constants().forEach(name -> declared.put(name, one.name()));
    }
    source.fill(declared, filling.constants());
    return source;
  }

  private static void visit(
      Class<?> owner, String file, KernelFilling filling, Map<String, PythonFile> read) {
    if (read.containsKey(file)) {
      return;
    }
    PythonFile python = PythonFile.parse(file, text(owner, file));
    read.put(file, python);
    for (String module : python.imports()) {
      if (!LIBRARIES.contains(module)) {
        visit(owner, filling.fileOf(module), filling, read);
      }
    }
  }

  private static String text(Class<?> owner, String file) {
    try (InputStream in = owner.getResourceAsStream(file)) {
      if (in == null) {
        throw new PlumblineException(
            ErrorCode.INTERNAL, "the jar lacks " + file + " beside " + owner.getName());
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All files share one space of names. */
  private <T> void add(Map<String, T> named, PythonFile from, String name, T definition) {
    if (functions.containsKey(name) || tuples.containsKey(name)) {
      throw new PlumblineException(
          ErrorCode.INTERNAL,
          "%s defines %s, which another file of %s does too".formatted(from.name(), name, file));
    }
    named.put(name, definition);
  }

  private void fill(Map<String, String> declared, Map<String, String> given) {
    declared.forEach(
        (name, in) -> {
          if (!given.containsKey(name)) {
            throw new PlumblineException(
                ErrorCode.INTERNAL, "%s declares %s, which was given no value".formatted(in, name));
          }
        });
    given.forEach(
        (name, value) -> {
          if (!declared.containsKey(name)) {
            throw new PlumblineException(
                ErrorCode.INTERNAL, "no file of %s declares %s".formatted(file, name));
          }
          String literal = DTYPES.getOrDefault(value, value);
          constants.put(name, literal.startsWith("-") ? "(" + literal + ")" : literal);
        });
  }

  String file() {
    return file;
  }

  Map<String, PythonFile.Function> functions() {
    return functions;
  }

  /** The named tuple of that name; null where there is none. */
  PythonFile.NamedTuple tuple(String name) {
    return tuples.get(name);
  }

  /** The file format of {@code torch.jit.load}. */
  byte[] archive() {
    List<String> classes = new ArrayList<>();
    for (PythonFile.NamedTuple tuple : tuples.values()) {
      classes.add(
          tuple.fields().stream()
              .map(field -> "  " + field.name() + " : " + rewritten(field.type()) + "\n")
              .collect(Collectors.joining("", "class " + tuple.name() + "(NamedTuple):\n", "")));
    }
    List<String> methods = new ArrayList<>();
    for (PythonFile.Function function : functions.values()) {
      List<String> parameters = new ArrayList<>(List.of("self: __torch__.Ops"));
      function.parameters().forEach(p -> parameters.add(p.name() + ": " + rewritten(p.type())));
      methods.add(
          "  def %s(%s) -> %s:\n%s\n"
              .formatted(
                  function.name(),
                  String.join(", ", parameters),
                  rewritten(function.result()),
                  rewritten(function.body()).indent(2).stripTrailing()));
    }
    return TorchScriptArchive.pack(String.join("", classes), String.join("", methods));
  }

  private String rewritten(String code) {
    return NAME.matcher(code).replaceAll(match -> Matcher.quoteReplacement(rewritten(match, code)));
  }

  private String rewritten(MatchResult match, String code) {
    String name = match.group();
    if (functions.containsKey(name) && code.startsWith("(", match.end())) {
      return "self." + name;
    } else if (name.equals("F") && code.startsWith(".", match.end())) {
      return "torch";
    } else if (tuples.containsKey(name)) {
      return "__torch__." + name;
    } else if (constants.containsKey(name)) {
      return constants.get(name);
    }
    return DTYPES.getOrDefault(name, name);
  }
}
