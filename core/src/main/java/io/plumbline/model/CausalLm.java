package io.plumbline.model;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.DecoderConfig.ParameterShape;
import io.plumbline.model.DecoderConfig.SegmentShape;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Segment;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * A decoder language model with its weights in memory.
 *
 * <p>The first token of a completion is predicted from the last token of its prompt. Behind an
 * empty prompt nothing predicts it: it then has log-probability 0 and never counts.
 */
public final class CausalLm implements AutoCloseable {
  /** In which type the kernels multiply. Masters, gradients and edges are f32 either way. */
  public enum ComputeDtype {
    F32,
    BF16
  }

  /** What a loaded model is for. */
  public enum Purpose {
    /** Forward passes only; safe to use from several threads at once. */
    INFERENCE,
    /** Has gradients too; one thread at a time. */
    TRAINING
  }

  private final DecoderConfig config;
  private final Purpose purpose;
  private final List<Segment> segments;
  private final Decoder decoder;

  private CausalLm(DecoderConfig config, Purpose purpose, ComputeDtype dtype, WeightSource source) {
    this.config = config;
    this.purpose = purpose;
    checkNames(config, source);
    List<Segment> allocated = new ArrayList<>();
    try {
      for (SegmentShape shape : config.segmentShapes()) {
        allocated.add(allocate(shape, purpose));
      }
      for (Segment segment : allocated) {
        fill(segment, source);
      }
      this.segments = List.copyOf(allocated);
      this.decoder = new Decoder(config, dtype, purpose, segments);
    } catch (RuntimeException | Error e) {
      allocated.forEach(Segment::close);
      throw e;
    }
  }

  /**
   * Loads a checkpoint.
   *
   * @throws PlumblineException BAD_CHECKPOINT where the architecture is not supported or the
   *     weights do not fit it
   */
  public static CausalLm load(ModelDirectory directory, Purpose purpose, ComputeDtype dtype) {
    DecoderConfig config = DecoderConfig.parse(directory.config(), directory.path());
    return load(config, new DirectoryWeights(directory), purpose, dtype);
  }

  /** A model with weights from anywhere, such as fresh random ones. */
  public static CausalLm load(
      DecoderConfig config, WeightSource source, Purpose purpose, ComputeDtype dtype) {
    return new CausalLm(config, purpose, dtype, source);
  }

  private static Segment allocate(SegmentShape shape, Purpose purpose) {
    return Segment.allocate(
        shape.name(),
        shape.parameters().stream().map(ParameterShape::name).toList(),
        shape.parameters().stream().map(ParameterShape::shape).toList(),
        purpose == Purpose.TRAINING ? Segment.Gradients.PRESENT : Segment.Gradients.NONE);
  }

  private static void checkNames(DecoderConfig config, WeightSource source) {
    Map<String, long[]> wanted = new LinkedHashMap<>();
    config.parameterShapes().forEach(p -> wanted.put(p.name(), p.shape()));
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
      extra.remove("lm_head.weight");
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

  private static void fill(Segment segment, WeightSource source) {
    FloatBuffer values = segment.values();
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

  public DecoderConfig config() {
    return config;
  }

  /** Weights in the order of the forward pass: embedding, each layer, final norm with head. */
  public List<Segment> segments() {
    return List.copyOf(segments);
  }

  Decoder decoder() {
    return decoder;
  }

  /**
   * Log-probabilities of the completion tokens that count, without a graph. One micro-batch: the
   * caller chooses how many rows fit.
   */
  public TokenLogps logps(List<TokenizedRow> rows) {
    return logps(rows, TokenStatistics.NONE);
  }

  /** The same, with statistics of each token. */
  public TokenLogps logps(List<TokenizedRow> rows, TokenStatistics statistics) {
    try (ForwardPass pass =
        new ForwardPass(
            decoder, rows, GraphMode.INFERENCE, ActivationMemory.RECOMPUTE, statistics)) {
      return pass.tokens();
    }
  }

  /** The same with a graph kept for {@link TrainingPass#backward}. */
  public TrainingPass forward(List<TokenizedRow> rows) {
    return forward(rows, ActivationMemory.KEEP, TokenStatistics.NONE);
  }

  /** The same, with a choice of what is kept and what is reported. */
  public TrainingPass forward(
      List<TokenizedRow> rows, ActivationMemory memory, TokenStatistics statistics) {
    if (purpose != Purpose.TRAINING) {
      throw new PlumblineException(
          ErrorCode.INTERNAL, "a model that was loaded for inference cannot be trained");
    }
    ForwardPass pass = new ForwardPass(decoder, rows, GraphMode.GRAPH, memory, statistics);
    return new TrainingPass() {
      @Override
      public TokenLogps tokens() {
        return pass.tokens();
      }

      @Override
      public void backward(List<List<float[]>> gradients, Consumer<Segment> onFinal) {
        pass.backward(gradients, onFinal);
      }

      @Override
      public void close() {
        pass.close();
      }
    };
  }

  /** Logits of every place of one sequence: [tokens][vocabulary]. For tests of small models. */
  float[][] logits(int[] sequence) {
    try (Scope scope = Scope.open()) {
      return decoder.logits(scope, sequence);
    }
  }

  /** Frees the weights; buffers of its segments must not be touched after this. */
  @Override
  public void close() {
    decoder.close();
    segments.forEach(Segment::close);
  }

  /** Adapts a model directory. */
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
}
