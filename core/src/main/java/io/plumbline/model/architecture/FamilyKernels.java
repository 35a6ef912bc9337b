package io.plumbline.model.architecture;

import java.util.HashMap;
import java.util.Map;

/**
 * What the kernels of a model are compiled from, beside its sizes.
 *
 * @param file the file of the family's layer, without its ending
 * @param constants values of constants of config.py that the family sets, by name: numbers and
 *     booleans; the others keep the values that change nothing
 */
public record FamilyKernels(String file, Map<String, Object> constants) {
  /** Llama's layer with norms of each query head and each key head. */
  static final FamilyKernels WITH_HEAD_NORMS =
      new FamilyKernels("llama", Map.of("HEAD_NORMS", true));

  public FamilyKernels {
    constants = Map.copyOf(constants);
  }

  /** With one more constant. */
  FamilyKernels with(String name, Object value) {
    Map<String, Object> all = new HashMap<>(constants);
    all.put(name, value);
    return new FamilyKernels(file, all);
  }
}
