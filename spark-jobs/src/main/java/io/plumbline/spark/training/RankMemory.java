package io.plumbline.spark.training;

import com.sun.management.OperatingSystemMXBean;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.ActivationMemory;
import io.plumbline.model.BaseStorage;
import io.plumbline.model.TrainingMemory;
import io.plumbline.model.TrainingMemory.Parameters;
import io.plumbline.model.TrainingMemory.Pass;
import io.plumbline.model.TrainingMemory.Trained;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.spark.gang.DeviceChoice;
import io.plumbline.spark.training.algorithm.ModelUse;
import io.plumbline.spark.training.algorithm.RolloutSettings;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.HeldDtype;
import java.lang.management.ManagementFactory;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToLongFunction;
import org.apache.spark.SparkConf;

/**
 * The memory that a rank needs beside what it has, as far as Spark's settings tell: under a local
 * master the machine's, on YARN and Kubernetes what an executor's container may take. Spark's own
 * clusters bound no process, and memory of GPUs is not known to the driver: nothing is said then.
 */
final class RankMemory {
  private static final String OVERHEAD = "spark.executor.memoryOverhead";

  /**
   * What a process takes before it has a model: Spark, the part of Java's heap that is in use, and
   * PyTorch. Measured under a local master, at the start of training.
   */
  private static final long PROCESS_BYTES = 800L << 20;

  private final SparkConf conf;
  private final long machineBytes;
  private final TrainingRequest request;

  /** By the type in which the weights below an adapter are held. */
  private final Map<HeldDtype, TrainingMemory> needs;

  private final TrainingMemory need;

  private RankMemory(
      SparkConf conf,
      long machineBytes,
      TrainingRequest request,
      Map<HeldDtype, TrainingMemory> needs) {
    this.conf = conf;
    this.machineBytes = machineBytes;
    this.request = request;
    this.needs = needs;
    this.need = needs.get(request.lora().baseDtype());
  }

  static RankMemory of(
      SparkConf conf, Storage storage, TrainingRequest request, ModelDirectory model) {
    OperatingSystemMXBean machine =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return of(conf, machine.getTotalMemorySize(), storage, request, model);
  }

  /**
   * @param machineBytes the memory of the machine that a local master has
   */
  static RankMemory of(
      SparkConf conf,
      long machineBytes,
      Storage storage,
      TrainingRequest request,
      ModelDirectory model) {
    int models = request.objective().criticStart().isPresent() ? 2 : 1;
    long trained = models * Preflight.trained(storage, request, model);
    long judging = judging(storage, request);
    // Ranks of one process share what they do not train.
    int sharing = isLocal(conf) ? request.cluster().ranks() : 1;
    Map<HeldDtype, TrainingMemory> needs = new EnumMap<>(HeldDtype.class);
    for (HeldDtype held : HeldDtype.values()) {
      if (held == HeldDtype.F32 || request.lora().trainsAdapter()) {
        long frozen = (frozen(request, model, held) + judging) / sharing;
        needs.put(held, need(request, model, trained, frozen, held));
      }
    }
    return new RankMemory(conf, machineBytes, request, needs);
  }

  /**
   * @param trained how many parameters are
   * @param frozen bytes of what is held and not trained
   */
  private static TrainingMemory need(
      TrainingRequest request, ModelDirectory model, long trained, long frozen, HeldDtype held) {
    int longest = request.lengths().maxLength().orElse(request.batch().microBatchTokens());
    long places =
        request.batch().microBatchSize().isPresent()
            ? (long) request.batch().microBatchSize().getAsInt() * longest
            : Math.max(longest, request.batch().microBatchTokens());
    return TrainingMemory.of(
        DecoderConfig.parse(model.config(), model.path()),
        new Parameters(
            trained * Float.BYTES + frozen,
            trained,
            request.optimizer().momentBytes(),
            request.lora().trainsAdapter() ? Trained.ADAPTERS : Trained.WEIGHTS,
            held),
        new Pass(places, longest, places),
        request.cluster().computeDtype(),
        request.batch().activations());
  }

  /** Bytes of the weights below adapters, or of a reference beside trained ones. */
  private static long frozen(TrainingRequest request, ModelDirectory model, HeldDtype held) {
    if (!request.lora().trainsAdapter()) {
      return request.rollouts().filter(RolloutSettings::holdsReference).isPresent()
          ? model.base().parameters() * Float.BYTES
          : 0;
    }
    BaseStorage base = new BaseStorage(DecoderConfig.parse(model.config(), model.path()), held);
    boolean scores = request.algorithm().modelUse() == ModelUse.DECODER;
    boolean critic = request.objective().criticStart().isPresent();
    return base.bytes(scores ? Head.SCORE : Head.TOKENS) + (critic ? base.bytes(Head.SCORE) : 0);
  }

