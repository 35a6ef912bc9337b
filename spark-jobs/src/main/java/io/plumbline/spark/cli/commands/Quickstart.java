package io.plumbline.spark.cli.commands;

import io.plumbline.checkpoint.InitModel;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.DataFileReader;
import io.plumbline.data.FileSlice;
import io.plumbline.data.RawRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.cli.options.TrainingSettings;
import io.plumbline.spark.cli.terminal.Console;
import io.plumbline.spark.cli.terminal.Progress;
import io.plumbline.spark.inference.DecodingSettings;
import io.plumbline.spark.inference.PromptText;
import io.plumbline.spark.inference.Sample;
import io.plumbline.spark.inference.Sampler;
import io.plumbline.spark.training.TrainingJob;
import io.plumbline.spark.training.TrainingOutcome;
import io.plumbline.spark.training.TrainingRequest;
import io.plumbline.spark.training.algorithm.Algorithm;
import io.plumbline.spark.training.algorithm.SftAlgorithm;
import io.plumbline.storage.Storage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;

/** From sample data and nothing else to a model that answers better, and a summary of how. */
final class Quickstart {
  private final QuickstartRecipe recipe;
  private static final int LONGEST_LINE = 110;

  private final Path root;
  private final String output;
  private final long seed;
  private final Console console;

  Quickstart(QuickstartRecipe recipe, Path root, String output, long seed, Console console) {
    this.recipe = recipe;
    this.root = root;
    this.output = output;
    this.seed = seed;
    this.console = console;
  }

  void run() {
    long start = System.nanoTime();
    try (SparkSessions.Session session =
            SparkSessions.open(
                new SettingValues(Map.of(), new Problems()), QuickstartRecipe.RANKS);
        Progress progress = Progress.on(console)) {
      Storage storage = session.storage();
      if (!storage.list(output).isEmpty()) {
        throw new PlumblineException(
            ErrorCode.OUTPUT_IN_USE, output + " is not empty: name another --output.");
      }
      String fresh = Storage.join(output, "model");
      ModelDirectory model =
          InitModel.writeFromTextFiles(
              storage, fresh, recipe.model(seed), List.of(sample(recipe.corpus())));
      progress.note(
          String.format(
              Locale.ROOT,
              "init-model: a fresh model of %,d parameters in %s",
              model.parameters(),
              fresh));

      TrainingOutcome sft =
          train(
              session.spark(),
              SftAlgorithm.SFT,
              Map.of(
                  "model", fresh,
                  "data", sample(recipe.demonstrations()),
                  "output", Storage.join(output, "sft")),
              recipe.sft(),
              progress);
      Map<String, String> paths = new LinkedHashMap<>();
      paths.put("model", sft.files().checkpoint());
      paths.put("data", sample(recipe.rows()));
      paths.put("eval-data", sample(recipe.heldOut()));
      if (TrainingSettings.of(recipe.algorithm()).stream()
          .anyMatch(setting -> setting.name().equals("reference-cache"))) {
        paths.put("reference-cache", Storage.join(output, "reference"));
      }
      paths.put("output", Storage.join(output, recipe.algorithm().command()));
      TrainingOutcome trained =
          train(session.spark(), recipe.algorithm(), paths, recipe.options(), progress);

      List<Map<String, Object>> prompts = prompts(storage);
      List<Sample> before = answers(storage, sft.files().checkpoint(), prompts);
      List<Sample> after = answers(storage, trained.files().checkpoint(), prompts);
      progress.close();
      console
          .out()
          .print(summary(recipe, trained, before, after, (System.nanoTime() - start) / 1e9));
    }
  }

  private String sample(String file) {
    return root.resolve(file).toString();
  }

  /** Runs a training command with options as a user would give them, and shows that command. */
  private TrainingOutcome train(
      SparkSession spark,
      Algorithm algorithm,
      Map<String, String> paths,
      Map<String, String> recipe,
      Progress progress) {
    Map<String, String> options = new LinkedHashMap<>(paths);
    options.putAll(recipe);
    options.put("ranks", Integer.toString(QuickstartRecipe.RANKS));
    options.put("seed", Long.toString(seed));
    Map<String, SettingValues.Given> given = new HashMap<>();
    StringBuilder call = new StringBuilder("plumbline ").append(algorithm.command());
    options.forEach(
        (name, text) -> {
          given.put(name, new SettingValues.Given(List.of(text), ""));
          call.append(" --").append(name).append(' ').append(text);
        });
    Problems problems = new Problems();
    TrainingRequest request =
        TrainingSettings.request(algorithm, new SettingValues(given, problems), problems);
    problems.refuse();
    progress.note(call.toString());
    return TrainingJob.run(spark, request, TrainingSettings.standard(algorithm), progress);
  }

  /** A few held-out prompts, spread over the file. */
  private List<Map<String, Object>> prompts(Storage storage) {
    List<Map<String, Object>> rows = new ArrayList<>();
    try (DataFileReader reader =
        DataFileReader.open(storage, FileSlice.whole(sample(recipe.heldOut())))) {
      for (Optional<RawRow> row = reader.next(); row.isPresent(); row = reader.next()) {
        row.get()
            .values()
            .filter(values -> values.get("prompt") != null)
            .ifPresent(values -> rows.add(Map.of("prompt", values.get("prompt"))));
      }
    }
    List<Map<String, Object>> chosen = new ArrayList<>();
    int wanted = Math.min(QuickstartRecipe.SAMPLES, rows.size());
    for (int i = 0; i < wanted; i++) {
      chosen.add(rows.get(i * rows.size() / wanted));
    }
    return chosen;
  }

  private static List<Sample> answers(
      Storage storage, String model, List<Map<String, Object>> prompts) {
    try (Sampler sampler = Sampler.open(ModelDirectory.open(storage, model), ComputeDtype.F32)) {
      return sampler.sample(prompts, DecodingSettings.greedy(QuickstartRecipe.SAMPLE_TOKENS));
    }
  }

  static String summary(
      QuickstartRecipe recipe,
      TrainingOutcome trained,
      List<Sample> before,
      List<Sample> after,
      double seconds) {
    String algorithm = recipe.algorithm().title();
    StringBuilder text = new StringBuilder();
    text.append(String.format(Locale.ROOT, "%nDone in %s.%n%n", Progress.duration(seconds)));
    text.append(String.format("%s, before and after %s%n", recipe.heldOutIs(), algorithm));
    text.append(OutcomeText.changes(trained));
    text.append(String.format("%nAnswers to held-out prompts, before and after %s%n", algorithm));
    for (int i = 0; i < before.size(); i++) {
      text.append(String.format("  %s%n", oneLine(PromptText.of(before.get(i).prompt()))));
      text.append(String.format("    before  %s%n", oneLine(before.get(i).completion())));
      text.append(String.format("    after   %s%n", oneLine(after.get(i).completion())));
    }
    text.append('\n').append(OutcomeText.paths(trained));
    text.append(
        String.format(
            "%nTalk to it: ./plumbline generate --model %s --chat --prompt 'What is 2 + 1?'%n",
            trained.files().checkpoint()));
    text.append(
        "Train your own model: docs/model-families.md says which are supported, and README.md by"
            + " which methods; --lora-r 16 trains an adapter.\n");
    return text.toString();
  }

  private static String oneLine(String text) {
    return OutcomeText.oneLine(text, LONGEST_LINE);
  }
}
