package io.plumbline.tensor;

import java.util.Map;

/**
 * What a file of kernels is compiled with.
 *
 * @param constants values, as Python writes them, of all upper-case names that the file and those
 *     that it imports declare; a type is {@code torch.float32} or {@code torch.bfloat16}
 * @param modules by the name of an imported module, the one that stands in for it
 */
public record KernelFilling(Map<String, String> constants, Map<String, String> modules) {
  /** For files without constants. */
  public static final KernelFilling NONE = new KernelFilling(Map.of(), Map.of());

  public KernelFilling {
    constants = Map.copyOf(constants);
    modules = Map.copyOf(modules);
  }

  /** The file of an imported module. */
  String fileOf(String module) {
    return modules.getOrDefault(module, module) + ".py";
  }
}
