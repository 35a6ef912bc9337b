package io.plumbline.optim;

import io.plumbline.base.Floats;
import io.plumbline.optim.OptimizerSettings.MomentDtype;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.KernelFilling;
import io.plumbline.tensor.Kernels;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Segment.Gradients;
import io.plumbline.tensor.Segment.Slice;
import io.plumbline.tensor.Value;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * Numbers that an optimizer keeps from step to step about parameters of one segment: a flat tensor,
 * 0 at first. It is saved in f32, in which every bit of bf16 comes back.
 */
final class Moment implements AutoCloseable {
  /** The functions of moments.py. */
  private interface MomentKernels {
    Value zerosInBf16(long length, Value like);

    Value part(Value flat, long offset, long length);

    void convert(Value x, Value source);
  }

  private final String name;
  private final List<String> parameters;
  private final List<long[]> shapes;
  private final Device device;
  private final Scope scope = Scope.open();

  /** Null where the numbers are kept in bf16. */
  private final Segment inF32;

  /** [length]; null where the numbers are kept in f32. */
  private final Value inBf16;

  private final long length;

  /**
   * @param shapes of the parts, which have these names
   */
  Moment(Segment of, List<String> parameters, List<long[]> shapes, MomentDtype dtype) {
    this.name = of.name();
    this.parameters = List.copyOf(parameters);
    this.shapes = List.copyOf(shapes);
    this.device = of.device();
    if (dtype == MomentDtype.F32) {
      inF32 = segment();
      inBf16 = null;
      length = inF32.length();
    } else {
      inF32 = null;
      length = shapes.stream().mapToLong(Moment::elements).sum();
      inBf16 = kernels(scope).zerosInBf16(length, of.gradientView(0, 0));
    }
  }

  /** A number for each element of some of a segment's parameters. */
  static Moment like(Segment segment, List<Slice> slices, MomentDtype dtype) {
    return new Moment(
        segment,
        slices.stream().map(Slice::name).toList(),
        slices.stream().map(Slice::shape).toList(),
        dtype);
  }

  private Segment segment() {
    return Segment.allocate(name, parameters, shapes, Gradients.NONE, device);
  }

  private static long elements(long... shape) {
    long n = 1;
    for (long size : shape) {
      n *= size;
    }
    return n;
  }

  private static MomentKernels kernels(Scope scope) {
    return Kernels.load(MomentKernels.class, "moments.py", KernelFilling.NONE)
        .in(scope, GraphMode.NO_GRAPH);
  }

  /** A flat tensor that shares the memory of some of the numbers. */
  Value part(long offset, long elements) {
    return inF32 != null
        ? inF32.view(offset, elements)
        : kernels(scope).part(inBf16, offset, elements);
  }

  /** A tensor that shares the memory of some of the numbers; of f32 alone. */
  Value shaped(long offset, long... shape) {
    return inF32.view(offset, shape);
  }

  long bytes() {
    return length * (inF32 != null ? Float.BYTES : Short.BYTES);
  }

  void save(String as, BiConsumer<String, Floats> writer) {
    if (inF32 != null) {
      writer.accept(as, inF32.values());
      return;
    }
    try (Scope copying = Scope.open();
        Segment wide = segment()) {
      kernels(copying).convert(wide.view(0, length), inBf16);
      writer.accept(as, wide.values());
    }
  }

  void restore(String as, BiConsumer<String, Floats> reader) {
    if (inF32 != null) {
      inF32.fillValues(values -> reader.accept(as, values));
      return;
    }
    try (Scope copying = Scope.open();
        Segment wide = segment()) {
      wide.fillValues(values -> reader.accept(as, values));
      kernels(copying).convert(inBf16, wide.view(0, length));
    }
  }

  @Override
  public void close() {
    scope.close();
    if (inF32 != null) {
      inF32.close();
    }
  }
}
