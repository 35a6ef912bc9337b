package io.plumbline.tensor;

import io.plumbline.base.Floats;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A run of parameters that belong together (the embedding, a layer, the head): one flat f32 tensor
 * of values and, for training, one of gradients. What the all-reduce and the optimizer work on. May
 * be of any length: kernels know no limit, and Java reads and writes it by {@link Floats}. Values
 * that are never trained can be held in fewer bytes ({@link #lowered}).
 */
public final class Segment implements AutoCloseable {
  /** A parameter's place in its segment. */
  public record Slice(String name, long[] shape, long offset, long length) {}

  /** Whether a segment has room for gradients. */
  public enum Gradients {
    NONE,
    PRESENT
  }

  /** A flat tensor, and how Java reads and writes it. */
  private final class Flat {
    final Value tensor;

    /** The tensor itself, or its copy in the host's memory once it was asked for. */
    private Value inHost;

    private Floats memory;

    Flat() {
      if (device.isHost()) {
        tensor = host();
        inHost = tensor;
      } else {
        tensor = Transfers.zeros(scope, length, device);
      }
    }

    private Value host() {
      Value flat = Transfers.zeros(scope, length, Device.CPU);
      memory = Windows.of(flat, length);
      return flat;
    }

    /** The elements in the host's memory; as they are now, where that is a copy. */
    Floats fetch() {
      Floats elements = room();
      if (!device.isHost()) {
        Transfers.copy(tensor, inHost);
      }
      return elements;
    }

    /** The elements in host memory, with whatever the last {@link #fetch} left in a copy. */
    Floats room() {
      if (inHost == null) {
        inHost = host();
      }
      return memory;
    }

    /** Brings the copy's elements, which Java may have changed, to the device. */
    void store() {
      if (!device.isHost()) {
        Transfers.copy(inHost, tensor);
      }
    }
  }

  private final String name;
  private final List<Slice> slices;
  private final long length;
  private final Device device;
  private final Scope scope = Scope.open();

  /** Null where the values are lowered. */
  private final Flat values;

  private final LoweredValues lowered;

  /** Null where there is no room for gradients. */
  private final Flat gradients;

  private Segment(String name, List<Slice> slices, long length, Gradients kind, Device device) {
    this.name = name;
    this.slices = slices;
    this.length = length;
    this.device = device;
    values = new Flat();
    lowered = null;
    gradients = kind == Gradients.PRESENT ? new Flat() : null;
  }

  private Segment(Segment from, Function<Slice, HeldDtype> dtypes) {
    name = from.name;
    slices = from.slices;
    length = from.length;
    device = from.device;
    values = null;
    gradients = null;
    try {
      lowered = new LoweredValues(scope, from.values.tensor, device, slices, dtypes);
    } catch (RuntimeException | Error e) {
      scope.close();
      throw e;
    }
  }

  /** A segment of zeros with the given parameters in this order. */
  public static Segment allocate(
      String name,
      List<String> parameters,
      List<long[]> shapes,
      Gradients gradients,
      Device device) {
    List<Slice> slices = new ArrayList<>();
    long offset = 0;
    for (int i = 0; i < parameters.size(); i++) {
      long n = 1;
      for (long s : shapes.get(i)) {
        n = Math.multiplyExact(n, s);
      }
      slices.add(new Slice(parameters.get(i), shapes.get(i).clone(), offset, n));
      offset = Math.addExact(offset, n);
    }
    return new Segment(name, List.copyOf(slices), offset, gradients, device);
  }

  /**
   * A copy whose parameters are held in these types, for kernels alone: Java cannot read it, and it
   * has no gradients.
   *
   * @param dtypes int8 for matrices alone; parameters that are viewed together have one type
   */
  public Segment lowered(Function<Slice, HeldDtype> dtypes) {
    return new Segment(this, dtypes);
  }

  public String name() {
    return name;
  }

  /** In buffer order, without gaps. */
  public List<Slice> slices() {
    return slices;
  }

  public long length() {
    return length;
  }

  public Device device() {
    return device;
  }

  /** The bytes of values and gradients. */
  public long bytes() {
    if (lowered != null) {
      return lowered.bytes();
    }
    return length * Float.BYTES * (gradients == null ? 1 : 2);
  }

  /**
   * The values in the host's memory: a live view of their own memory, or, where they live on
   * another device, a copy of them as they are now, which the next call overwrites.
   */
  public Floats values() {
    return inF32().fetch();
  }

  private Flat inF32() {
    if (values == null) {
      throw new PlumblineException(
          ErrorCode.INTERNAL, name + " holds rounded values, which kernels alone read");
    }
    return values;
  }

  /** Sets the values to what a writer puts in, whose content before is undefined. */
  public void fillValues(Consumer<Floats> writer) {
    writer.accept(inF32().room());
    inF32().store();
  }

  /**
   * The gradients in the host's memory, as {@link #values} gives the values; fails for inference
   * models. After a change, {@link #storeGradients} is due.
   */
  public Floats gradients() {
    return withGradients().fetch();
  }

  /** Makes what was written to {@link #gradients} the gradients. */
  public void storeGradients() {
    withGradients().store();
  }

  private Flat withGradients() {
    if (gradients == null) {
      throw new PlumblineException(
          ErrorCode.INTERNAL,
          name + " has no gradients because its model was loaded for inference");
    }
    return gradients;
  }

  /**
   * A tensor that shares the values' memory, over slices that lie side by side. It requires
   * gradients where the segment has room for them.
   */
  public Value view(long offset, long... shape) {
    if (lowered != null) {
      return lowered.view(scope, offset, shape);
    }
    return gradients == null
        ? Transfers.view(scope, values.tensor, offset, shape)
        : Transfers.leaf(scope, values.tensor, offset, shape);
  }

  /**
   * What the rows of such a view are multiplied by where it is int8, [rows, blocks, 1]; empty where
   * it is not.
   */
  public Optional<Value> scales(long offset, long... shape) {
    return lowered == null ? Optional.empty() : lowered.scales(scope, offset, shape);
  }

  /** A tensor that shares the gradients' memory. */
  public Value gradientView(long offset, long... shape) {
    return Transfers.view(scope, withGradients().tensor, offset, shape);
  }

  /** Frees the memory; what was handed out must not be touched after this. */
  @Override
  public void close() {
    scope.close();
  }

  @Override
  public String toString() {
    return name;
  }
}
