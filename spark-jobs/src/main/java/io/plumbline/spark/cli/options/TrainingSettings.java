package io.plumbline.spark.cli.options;

import io.plumbline.base.CountOrShare;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.LengthLimits.Truncation;
import io.plumbline.data.LossOn;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.LoraSettings;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.settings.DeclaredOption;
import io.plumbline.spark.gang.DeviceChoice;
import io.plumbline.spark.prepare.EvalSplit;
import io.plumbline.spark.training.BatchSettings;
import io.plumbline.spark.training.ClusterSettings;
import io.plumbline.spark.training.FileSettings;
import io.plumbline.spark.training.LengthSettings;
import io.plumbline.spark.training.SavingSettings;
import io.plumbline.spark.training.TrainingOptions;
import io.plumbline.spark.training.TrainingRequest;
import io.plumbline.spark.training.algorithm.Algorithm;
import io.plumbline.spark.training.algorithm.AlgorithmSettings;
import io.plumbline.spark.training.algorithm.RowForm.Packing;
import io.plumbline.spark.training.algorithm.SftAlgorithm;
import io.plumbline.train.LoopSettings.Selection;
import io.plumbline.train.LoopSettings.Selection.Better;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The options of the training commands, which the records of a request declare, and the request
 * that they make. Those that stand here by name are read by checks or by other commands.
 */
public final class TrainingSettings {
  public static final Setting<String> MODEL = Setting.declared(FileSettings.class, "model");
  public static final Setting<String> DATA = Setting.declared(FileSettings.class, "data");
  public static final Setting<String> EVAL_DATA = Setting.declared(FileSettings.class, "eval-data");
  public static final Setting<EvalSplit> EVAL_SPLIT =
      Setting.declared(FileSettings.class, "eval-split");
  public static final Setting<String> OUTPUT = Setting.declared(FileSettings.class, "output");
  public static final Setting<String> REFERENCE_CACHE =
      Setting.declared(FileSettings.class, "reference-cache");
  public static final Setting<Double> EPOCHS = Setting.declared(BatchSettings.class, "epochs");
  public static final Setting<Long> MAX_STEPS = Setting.declared(BatchSettings.class, "max-steps");
  public static final Setting<Integer> GLOBAL_BATCH_SIZE =
      Setting.declared(BatchSettings.class, "global-batch-size");
  static final Setting<Integer> MICRO_BATCH_SIZE =
      Setting.declared(BatchSettings.class, "micro-batch-size");
  public static final Setting<Integer> MICRO_BATCH_TOKENS =
      Setting.declared(BatchSettings.class, "micro-batch-tokens");
  public static final Setting<Long> SEED = Setting.declared(BatchSettings.class, "seed");
  public static final Setting<Boolean> NO_SHUFFLE =
      Setting.declared(BatchSettings.class, "no-shuffle");
  public static final Setting<OptionalInt> MAX_LENGTH =
      Setting.declared(LengthSettings.class, "max-length");
  public static final Setting<OptionalInt> MAX_PROMPT_LENGTH =
      Setting.declared(LengthSettings.class, "max-prompt-length");
  public static final Setting<Truncation> TRUNCATION_MODE =
      Setting.declared(LengthSettings.class, "truncation-mode");
  public static final Setting<CountOrShare> MAX_BAD_ROWS =
      Setting.declared(LengthSettings.class, "max-bad-rows");
  public static final Setting<LossOn> LOSS_ON =
      Setting.declared(SftAlgorithm.Settings.class, "loss-on");
  public static final Setting<Packing> PACKING =
      Setting.declared(SftAlgorithm.Settings.class, "packing");
  static final Setting<Long> SAVE_STEPS = Setting.declared(SavingSettings.class, "save-steps");
  static final Setting<Integer> KEEP_CHECKPOINTS =
      Setting.declared(SavingSettings.class, "keep-checkpoints");
  public static final Setting<Boolean> RESUME = Setting.declared(SavingSettings.class, "resume");
  public static final Setting<Boolean> OVERWRITE =
      Setting.declared(SavingSettings.class, "overwrite");
  public static final Setting<Integer> RANKS = Setting.declared(ClusterSettings.class, "ranks");
  public static final Setting<Integer> THREADS_PER_RANK =
      Setting.declared(ClusterSettings.class, "threads-per-rank");
  public static final Setting<DeviceChoice> DEVICE =
      Setting.declared(ClusterSettings.class, "device");
  public static final Setting<ComputeDtype> COMPUTE_DTYPE =
      Setting.declared(ClusterSettings.class, "compute-dtype");
  static final Setting<String> METRIC_FOR_BEST_MODEL =
      Setting.declared(Selection.class, "metric-for-best-model");
  static final Setting<Better> BEST_IS = Setting.declared(Selection.class, "best-is");
  static final Setting<Integer> EARLY_STOPPING_PATIENCE =
      Setting.declared(Selection.class, "early-stopping-patience");
  static final Setting<Double> EARLY_STOPPING_THRESHOLD =
      Setting.declared(Selection.class, "early-stopping-threshold");

