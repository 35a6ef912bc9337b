package io.plumbline.tensor;

import ai.djl.ndarray.types.DataType;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.IValue;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Frees what kernels made, all at once: one scope a micro-batch. Belongs to one thread at a time.
 */
public final class Scope implements AutoCloseable {
  /** Values that exist in this JVM and were not closed: a leak shows in it. */
  static final AtomicLong LIVE = new AtomicLong();

  private final Deque<Value> owned = new ArrayDeque<>();

  private final Device device;

  private Scope(Device device) {
    this.device = device;
  }

  /** A scope whose tensors of given elements lie in the host's memory. */
  public static Scope open() {
    return on(Device.CPU);
  }

  /** A scope whose tensors of given elements live on this device. */
  public static Scope on(Device device) {
    Torch.start();
    return new Scope(device);
  }

  Value own(Value value) {
    owned.push(value);
    return value;
  }

  /** An int64 tensor with a copy of the elements. */
  public Value longs(long[] elements, long... shape) {
    try (PtNDArray array = Value.zeros(DataType.INT64, shape)) {
      Value.memory(array).asLongBuffer().put(elements);
      return onDevice(array);
    }
  }

  /** An f32 tensor with a copy of the elements. */
  public Value floats(float[] elements, long... shape) {
    try (PtNDArray array = Value.zeros(DataType.FLOAT32, shape)) {
      Value.memory(array).asFloatBuffer().put(elements);
      return onDevice(array);
    }
  }

  /** An f64 tensor with a copy of the elements. */
  public Value doubles(double[] elements, long... shape) {
    try (PtNDArray array = Value.zeros(DataType.FLOAT64, shape)) {
      Value.memory(array).asDoubleBuffer().put(elements);
      return onDevice(array);
    }
  }

  private Value onDevice(PtNDArray array) {
    if (device.isHost()) {
      return own(new Value(IValue.from(array)));
    }
    try (Value here = new Value(IValue.from(array))) {
      return Transfers.moved(this, here, device);
    }
  }

  /** A list of tensors. */
  public Value list(Value... tensors) {
    PtNDArray[] arrays = new PtNDArray[tensors.length];
    try {
      for (int i = 0; i < tensors.length; i++) {
        arrays[i] = tensors[i].tensor();
      }
      return own(new Value(IValue.listFrom(arrays)));
    } finally {
      for (PtNDArray array : arrays) {
        if (array != null) {
          array.close();
        }
      }
    }
  }

  /** Tensors by name, in the map's order. */
  public Value named(Map<String, Value> tensors) {
    Map<String, PtNDArray> arrays = new LinkedHashMap<>();
    try {
      tensors.forEach((name, tensor) -> arrays.put(name, tensor.tensor()));
      return own(new Value(IValue.stringMapFrom(arrays)));
    } finally {
      arrays.values().forEach(PtNDArray::close);
    }
  }

  /** A list of what {@link #named} gives, with at least one element. */
  public Value listOfNamed(List<Value> elements) {
    return own(
        new Value(IValue.listFrom(elements.stream().map(Value::raw).toArray(IValue[]::new))));
  }

  /** Frees values before the scope ends; the scope forgets them. */
  public void free(Value... values) {
    for (Value value : values) {
      value.close();
      owned.remove(value);
    }
  }

  @Override
  public void close() {
    while (!owned.isEmpty()) {
      owned.pop().close();
    }
  }
}
