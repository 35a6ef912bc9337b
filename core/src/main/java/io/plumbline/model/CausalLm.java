package io.plumbline.model;

import io.plumbline.checkpoint.Adapter;
import io.plumbline.checkpoint.AdapterConfig;
import io.plumbline.checkpoint.InitModel.EmbeddingSharing;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.ModelDirectoryWriter;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.HeldDtype;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Segment;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A decoder language model with its weights in memory.
 *
 * <p>The first token of a completion is predicted from the last token of its prompt. Behind an
 * empty prompt nothing predicts it: it then has log-probability 0 and never counts.
 */
public final class CausalLm implements AutoCloseable {
  /** In which type the kernels multiply. Masters, gradients and edges are f32 either way. */
  public enum ComputeDtype {
    F32("torch.float32"),
    BF16("torch.bfloat16");

    private final String inKernels;

    ComputeDtype(String inKernels) {
      this.inKernels = inKernels;
    }

    /** As the files of kernels write it. */
    public String inKernels() {
      return inKernels;
    }
  }

  /** What a loaded model is for. */
  public enum Purpose {
    /** Forward passes only; safe to use from several threads at once. */
    INFERENCE,
    /** Has gradients too; one thread at a time. */
    TRAINING
  }

  private final HeldWeights weights;

  /** The model below an adapter, where it is closed with this one. */
  private final Optional<CausalLm> below;

  private CausalLm(HeldWeights weights) {
    this(weights, Optional.empty());
  }

  private CausalLm(HeldWeights weights, Optional<CausalLm> below) {
    this.weights = weights;
    this.below = below;
  }

  /**
   * A model with a fresh adapter, which changes nothing yet and is all that is trained.
   *
   * @param base the model below, for inference; it must stay open
   * @param seed equal seeds give equal adapters, everywhere
   * @throws PlumblineException BAD_USAGE where the configuration names what the model has not
   */
  public static CausalLm adapted(CausalLm base, AdapterConfig adapter, long seed) {
    return new CausalLm(base.weights.adapted(adapter, "", seed));
  }

  /**
   * A model with an adapter that was trained before.
   *
   * @param base the model below, for inference; it must stay open
   * @param purpose whether the adapter is trained further
   * @throws PlumblineException BAD_CHECKPOINT where it does not fit the model
   */
  public static CausalLm adapted(CausalLm base, Adapter adapter, Purpose purpose) {
    return new CausalLm(base.weights.adapted(adapter, purpose, ""));
  }

  /**
   * A model with an adapter that is trained further, with its dropout.
   *
   * @param base the model below, for inference; it must stay open
   * @param seed of the dropout
   * @throws PlumblineException BAD_CHECKPOINT where it does not fit the model
   */
  public static CausalLm trainedFurther(CausalLm base, Adapter adapter, long seed) {
    return new CausalLm(base.weights.trainedFurther(adapter, "", seed));
  }

  /**
   * Fails as {@link #adapted(CausalLm, AdapterConfig, long)} would.
   *
   * @return the number of parameters that are trained
   */
  public static long check(ModelDirectory directory, AdapterConfig adapter) {
    return AdapterPlan.of(check(directory), Head.TOKENS, adapter).parameters();
  }

  /** Fails as {@link #adapted(CausalLm, Adapter, Purpose)} would. */
  public static void check(ModelDirectory directory, Adapter adapter) {
    AdapterPlan.of(check(directory), Head.TOKENS, adapter);
  }

  /**
   * Loads a checkpoint, to the device of this thread.
   *
   * @throws PlumblineException BAD_CHECKPOINT where the architecture is not supported, the weights
   *     do not fit it, or it is a reward model
   */
  public static CausalLm load(ModelDirectory directory, Purpose purpose, ComputeDtype dtype) {
    Checkpoint checkpoint = checkpoint(directory);
    return load(checkpoint.config(), checkpoint.weights(), purpose, dtype);
  }

  /**
   * Loads a checkpoint that is not trained, to the device of this thread. Where a directory is that
   * of an adapter, its model is held so below it; in f32 the two are merged.
   *
   * @param held the type of the matrices of layers, as {@link BaseStorage} says
   * @throws PlumblineException BAD_CHECKPOINT as {@link #load(ModelDirectory, Purpose,
   *     ComputeDtype)} would
   */
  public static CausalLm frozen(ModelDirectory directory, ComputeDtype dtype, HeldDtype held) {
    if (held == HeldDtype.F32) {
      return load(directory, Purpose.INFERENCE, dtype);
    }
    Checkpoint checkpoint = checkpoint(directory.base());
    CausalLm base = frozen(checkpoint.config(), checkpoint.weights(), dtype, held);
    if (directory.adapter().isEmpty()) {
      return base;
    }
    try {
      HeldWeights adapted = base.weights.adapted(directory.adapter().get(), Purpose.INFERENCE, "");
      return new CausalLm(adapted, Optional.of(base));
    } catch (RuntimeException | Error e) {
      base.close();
      throw e;
    }
  }

  /** A model that is not trained, with weights from anywhere. */
  static CausalLm frozen(
      DecoderConfig config, WeightSource source, ComputeDtype dtype, HeldDtype held) {
    BaseStorage storage = new BaseStorage(config, held);
    return new CausalLm(HeldWeights.frozen(storage, Head.TOKENS, dtype, source));
  }

