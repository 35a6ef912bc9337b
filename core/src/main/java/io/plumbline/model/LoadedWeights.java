package io.plumbline.model;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.DecoderConfig.Head;
import io.plumbline.model.DecoderConfig.ParameterShape;
import io.plumbline.model.DecoderConfig.SegmentShape;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.Segment;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
   * The same.
   *
   * @param prefix of the segments' names, which tells models apart that are trained together
   */
  static List<Segment> segments(
      DecoderConfig config, Head head, WeightSource source, Purpose purpose, String prefix) {
    check(config, head, source);
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

  /** Fails where a model cannot have gradients. */
  static void checkTrainable(Purpose purpose) {
    if (purpose != Purpose.TRAINING) {
      throw new PlumblineException(
          ErrorCode.INTERNAL, "a model that was loaded for inference cannot be trained");
    }
  }

  private static Segment allocate(SegmentShape shape, Purpose purpose, String prefix) {
    return Segment.allocate(
        prefix + shape.name(),
        shape.parameters().stream().map(ParameterShape::name).toList(),
        shape.parameters().stream().map(ParameterShape::shape).toList(),
        purpose == Purpose.TRAINING ? Segment.Gradients.PRESENT : Segment.Gradients.NONE,
        Device.ofThread());
  }

  private static void check(DecoderConfig config, Head head, WeightSource source) {
    Map<String, long[]> wanted = new LinkedHashMap<>();
    config.segmentShapes(head).stream()
        .flatMap(segment -> segment.parameters().stream())
        .forEach(p -> wanted.put(p.name(), p.shape()));
    List<String> missing =
        wanted.keySet().stream().filter(n -> !source.names().contains(n)).toList();
    if (!missing.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          source.description() + " lacks " + some(missing) + " that its config.json asks for");
    }
    Set<String> extra = new HashSet<>(source.names());
    extra.removeAll(wanted.keySet());
    // Old checkpoints carry these buffers; a tied head is sometimes written as well.
    extra.removeIf(n -> n.endsWith("rotary_emb.inv_freq"));
    if (config.tiedEmbeddings()) {
      extra.remove(DecoderConfig.TOKENS_WEIGHT);
    }
    if (!extra.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          source.description()
              + " holds "
              + some(extra.stream().sorted().toList())
              + " that a "
              + config.family()
              + " model of its config.json does not have");
    }
    wanted.forEach(
        (name, shape) -> {
          long[] found = source.shape(name);
          if (!Arrays.equals(found, shape)) {
            throw new PlumblineException(
                ErrorCode.BAD_CHECKPOINT,
                source.description()
                    + " holds "
                    + name
                    + " with shape "
                    + Arrays.toString(found)
                    + ", but its config.json asks for "
                    + Arrays.toString(shape));
          }
        });
  }

  private static String some(List<String> names) {
    String first = "the tensor " + names.get(0);
    return names.size() == 1 ? first : first + " and " + (names.size() - 1) + " more";
  }

  private static void fill(Segment segment, FloatBuffer values, WeightSource source) {
    for (Segment.Slice slice : segment.slices()) {
      FloatBuffer target =
          values.slice(Math.toIntExact(slice.offset()), Math.toIntExact(slice.length()));
      source.read(slice.name(), target);
      if (target.hasRemaining()) {
        throw new PlumblineException(
            ErrorCode.BAD_CHECKPOINT,
            source.description()
                + " ends "
                + target.remaining()
                + " values before the end of "
                + slice.name());
      }
    }
  }

  /** The weights of a checkpoint. */
  static WeightSource of(ModelDirectory directory) {
    return new DirectoryWeights(directory);
  }

  /**
   * The same under a score head of the caller's: it takes the place of any head in there.
   *
   * @param head [hidden] values
   */
  static WeightSource withScoreHead(ModelDirectory directory, float[] head) {
    return new UnderScoreHead(of(directory), head);
  }

  private static final class DirectoryWeights implements WeightSource {
    private final ModelDirectory directory;
    private final Map<String, long[]> shapes = new LinkedHashMap<>();

    DirectoryWeights(ModelDirectory directory) {
      this.directory = directory;
      directory.tensors().forEach(t -> shapes.put(t.name(), t.shape()));
    }

    @Override
    public String description() {
      return directory.path();
    }

    @Override
    public Set<String> names() {
      return shapes.keySet();
    }

    @Override
    public long[] shape(String name) {
      return shapes.get(name);
    }

    @Override
    public void read(String name, FloatBuffer target) {
      directory.read(name, target);
    }
  }

  private record UnderScoreHead(WeightSource below, float[] head) implements WeightSource {
    @Override
    public String description() {
      return below.description();
    }

    @Override
    public Set<String> names() {
      Set<String> names = new HashSet<>(below.names());
      names.remove(DecoderConfig.TOKENS_WEIGHT);
      names.add(DecoderConfig.SCORE_WEIGHT);
      return names;
    }

    @Override
    public long[] shape(String name) {
      return name.equals(DecoderConfig.SCORE_WEIGHT)
          ? new long[] {1, head.length}
          : below.shape(name);
    }

    @Override
    public void read(String name, FloatBuffer target) {
      if (name.equals(DecoderConfig.SCORE_WEIGHT)) {
        target.put(head);
      } else {
        below.read(name, target);
      }
    }
  }
}
