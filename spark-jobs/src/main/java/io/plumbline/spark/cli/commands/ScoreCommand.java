package io.plumbline.spark.cli.commands;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.cli.options.TemplateOptions;
import io.plumbline.spark.cli.options.TextSettings;
import io.plumbline.spark.cli.options.TrainingSettings;
import io.plumbline.spark.inference.RowsRead;
import io.plumbline.spark.inference.Score;
import io.plumbline.spark.inference.Scorer;
import io.plumbline.spark.inference.Scoring;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** {@code score}: log-probabilities of given texts, or a reward model's scores of them. */
public final class ScoreCommand implements Command {
  static final Setting<String> PROMPT =
      TextSettings.PROMPT.withHelp(
          "A text to score as it stands, instead of --data; may be repeated.");
  static final Setting<Integer> TOKENS_PER_BATCH =
      TrainingSettings.tokensPerPass(Integer.toString(Scorer.TOKENS_PER_BATCH));

  @Override
  public String name() {
    return "score";
  }

  @Override
  public String summary() {
    return "Log-probabilities, or a reward model's scores, of texts, completions or pairs.";
  }

  @Override
  public String description() {
    return "Rows hold text; prompt and completion; messages; or chosen and rejected. A language"
        + " model's values are in nats over the full vocabulary at temperature 1. JSON lines have"
        + " completion, tokens, logps and logp; for pairs chosen_logp, rejected_logp, chosen_tokens"
        + " and rejected_tokens. A reward model gives score in the place of logps and logp, and"
        + " chosen_score and rejected_score for pairs; a text is scored as it stands, a completion"
        + " with the EOS token behind it.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "score --model models/base --prompt 'The sky is blue.'",
        "score --model runs/dpo/checkpoint --data pairs.jsonl --json > scores.jsonl",
        "score --model runs/reward/checkpoint --data pairs.jsonl");
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(
        TextSettings.MODEL,
        TextSettings.DATA,
        TextSettings.COLUMNS,
        PROMPT,
        TemplateOptions.CHAT_TEMPLATE,
        TemplateOptions.CHAT_TEMPLATE_KWARGS,
        TemplateOptions.CHAT_TEMPLATE_DATE,
        TextSettings.JSON,
        SparkSessions.MASTER,
        TrainingSettings.COMPUTE_DTYPE.withHelp("In which type kernels multiply."),
        TOKENS_PER_BATCH);
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String model =
        values.require(TextSettings.MODEL, "name the Hugging Face directory to use").orElse("");
    TextSettings.checkSource(values, problems);
    int tokensPerBatch = values.of(TOKENS_PER_BATCH);
    ComputeDtype dtype = values.of(TrainingSettings.COMPUTE_DTYPE);
    boolean json = values.of(TextSettings.JSON);
    SparkSessions.check(values, 1, problems);
    return console -> {
      Consumer<Score> write =
          score -> console.out().println(json ? score.toJson() : score.toText());
      List<String> texts = values.all(TextSettings.PROMPT);
      if (!texts.isEmpty() && !SparkSessions.startedBySpark()) {
        try (Scorer scorer =
            Scorer.open(ModelDirectory.open(SparkSessions.storage(), model), dtype)) {
          scorer.texts(texts).forEach(write);
        }
        return;
      }
      TextStage<Score> stage =
          (session, rows, listener) ->
              Scoring.run(
                  session.storage(),
                  rows,
                  TemplateOptions.open(
                      values, session.storage(), model, Optional.empty(), listener::note),
                  dtype,
                  tokensPerBatch,
                  session.threadsPerTask(),
                  listener);
      List<Map<String, Object>> given =
          texts.stream().map(text -> Map.<String, Object>of("text", text)).toList();
      stage.forEach(values, given, RowsRead.Use.SCORED, console, write);
    };
  }
}
