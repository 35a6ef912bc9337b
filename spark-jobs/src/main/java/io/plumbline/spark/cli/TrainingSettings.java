package io.plumbline.spark.cli;

import io.plumbline.data.LossOn;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.optim.Schedule;
import io.plumbline.spark.gang.DeviceChoice;
import io.plumbline.spark.prepare.EvalSplit;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.training.Algorithm;
import io.plumbline.spark.training.Methods;
import io.plumbline.spark.training.ObjectiveSettings;
import io.plumbline.spark.training.TrainingRequest;
import io.plumbline.spark.training.TrainingRequest.BadRows;
import io.plumbline.spark.training.TrainingRequest.RowOrder;
import io.plumbline.spark.training.TrainingRequest.RowPacking;
import io.plumbline.spark.training.TrainingRequest.SupervisedOn;
import io.plumbline.spark.training.TrainingRequest.Truncation;
import io.plumbline.spark.training.TrainingRequest.WeightDtype;
import io.plumbline.train.LoopSettings.BadSteps;
import io.plumbline.train.LoopSettings.Selection;
import io.plumbline.train.LoopSettings.Selection.Better;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The options of the training commands and the request that they make. Names and defaults are TRL's
 * where TRL has them; help says where a default differs.
 */
final class TrainingSettings {
  private static final String FILES = "What to read and where to write";
  private static final String LENGTH = "How long a run is and what a step holds";
  private static final String OPTIMIZER = "Optimizer";
  private static final String TEXT = "Texts and tokens";
  private static final String STATE = "Evaluation, checkpoints and starting again";
  private static final String CLUSTER = "Cluster and arithmetic";

  static final Setting<String> MODEL =
      Setting.text(
          "model", "DIR", FILES, "Hugging Face directory to start from, on any Hadoop path.");
  static final Setting<String> DATA =
      Setting.repeated(
          "data",
          "SOURCE[:WEIGHT]",
          FILES,
          "JSONL, JSON or Parquet: a file, a directory or a glob on any Hadoop path; or table:NAME,"
              + " sql:SELECT..., csv:PATH, or a Delta directory. May be repeated. A number behind a"
              + " last colon is a weight, in a query too: with weights, each source has its share"
              + " of the rows trained on, and one without has 1.");
  static final Setting<String> EVAL_DATA =
      Setting.repeated(
          "eval-data", "SOURCE", FILES, "Held-out rows in the same formats; may be repeated.");
  static final Setting<EvalSplit> EVAL_SPLIT =
      Setting.value(
          "eval-split",
          "N|SHARE%",
          FILES,
          "Holds out so many rows of --data, or so large a share, instead of --eval-data; rows of"
              + " one prompt stay together.",
          TrainingSettings::evalSplit);
  static final Setting<String> OUTPUT =
      Setting.text(
          "output",
          "DIR",
          FILES,
          "The run's own directory: checkpoint/, checkpoints/, metrics.jsonl, quarantine/,"
              + " report.html and run.json.");
  static final Setting<String> REFERENCE_CACHE =
      Setting.text(
          "reference-cache",
          "DIR",
          FILES,
          "Where reference log-probabilities are kept, to be shared by runs and teams. Without it"
              + " they are kept in --output.");

  static final Setting<Double> EPOCHS =
      Setting.positive("epochs", LENGTH, "Passes over the data.").withInitial("3");
  static final Setting<Long> MAX_STEPS =
      Setting.whole("max-steps", LENGTH, "Ends the run after N steps, whatever --epochs says.", 1);
  static final Setting<Integer> GLOBAL_BATCH_SIZE =
      Setting.count(
              "global-batch-size",
              LENGTH,
              "Rows a step, over all ranks and all accumulation. The update is the same however"
                  + " many ranks share it.",
              1)
          .withInitial("8");
  static final Setting<Integer> MICRO_BATCH_SIZE =
      Setting.count(
          "micro-batch-size",
          LENGTH,
          "Rows in one forward pass of a rank. Changes memory and speed, not the update.",
          1);
  static final Setting<Integer> MICRO_BATCH_TOKENS =
      Setting.count(
              "micro-batch-tokens",
              LENGTH,
              "As many rows in one forward pass as fit N tokens; instead of --micro-batch-size.",
              1)
          .withInitial("4096");
  static final Setting<Long> SEED =
      Setting.whole(
              "seed", LENGTH, "Decides the order of rows and everything else that is random.", 0)
          .withInitial("42");
  static final Setting<Boolean> NO_SHUFFLE =
      Setting.flag("no-shuffle", LENGTH, "Keeps the rows in the order they are read.");

