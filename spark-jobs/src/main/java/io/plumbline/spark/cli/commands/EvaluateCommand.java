package io.plumbline.spark.cli.commands;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.data.ColumnNames;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.reward.FailureLimit;
import io.plumbline.reward.RewardSpec;
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
import io.plumbline.spark.evaluate.Evaluation;
import io.plumbline.spark.evaluate.EvaluationRequest;
import io.plumbline.spark.evaluate.PolicyEvaluation;
import io.plumbline.spark.evaluate.RowSources;
import io.plumbline.spark.evaluate.RowSources.Missing;
import io.plumbline.spark.inference.DecodingSettings;
import io.plumbline.spark.inference.Scorer;
import io.plumbline.spark.report.EvaluationReport;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** {@code evaluate}: policies on preferences, by rewards, and against the best there could be. */
public final class EvaluateCommand implements Command {
  /** Written last. */
  static final String RESULT = "evaluation.json";

  private static final String REPORT = "report.html";
  private static final String MEASURES = "What to measure";

  static final Setting<String> POLICY =
      Setting.repeated(
          "policy",
          "[NAME=]DIR",
          TextSettings.FILES,
          "Hugging Face directory of a policy; may be repeated. The others are compared with the"
              + " first. Without NAME it is called by its directory.");
  static final Setting<String> REFERENCE =
      Setting.text(
          "reference",
          "DIR",
          TextSettings.FILES,
          "The model that log-ratios and KL are taken to, such as the one that training began"
              + " with.");
  static final Setting<String> DATA =
      TextSettings.DATA.withHelp(
          "Preference pairs, for the implicit rewards' accuracy, margin and calibration; sources as"
              + " for training; may be repeated.");
  static final Setting<String> PROMPTS =
      Setting.repeated(
          "prompts",
          "PATH",
          TextSettings.FILES,
          "Prompts, and what columns the rewards read, for completions, their reward, KL, length"
              + " and win rate; sources as for --data; may be repeated.");
  static final Setting<Double> BETA =
      Setting.positive(
              "beta",
              MEASURES,
              "Of the implicit reward, beta times the log-ratio; and the price of a nat of KL in the"
                  + " tilt.")
          .withInitial("0.1");
  static final Setting<Boolean> TILT =
      Setting.flag(
          "tilt",
          MEASURES,
          "Also weighs completions of the reference by exp(reward/beta), for what the best policy"
              + " would reach: the frontier of reward against KL, and best-of-n.");
  static final Setting<Integer> NUM_COMPLETIONS =
      Setting.count(
              "num-completions", MEASURES, "Completions of each prompt that --tilt weighs.", 2)
          .withInitial("64");

  private static final DecodingOptions DECODING =
      DecodingOptions.STANDARD
          .with("temperature", temperature -> temperature.withInitial("1"))
          .with(
              "num-generations",
              number -> number.withHelp("Completions of each prompt by each policy."));
  static final Setting<Integer> TOKENS_PER_BATCH =
      TrainingSettings.tokensPerPass(Integer.toString(Scorer.TOKENS_PER_BATCH));
  static final Setting<String> OUTPUT =
      TrainingSettings.OUTPUT.withHelp(
          "Where evaluation.json and report.html are written; evaluation.json last.");

  private static final Pattern NAMED = Pattern.compile("([^/=:\\s]+)=(.+)");

  @Override
  public String name() {
    return "evaluate";
  }

  @Override
  public String summary() {
    return "Policies side by side: preferences, rewards, KL, and the best there could be.";
  }

