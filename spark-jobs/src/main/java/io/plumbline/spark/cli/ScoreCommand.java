package io.plumbline.spark.cli;

import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.evaluate.InputRows;
import io.plumbline.spark.evaluate.Score;
import io.plumbline.spark.evaluate.Scorer;
import io.plumbline.spark.evaluate.Scoring;
import io.plumbline.spark.evaluate.StageResults;
import io.plumbline.storage.Storage;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;

/** {@code score}: log-probabilities of given texts. */
final class ScoreCommand implements Command {
  static final Setting<String> PROMPT =
      TextSettings.PROMPT.withHelp(
          "A text to score as it stands, instead of --data; may be repeated.");

  @Override
  public String name() {
    return "score";
  }

  @Override
  public String summary() {
    return "Per-token log-probabilities of given texts, completions or pairs.";
  }

  @Override
  public String description() {
    return "Rows hold text; prompt and completion; messages; or chosen and rejected. Values are in"
        + " nats over the full vocabulary at temperature 1. JSON lines have completion, tokens,"
        + " logps and logp; for pairs chosen_logp, rejected_logp, chosen_tokens and"
        + " rejected_tokens.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "score --model models/base --prompt 'The sky is blue.'",
        "score --model runs/dpo/checkpoint --data pairs.jsonl --json > scores.jsonl");
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(
        TextSettings.MODEL,
        TextSettings.DATA,
        PROMPT,
        TextSettings.JSON,
        SparkSessions.MASTER,
        TrainingSettings.MICRO_BATCH_TOKENS.withInitial(Integer.toString(Scorer.TOKENS_PER_BATCH)),
        TrainingSettings.COMPUTE_DTYPE);
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String model =
        values.require(TextSettings.MODEL, "name the Hugging Face directory to use").orElse("");
    TextSettings.checkSource(values, problems);
    int tokensPerBatch =
        values.of(
            TrainingSettings.MICRO_BATCH_TOKENS.withInitial(
                Integer.toString(Scorer.TOKENS_PER_BATCH)));
    ComputeDtype dtype = values.of(TrainingSettings.COMPUTE_DTYPE);
    boolean json = values.of(TextSettings.JSON);
    SparkSessions.check(values, 1, problems);
    return console -> {
      List<String> texts = values.all(TextSettings.PROMPT);
      if (!texts.isEmpty() && !SparkSessions.startedBySpark()) {
        try (Scorer scorer = Scorer.open(Storage.of(new Configuration()), model, dtype)) {
          scorer.texts(texts).forEach(score -> write(score, json, console));
        }
        return;
      }
      List<Map<String, Object>> rows =
          texts.stream().map(text -> Map.<String, Object>of("text", text)).toList();
      try (SparkSessions.Session session = SparkSessions.open(values, SparkSessions.coresHere())) {
        Storage storage = session.storage();
        try (StageResults<Score> scores =
            Scoring.run(
                storage,
                rows.isEmpty()
                    ? InputRows.read(session.spark(), storage, values.all(TextSettings.DATA))
                    : session.parallel(rows),
                model,
                dtype,
                tokensPerBatch,
                session.threadsPerTask())) {
          for (Iterator<Score> each = scores.iterator(); each.hasNext(); ) {
            write(each.next(), json, console);
          }
        }
      }
    };
  }

  private static void write(Score score, boolean json, Console console) {
    if (json) {
      console.out().println(score.toJson());
    } else if (score instanceof Score.CompletionScore one) {
      console
          .out()
          .printf(
              Locale.ROOT,
              "%10.4f  %4d tokens  %s%n",
              one.logp(),
              one.logps().length,
              one.completion().replace("\n", "\\n"));
    } else if (score instanceof Score.PairScore pair) {
      console
          .out()
          .printf(
              Locale.ROOT,
              "chosen %10.4f (%d tokens)  rejected %10.4f (%d tokens)%n",
              pair.chosenLogp(),
              pair.chosenLogps().length,
              pair.rejectedLogp(),
              pair.rejectedLogps().length);
    }
  }
}