  static final Setting<Double> LEARNING_RATE =
      Setting.number(
          "learning-rate", OPTIMIZER, "Its peak, after the warm-up.", 0, Double.POSITIVE_INFINITY);
  static final Setting<Schedule> LR_SCHEDULER =
      Setting.choice(
              "lr-scheduler",
              OPTIMIZER,
              "How the learning rate falls after the warm-up.",
              Schedule.class)
          .withInitial("linear");
  static final Setting<Long> WARMUP_STEPS =
      Setting.whole("warmup-steps", OPTIMIZER, "Steps over which it climbs from 0.", 0)
          .withInitial("0");
  static final Setting<Double> WEIGHT_DECAY =
      Setting.number(
              "weight-decay",
              OPTIMIZER,
              "Decoupled decay of weights; norms and biases have none.",
              0,
              Double.POSITIVE_INFINITY)
          .withInitial("0");
  static final Setting<Double> MAX_GRAD_NORM =
      Setting.value(
              "max-grad-norm",
              "X|none",
              OPTIMIZER,
              "Gradients are scaled down to this global norm.",
              text ->
                  text.equalsIgnoreCase("none")
                      ? Double.POSITIVE_INFINITY
                      : Setting.realNumber(text, 0, Double.POSITIVE_INFINITY))
          .withInitial("1.0");
  static final Setting<Double> ADAM_BETA1 =
      Setting.number("adam-beta1", OPTIMIZER, "AdamW's decay of the mean.", 0, 1)
          .withInitial("0.9");
  static final Setting<Double> ADAM_BETA2 =
      Setting.number("adam-beta2", OPTIMIZER, "AdamW's decay of the variance.", 0, 1)
          .withInitial("0.999");
  static final Setting<Double> ADAM_EPSILON =
      Setting.number(
              "adam-epsilon",
              OPTIMIZER,
              "Added to AdamW's denominator.",
              0,
              Double.POSITIVE_INFINITY)
          .withInitial("1e-8");

  static final Setting<OptionalInt> MAX_LENGTH =
      limit("max-length", "Prompt and completion together are cut to N tokens.")
          .withInitial("1024");
  static final Setting<OptionalInt> MAX_PROMPT_LENGTH =
      limit("max-prompt-length", "Prompts are cut to their last N tokens.").withInitial("none");
  static final Setting<Truncation> TRUNCATION_MODE =
      Setting.choice(
              "truncation-mode",
              TEXT,
              "Which tokens of a row past --max-length stay; refuse sends the row to quarantine.",
              Truncation.class)
          .withInitial("keep_start");
  static final Setting<BadRows> MAX_BAD_ROWS =
      Setting.value(
              "max-bad-rows",
              "N|SHARE%",
              TEXT,
              "Refused rows go to quarantine/ with file, line and reason; more than so many end"
                  + " the job.",
              TrainingSettings::badRows)
          .withInitial("5%");
  static final Setting<SupervisedOn> SUPERVISED_ON =
      Setting.choice(
              "supervised-on",
              TEXT,
              "Learns from the rows' own completion, messages or text, or from the chosen side of"
                  + " preference rows.",
              SupervisedOn.class)
          .withInitial("completion");

  static final Setting<LossOn> LOSS_ON =
      Setting.choice(
              "loss-on",
              TEXT,
              "Which tokens are learned: those of the completion (whole texts and conversations as"
                  + " a whole), the assistant's turns, or all. (TRL: completion_only_loss,"
                  + " assistant_only_loss.)",
              LossOn.class)
          .withInitial("completion");
  static final Setting<RowPacking> PACKING =
      Setting.choice(
              "packing",
              TEXT,
              "Puts rows together to --max-length tokens (best fit, the longest first); none sees"
                  + " another, and a step then holds --global-batch-size packed rows.",
              RowPacking.class)
          .withInitial("off");

