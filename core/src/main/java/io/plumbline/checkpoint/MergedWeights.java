package io.plumbline.checkpoint;

import io.plumbline.base.Fingerprint;
import io.plumbline.checkpoint.Adapter.Part;
import io.plumbline.checkpoint.ModelDirectory.TensorInfo;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * The weights of a model with an adapter, as PEFT's {@code merge_and_unload} makes them, in f32: W
 * + s B A, and with DoRA each row brought to the length that was learned. Made when they are read.
 */
final class MergedWeights {
  /** Rows of a weight that are read and changed at once take about this much. */
  private static final int BLOCK_ELEMENTS = 4 << 20;

  /** Whatever the base has. */
  private static final String DTYPE = "F32";

  /** A module's adapter in memory. */
  private record Matrices(
      String module, int rank, float scale, float[] a, float[] b, float[] factors) {}

  private final ModelDirectory base;
  private final Adapter adapter;

  /** By the base's name of a weight, the module that is adapted. */
  private final Map<String, String> adapted;

  /** By the base's name, or its own where the base has none, PEFT's name of a tensor. */
  private final Map<String, String> saved = new TreeMap<>();

  private Matrices last;

  MergedWeights(ModelDirectory base, Adapter adapter) {
    this.base = base;
    this.adapter = adapter;
    Set<String> names = new TreeSet<>();
    base.tensors().forEach(tensor -> names.add(tensor.name()));
    adapted = adapter.weightsIn(names, base.path());
    for (String parameter : adapter.saved()) {
      saved.put(Adapter.among(names, parameter).orElse(parameter), Adapter.PREFIX + parameter);
    }
    adapted.forEach(this::requireFit);
  }

