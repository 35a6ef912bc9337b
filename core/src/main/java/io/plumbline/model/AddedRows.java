package io.plumbline.model;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.TensorSource;
import java.nio.FloatBuffer;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * An embedding or a head with rows behind those of a checkpoint, which transformers' {@code
 * resize_token_embeddings} draws from a normal distribution with the mean of the rows and 1e-9
 * times their covariance, so that the new tokens are as likely as the mean of the others.
 *
 * <p>Here a new row is the mean plus sqrt(1e-9 / n) times the sum over the n rows of a standard
 * normal number times the row's distance from the mean, which has that distribution without a
 * matrix of the covariance, and has it too where the covariance has no inverse. (transformers takes
 * the mean itself then.)
 *
 * @param stored the tensor's name in the checkpoint
 * @param rows of the checkpoint
 * @param columns values in a row
 * @param added rows
 * @param seed of what is drawn; the same seed gives the same rows
 */
record AddedRows(
    String name, ModelDirectory start, String stored, int rows, int columns, int added, long seed)
    implements TensorSource {
  /** transformers' epsilon. */
  static final double SHARE_OF_COVARIANCE = 1e-9;

  private static final int PIECE = 1 << 20;

  /** New rows that are drawn in one pass over the others. */
  private static final int BATCH = 1024;

  @Override
  public long[] shape() {
    return new long[] {rows + added, columns};
  }

  @Override
  public void values(Consumer<FloatBuffer> receiver) {
    double[] sums = new double[columns];
    forEachPiece(
        (first, values) -> {
          for (int at = 0; at < values.limit(); at++) {
            sums[at % columns] += values.get(at);
          }
          receiver.accept(values);
        });
    float[] mean = new float[columns];
    for (int i = 0; i < columns; i++) {
      mean[i] = (float) (sums[i] / rows);
    }
    for (int first = 0; first < added; first += BATCH) {
      receiver.accept(FloatBuffer.wrap(drawn(first, Math.min(BATCH, added - first), mean)));
    }
  }

  /** New rows, [count][columns] in one array. */
  private float[] drawn(int first, int count, float[] mean) {
    float[] drawn = new float[count * columns];
    SplittableRandom[] randoms = new SplittableRandom[count];
    for (int row = 0; row < count; row++) {
      randoms[row] = new SplittableRandom(seed ^ (0x9e3779b97f4a7c15L * (first + row + 1)));
    }
    forEachPiece(
        (from, values) ->
            IntStream.range(0, count)
                .parallel()
                .forEach(row -> addDistances(values, mean, randoms[row], drawn, row * columns)));
    double scale = Math.sqrt(SHARE_OF_COVARIANCE / rows);
    for (int at = 0; at < drawn.length; at++) {
      drawn[at] = (float) (mean[at % columns] + scale * drawn[at]);
    }
    return drawn;
  }

  private static void addDistances(
      FloatBuffer values, float[] mean, SplittableRandom random, float[] target, int offset) {
    for (int at = 0; at < values.limit(); at += mean.length) {
      float weight = (float) NormalNumbers.next(random, 1);
      for (int i = 0; i < mean.length; i++) {
        target[offset + i] += weight * (values.get(at + i) - mean[i]);
      }
    }
  }

  private interface Piece {
    /**
     * @param first row of the piece
     * @param values whole rows, from 0 to the limit
     */
    void accept(int first, FloatBuffer values);
  }

  private void forEachPiece(Piece piece) {
    int rowsOfPiece = Math.max(1, PIECE / columns);
    FloatBuffer values = FloatBuffer.allocate(Math.multiplyExact(rowsOfPiece, columns));
    for (int first = 0; first < rows; first += rowsOfPiece) {
      values.clear();
      values.limit(Math.min(rowsOfPiece, rows - first) * columns);
      start.read(stored, (long) first * columns, values);
      piece.accept(first, values.flip());
    }
  }
}