  static final Setting<Long> EVAL_STEPS =
      Setting.whole(
              "eval-steps",
              STATE,
              "Evaluates every N steps; 0 for only before the first and after the last.",
              0)
          .withInitial("0");
  static final Setting<Long> SAVE_STEPS =
      Setting.whole("save-steps", STATE, "Training state every N steps; 0 for only at the end.", 0)
          .withInitial("500");
  static final Setting<Integer> KEEP_CHECKPOINTS =
      Setting.count(
              "keep-checkpoints",
              STATE,
              "Training states that stay; older ones are deleted. (TRL keeps all.)",
              1)
          .withInitial("2");
  static final Setting<String> METRIC_FOR_BEST_MODEL =
      Setting.text(
          "metric-for-best-model",
          "NAME",
          STATE,
          "checkpoint/ gets the weights of the evaluation that was best by this metric, such as"
              + " eval_loss. Without it, the last weights.");
  static final Setting<Better> BEST_IS =
      Setting.choice(
          "best-is",
          STATE,
          "Which values of that metric are better; by default lower for losses, errors and scores"
              + " of error, higher for others. (TRL: greater_is_better.)",
          Better.class);
  static final Setting<Integer> EARLY_STOPPING_PATIENCE =
      Setting.count(
          "early-stopping-patience",
          STATE,
          "Ends the run after N evaluations in a row that are not better than the best; of"
              + " eval_loss, if no metric is named.",
          1);
  static final Setting<Double> EARLY_STOPPING_THRESHOLD =
      Setting.number(
              "early-stopping-threshold",
              STATE,
              "By how much an evaluation must be better to count as better.",
              0,
              Double.POSITIVE_INFINITY)
          .withInitial("0");
  static final Setting<BadSteps> ON_BAD_STEP =
      Setting.choice(
              "on-bad-step",
              STATE,
              "What follows a step whose loss or gradient is not finite: the run ends, or the step"
                  + " is left out. Weights are not changed by it, and its bad rows are named.",
              BadSteps.class)
          .withInitial("stop");
  static final Setting<Boolean> RESUME =
      Setting.flag(
          "resume",
          STATE,
          "Goes on from the newest complete training state in --output, or starts if there is none.");
  static final Setting<Boolean> OVERWRITE =
      Setting.flag("overwrite", STATE, "Deletes what is in --output first.");

  static final Setting<Integer> RANKS =
      Setting.count(
              "ranks",
              CLUSTER,
              "Ranks of the gang: one task each, all at once. Without a cluster, the embedded Spark"
                  + " is local[N].",
              1)
          .withInitial("1");
  static final Setting<Integer> THREADS_PER_RANK =
      Setting.count(
              "threads-per-rank",
              CLUSTER,
              "Threads that PyTorch uses in a rank; 0 for the task's share of the cores.",
              0)
          .withInitial("0");
  static final Setting<DeviceChoice> DEVICE =
      Setting.choice(
              "device",
              CLUSTER,
              "Where ranks compute: auto takes the GPU that Spark gives a rank's task, one a rank,"
                  + " and the CPU where it gives none.",
              DeviceChoice.class)
          .withInitial("auto");
  static final Setting<ComputeDtype> COMPUTE_DTYPE =
      Setting.choice(
              "compute-dtype",
              CLUSTER,
              "In which type kernels multiply; masters, gradients and all-reduce are f32 either"
                  + " way. (TRL: bf16.)",
              ComputeDtype.class)
          .withInitial("f32");
  static final Setting<WeightDtype> SAVE_DTYPE =
      Setting.choice(
              "save-dtype", CLUSTER, "Type of the weights in checkpoint/.", WeightDtype.class)
          .withInitial("f32");

  private static final Pattern LOWER_IS_BETTER =
      Pattern.compile("loss|error|brier|entropy|perplexity|kl$|runtime");

  private TrainingSettings() {}

  /** Rows of one forward pass of commands that have no other way to say how many. */
  static Setting<Integer> tokensPerPass(String initial) {
    return Setting.count(
            MICRO_BATCH_TOKENS.name(),
            CLUSTER,
            "As many rows of --data in one forward pass as fit N tokens.",
            1)
        .withInitial(initial);
  }

