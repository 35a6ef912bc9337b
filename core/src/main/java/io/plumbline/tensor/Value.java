package io.plumbline.tensor;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.IValue;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A tensor, or a list, tuple or dictionary of tensors, that kernels take and return. Lives outside
 * the Java heap until it is closed, usually by its {@link Scope}. May hold bf16, which DJL's own
 * arrays cannot.
 */
public final class Value implements AutoCloseable {
  private final IValue raw;
  private boolean closed;

  Value(IValue raw) {
    this.raw = raw;
    Scope.LIVE.incrementAndGet();
  }

  long handle() {
    return raw().getHandle();
  }

  IValue raw() {
    if (closed) {
      throw new IllegalStateException("this value was closed already");
    }
    return raw;
  }

  /** The elements of an f32 tensor, row by row. */
  public float[] floats() {
    try (PtNDArray array = hostTensor()) {
      expect(array, DataType.FLOAT32);
      float[] out = new float[Math.toIntExact(array.getShape().size())];
      memory(array).asFloatBuffer().get(out);
      return out;
    }
  }

  /** The elements of an int64 tensor, row by row. */
  public long[] longs() {
    try (PtNDArray array = hostTensor()) {
      expect(array, DataType.INT64);
      long[] out = new long[Math.toIntExact(array.getShape().size())];
      memory(array).asLongBuffer().get(out);
      return out;
    }
  }

  /** The tensor's shape. */
  public long[] shape() {
    try (PtNDArray array = tensor()) {
      return array.getShape().getShape();
    }
  }

  /** The parts of a tuple; the scope owns them. */
  Value[] parts(Scope scope) {
    IValue[] parts = raw.toIValueTuple();
    Value[] out = new Value[parts.length];
    for (int i = 0; i < parts.length; i++) {
      out[i] = scope.own(new Value(parts[i]));
    }
    return out;
  }

  /** The tensor, or a copy in the host's memory of one that lives on another device. */
  private PtNDArray hostTensor() {
    PtNDArray array = tensor();
    if (!array.getDevice().isGpu()) {
      return array;
    }
    try (array) {
      return array.toDevice(ai.djl.Device.cpu(), true);
    }
  }

  /**
   * A live view of a contiguous tensor's own memory in the host; valid while some value holds the
   * tensor. For tensors of up to 2 GiB, which is what one buffer holds; see {@link Windows}.
   */
  static ByteBuffer memory(PtNDArray array) {
    long elements = array.getShape().size();
    if (elements == 0) {
      return ByteBuffer.allocateDirect(0);
    }
    if (elements > Integer.MAX_VALUE / array.getDataType().getNumOfBytes()) {
      throw new IllegalStateException(
          "a tensor of " + elements + " elements is larger than one buffer");
    }
    return array.toByteBuffer(true).order(ByteOrder.nativeOrder());
  }

  PtNDArray tensor() {
    return raw.toTensor(Torch.manager());
  }

  private static void expect(PtNDArray array, DataType type) {
    if (array.getDataType() != type) {
      throw new IllegalStateException(
          "a tensor of " + array.getDataType() + " was read as " + type);
    }
  }

  /** A tensor of zeros whose memory PyTorch owns. */
  static PtNDArray zeros(DataType type, long... shape) {
    return (PtNDArray) Torch.manager().zeros(new Shape(shape), type);
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      raw.close();
      Scope.LIVE.decrementAndGet();
    }
  }
}
