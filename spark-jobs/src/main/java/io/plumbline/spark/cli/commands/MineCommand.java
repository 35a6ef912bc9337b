package io.plumbline.spark.cli.commands;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.CountOrShare;
import io.plumbline.mine.BestAgainstWorst;
import io.plumbline.mine.BestOf;
import io.plumbline.mine.HardNegatives;
import io.plumbline.mine.StatisticalRejection;
import io.plumbline.mine.Strategy;
import io.plumbline.reward.RewardSpec;
import io.plumbline.settings.Texts;
import io.plumbline.spark.cli.options.ColumnOptions;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.DecodingOptions;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.RolloutOptions;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.cli.options.TemplateOptions;
import io.plumbline.spark.cli.options.TextSettings;
import io.plumbline.spark.cli.options.TrainingSettings;
import io.plumbline.spark.cli.terminal.Progress;
import io.plumbline.spark.evaluate.RowSources;
import io.plumbline.spark.inference.DecodingSettings;
import io.plumbline.spark.mine.MineDirectory;
import io.plumbline.spark.mine.Mining;
import io.plumbline.spark.mine.MiningRequest;
import io.plumbline.spark.mine.MiningRequest.CutOff;
import io.plumbline.spark.run.OutputClaim;
import io.plumbline.spark.run.Start;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** {@code mine}: data of a policy's own completions and a reward. */
public final class MineCommand implements Command {
  private static final String CHOOSING = "What to take";

  /** How completions are chosen. */
  enum Kind {
    BEST_WORST,
    HARD_NEGATIVES,
    REJECTION
  }

  static final Setting<String> MODEL =
      TextSettings.MODEL.withHelp("Hugging Face directory of the policy, on any Hadoop path.");
  static final Setting<String> DATA =
      TextSettings.DATA.withHelp(
          "Rows with a prompt, text or messages; other columns are kept for rewards. JSONL, JSON or"
              + " Parquet: a file, a directory or a glob; or table:NAME, sql:SELECT ...,"
              + " csv:PATH, or delta:PATH; may be repeated.");
  static final Setting<Kind> STRATEGY =
      Setting.choice(
              "strategy",
              CHOOSING,
              "Pairs of the best completion against the worst; pairs whose rewards differ least; or"
                  + " the best completions alone, as rows for sft (docs/mining.md).",
              Kind.class)
          .withLabel("best-worst|hard-negatives|rejection")
          .withInitial("best-worst");
  static final Setting<Double> MARGIN =
      Setting.number(
              "margin",
              CHOOSING,
              "Least difference in reward of a pair; equal rewards never make one.",
              0,
              Double.POSITIVE_INFINITY)
          .withInitial("0");
  static final Setting<Integer> PAIRS_PER_PROMPT =
      Setting.count(
              "pairs-per-prompt",
              CHOOSING,
              "Pairs of a prompt, at most; none shares a completion with another.",
              1)
          .withInitial("1");
  static final Setting<Double> THRESHOLD =
      Setting.number(
          "threshold",
          CHOOSING,
          "Of rejection: least reward of a completion.",
          Double.NEGATIVE_INFINITY,
          Double.POSITIVE_INFINITY);
  static final Setting<Double> BETA =
      Setting.positive(
          "beta",
          CHOOSING,
          "Of rejection: takes completions with probability exp((r - r_max)/X) instead of the best,"
              + " which samples from the policy that is best at that price of KL.");
  static final Setting<Integer> ROWS_PER_PROMPT =
      Setting.count("rows-per-prompt", CHOOSING, "Of rejection: rows of a prompt, at most.", 1)
          .withInitial("1");
  private static final DecodingOptions DECODING =
      DecodingOptions.STANDARD
          .with(
              "temperature",
              temperature ->
                  temperature
                      .withHelp("Divides the logits.")
                      .withInitial("1")
                      .withReader(Texts::positiveNumber))
          .with("num-generations", number -> number.withInitial("8"))
          .with(
              "seed",
              seed ->
                  seed.withHelp(
                      "With a prompt's place it fixes every draw; give each round another one."));
  static final Setting<Boolean> MASK_TRUNCATED_COMPLETIONS =
      Setting.flag(
          RolloutOptions.MASK_TRUNCATED_COMPLETIONS.name(),
          CHOOSING,
          "Leaves out completions that were cut off at their longest.");
  static final Setting<CountOrShare> MAX_FAILED_REWARDS =
      RolloutOptions.MAX_FAILED_REWARDS.withHelp(
          "Completions whose reward function threw, was too slow or gave NaN are left out and"
              + " counted; more than N, or than a share of all, end the job.");
  static final Setting<String> OUTPUT =
      TrainingSettings.OUTPUT.withHelp(
          "Where data/ is written, Parquet that dpo --data and sft --data read, and mine.json as"
              + " soon as all is there.");
  static final Setting<Boolean> OVERWRITE =
      TrainingSettings.OVERWRITE.withHelp("Replaces what was mined to --output before.");