  /** Bytes of reward models. */
  private static long judging(Storage storage, TrainingRequest request) {
    return request.objective().models().entrySet().stream()
        .filter(other -> !other.getKey().equals("critic"))
        .mapToLong(other -> ModelDirectory.open(storage, other.getValue()).parameters())
        .map(parameters -> parameters * Float.BYTES)
        .sum();
  }

  /** The largest type of frozen weights, below the one that is asked for, in which a run fits. */
  private String smaller(ToLongFunction<TrainingMemory> needed, long room) {
    return needs.entrySet().stream()
        .filter(entry -> entry.getKey().compareTo(request.lora().baseDtype()) > 0)
        .filter(entry -> needed.applyAsLong(entry.getValue()) <= room)
        .findFirst()
        .map(
            entry ->
                ", hold the frozen weights by --base-dtype "
                    + entry.getKey().name().toLowerCase(Locale.ROOT))
        .orElse("");
  }

  private static long least(TrainingMemory memory) {
    return memory.weights() + memory.gradients() + memory.moments();
  }

  private static boolean isLocal(SparkConf conf) {
    return conf.get("spark.master", "").startsWith("local");
  }

  /** What cannot fit, whatever the rows are: a sentence; empty where it may. */
  Optional<String> obstacle() {
    long least = least(need);
    return room()
        .filter(room -> least > room.bytes())
        .map(
            room ->
                String.format(
                    Locale.ROOT,
                    "A rank needs %s for weights, gradients and the optimizer's moments of %s, and"
                        + " %s has %s: %s%s%s%s.",
                    Preflight.size(least),
                    request.files().model(),
                    room.of(),
                    Preflight.size(room.bytes()),
                    room.remedy(need.total()),
                    request.lora().trainsAdapter()
                        ? ""
                        : ", train an adapter by --lora-r, or take --optim adafactor",
                    smaller(RankMemory::least, room.bytes()),
                    request.objective().criticStart().isPresent()
                        ? ", or take --critic-trunk shared"
                        : ""));
  }

  /** What may not fit where micro-batches are full: a sentence; empty where it does. */
  Optional<String> doubt() {
    // Ranks on one machine are threads of one process.
    long process = PROCESS_BYTES / (isLocal(conf) ? request.cluster().ranks() : 1);
    long needed = need.total() + process;
    return room()
        .filter(room -> obstacle().isEmpty() && needed > room.bytes())
        .map(
            room ->
                String.format(
                    Locale.ROOT,
                    "A rank may need %s, %s of it for a full micro-batch, and %s has %s: if it ends"
                        + " for want of memory, lower --micro-batch-tokens%s%s, or %s.",
                    Preflight.size(needed),
                    Preflight.size(need.activations() + need.passing() + need.unused()),
                    room.of(),
                    Preflight.size(room.bytes()),
                    keepsActivations() ? ", give --gradient-checkpointing" : "",
                    smaller(memory -> memory.total() + process, room.bytes()),
                    room.remedy(need.total())));
  }

  private boolean keepsActivations() {
    ActivationMemory kept =
        BaseStorage.kept(
            request.lora().baseDtype(),
            request.cluster().computeDtype(),
            request.batch().activations());
    return kept == ActivationMemory.KEEP;
  }

  /**
   * The memory of one rank.
   *
   * @param of whose it is
   */
  private record Room(long bytes, String of, boolean local) {
    String remedy(long needed) {
      return local
          ? "take fewer --ranks, or a machine with more"
          : String.format(
              Locale.ROOT, "set %s to %dg or more", OVERHEAD, (needed >> 30) + 1 + SPARE_GIB);
    }

    /** What natives and the JVM take beside heap and tensors. */
    private static final long SPARE_GIB = 1;
  }

  private Optional<Room> room() {
    DeviceChoice device = request.cluster().device();
    if (device == DeviceChoice.CUDA
        || (device == DeviceChoice.AUTO && conf.contains("spark.task.resource.gpu.amount"))) {
      return Optional.empty();
    }
    String master = conf.get("spark.master", "");
    int ranks = request.cluster().ranks();
    if (isLocal(conf)) {
      return Optional.of(
          new Room(
              machineBytes / ranks,
              ranks == 1 ? "this machine" : "each of " + ranks + " ranks on this machine",
              true));
    }
    if (master.equals("yarn") || master.startsWith("k8s://")) {
      long heap = conf.getSizeAsBytes("spark.executor.memory", "1g");
      long least = conf.getSizeAsMb("spark.executor.minMemoryOverhead", "384m") << 20;
      double factor = conf.getDouble("spark.executor.memoryOverheadFactor", 0.1);
      long overhead =
          conf.contains(OVERHEAD)
              ? conf.getSizeAsMb(OVERHEAD, "0") << 20
              : Math.max(least, (long) (heap * factor));
      return Optional.of(
          new Room(
              heap + overhead, "an executor, by spark.executor.memory and " + OVERHEAD, false));
    }
    return Optional.empty();
  }
}
