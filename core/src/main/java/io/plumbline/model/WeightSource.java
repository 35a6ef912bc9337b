package io.plumbline.model;

import java.nio.FloatBuffer;
import java.util.Set;

/** Where a model's weights come from: a checkpoint, or fresh random numbers. */
public interface WeightSource {
  /** What messages call this source, such as its path. */
  String description();

  Set<String> names();

  long[] shape(String name);

  /**
   * Writes values of the tensor, row by row, into the whole of {@code target}.
   *
   * @param from how many values are before the first one that is wanted
   */
  void read(String name, long from, FloatBuffer target);

  /** What messages call a tensor: its name where it is stored. */
  default String nameInFile(String name) {
    return name;
  }
}
