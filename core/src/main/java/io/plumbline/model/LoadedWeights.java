package io.plumbline.model;

import io.plumbline.base.Floats;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.TensorSource;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.model.architecture.DecoderConfig.ParameterShape;
import io.plumbline.model.architecture.DecoderConfig.SegmentShape;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.HeldDtype;
import io.plumbline.tensor.Segment;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Brings weights into memory, after a check that they are what a configuration asks for. */
final class LoadedWeights {
  private LoadedWeights() {}

  /**
   * The weights of a model under a head, on the thread's device; the caller closes the segments.
   */
  static List<Segment> segments(
      DecoderConfig config, Head head, WeightSource source, Purpose purpose) {
    return segments(config, head, source, purpose, "");
  }

  /**
   * Allocates the segments of a model and fills them, under names that begin with a prefix.
   *
   * @param prefix of the segments' names, which tells models apart that are trained together
   */
  static List<Segment> segments(
      DecoderConfig config, Head head, WeightSource source, Purpose purpose, String prefix) {
    WeightCheck.require(config, head, source);
    List<Segment> allocated = new ArrayList<>();
    try {
      for (SegmentShape shape : config.segmentShapes(head)) {
        allocated.add(allocate(shape, purpose, prefix));
      }
      for (Segment segment : allocated) {
        segment.fillValues(values -> fill(segment, values, source));
      }
      return List.copyOf(allocated);
    } catch (RuntimeException | Error e) {
      allocated.forEach(Segment::close);
      throw e;
    }
  }

  /**
   * The weights of a model that is not trained, held as a storage says; the caller closes the
   * segments. At most one segment is there in f32 besides.
   */
  static List<Segment> frozen(BaseStorage storage, Head head, WeightSource source) {
    DecoderConfig config = storage.config();
    if (storage.matrices() == HeldDtype.F32) {
      return segments(config, head, source, Purpose.INFERENCE);
    }
    WeightCheck.require(config, head, source);
    List<Segment> lowered = new ArrayList<>();
    try {
      for (SegmentShape shape : config.segmentShapes(head)) {
        try (Segment read = allocate(shape, Purpose.INFERENCE, "")) {
          read.fillValues(values -> fill(read, values, source));
          lowered.add(read.lowered(slice -> storage.of(slice.name(), slice.shape())));
        }
      }
      return List.copyOf(lowered);
    } catch (RuntimeException | Error e) {
      lowered.forEach(Segment::close);
      throw e;
    }
  }

  /** The weights as a checkpoint is written from them, by the names of the slices. */
  static List<TensorSource> tensors(List<Segment> segments) {
    List<TensorSource> tensors = new ArrayList<>();
    for (Segment segment : segments) {
      for (Segment.Slice slice : segment.slices()) {
        tensors.add(
            TensorSource.inPieces(
                slice.name(),
                slice.shape(),
                () -> segment.values().slice(slice.offset(), slice.length())));
      }
    }
    return tensors;
  }

  private static Segment allocate(SegmentShape shape, Purpose purpose, String prefix) {
    return Segment.allocate(
        prefix + shape.name(),
        shape.parameters().stream().map(ParameterShape::name).toList(),
        shape.parameters().stream().map(ParameterShape::shape).toList(),
        purpose == Purpose.TRAINING ? Segment.Gradients.PRESENT : Segment.Gradients.NONE,
        Device.ofThread());
  }

  private static void fill(Segment segment, Floats values, WeightSource source) {
    for (Segment.Slice slice : segment.slices()) {
      values
          .slice(slice.offset(), slice.length())
          .visit((from, piece) -> fill(slice.name(), from, piece, source));
    }
  }

  /**
   * @param from how many values of the tensor are before the piece
   */
  private static void fill(String name, long from, FloatBuffer piece, WeightSource source) {
    source.read(name, from, piece);
    if (piece.hasRemaining()) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          source.description()
              + " ends "
              + piece.remaining()
              + " values before the end of "
              + name);
    }
    // A number that is none spoils every number that is computed from it.
    int at = NotFinite.first(piece.rewind());
    if (at >= 0) {
      throw ModelDirectory.notFinite(source.description(), source.nameInFile(name), from + at);
    }
  }

  /**
   * Weights under a score head of the caller's.
   *
   * @param head [hidden] values
   */
  static WeightSource withScoreHead(WeightSource below, float[] head) {
    return new UnderScoreHead(below, head);
  }

  private record UnderScoreHead(WeightSource below, float[] head) implements WeightSource {
    @Override
    public String description() {
      return below.description();
    }

    @Override
    public Set<String> names() {
      Set<String> names = new HashSet<>(below.names());
      names.add(DecoderConfig.SCORE_WEIGHT);
      return names;
    }

    @Override
    public String nameInFile(String name) {
      return below.nameInFile(name);
    }

    @Override
    public long[] shape(String name) {
      return name.equals(DecoderConfig.SCORE_WEIGHT)
          ? new long[] {1, head.length}
          : below.shape(name);
    }

    @Override
    public void read(String name, long from, FloatBuffer target) {
      if (name.equals(DecoderConfig.SCORE_WEIGHT)) {
        target.put(head, (int) from, target.remaining());
      } else {
        below.read(name, from, target);
      }
    }
  }
}
