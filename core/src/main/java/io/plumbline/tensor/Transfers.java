package io.plumbline.tensor;

import java.util.Map;

/** Tensors from one device to another. */
final class Transfers {
  private Transfers() {}

  /** A copy that lives on a device. */
  static Value moved(Scope scope, Value tensor, Device device) {
    return kernels().call(scope, GraphMode.NO_GRAPH, "moved", tensor, device.toString());
  }

  /** A flat f32 tensor of zeros that lives on a device. */
  static Value zeros(Scope scope, long length, Device device) {
    return kernels().call(scope, GraphMode.NO_GRAPH, "zeros_on", length, device.toString());
  }

  /** Copies the elements of one tensor to another of the same shape, each wherever it lives. */
  static void copy(Value from, Value to) {
    try (Scope scope = Scope.open()) {
      kernels().call(scope, GraphMode.NO_GRAPH, "copied", to, from);
    }
  }

  private static Kernels kernels() {
    return Kernels.load(Segment.class, Segment.RESOURCE, Map.of());
  }
}
