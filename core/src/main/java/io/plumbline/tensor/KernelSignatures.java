package io.plumbline.tensor;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Compares the methods of a Java interface with the Python functions that they stand for. */
final class KernelSignatures {
  private static final Map<Class<?>, String> TYPES =
      Map.of(
          long.class, "int",
          int.class, "int",
          double.class, "float",
          boolean.class, "bool",
          String.class, "str",
          long[].class, "List[int]",
          void.class, "None");

  private final Class<?> functions;
  private final KernelSource source;

  private KernelSignatures(Class<?> functions, KernelSource source) {
    this.functions = functions;
    this.source = source;
  }

  /**
   * Fails with INTERNAL where a method has no function of its name, or one whose arguments or
   * result have other names or types.
   */
  static void require(Class<?> functions, KernelSource source) {
    KernelSignatures signatures = new KernelSignatures(functions, source);
    for (Method method : functions.getMethods()) {
      signatures.require(method);
    }
  }

  /** The Python name of a Java name: {@code topK} is {@code top_k}. */
  static String pythonName(String java) {
    return java.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
  }

  private void require(Method method) {
    String name = pythonName(method.getName());
    PythonFile.Function function = source.functions().get(name);
    if (function == null) {
      throw new PlumblineException(
          ErrorCode.INTERNAL,
          "%s has no function %s, which %s calls"
              .formatted(source.file(), name, functions.getSimpleName()));
    }
    List<PythonFile.Typed> python = function.parameters();
    Parameter[] java = method.getParameters();
    if (python.size() != java.length) {
      throw differs(function, "%d arguments, not %d".formatted(java.length, python.size()));
    }
    for (int i = 0; i < java.length; i++) {
      String expected = pythonName(java[i].getName());
      // An agent that changes classes as they are loaded may take the names away.
      if (java[i].isNamePresent() && !python.get(i).name().equals(expected)) {
        throw differs(
            function, "%s as argument %d, not %s".formatted(expected, i + 1, python.get(i).name()));
      }
      if (!agree(java[i].getType(), python.get(i).type())) {
        throw differs(
            function,
            "%s as a %s, not a %s"
                .formatted(expected, java[i].getType().getSimpleName(), python.get(i).type()));
      }
    }
    requireResult(method.getReturnType(), function);
  }

  private void requireResult(Class<?> result, PythonFile.Function function) {
    PythonFile.NamedTuple tuple = source.tuple(function.result());
    if (result.isRecord()) {
      List<String> expected =
          Arrays.stream(result.getRecordComponents())
              .map(RecordComponent::getName)
              .map(KernelSignatures::pythonName)
              .toList();
      List<String> found =
          tuple == null ? List.of() : tuple.fields().stream().map(PythonFile.Typed::name).toList();
      if (!found.equals(expected)) {
        throw differs(function, "a result of %s, not %s".formatted(expected, found));
      }
    } else if (!agree(result, function.result())) {
      throw differs(
          function, "a result of %s, not %s".formatted(result.getSimpleName(), function.result()));
    }
  }

  /** A {@link Value} is whatever Java has no type for. */
  private static boolean agree(Class<?> java, String python) {
    return java == Value.class
        ? !TYPES.containsValue(python) && !python.equals("List[float]")
        : python.equals(TYPES.get(java));
  }

  private PlumblineException differs(PythonFile.Function function, String difference) {
    return new PlumblineException(
        ErrorCode.INTERNAL,
        "%s has %s, for which %s has %s"
            .formatted(function.file(), function, functions.getSimpleName(), difference));
  }
}