  /** What an algorithm's command takes, in the order of its help. */
  static List<Setting<?>> of(Algorithm algorithm) {
    boolean sft = algorithm == Algorithm.SFT;
    List<Setting<?>> settings =
        new ArrayList<>(
            List.of(model(algorithm), DATA, EVAL_DATA, EVAL_SPLIT, ColumnOptions.COLUMNS));
    if (algorithm == Algorithm.KTO) {
      settings.add(ColumnOptions.DESIRABLE_FROM);
    }
    settings.add(OUTPUT);
    if (Methods.hasReference(algorithm)) {
      settings.add(REFERENCE_CACHE);
    }
    if (algorithm.isOnline()) {
      settings.addAll(RolloutOptions.rewards(algorithm));
      settings.addAll(RolloutOptions.sampling(algorithm));
    }
    settings.addAll(ObjectiveOptions.of(algorithm));
    if (algorithm.isOnline()) {
      if (algorithm == Algorithm.PPO) {
        settings.addAll(CriticOptions.all());
      }
      settings.addAll(RolloutOptions.loss(algorithm));
      settings.addAll(RolloutOptions.limits(algorithm));
    }
    settings.addAll(
        List.of(
            EPOCHS,
            MAX_STEPS,
            globalBatchSize(algorithm),
            MICRO_BATCH_SIZE,
            MICRO_BATCH_TOKENS,
            SEED,
            NO_SHUFFLE,
            learningRate(algorithm),
            LR_SCHEDULER,
            WARMUP_STEPS,
            WEIGHT_DECAY,
            MAX_GRAD_NORM,
            ADAM_BETA1,
            ADAM_BETA2,
            ADAM_EPSILON));
    settings.addAll(
        algorithm.isOnline()
            ? List.of(MAX_PROMPT_LENGTH, MAX_BAD_ROWS)
            : List.of(MAX_LENGTH, MAX_PROMPT_LENGTH, TRUNCATION_MODE, MAX_BAD_ROWS));
    settings.addAll(TemplateOptions.all());
    if (sft) {
      settings.addAll(List.of(SUPERVISED_ON, LOSS_ON, PACKING));
    }
    settings.addAll(
        List.of(
            EVAL_STEPS,
            METRIC_FOR_BEST_MODEL.withHelp(
                METRIC_FOR_BEST_MODEL.help().replace("eval_loss", usualMeasure(algorithm))),
            BEST_IS,
            EARLY_STOPPING_PATIENCE.withHelp(
                EARLY_STOPPING_PATIENCE.help().replace("eval_loss", usualMeasure(algorithm))),
            EARLY_STOPPING_THRESHOLD,
            ON_BAD_STEP,
            SAVE_STEPS,
            KEEP_CHECKPOINTS,
            RESUME,
            OVERWRITE,
            RANKS));
    settings.addAll(
        List.of(SparkSessions.MASTER, THREADS_PER_RANK, DEVICE, COMPUTE_DTYPE, SAVE_DTYPE));
    settings.addAll(TrackingOptions.all());
    return settings;
  }

  private static Setting<String> model(Algorithm algorithm) {
    return MODEL.withHelp(
        MODEL.help()
            + switch (algorithm) {
              case DPO, KTO -> " It is the reference too.";
              case REWARD -> " Its language head makes room for one score.";
              case GRPO, PPO -> " It is the reference too, where there is a KL to it.";
              case SFT, ORPO, SIMPO -> "";
            });
  }

  private static Setting<Integer> globalBatchSize(Algorithm algorithm) {
    String rows =
        switch (algorithm.kind()) {
          case PREFERENCE -> "Pairs";
          case PROMPT -> "Prompts";
          default -> "Rows";
        };
    return GLOBAL_BATCH_SIZE.withHelp(GLOBAL_BATCH_SIZE.help().replaceFirst("^Rows", rows));
  }

  private static Setting<Double> learningRate(Algorithm algorithm) {
    return LEARNING_RATE.withInitial(
        switch (algorithm) {
          case SFT -> "2e-5";
          case REWARD -> "1e-4";
          case DPO, KTO, ORPO, SIMPO, GRPO, PPO -> "1e-6";
        });
  }