  private static final Pattern LOWER_IS_BETTER =
      Pattern.compile("loss|error|brier|entropy|perplexity|kl$|runtime");

  private TrainingSettings() {}

  /** Rows of one forward pass of commands that have no other way to say how many. */
  public static Setting<Integer> tokensPerPass(String initial) {
    return MICRO_BATCH_TOKENS
        .withGroup(RANKS.group())
        .withHelp("As many rows of --data in one forward pass as fit N tokens.")
        .withInitial(initial);
  }

  /** What an algorithm's command takes, in the order of its help. */
  public static List<Setting<?>> of(Algorithm algorithm) {
    List<Setting<?>> settings = new ArrayList<>();
    for (DeclaredOption option : TrainingOptions.of(algorithm)) {
      settings.add(named(algorithm, Setting.of(option)));
      if (option.name().equals(MAX_BAD_ROWS.name())) {
        settings.addAll(TemplateOptions.all());
      } else if (option.name().equals(RANKS.name())) {
        settings.add(SparkSessions.MASTER);
      }
    }
    return settings;
  }

  /** The losses that an algorithm has are known by name only where they are registered. */
  private static Setting<?> named(Algorithm algorithm, Setting<?> setting) {
    List<String> losses = algorithm.losses().names();
    return setting.name().equals("loss-type")
        ? setting.withHelp(setting.help() + String.join(", ", losses) + ".").withWords(losses)
        : setting;
  }

  /** Options with the values that they have where nobody gives them, but those without any. */
  public static Map<String, Object> standard(Algorithm algorithm) {
    Problems ofNoConcern = new Problems();
    Map<String, Object> standard =
        new LinkedHashMap<>(
            request(algorithm, new SettingValues(Map.of(), ofNoConcern), ofNoConcern).options());
    standard.keySet().removeAll(Set.of("model", "data", "output", "reward"));
    return standard;
  }

  /** The request that the values make; only to be used if no problem was added. */
  public static TrainingRequest request(
      Algorithm algorithm, SettingValues values, Problems problems) {
    values.require(MODEL, "name the Hugging Face directory to start from");
    RowOptions rows =
        algorithm.kind() == ExampleKind.PROMPT
            ? RowOptions.ofPrompts(values, problems)
            : RowOptions.of(values, problems);
    boolean evaluated = rows.evaluated() || values.has(EVAL_SPLIT);
    String output =
        values.require(OUTPUT, "name a directory for what the run leaves behind").orElse("");
    DeclaredSettings declared = new DeclaredSettings(algorithm, values, problems);
    BatchSettings batch = declared.read(BatchSettings.class);
    ClusterSettings cluster = declared.read(ClusterSettings.class);
    check(batch, cluster.ranks(), values, problems);
    if (cluster.restarts().minRanks() > cluster.ranks()) {
      problems.add(
          String.format(
              "--min-ranks is %d and --ranks %d: it is how many of these are enough.",
              cluster.restarts().minRanks(), cluster.ranks()));
    }
    if (cluster.restarts().collectiveDeadline().duration().isZero()) {
      problems.add(
          "--collective-deadline is 0, and ranks wait for each other in every step: give a time such as 30m.");
    }
    SavingSettings saving = declared.read(SavingSettings.class);
    if (saving.evalSteps() > 0 && !evaluated) {
      problems.add(
          "--eval-steps needs held-out rows: name them by --eval-data, or hold some out by"
              + " --eval-split.");
    }
    if (declared.offers(PACKING)) {
      rows.packing(values, problems);
    }
    LoraSettings lora = declared.read(LoraSettings.class);
    refuseMissing(lora.missing(), declared, problems);
    if (lora.rank() > 0 && lora.continues()) {
      problems.add(
          "--lora-r begins an adapter and --adapter goes on with one, which has its own rank: give"
              + " one.");
    }
    OptimizerSettings optimizer = declared.read(OptimizerSettings.class);
    check(optimizer, declared, problems);
    if (saving.resume() && saving.overwrite()) {
      problems.add("--resume keeps what is in --output and --overwrite deletes it: give one.");
    }
    if (saving.overwrite()) {
      OverwrittenInputs.refuse(of(algorithm), output, values, problems);
    }
    if (values.changes(KEEP_CHECKPOINTS)
        && saving.saveSteps() == 0
        && !values.has(METRIC_FOR_BEST_MODEL)
        && !values.has(EARLY_STOPPING_PATIENCE)) {
      problems.add("--keep-checkpoints does nothing where --save-steps is 0: leave one out.");
    }
    if (!evaluated && values.changes(RolloutOptions.NUM_GENERATIONS_EVAL)) {
      problems.add(
          "--num-generations-eval needs held-out rows: name them by --eval-data, or hold some out"
              + " by --eval-split.");
    }
    SparkSessions.check(values, cluster.ranks(), problems);
    AlgorithmSettings objective =
        ((AlgorithmSettings)
                declared.read(algorithm.settings(), algorithm.standardOptions(declared)))
            .checked(declared);
    return new TrainingRequest(
        declared.read(FileSettings.class).spelled(rows.spelledData(), rows.columns().texts()),
        objective,
        batch,
        lora,
        optimizer,
        declared.read(LengthSettings.class),
        TemplateOptions.of(values),
        saving.selecting(selection(algorithm, values, evaluated, saving.evalSteps(), problems)),
        cluster,
        TrackingOptions.settings(values, output, problems));
  }

