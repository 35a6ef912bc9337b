package io.plumbline.model;

import io.plumbline.base.Floats;
import io.plumbline.model.architecture.DecoderConfig;
import java.nio.FloatBuffer;

/**
 * The parameters below an adapter, by the family's names: the values of their files, in whatever
 * type they are held.
 */
record BaseParameters(DecoderConfig config, WeightSource source) {
  /** Fills a target with a parameter's values; the embedding's for a head that is tied to it. */
  void read(String parameter, Floats target) {
    target.visit((from, piece) -> read(parameter, from, piece));
  }

  /**
   * Fills a target with some values of a parameter.
   *
   * @param from how many values are before the first one that is wanted
   */
  void read(String parameter, long from, FloatBuffer target) {
    boolean tied = config.tiedEmbeddings() && parameter.equals(config.names().head());
    source.read(tied ? config.names().embedding() : parameter, from, target);
  }
}