  /** Options with the values that they have where nobody gives them, but those without any. */
  static Map<String, Object> standard(Algorithm algorithm) {
    Problems ofNoConcern = new Problems();
    Map<String, Object> standard =
        new LinkedHashMap<>(
            request(algorithm, new SettingValues(Map.of(), ofNoConcern), ofNoConcern).options());
    standard.keySet().removeAll(Set.of("model", "data", "output", "reward"));
    return standard;
  }

  /** The request that the values make; only to be used if no problem was added. */
  static TrainingRequest request(Algorithm algorithm, SettingValues values, Problems problems) {
    String model =
        values.require(MODEL, "name the Hugging Face directory to start from").orElse("");
    boolean sft = algorithm == Algorithm.SFT;
    RowOptions rows =
        algorithm.isOnline()
            ? RowOptions.ofPrompts(values, problems)
            : RowOptions.of(values, problems);
    boolean evaluated = rows.evaluated() || values.has(EVAL_SPLIT);
    String output =
        values.require(OUTPUT, "name a directory for what the run leaves behind").orElse("");

    int ranks = values.of(RANKS);
    int globalBatchSize = values.of(GLOBAL_BATCH_SIZE);
    if (ranks > globalBatchSize) {
      problems.add(
          String.format(
              "--ranks is %d and --global-batch-size only %d: a rank would have no row in a step;"
                  + " take fewer ranks or a larger batch.",
              ranks, globalBatchSize));
    }
    OptionalInt microBatchSize =
        values.find(MICRO_BATCH_SIZE).map(OptionalInt::of).orElse(OptionalInt.empty());
    if (values.has(MICRO_BATCH_SIZE) && values.has(MICRO_BATCH_TOKENS)) {
      problems.add(
          "--micro-batch-size and --micro-batch-tokens say the same thing in two ways: give one.");
    }
    if (microBatchSize.isPresent() && microBatchSize.getAsInt() > globalBatchSize) {
      problems.add(
          String.format(
              "--micro-batch-size is %d and --global-batch-size only %d: take a smaller"
                  + " micro-batch.",
              microBatchSize.getAsInt(), globalBatchSize));
    }
    OptionalLong maxSteps =
        values.find(MAX_STEPS).map(OptionalLong::of).orElse(OptionalLong.empty());
    long evalSteps = values.of(EVAL_STEPS);
    if (evalSteps > 0 && !evaluated) {
      problems.add(
          "--eval-steps needs held-out rows: name them by --eval-data, or hold some out by"
              + " --eval-split.");
    }
    RowPacking packing = sft ? rows.packing(values, problems) : RowPacking.OFF;
    double beta1 = values.of(ADAM_BETA1);
    double beta2 = values.of(ADAM_BETA2);
    if (beta1 == 1 || beta2 == 1) {
      problems.add("--adam-beta1 and --adam-beta2 must be less than 1.");
    }
    boolean resume = values.of(RESUME);
    boolean overwrite = values.of(OVERWRITE);
    if (resume && overwrite) {
      problems.add("--resume keeps what is in --output and --overwrite deletes it: give one.");
    }
    if (overwrite) {
      OverwrittenInputs.refuse(of(algorithm), output, values, problems);
    }
    if (values.of(MAX_GRAD_NORM) == 0) {
      problems.add("--max-grad-norm must be over 0, or none for no limit.");
    }
    if (values.changes(KEEP_CHECKPOINTS)
        && values.of(SAVE_STEPS) == 0
        && !values.has(METRIC_FOR_BEST_MODEL)
        && !values.has(EARLY_STOPPING_PATIENCE)) {
      problems.add("--keep-checkpoints does nothing where --save-steps is 0: leave one out.");
    }
    if (algorithm.isOnline() && !evaluated && values.changes(RolloutOptions.NUM_GENERATIONS_EVAL)) {
      problems.add(
          "--num-generations-eval needs held-out rows: name them by --eval-data, or hold some out"
              + " by --eval-split.");
    }
    SparkSessions.check(values, ranks, problems);
    ObjectiveSettings objective = ObjectiveOptions.settings(algorithm, values, problems);

    return new TrainingRequest(
        algorithm,
        model,
        new TrainingRequest.Rows(
            rows.data(),
            rows.weights(),
            rows.evalData(),
            rows.evalSplit(),
            sft ? values.of(SUPERVISED_ON) : SupervisedOn.COMPLETION,
            sft ? values.of(LOSS_ON) : LossOn.COMPLETION,
            packing,
            rows.columns().texts(),
            rows.desirableFrom(),
            TemplateOptions.of(values)),
        output,
        Methods.hasReference(algorithm) ? values.find(REFERENCE_CACHE) : Optional.empty(),
        ranks,
        values.of(THREADS_PER_RANK),
        values.of(DEVICE),
        values.of(SEED),
        maxSteps,
        values.of(EPOCHS),
        globalBatchSize,
        microBatchSize,
        values.of(MICRO_BATCH_TOKENS),
        new OptimizerSettings(
            values.of(learningRate(algorithm)),
            values.of(LR_SCHEDULER),
            values.of(WARMUP_STEPS),
            values.of(WEIGHT_DECAY),
            values.of(MAX_GRAD_NORM),
            beta1,
            beta2,
            values.of(ADAM_EPSILON)),
        rows.maxLength(),
        rows.maxPromptLength(),
        rows.truncation(),
        values.of(NO_SHUFFLE) ? RowOrder.AS_GIVEN : RowOrder.SHUFFLED,
        evalSteps,
        values.of(SAVE_STEPS),
        values.of(KEEP_CHECKPOINTS),
        resume ? Start.RESUME : overwrite ? Start.OVERWRITE : Start.FRESH,
        values.of(COMPUTE_DTYPE),
        values.of(SAVE_DTYPE),
        objective,
        algorithm.isOnline()
            ? Optional.of(
                RolloutOptions.settings(
                    algorithm, objective.lossTypes().get(0), objective.beta(), values, problems))
            : Optional.empty(),
        rows.badRows(),
        values.of(ON_BAD_STEP),
        selection(algorithm, values, evaluated, evalSteps, problems),
        TrackingOptions.settings(values, output, problems));
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
    String given = values.find(METRIC_FOR_BEST_MODEL).orElse(usualMeasure(algorithm));
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

  private static String usualMeasure(Algorithm algorithm) {
    return algorithm.isOnline() ? "eval_reward" : "eval_loss";
  }

  private static Setting<OptionalInt> limit(String name, String help) {
    return Setting.value(
        name,
        "N|none",
        TEXT,
        help,
        text ->
            text.equalsIgnoreCase("none")
                ? OptionalInt.empty()
                : OptionalInt.of(Math.toIntExact(Setting.wholeNumber(text, 2, Integer.MAX_VALUE))));
  }

  static EvalSplit evalSplit(String text) {
    String wanted = "must be a whole number of rows such as 500 or a share such as 5%";
    String trimmed = text.strip();
    try {
      if (trimmed.endsWith("%")) {
        double percent = Double.parseDouble(trimmed.substring(0, trimmed.length() - 1));
        if (percent > 0 && percent < 100) {
          return EvalSplit.ofShare(percent / 100);
        }
      } else {
        long rows = Long.parseLong(trimmed);
        if (rows > 0) {
          return EvalSplit.ofRows(rows);
        }
      }
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(wanted, e);
    }
    throw new IllegalArgumentException(wanted);
  }

  static BadRows badRows(String text) {
    String wanted = "must be a whole number such as 10 or a share such as 1%";
    String trimmed = text.strip().toLowerCase(Locale.ROOT);
    try {
      if (trimmed.endsWith("%")) {
        double percent = Double.parseDouble(trimmed.substring(0, trimmed.length() - 1));
        if (percent >= 0 && percent <= 100) {
          return new BadRows(OptionalLong.empty(), percent / 100);
        }
      } else {
        long rows = Long.parseLong(trimmed);
        if (rows >= 0) {
          return new BadRows(OptionalLong.of(rows), 1.0);
        }
      }
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(wanted, e);
    }
    throw new IllegalArgumentException(wanted);
  }
}
