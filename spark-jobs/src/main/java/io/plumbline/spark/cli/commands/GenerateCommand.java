package io.plumbline.spark.cli.commands;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.settings.Texts;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.DecodingOptions;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.cli.options.TemplateOptions;
import io.plumbline.spark.cli.options.TextSettings;
import io.plumbline.spark.cli.options.TrainingSettings;
import io.plumbline.spark.cli.terminal.Console;
import io.plumbline.spark.cli.terminal.Progress;
import io.plumbline.spark.evaluate.RowSources;
import io.plumbline.spark.inference.CompletionTable;
import io.plumbline.spark.inference.DecodingSettings;
import io.plumbline.spark.inference.KeptLines;
import io.plumbline.spark.inference.KeptStage;
import io.plumbline.spark.inference.PromptText;
import io.plumbline.spark.inference.RowsRead;
import io.plumbline.spark.inference.Sample;
import io.plumbline.spark.inference.Sampler;
import io.plumbline.spark.inference.Sampling;
import io.plumbline.spark.run.OutputClaim;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.source.DataFiles.Purpose;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;

/** {@code generate}: text from prompts. */
final class GenerateCommand implements Command {
  private static final DecodingOptions DECODING = DecodingOptions.STANDARD;

  static final Setting<Boolean> CHAT =
      Setting.flag(
          "chat",
          TextSettings.FILES,
          "Takes each --prompt as a user's message and renders it by the model's chat template.");
  static final Setting<String> OUTPUT =
      TrainingSettings.OUTPUT.withHelp(
          "Where the completions of --data are written instead of standard output, as Parquet by"
              + " the executors: completions/, and generate.json as soon as all are there.");

  static final Setting<Boolean> RESUME =
      TrainingSettings.RESUME.withHelp(
          "Continues what a call with the same options and data has begun to write to --output, or"
              + " starts if there is nothing.");
  static final Setting<Boolean> OVERWRITE =
      TrainingSettings.OVERWRITE.withHelp("Replaces what generate wrote to --output before.");

  @Override
  public String name() {
    return "generate";
  }

  @Override
  public String summary() {
    return "Text from prompts, greedy or sampled.";
  }

