package io.plumbline.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.checkpoint.Adapter;
import io.plumbline.checkpoint.AdapterConfig;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.ModelDirectoryWriter;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.HeldDtype;
import io.plumbline.tensor.Segment;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A decoder with a scalar head: a text's score is the head's value at the text's last token that is
 * not its padding token, of prompt and completion. What transformers calls a sequence classifier
 * with one label ({@code LlamaForSequenceClassification} and its kin): it looks for padding among
 * the ids, so that a reward model whose padding ends texts scores what stands before that end.
 *
 * <p>Values and gradients are lists by row of one number a completion. A row's completions share
 * the pass over its prompt; loss masks say nothing here.
 */
public final class ScoreModel implements TrainedModel<List<float[]>, List<float[]>>, AutoCloseable {
  /** What transformers takes where a configuration does not say. */
  private static final double INITIALIZER_RANGE = 0.02;

  private final HeldWeights weights;

  /** The token that is passed over at the end of a text; negative for none. */
  private final int padding;

  private ScoreModel(HeldWeights weights, int padding) {
    this.weights = weights;
    this.padding = padding;
  }

  private ScoreModel(
      Checkpoint checkpoint, Purpose purpose, ComputeDtype dtype, int padding, String prefix) {
    this(
        HeldWeights.load(
            checkpoint.config(), Head.SCORE, dtype, purpose, checkpoint.weights(), prefix),
        padding);
  }

  /**
   * A model with a fresh adapter and a copy of its head, which are all that is trained.
   *
   * @param base the model below, for inference; it must stay open
   * @param prefix of the names of segments, which tells models apart that are trained together
   * @param seed equal seeds give equal adapters, everywhere
   * @throws PlumblineException BAD_USAGE where the configuration names what the model has not
   */
  public static ScoreModel adapted(
      ScoreModel base, AdapterConfig adapter, String prefix, long seed) {
    return new ScoreModel(base.weights.adapted(adapter, prefix, seed), base.padding);
  }

  /**
   * A model with an adapter that is trained further, with its dropout.
   *
   * @param base the model below, for inference; it must stay open
   * @param prefix of the names of segments, which tells models apart that are trained together
   * @param seed of the dropout
   * @throws PlumblineException BAD_CHECKPOINT where it does not fit the model
   */
  public static ScoreModel trainedFurther(
      ScoreModel base, Adapter adapter, String prefix, long seed) {
    return new ScoreModel(base.weights.trainedFurther(adapter, prefix, seed), base.padding);
  }

  /**
   * Fails as {@link #adapted(ScoreModel, AdapterConfig, String, long)} would.
   *
   * @return the number of parameters that are trained
   */
  public static long check(ModelDirectory directory, AdapterConfig adapter) {
    checkStart(directory);
    return AdapterPlan.of(
            DecoderConfig.parse(directory.config(), directory.path()), Head.SCORE, adapter)
        .parameters();
  }

  /** Fails as {@link #trainedFurther(ScoreModel, Adapter, String, long)} would. */
  public static void check(ModelDirectory directory, Adapter adapter) {
    checkStart(directory);
    AdapterPlan.of(DecoderConfig.parse(directory.config(), directory.path()), Head.SCORE, adapter);
  }

  /**
   * Loads a reward model, or a language model under a fresh head in the place of its own: normal
   * with mean 0 and the configuration's {@code initializer_range} as deviation.
   *
   * @param seed of a fresh head: equal seeds give equal heads, everywhere
   * @throws PlumblineException BAD_CHECKPOINT where the architecture is not supported, the weights
   *     do not fit it, or there is more than one label
   */
  public static ScoreModel load(
      ModelDirectory directory, Purpose purpose, ComputeDtype dtype, long seed) {
    return withItsHeadOrFresh(directory, purpose, dtype, seed, "");
  }

  /**
   * Loads a reward model.
   *
   * @throws PlumblineException BAD_CHECKPOINT as above, and where the checkpoint is a language
   *     model, whose scores under a fresh head would mean nothing
   */
  public static ScoreModel load(ModelDirectory directory, Purpose purpose, ComputeDtype dtype) {
    Checkpoint checkpoint = rewardModel(directory);
    return new ScoreModel(checkpoint, purpose, dtype, checkpoint.config().padTokenId(), "");
  }

