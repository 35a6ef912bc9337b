package io.plumbline.model;

import io.plumbline.base.Floats;
import io.plumbline.base.Sha256;
import io.plumbline.checkpoint.Adapter.Part;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;

/** The values that a fresh adapter has. */
final class AdapterStart {
  private static final int READ_AT_ONCE = 1 << 20;

  private AdapterStart() {}

  /**
   * Writes a parameter's first values.
   *
   * @param name PEFT's name of the parameter
   */
  static void fill(AdapterPlan plan, String name, Floats target, BaseParameters base, long seed) {
    for (AdapterPlan.Module module : plan.modules()) {
      if (name.equals(Part.A.tensor(module.name()))) {
        uniform(target, 1 / Math.sqrt((double) module.inputs()), random(seed, name));
        return;
      }
      if (name.equals(Part.B.tensor(module.name()))) {
        target.put(0, new float[Math.toIntExact(target.length())]);
        return;
      }
      if (name.equals(Part.MAGNITUDE.tensor(module.name()))) {
        target.put(0, lengths(module, base, plan.transposed()));
        return;
      }
    }
    base.read(plan.own(name), target);
  }

  /** Each parameter has a generator of its own, so that its numbers depend on no other's. */
  private static SplittableRandom random(long seed, String name) {
    byte[] hash = Sha256.digest().digest(name.getBytes(StandardCharsets.UTF_8));
    return new SplittableRandom(seed ^ ByteBuffer.wrap(hash).getLong());
  }

  private static void uniform(Floats target, double bound, SplittableRandom random) {
    for (FloatBuffer piece : target.buffers()) {
      while (piece.hasRemaining()) {
        piece.put((float) (bound * (2 * random.nextDouble() - 1)));
      }
    }
  }

  /** Of each output, the length of its row in a weight. */
  private static float[] lengths(
      AdapterPlan.Module module, BaseParameters base, boolean transposed) {
    int outputs = Math.toIntExact(module.outputs());
    int inputs = Math.toIntExact(module.inputs());
    int rows = transposed ? inputs : outputs;
    int columns = transposed ? outputs : inputs;
    double[] squares = new double[outputs];
    int atOnce = Math.min(rows, Math.max(1, READ_AT_ONCE / columns));
    FloatBuffer some = FloatBuffer.allocate(atOnce * columns);
    for (int first = 0; first < rows; first += atOnce) {
      some.clear().limit(Math.min(atOnce, rows - first) * columns);
      base.read(module.name() + ".weight", (long) first * columns, some);
      some.flip();
      for (int i = 0; i < some.limit(); i++) {
        int output = transposed ? i % columns : first + i / columns;
        squares[output] += (double) some.get(i) * some.get(i);
      }
    }
    float[] lengths = new float[outputs];
    for (int o = 0; o < outputs; o++) {
      lengths[o] = (float) Math.sqrt(squares[o]);
    }
    return lengths;
  }
}