  @Override
  public String description() {
    return "Completes each row's prompt, a text or a list of messages, with a KV cache. --prompt"
        + " runs in this process; --data is spread over Spark's slots. JSON lines have completion,"
        + " tokens, logps, logp and finish; Parquet has the input's columns as well.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "generate --model runs/dpo/checkpoint --chat --prompt 'What is 2 + 1?'",
        "generate --model runs/dpo/checkpoint --data prompts.jsonl --temperature 0.7 --top-p 0.9"
            + " --json > completions.jsonl",
        "generate --model runs/dpo/checkpoint --data table:main.chat.prompts --temperature 1"
            + " --num-generations 4 --output runs/completions");
  }

  @Override
  public List<Setting<?>> settings() {
    return DECODING.between(
        List.of(
            TextSettings.MODEL, TextSettings.DATA, TextSettings.COLUMNS, TextSettings.PROMPT, CHAT),
        List.of(
            TemplateOptions.CHAT_TEMPLATE,
            TemplateOptions.CHAT_TEMPLATE_KWARGS,
            TemplateOptions.CHAT_TEMPLATE_DATE,
            OUTPUT,
            RESUME,
            OVERWRITE,
            TextSettings.JSON,
            SparkSessions.MASTER,
            TrainingSettings.COMPUTE_DTYPE.withHelp("In which type kernels multiply.")));
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String model =
        values.require(TextSettings.MODEL, "name the Hugging Face directory to use").orElse("");
    TextSettings.checkSource(values, problems);
    boolean chat = values.of(CHAT);
    if (chat && values.all(TextSettings.PROMPT).isEmpty()) {
      problems.add("--chat is about --prompt: rows of --data say themselves what they are.");
    }
    DecodingSettings decoding = DECODING.of(values, problems);
    if (decoding.temperature() == 0) {
      for (String draws : List.of("top-p", "top-k", "min-p")) {
        if (values.has(DECODING.named(draws))) {
          problems.add(
              DECODING.named(draws).option()
                  + " is about draws, and --temperature 0 takes the most probable token: give a"
                  + " --temperature above 0, or leave it out.");
        }
      }
    }
    ComputeDtype dtype = values.of(TrainingSettings.COMPUTE_DTYPE);
    boolean json = values.of(TextSettings.JSON);
    Optional<String> output = values.find(OUTPUT);
    if (output.isPresent() && (json || values.all(TextSettings.DATA).isEmpty())) {
      problems.add("--output is for the completions of --data, and goes without --json.");
    }
    for (Setting<Boolean> about : List.of(RESUME, OVERWRITE)) {
      if (values.of(about) && output.isEmpty()) {
        problems.add(about.option() + " is about --output: name it, or leave the option out.");
      }
    }
    if (values.of(RESUME) && values.of(OVERWRITE)) {
      problems.add("--resume continues what --overwrite deletes: leave one.");
    }
    SparkSessions.check(values, 1, problems);
    return console -> {
      List<Map<String, Object>> prompts =
          values.all(TextSettings.PROMPT).stream().map(text -> row(text, chat)).toList();
      Consumer<Sample> write =
          sample -> console.out().println(json ? sample.toJson() : text(sample));
      if (!prompts.isEmpty() && !SparkSessions.startedBySpark()) {
        ModelDirectory opened =
            TemplateOptions.open(
                values,
                SparkSessions.storage(),
                model,
                Optional.empty(),
                note -> console.err().println(note));
        try (Sampler sampler = Sampler.open(opened, dtype)) {
          sampler.sample(prompts, decoding).forEach(write);
        }
        return;
      }
      TextStage<Sample> stage =
          (session, rows, listener) ->
              Sampling.run(
                  session.storage(),
                  rows,
                  TemplateOptions.open(
                      values, session.storage(), model, Optional.empty(), listener::note),
                  dtype,
                  decoding,
                  session.threadsPerTask(),
                  listener);
      if (output.isPresent()) {
        write(values, model, dtype, decoding, output.get(), console);
      } else {
        stage.forEach(values, prompts, RowsRead.Use.PROMPTS, console, write);
      }
    };
  }

  private static void write(
      SettingValues values,
      String model,
      ComputeDtype dtype,
      DecodingSettings decoding,
      String output,
      Console console) {
    RowSources data = TextSettings.rows(values);
    try (SparkSessions.Session session = SparkSessions.open(values, SparkSessions.coresHere());
        Progress progress = Progress.on(console)) {
      SparkSession spark = session.spark();
      Storage storage = session.storage();
      Start start = start(values);
      if (isDone(storage, output, start)) {
        tellDone(output, progress, console);
        return;
      }
      JavaRDD<Map<String, Object>> rows =
          data.read(spark, storage, Purpose.TRAINING, progress::note)
              .persist(StorageLevel.MEMORY_AND_DISK());
      try {
        CompletionTable.checkColumns(rows);
        KeptStage.Lines lines;
        try (OutputClaim claim = OutputClaim.take(storage, output, Start.RESUME, progress::note)) {
          // Whoever held the output until now may have finished.
          if (isDone(storage, output, start)) {
            tellDone(output, progress, console);
            return;
          }
          if (start == Start.OVERWRITE) {
            CompletionTable.delete(storage, output);
          }
          KeptLines kept = CompletionTable.kept(storage, output);
          ModelDirectory opened =
              TemplateOptions.open(values, storage, model, dateIn(kept), progress::note);
          Optional<String> read = RowsRead.line(rows, RowsRead.Use.PROMPTS);
          read.ifPresent(progress::note);
          ObjectNode about = about(model, data, decoding, dtype);
          TemplateOptions.of(values)
              .withDate(opened.tokenizerFiles().rendering().date())
              .addTo(about);
          lines =
              Sampling.lines(
                  KeptStage.Input.of(rows),
                  kept,
                  about,
                  opened,
                  dtype,
                  decoding,
                  session.threadsPerTask(),
                  progress);
          read.ifPresent(line -> about.put("read", line));
          CompletionTable.write(spark, kept, lines, data.schema(spark, storage), output, about);
        }
        progress.close();
        console.out().println(lines.count() + " completions in " + output);
      } finally {
        rows.unpersist();
      }
    }
  }

  private static void tellDone(String output, Progress progress, Console console) {
    progress.close();
    console.out().println(output + " is complete already");
  }

  /** The date that templates read in what a stopped call has finished. */
  private static Optional<String> dateIn(KeptLines kept) {
    return kept.request().map(RunTemplates::dateIn).filter(date -> !date.isEmpty());
  }

  private static Start start(SettingValues values) {
    return values.of(RESUME) ? Start.RESUME : values.of(OVERWRITE) ? Start.OVERWRITE : Start.FRESH;
  }

  /** Whether nothing is left to do. Fails where what is there may not be written to. */
  private static boolean isDone(Storage storage, String output, Start start) {
    CompletionTable.State state = CompletionTable.state(storage, output);
    if (start == Start.FRESH && state != CompletionTable.State.EMPTY) {
      throw new PlumblineException(
          ErrorCode.OUTPUT_IN_USE,
          "%s is there already and not empty: it holds %s; give another --output, or replace it by --overwrite."
              .formatted(
                  output,
                  state == CompletionTable.State.COMPLETE
                      ? "completions"
                      : "what a call had begun that was stopped. Continue it by --resume"));
    }
    return start == Start.RESUME && state == CompletionTable.State.COMPLETE;
  }

  private static ObjectNode about(
      String model, RowSources data, DecodingSettings decoding, ComputeDtype dtype) {
    ObjectNode about = Json.MAPPER.createObjectNode().put("model", model);
    data.data().forEach(about.putArray("data")::add);
    data.columns().texts().forEach(column -> about.withArray("columns").add(column));
    about.setAll(decoding.toJson());
    return about.put("compute_dtype", Texts.word(dtype));
  }

  private static Map<String, Object> row(String text, boolean chat) {
    return Map.of(
        "prompt", chat ? List.of(Map.of("role", "user", "content", text)) : (Object) text);
  }

  private static String text(Sample sample) {
    String newline = System.lineSeparator();
    return "> " + PromptText.of(sample.prompt()) + newline + sample.completion() + newline;
  }
}
