package io.plumbline.model;

import io.plumbline.base.Floats;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Segment.Slice;
import java.util.List;

/** The frozen parameters below an adapter, by the family's names. */
record BaseParameters(DecoderConfig config, List<Segment> segments) {
  /** A parameter's values; the embedding's for a head that is tied to it. */
  Floats values(String parameter) {
    boolean tied = config.tiedEmbeddings() && parameter.equals(config.names().head());
    String stored = tied ? config.names().embedding() : parameter;
    for (Segment segment : segments) {
      for (Slice slice : segment.slices()) {
        if (slice.name().equals(stored)) {
          return segment.values().slice(slice.offset(), slice.length());
        }
      }
    }
    throw new PlumblineException(
        ErrorCode.INTERNAL, "the base of an adapter has no parameter " + parameter);
  }
}