  @Override
  public String description() {
    return "On --data, how well the implicit reward of each policy prefers the chosen sides. On"
        + " --prompts, what each policy writes: its mean reward by --reward, its KL to --reference,"
        + " its length, and how often it beats the first policy. With --tilt, how near it comes to"
        + " the most reward that any policy can have at its KL. Plain Spark stages, spread over all"
        + " slots; docs/evaluate.md says how each number is estimated.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "evaluate --policy runs/sft/checkpoint --policy runs/dpo/checkpoint"
            + " --reference runs/sft/checkpoint --data held-out.jsonl --output runs/evaluation",
        "evaluate --policy sft=runs/sft/checkpoint --policy grpo=runs/grpo/checkpoint"
            + " --reference runs/sft/checkpoint --prompts questions.jsonl --reward answer --tilt"
            + " --beta 0.05 --output runs/evaluation");
  }

  @Override
  public List<Setting<?>> settings() {
    return DECODING.between(
        List.of(
            POLICY,
            REFERENCE,
            DATA,
            PROMPTS,
            TextSettings.COLUMNS.withHelp(
                ColumnOptions.COLUMNS.help() + " Of --data and --prompts, where they are there."),
            RolloutOptions.REWARD,
            RolloutOptions.MAX_FAILED_REWARDS,
            BETA,
            TILT,
            NUM_COMPLETIONS),
        List.of(
            TemplateOptions.CHAT_TEMPLATE,
            TemplateOptions.CHAT_TEMPLATE_KWARGS,
            TemplateOptions.CHAT_TEMPLATE_DATE,
            OUTPUT,
            TextSettings.JSON.withHelp(
                "evaluation.json's object on one line of standard output, and nothing else there."),
            SparkSessions.MASTER,
            TrainingSettings.COMPUTE_DTYPE.withHelp("In which type kernels multiply."),
            TOKENS_PER_BATCH));
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    EvaluationRequest asked = request(values, problems);
    String output =
        values.require(OUTPUT, "name the directory for evaluation.json and report.html").orElse("");
    boolean json = values.of(TextSettings.JSON);
    SparkSessions.check(values, 1, problems);
    return console -> {
      ObjectNode evaluated;
      Evaluation evaluation;
      try (SparkSessions.Session session = SparkSessions.open(values, SparkSessions.coresHere());
          Progress progress = Progress.on(console)) {
        Storage storage = session.storage();
        requireFree(storage, output);
        EvaluationRequest request = asked.dated(storage);
        evaluation =
            PolicyEvaluation.run(
                session.spark(), storage, request, session.threadsPerTask(), progress);
        EvaluationReport.write(storage, Storage.join(output, REPORT), evaluation);
        evaluated = evaluation.toJson();
        request.templates().addTo(evaluated);
        storage.writeText(Storage.join(output, RESULT), evaluated.toPrettyString() + "\n");
      }
      if (json) {
        console.out().println(evaluated);
      } else {
        console.out().print(EvaluationText.of(evaluation, output));
      }
    };
  }

  /** A report alone is what an evaluation leaves behind that was killed before its end. */
  private static void requireFree(Storage storage, String output) {
    boolean free =
        !storage.exists(output)
            || (storage.isDirectory(output)
                && storage.list(output).stream()
                    .allMatch(entry -> entry.path().endsWith("/" + REPORT)));
    if (!free) {
      throw new PlumblineException(
          ErrorCode.OUTPUT_IN_USE,
          "%s is there already and not empty; give another --output, or delete it."
              .formatted(output));
    }
  }

  static EvaluationRequest request(SettingValues values, Problems problems) {
    List<EvaluationRequest.Policy> policies = policies(values.all(POLICY), problems);
    Optional<String> reference = values.find(REFERENCE);
    List<String> data = values.all(DATA);
    List<String> prompts = values.all(PROMPTS);
    List<String> rewards = values.all(RolloutOptions.REWARD);
    boolean tilt = values.of(TILT);
    if (data.isEmpty() && prompts.isEmpty()) {
      problems.add(
          "--data or --prompts is missing: name preference pairs, or prompts to be completed.");
    }
    if (!data.isEmpty() && reference.isEmpty()) {
      problems.add(
          "--reference is missing: the implicit reward of --data is beta times the log-ratio to it;"
              + " name the model that training began with.");
    }
    if (!prompts.isEmpty() && rewards.isEmpty() && reference.isEmpty()) {
      problems.add(
          "--prompts are for completions that are measured by --reward, or by their KL to"
              + " --reference: give one of them.");
    }
    if (prompts.isEmpty() && !rewards.isEmpty()) {
      problems.add("--reward scores completions of --prompts, and there are none: name some.");
    }
    if (tilt && (prompts.isEmpty() || rewards.isEmpty() || reference.isEmpty())) {
      problems.add(
          "--tilt weighs completions that --reference writes to --prompts by their --reward: give"
              + " all three.");
    }
    if (!tilt && values.has(NUM_COMPLETIONS)) {
      problems.add(
          "--num-completions is about --tilt: add that, or say --num-generations for completions of"
              + " the policies.");
    }
    if (data.isEmpty() && !tilt && values.has(BETA)) {
      problems.add("--beta is about --data and --tilt: add one of them, or leave it out.");
    }
    if (rewards.isEmpty() && values.has(RolloutOptions.MAX_FAILED_REWARDS)) {
      problems.add("--max-failed-rewards is about --reward: add one, or leave it out.");
    }
    if (prompts.isEmpty()) {
      for (Setting<?> completions : DECODING.settings()) {
        if (!completions.name().equals("seed") && values.has(completions)) {
          problems.add(
              completions.option()
                  + " is about completions of --prompts, and there are none: name some, or leave it"
                  + " out.");
        }
      }
    }
    for (String reward : rewards) {
      try {
        RewardSpec.parse(reward);
      } catch (PlumblineException e) {
        problems.add("--reward: " + e.getMessage());
      }
    }
    DecodingSettings decoding = DECODING.of(values, problems);
    if (!prompts.isEmpty() && reference.isPresent()) {
      bent(decoding)
          .ifPresent(
              option ->
                  problems.add(
                      option
                          + " bends the draws, and the KL to --reference is that of draws from the"
                          + " policy itself: leave it out, or measure rewards in a call without"
                          + " --reference."));
    }
    ColumnNames columns = ColumnOptions.names(values, problems);
    RunTemplates templates = TemplateOptions.of(values);
    // A name may be about the rows of one of the two.
    Missing missing = data.isEmpty() || prompts.isEmpty() ? Missing.REFUSED : Missing.PASSED_OVER;
    return new EvaluationRequest(
        policies,
        reference,
        new RowSources(data, columns, missing, templates),
        new RowSources(prompts, columns, missing, templates),
        rewards,
        values.of(BETA),
        tilt ? OptionalInt.of(values.of(NUM_COMPLETIONS)) : OptionalInt.empty(),
        decoding,
        new FailureLimit(values.of(RolloutOptions.MAX_FAILED_REWARDS), "--max-failed-rewards"),
        new EvaluationRequest.Passes(
            values.of(TrainingSettings.COMPUTE_DTYPE), values.of(TOKENS_PER_BATCH)));
  }

  /** The option that makes other draws than those of the whole distribution at temperature 1. */
  private static Optional<String> bent(DecodingSettings decoding) {
    if (decoding.temperature() != 1) {
      return Optional.of("--temperature " + decoding.temperature());
    }
    if (decoding.filter().topP() != 1) {
      return Optional.of("--top-p " + decoding.filter().topP());
    }
    if (decoding.filter().topK() != 0) {
      return Optional.of("--top-k " + decoding.filter().topK());
    }
    if (decoding.filter().minP() != 0) {
      return Optional.of("--min-p " + decoding.filter().minP());
    }
    if (decoding.filter().repetitionPenalty() != 1) {
      return Optional.of("--repetition-penalty " + decoding.filter().repetitionPenalty());
    }
    return Optional.empty();
  }

  private static List<EvaluationRequest.Policy> policies(List<String> given, Problems problems) {
    if (given.isEmpty()) {
      problems.add(
          "--policy is missing: name the model to evaluate; more may be compared with it.");
    }
    List<EvaluationRequest.Policy> policies = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (String text : given) {
      Matcher named = NAMED.matcher(text);
      EvaluationRequest.Policy policy =
          named.matches()
              ? new EvaluationRequest.Policy(named.group(1), named.group(2))
              : new EvaluationRequest.Policy(directoryName(text), text);
      if (!names.add(policy.name())) {
        problems.add(
            String.format(
                "Two policies are named %s: give names, as in --policy other=%s.",
                policy.name(), policy.model()));
      }
      policies.add(policy);
    }
    return policies;
  }

  /** A run's checkpoint is called by its run. */
  private static String directoryName(String path) {
    List<String> parts = Stream.of(path.split("/+", -1)).filter(part -> !part.isEmpty()).toList();
    int last = parts.size() - 1;
    if (last < 0) {
      return path;
    }
    return last > 0 && parts.get(last).equals("checkpoint") ? parts.get(last - 1) : parts.get(last);
  }
}