  /**
   * Fails as {@link #load(ModelDirectory, Purpose, ComputeDtype)} would where the checkpoint is no
   * language model of a supported architecture, or its weights do not fit by name, shape, size or
   * type; reads headers only. Gives its configuration.
   */
  public static DecoderConfig check(ModelDirectory directory) {
    return checkpoint(directory).config();
  }

  private static Checkpoint checkpoint(ModelDirectory directory) {
    if (directory.kind() == ModelDirectory.Kind.REWARD_MODEL) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          directory.path()
              + " is a reward model, which scores texts and predicts no tokens: name the language"
              + " model that is meant");
    }
    return Checkpoint.of(directory, Head.TOKENS);
  }

  /** A model with weights from anywhere, such as fresh random ones. */
  public static CausalLm load(
      DecoderConfig config, WeightSource source, Purpose purpose, ComputeDtype dtype) {
    return new CausalLm(HeldWeights.load(config, Head.TOKENS, dtype, purpose, source, ""));
  }

  public DecoderConfig config() {
    return weights.config();
  }

  /**
   * Weights in the order of the forward pass: embedding, each layer, final norm with head; with an
   * adapter its own alone.
   */
  public List<Segment> segments() {
    return List.copyOf(weights.segments());
  }

  Decoder decoder() {
    return weights.decoder();
  }

  /**
   * Log-probabilities of the completion tokens that count, without a graph. One micro-batch: the
   * caller chooses how many rows fit.
   */
  public TokenLogps logps(List<TokenizedRow> rows) {
    return logps(rows, Set.of());
  }

  /** Log-probabilities of the counted tokens, with statistics of each. */
  public TokenLogps logps(List<TokenizedRow> rows, Set<TokenStatistic> statistics) {
    return logps(rows, statistics, 1);
  }

  /**
   * Log-probabilities and statistics of the distribution softmax(logits / temperature).
   *
   * @throws PlumblineException BAD_USAGE where the temperature is not a positive number
   */
  public TokenLogps logps(
      List<TokenizedRow> rows, Set<TokenStatistic> statistics, double temperature) {
    try (TokenPass pass =
        new TokenPass(
            decoder(),
            rows,
            GraphMode.INFERENCE,
            ActivationMemory.RECOMPUTE,
            statistics,
            temperature)) {
      return pass.values();
    }
  }

  /** Whether passes with a graph leave elements out at random. */
  public boolean hasDropout() {
    return decoder().dropout.drops();
  }

  /**
   * Log-probabilities as a training pass finds them: of a model with dropout, with what the present
   * draw leaves out.
   */
  public TokenLogps trainedLogps(List<TokenizedRow> rows, double temperature) {
    try (TrainingPass<TokenLogps, TokenGradients> pass =
        forward(rows, ActivationMemory.RECOMPUTE, Set.of(), temperature)) {
      return pass.values();
    }
  }

  /** Log-probabilities, with a graph kept for {@link TrainingPass#backward}. */
  public TrainingPass<TokenLogps, TokenGradients> forward(List<TokenizedRow> rows) {
    return forward(rows, ActivationMemory.KEEP, Set.of());
  }

  /** A training pass with a choice of what is kept for backward and of what is reported. */
  public TrainingPass<TokenLogps, TokenGradients> forward(
      List<TokenizedRow> rows, ActivationMemory memory, Set<TokenStatistic> statistics) {
    return forward(rows, memory, statistics, 1);
  }

  /**
   * A training pass over the distribution softmax(logits / temperature).
   *
   * @throws PlumblineException BAD_USAGE where the temperature is not a positive number
   */
  public TrainingPass<TokenLogps, TokenGradients> forward(
      List<TokenizedRow> rows,
      ActivationMemory memory,
      Set<TokenStatistic> statistics,
      double temperature) {
    weights.checkTrainable();
    return new TokenPass(decoder(), rows, GraphMode.GRAPH, memory, statistics, temperature);
  }

  /**
   * Writes a checkpoint that {@link #load(ModelDirectory, Purpose, ComputeDtype)} and transformers'
   * {@code AutoModelForCausalLM} read: these weights, and everything else of the model that they
   * started from. Of a model with an adapter, writes the adapter as PEFT does.
   *
   * @param start where this model was loaded from
   */
  public void write(Storage storage, String path, ModelDirectory start, WeightFormat format) {
    EmbeddingSharing sharing =
        config().tiedEmbeddings() ? EmbeddingSharing.TIED : EmbeddingSharing.SEPARATE;
    weights.write(
        storage,
        path,
        start,
        format,
        () -> ModelDirectoryWriter.carrying(start).asLanguageModel(sharing));
  }

  /** Logits of every place of one sequence: [tokens][vocabulary]. For tests of small models. */
  float[][] logits(int[] sequence) {
    try (Scope scope = Scope.on(decoder().device)) {
      return decoder().logits(scope, sequence);
    }
  }

  /** Frees the weights; buffers of its segments must not be touched after this. */
  @Override
  public void close() {
    weights.close();
    below.ifPresent(CausalLm::close);
  }
}