  /**
   * Fails as {@link #load(ModelDirectory, Purpose, ComputeDtype)} would where the checkpoint is no
   * reward model, or its weights do not fit by name, shape, size or type; reads headers only.
   */
  public static void check(ModelDirectory directory) {
    rewardModel(directory);
  }

  private static Checkpoint rewardModel(ModelDirectory directory) {
    if (!hasHead(directory)) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          directory.path()
              + " is a language model and has no score head: train a reward model from it with the"
              + " command reward, and name that one's checkpoint");
    }
    checkOneLabel(directory);
    return Checkpoint.of(directory, Head.SCORE);
  }

  /**
   * Whether a checkpoint is, or may be read as, a reward model: transformers takes a score head
   * where there is one, whatever architecture is named.
   */
  public static boolean hasHead(ModelDirectory directory) {
    return directory.kind() == ModelDirectory.Kind.REWARD_MODEL
        || directory.has(DecoderConfig.SCORE_WEIGHT);
  }

  /**
   * Loads a checkpoint under a given head, which takes the place of the one that it has.
   *
   * @param head [hidden] values
   */
  public static ScoreModel load(
      ModelDirectory directory, Purpose purpose, ComputeDtype dtype, float[] head) {
    Checkpoint checkpoint = Checkpoint.withScoreHead(directory, hidden -> head.clone());
    int padding = hasHead(directory) ? checkpoint.config().padTokenId() : -1;
    return new ScoreModel(checkpoint, purpose, dtype, padding, "");
  }

  /**
   * Loads a critic, whose values are those of {@link #values}: a reward model with its head, or a
   * language model under a fresh one. The names of its segments differ from a policy's.
   *
   * @param seed of a fresh head
   * @throws PlumblineException BAD_CHECKPOINT as for a reward model
   */
  public static ScoreModel critic(
      ModelDirectory directory, Purpose purpose, ComputeDtype dtype, long seed) {
    return withItsHeadOrFresh(directory, purpose, dtype, seed, "critic ");
  }

  /**
   * Loads a model that is not trained, with its head or a fresh one as above.
   *
   * @param held the type of the matrices of layers, as {@link BaseStorage} says
   */
  public static ScoreModel frozen(
      ModelDirectory directory, ComputeDtype dtype, HeldDtype held, long seed) {
    Start start = Start.of(directory, seed);
    BaseStorage storage = new BaseStorage(start.checkpoint().config(), held);
    return new ScoreModel(
        HeldWeights.frozen(storage, Head.SCORE, dtype, start.checkpoint().weights()),
        start.padding());
  }

  private static ScoreModel withItsHeadOrFresh(
      ModelDirectory directory, Purpose purpose, ComputeDtype dtype, long seed, String prefix) {
    Start start = Start.of(directory, seed);
    return new ScoreModel(start.checkpoint(), purpose, dtype, start.padding(), prefix);
  }

  /**
   * What training starts from.
   *
   * @param padding as {@link ScoreModel#padding}
   */
  private record Start(Checkpoint checkpoint, int padding) {
    /** A reward model with its head, or a language model under a fresh one. */
    static Start of(ModelDirectory directory, long seed) {
      if (hasHead(directory)) {
        Checkpoint checkpoint = rewardModel(directory);
        return new Start(checkpoint, checkpoint.config().padTokenId());
      }
      Checkpoint checkpoint =
          Checkpoint.withScoreHead(
              directory, hidden -> freshHead(hidden, deviation(directory), seed));
      return new Start(checkpoint, ModelDirectoryWriter.paddingOfNewRewardModel(directory));
    }
  }

  /**
   * Fails as {@link #load(ModelDirectory, Purpose, ComputeDtype, long)} and {@link #critic} would:
   * as {@link #check} does, but a language model may stand there too.
   */
  public static void checkStart(ModelDirectory directory) {
    if (hasHead(directory)) {
      check(directory);
    } else {
      Checkpoint.withScoreHead(directory, float[]::new);
    }
  }

  /** A head for a language model's hidden states: [hidden] values. */
  static float[] freshHead(ModelDirectory directory, long seed) {
    DecoderConfig config = DecoderConfig.parse(directory.config(), directory.path());
    return freshHead(config.hiddenSize(), deviation(directory), seed);
  }

  private static double deviation(ModelDirectory directory) {
    return directory.config().path("initializer_range").asDouble(INITIALIZER_RANGE);
  }

  /**
   * transformers counts the names of id2label, else takes num_labels, else 2; a head of one row
   * says that num_labels was given when the model was loaded, as TRL does.
   */
  private static void checkOneLabel(ModelDirectory directory) {
    JsonNode names = directory.config().path("id2label");
    JsonNode number = directory.config().path("num_labels");
    long labels = names.isObject() ? names.size() : number.asLong(1);
    for (ModelDirectory.TensorInfo tensor : directory.tensors()) {
      if (tensor.name().equals(DecoderConfig.SCORE_WEIGHT)
          && tensor.shape().length == 2
          && tensor.shape()[0] != 1) {
        labels = tensor.shape()[0];
      }
    }
    if (labels != 1) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          directory.path()
              + " is a classifier of "
              + labels
              + " labels, but a reward model has one score: name a checkpoint with num_labels 1");
    }
    String problem = directory.config().path("problem_type").asText("");
    if (problem.equals("single_label_classification")) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          directory.path()
              + " has problem_type single_label_classification with one label, which transformers"
              + " refuses; a reward model's is regression or none: change it in config.json");
    }
  }

  private static float[] freshHead(int hidden, double deviation, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] head = new float[hidden];
    for (int i = 0; i < hidden; i++) {
      head[i] = (float) NormalNumbers.next(random, deviation);
    }
    return head;
  }

  private Decoder decoder() {
    return weights.decoder();
  }

  public DecoderConfig config() {
    return weights.config();
  }

  /** Weights in the order of the forward pass: embedding, each layer, final norm with head. */
  @Override
  public List<Segment> segments() {
    return weights.segments();
  }

  @Override
  public ComputeDtype computeDtype() {
    return decoder().dtype;
  }

  @Override
  public boolean hasDropout() {
    return decoder().dropout.drops();
  }

  @Override
  public void begin(long draw) {
    decoder().begin(draw);
  }

  @Override
  public List<float[]> infer(List<TokenizedRow> rows) {
    try (ScorePass pass =
        new ScorePass(decoder(), rows, padding, GraphMode.INFERENCE, ActivationMemory.RECOMPUTE)) {
      return pass.values();
    }
  }

  @Override
  public TrainingPass<List<float[]>, List<float[]>> forward(
      List<TokenizedRow> rows, ActivationMemory memory) {
    weights.checkTrainable();
    return new ScorePass(decoder(), rows, padding, GraphMode.GRAPH, memory);
  }

  /**
   * The head's value at every state of each completion: before each token, and behind the last. By
   * row and completion, one more than the completion has tokens.
   */
  public List<List<float[]>> values(List<TokenizedRow> rows) {
    try (ValuePass pass = valuePass(rows, GraphMode.INFERENCE, ActivationMemory.RECOMPUTE)) {
      return pass.values();
    }
  }

  /** The scores of every prefix, with a graph kept for {@link TrainingPass#backward}. */
  TrainingPass<List<List<float[]>>, List<List<float[]>>> forwardValues(
      List<TokenizedRow> rows, ActivationMemory memory) {
    weights.checkTrainable();
    return valuePass(rows, GraphMode.GRAPH, memory);
  }

  private ValuePass valuePass(List<TokenizedRow> rows, GraphMode mode, ActivationMemory memory) {
    Decoder decoder = decoder();
    return new ValuePass(decoder, decoder.head, decoder.headGradient, rows, mode, memory);
  }

  /**
   * Writes a checkpoint that {@link #load(ModelDirectory, Purpose, ComputeDtype)} and transformers'
   * {@code AutoModelForSequenceClassification} read: these weights, and everything else of the
   * model that training started from.
   *
   * @param start where this model was loaded from
   */
  public void write(Storage storage, String path, ModelDirectory start, WeightFormat format) {
    weights.write(storage, path, start, format, () -> writer(start));
  }

  /** Of a reward model that began as {@code start}, which may name another architecture. */
  private static ModelDirectoryWriter writer(ModelDirectory start) {
    ModelDirectoryWriter carrying = ModelDirectoryWriter.carrying(start);
    return hasHead(start) ? carrying.asRewardModel() : carrying.asNewRewardModel();
  }

  /** Frees the weights; buffers of its segments must not be touched after this. */
  @Override
  public void close() {
    weights.close();
  }
}
