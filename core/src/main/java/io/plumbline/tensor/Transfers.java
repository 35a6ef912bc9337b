package io.plumbline.tensor;

/** Tensors from one device to another, and views of flat ones: the functions of flat.py. */
final class Transfers {
  private interface FlatKernels {
    Value viewOf(Value flat, long offset, long[] shape, boolean leaf);

    Value moved(Value x, String device);

    Value zerosOn(long length, String device);

    void copy(Value x, Value source);
  }

  private Transfers() {}

  /** A copy that lives on a device. */
  static Value moved(Scope scope, Value tensor, Device device) {
    return kernels(scope).moved(tensor, device.toString());
  }

  /** A flat f32 tensor of zeros that lives on a device. */
  static Value zeros(Scope scope, long length, Device device) {
    return kernels(scope).zerosOn(length, device.toString());
  }

  /** Copies the elements of one tensor to another of the same shape, each wherever it lives. */
  static void copy(Value from, Value to) {
    try (Scope scope = Scope.open()) {
      kernels(scope).copy(to, from);
    }
  }

  /** A part of a flat tensor that shares its memory. */
  static Value view(Scope scope, Value flat, long offset, long[] shape) {
    return kernels(scope).viewOf(flat, offset, shape, false);
  }

  /** A part of a flat tensor that shares its memory and requires gradients. */
  static Value leaf(Scope scope, Value flat, long offset, long[] shape) {
    return kernels(scope).viewOf(flat, offset, shape, true);
  }

  private static FlatKernels kernels(Scope scope) {
    return Kernels.load(FlatKernels.class, "flat.py", KernelFilling.NONE)
        .in(scope, GraphMode.NO_GRAPH);
  }
}