  private static void check(
      OptimizerSettings optimizer, DeclaredSettings declared, Problems problems) {
    if (optimizer.adamW().beta1() == 1 || optimizer.adamW().beta2() == 1) {
      problems.add("--adam-beta1 and --adam-beta2 must be less than 1.");
    }
    if (optimizer.muonMomentum() == 1 || optimizer.sgd().momentum() == 1) {
      problems.add("--muon-momentum and --sgd-momentum must be less than 1.");
    }
    if (optimizer.maxGradNorm() == 0) {
      problems.add("--max-grad-norm must be over 0, or none for no limit.");
    }
    refuseMissing(optimizer.missing(), declared, problems);
  }

  /** Refuses options that do nothing, each with what it needs. */
  private static void refuseMissing(
      Map<String, String> missing, DeclaredSettings declared, Problems problems) {
    missing.forEach(
        (option, needed) -> {
          if (declared.has(option)) {
            problems.add(
                "--%s does nothing without %s: add that, or leave it out."
                    .formatted(option, needed));
          }
        });
  }

  private static void check(
      BatchSettings batch, int ranks, SettingValues values, Problems problems) {
    if (ranks > batch.globalBatchSize()) {
      problems.add(
          String.format(
              "--ranks is %d and --global-batch-size only %d: a rank would have no row in a step;"
                  + " take fewer ranks or a larger batch.",
              ranks, batch.globalBatchSize()));
    }
    if (values.has(MICRO_BATCH_SIZE) && values.has(MICRO_BATCH_TOKENS)) {
      problems.add(
          "--micro-batch-size and --micro-batch-tokens say the same thing in two ways: give one.");
    }
    if (batch.microBatchSize().orElse(0) > batch.globalBatchSize()) {
      problems.add(
          String.format(
              "--micro-batch-size is %d and --global-batch-size only %d: take a smaller"
                  + " micro-batch.",
              batch.microBatchSize().getAsInt(), batch.globalBatchSize()));
    }
  }

  private static Selection selection(
      Algorithm algorithm,
      SettingValues values,
      boolean evaluated,
      long evalSteps,
      Problems problems) {
    boolean stops = values.has(EARLY_STOPPING_PATIENCE);
    if (!values.has(METRIC_FOR_BEST_MODEL) && !stops) {
      for (Setting<?> alone : List.of(BEST_IS, EARLY_STOPPING_THRESHOLD)) {
        if (values.has(alone)) {
          problems.add(
              alone.option()
                  + " says something about a metric that no option names: add"
                  + " --metric-for-best-model.");
        }
      }
      return Selection.LAST;
    }
    String given = values.find(METRIC_FOR_BEST_MODEL).orElse(algorithm.measure());
    String metric = given.startsWith("eval_") ? given : "eval_" + given;
    Setting<?> named =
        values.has(METRIC_FOR_BEST_MODEL) ? METRIC_FOR_BEST_MODEL : EARLY_STOPPING_PATIENCE;
    if (!evaluated) {
      problems.add(
          named.option()
              + " needs held-out rows: name them by --eval-data, or hold some out by"
              + " --eval-split.");
    } else if (evalSteps == 0) {
      problems.add(named.option() + " compares evaluations: say how often by --eval-steps.");
    }
    Better better =
        values
            .find(BEST_IS)
            .orElse(LOWER_IS_BETTER.matcher(metric).find() ? Better.LOWER : Better.HIGHER);
    return new Selection(
        metric,
        better,
        values.find(EARLY_STOPPING_PATIENCE).orElse(0),
        values.of(EARLY_STOPPING_THRESHOLD));
  }
}