  @Override
  public String name() {
    return "mine";
  }

  @Override
  public String summary() {
    return "Preference pairs, or rows for sft, of a policy's own completions and a reward.";
  }

  @Override
  public String description() {
    return "Writes K completions of each prompt, scores them, and keeps pairs or single completions"
        + " as data for dpo or sft, with their rewards. A plain Spark stage: executors may come and"
        + " go while it runs. The same call on a complete OUTPUT does nothing.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "mine --model runs/sft/checkpoint --data questions.jsonl --reward answer"
            + " --output runs/mine-1",
        "mine --model runs/dpo-1/checkpoint --data table:main.chat.prompts --strategy"
            + " hard-negatives --margin 0.5 --reward 'model{\"path\":\"runs/reward/checkpoint\"}'"
            + " --seed 2 --output runs/mine-2",
        "mine --model runs/sft/checkpoint --data questions.jsonl --reward answer"
            + " --strategy rejection --threshold 1 --num-generations 16 --output runs/best-of-16");
  }

  @Override
  public List<Setting<?>> settings() {
    return DECODING.between(
        List.of(
            MODEL,
            DATA,
            TextSettings.COLUMNS,
            STRATEGY,
            MARGIN,
            PAIRS_PER_PROMPT,
            THRESHOLD,
            BETA,
            ROWS_PER_PROMPT,
            MASK_TRUNCATED_COMPLETIONS,
            RolloutOptions.REWARD,
            MAX_FAILED_REWARDS),
        List.of(
            TemplateOptions.CHAT_TEMPLATE,
            TemplateOptions.CHAT_TEMPLATE_KWARGS,
            TemplateOptions.CHAT_TEMPLATE_DATE,
            TrainingSettings.MAX_PROMPT_LENGTH,
            TrainingSettings.MAX_BAD_ROWS.withHelp(
                "Rows that are no prompts are left out; more than so many end the job."),
            OUTPUT,
            OVERWRITE,
            TextSettings.JSON.withHelp("What mine.json says, on standard output, in one line."),
            SparkSessions.MASTER,
            TrainingSettings.COMPUTE_DTYPE.withHelp("In which type kernels multiply.")));
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String output = values.require(OUTPUT, "name a directory for the rows").orElse("output");
    MiningRequest request = request(values, problems);
    boolean json = values.of(TextSettings.JSON);
    Start start = values.of(OVERWRITE) ? Start.OVERWRITE : Start.FRESH;
    SparkSessions.check(values, 1, problems);
    return console -> {
      try (SparkSessions.Session session = SparkSessions.open(values, SparkSessions.coresHere());
          Progress progress = Progress.on(console)) {
        Storage storage = session.storage();
        ObjectNode summary;
        // What lies in the directory is for Mining to judge.
        try (OutputClaim claim = OutputClaim.take(storage, output, Start.RESUME, progress::note)) {
          summary =
              Mining.run(
                  session.spark(),
                  storage,
                  request,
                  output,
                  start,
                  session.threadsPerTask(),
                  progress);
        }
        progress.close();
        if (json) {
          console.out().println(summary);
        } else {
          console.out().print(text(summary, new MineDirectory(storage, output)));
        }
      }
    };
  }

  /** What the values ask for. */
  public static MiningRequest request(SettingValues values, Problems problems) {
    String model =
        values.require(MODEL, "name the Hugging Face directory of the policy").orElse("");
    List<String> data = values.all(DATA);
    if (data.isEmpty()) {
      problems.add("--data is missing: name rows with prompts.");
    }
    List<RewardSpec> rewards = RolloutOptions.rewardSpecs(values, problems);
    DecodingSettings decoding = DECODING.of(values, problems);
    int completions = decoding.numGenerations();
    Strategy strategy = strategy(values, decoding.seed(), problems);
    if (completions < strategy.leastCandidates()) {
      problems.add("--num-generations is 1, and a pair takes two completions: give at least 2.");
    }
    return new MiningRequest(
        model,
        RowSources.of(data, ColumnOptions.names(values, problems)).with(TemplateOptions.of(values)),
        rewards,
        strategy,
        decoding,
        values.of(TrainingSettings.COMPUTE_DTYPE),
        values.of(TrainingSettings.MAX_PROMPT_LENGTH).orElse(0),
        values.of(MASK_TRUNCATED_COMPLETIONS) ? CutOff.LEFT_OUT : CutOff.KEPT,
        values.of(TrainingSettings.MAX_BAD_ROWS),
        values.of(MAX_FAILED_REWARDS));
  }

  private static Strategy strategy(SettingValues values, long seed, Problems problems) {
    Kind kind = values.of(STRATEGY);
    for (Setting<?> other :
        kind == Kind.REJECTION
            ? List.of(MARGIN, PAIRS_PER_PROMPT)
            : List.of(THRESHOLD, BETA, ROWS_PER_PROMPT)) {
      if (values.has(other)) {
        problems.add(
            String.format(
                "%s is for %s, and --strategy is %s: leave it out, or take the other strategy.",
                other.option(),
                kind == Kind.REJECTION ? "pairs" : "rejection",
                Texts.word(kind).replace('_', '-')));
      }
    }
    double threshold = values.find(THRESHOLD).orElse(Double.NEGATIVE_INFINITY);
    int rows = values.of(ROWS_PER_PROMPT);
    return switch (kind) {
      case BEST_WORST -> new BestAgainstWorst(values.of(MARGIN), values.of(PAIRS_PER_PROMPT));
      case HARD_NEGATIVES -> new HardNegatives(values.of(MARGIN), values.of(PAIRS_PER_PROMPT));
      case REJECTION ->
          values
              .find(BETA)
              .<Strategy>map(beta -> new StatisticalRejection(beta, threshold, rows, seed))
              .orElseGet(() -> new BestOf(threshold, rows));
    };
  }

  /** What came of it, and what to do with it. */
  private static String text(ObjectNode summary, MineDirectory directory) {
    boolean pairs = summary.has("pairs");
    List<String> means = new ArrayList<>();
    means.add("all " + mean(summary, "reward"));
    if (pairs) {
      means.add("chosen " + mean(summary, "chosen_reward"));
      means.add("rejected " + mean(summary, "rejected_reward"));
    } else {
      means.add("taken " + mean(summary, "taken_reward"));
    }
    return String.format(
        Locale.ROOT,
        "  %-10s %s (%,d)%n  %-10s %s%n  %-10s %s%n",
        pairs ? "pairs" : "rows",
        directory.data(),
        summary.path(pairs ? "pairs" : "rows").asLong(),
        "reward",
        "mean of " + String.join(", ", means),
        "next",
        String.format(
            "%s --model %s --data %s",
            pairs ? "dpo" : "sft",
            summary.path("configuration").path("model").asText(),
            directory.data()));
  }

  private static String mean(JsonNode summary, String name) {
    return String.format(Locale.ROOT, "%.4f", summary.path(name).path("mean").asDouble());
  }
}
