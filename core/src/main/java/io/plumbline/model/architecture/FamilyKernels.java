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

  /** Llama's layer with one module for queries, keys and values, and one for gate and up. */
  static final FamilyKernels FUSED = new FamilyKernels("llama", Map.of("FUSED_PROJECTIONS", true));

  /** The constant that says whether matrices stand transposed. */
  static final String TRANSPOSED = "TRANSPOSED";

  /** The constant that says how many experts compute a place. */
  static final String EXPERTS_PER_TOKEN = "EXPERTS_PER_TOKEN";

  public FamilyKernels {
    constants = Map.copyOf(constants);
  }

  /** Whether matrices stand transposed: [inputs, outputs]. */
  public boolean transposed() {
    return constants.getOrDefault(TRANSPOSED, false).equals(true);
  }

  /** How many experts compute a place; 1 in a model without any. */
  public int expertsPerToken() {
    return (Integer) constants.getOrDefault(EXPERTS_PER_TOKEN, 1);
  }

  /** With one more constant. */
  FamilyKernels with(String name, Object value) {
    Map<String, Object> all = new HashMap<>(constants);
    all.put(name, value);
    return new FamilyKernels(file, all);
  }
}
