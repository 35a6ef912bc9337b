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
        target.put(0, lengths(module, base.values(module.name() + ".weight"), plan.transposed()));
        return;
      }
    }
    target.put(base.values(plan.own(name)));
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
  private static float[] lengths(AdapterPlan.Module module, Floats weight, boolean transposed) {
    int outputs = Math.toIntExact(module.outputs());
    int inputs = Math.toIntExact(module.inputs());
    double[] squares = new double[outputs];
    float[] row = new float[transposed ? outputs : inputs];
    for (int r = 0; r < (transposed ? inputs : outputs); r++) {
      weight.get((long) r * row.length, row);
      for (int c = 0; c < row.length; c++) {
        squares[transposed ? c : r] += (double) row[c] * row[c];
      }
    }
    float[] lengths = new float[outputs];
    for (int o = 0; o < outputs; o++) {
      lengths[o] = (float) Math.sqrt(squares[o]);
    }
    return lengths;
  }
}
