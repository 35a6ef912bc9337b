package io.plumbline.collective;

import java.nio.FloatBuffer;

/** A gang of one: nothing to do. */
final class SingleRank implements Collective {
  @Override
  public int rank() {
    return 0;
  }

  @Override
  public int worldSize() {
    return 1;
  }

  @Override
  public void allReduceSum(FloatBuffer values) {}

  @Override
  public void allReduceSum(double[] values) {}

  @Override
  public void broadcast(FloatBuffer values, int root) {
    Failures.checkRoot(root, 1);
  }

  @Override
  public void barrier() {}

  @Override
  public void close() {}
}