  private void requireFit(String tensor, String module) {
    long[] shape = base.shape(tensor);
    long inputs = adapter.shape(Part.A.tensor(module))[1];
    long outputs = adapter.shape(Part.B.tensor(module))[0];
    long[] wanted =
        adapter.config().transposed() ? new long[] {inputs, outputs} : new long[] {outputs, inputs};
    if (!Arrays.equals(shape, wanted)) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          "%s adapts %s of shape %s, and in %s it has the shape %s: name the model that the adapter was trained on."
              .formatted(
                  adapter.path(),
                  module,
                  Arrays.toString(wanted),
                  base.path(),
                  Arrays.toString(shape)));
    }
  }

  ModelDirectory base() {
    return base;
  }

  Adapter adapter() {
    return adapter;
  }

  /** Whether a tensor is another than that of the base. */
  boolean changes(String tensor) {
    return adapted.containsKey(tensor) || saved.containsKey(tensor);
  }

  /** The tensors that the base has not, or not so. */
  Map<String, TensorInfo> changed() {
    Map<String, TensorInfo> found = new TreeMap<>();
    adapted
        .keySet()
        .forEach(name -> found.put(name, new TensorInfo(name, DTYPE, base.shape(name))));
    saved.forEach((name, own) -> found.put(name, new TensorInfo(name, DTYPE, adapter.shape(own))));
    return found;
  }

  /** Writes the whole of a changed tensor, and advances the buffer. */
  void read(String tensor, FloatBuffer target) {
    long[] shape =
        saved.containsKey(tensor) ? adapter.shape(saved.get(tensor)) : base.shape(tensor);
    int limit = target.limit();
    long elements = new TensorInfo(tensor, DTYPE, shape).elements();
    target.limit(target.position() + Math.toIntExact(elements));
    read(tensor, 0, target);
    target.limit(limit);
  }

  /** Fills a buffer with the numbers of a changed tensor from a place on. */
  void read(String tensor, long from, FloatBuffer target) {
    if (saved.containsKey(tensor)) {
      adapter.read(saved.get(tensor), from, target);
      return;
    }
    long[] shape = base.shape(tensor);
    int columns = Math.toIntExact(shape[1]);
    Matrices matrices = matrices(tensor, adapted.get(tensor));
    int rowsAtOnce = Math.max(1, BLOCK_ELEMENTS / columns);
    long at = from;
    while (target.hasRemaining()) {
      long row = at / columns;
      int skipped = (int) (at - row * columns);
      // No more rows than are asked for, the first and the last perhaps in part.
      long asked = ((long) skipped + target.remaining() + columns - 1) / columns;
      int rows = (int) Math.min(rowsAtOnce, asked);
      float[] block = new float[rows * columns];
      base.read(tensor, row * columns, FloatBuffer.wrap(block));
      merge(matrices, block, row, columns);
      int n = Math.min(block.length - skipped, target.remaining());
      target.put(block, skipped, n);
      at += n;
    }
  }

  /** Changes rows of a weight, the first of which is {@code first}. */
  private void merge(Matrices matrices, float[] block, long first, int columns) {
    boolean transposed = adapter.config().transposed();
    IntStream.range(0, block.length / columns)
        .parallel()
        .forEach(
            r -> {
              int row = (int) (first + r);
              add(matrices, block, r * columns, row, columns);
              if (matrices.factors != null) {
                for (int c = 0; c < columns; c++) {
                  block[r * columns + c] *= matrices.factors[transposed ? c : row];
                }
              }
            });
  }

  private void add(Matrices m, float[] block, int offset, int row, int columns) {
    float[] change = new float[columns];
    for (int k = 0; k < m.rank; k++) {
      if (adapter.config().transposed()) {
        float a = m.a[k * (m.a.length / m.rank) + row];
        for (int c = 0; c < columns; c++) {
          change[c] += a * m.b[c * m.rank + k];
        }
      } else {
        float b = m.b[row * m.rank + k];
        for (int c = 0; c < columns; c++) {
          change[c] += b * m.a[k * columns + c];
        }
      }
    }
    for (int c = 0; c < columns; c++) {
      block[offset + c] += change[c] * m.scale;
    }
  }

  private synchronized Matrices matrices(String tensor, String module) {
    if (last == null || !last.module.equals(module)) {
      float[] a = adapter.values(module, Part.A);
      float[] b = adapter.values(module, Part.B);
      int rank = adapter.config().rank(module);
      float scale = (float) adapter.config().scale(module, rank);
      Matrices plain = new Matrices(module, rank, scale, a, b, null);
      last =
          adapter.config().weightDecomposed()
              ? new Matrices(module, rank, scale, a, b, factors(plain, tensor))
              : plain;
    }
    return last;
  }

  /** Of each output, the length that it learned over the one that it has. */
  private float[] factors(Matrices plain, String tensor) {
    float[] magnitude = adapter.values(plain.module, Part.MAGNITUDE);
    boolean transposed = adapter.config().transposed();
    long[] shape = base.shape(tensor);
    int columns = Math.toIntExact(shape[1]);
    double[] squares = new double[magnitude.length];
    int rowsAtOnce = Math.max(1, BLOCK_ELEMENTS / columns);
    for (long row = 0; row < shape[0]; row += rowsAtOnce) {
      float[] block = new float[(int) Math.min(rowsAtOnce, shape[0] - row) * columns];
      base.read(tensor, row * columns, FloatBuffer.wrap(block));
      merge(plain, block, row, columns);
      for (int i = 0; i < block.length; i++) {
        int output = transposed ? i % columns : (int) (row + i / columns);
        squares[output] += (double) block[i] * block[i];
      }
    }
    float[] factors = new float[magnitude.length];
    for (int i = 0; i < factors.length; i++) {
      factors[i] = (float) (magnitude[i] / Math.sqrt(squares[i]));
    }
    return factors;
  }

  /** Of base and adapter. */
  String fingerprint(ModelFingerprint.Known ofBase, ModelFingerprint.Known ofAdapter) {
    return Fingerprint.of("model with an adapter")
        .text("base", ofBase.fingerprint())
        .text("adapter", ofAdapter.fingerprint())
        .text("settings", adapter.config().canonical())
        .hex();
  }
}
