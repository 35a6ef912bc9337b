package io.plumbline.spark.cli.commands;

import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.cli.pipeline.Pipeline;
import io.plumbline.spark.cli.pipeline.PipelineFile;
import io.plumbline.spark.cli.pipeline.PipelinePlan;
import io.plumbline.spark.cli.pipeline.PipelineRun;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** {@code quickstart}: the whole path on the sample data. */
final class QuickstartCommand implements Command {
  private static final String GROUP = "Where and how";
  private static final String SAMPLES = "data-samples/";
  private static final String PIPELINE = SAMPLES + "pipelines/instructgpt.yaml";

  static final Setting<QuickstartRecipe.Choice> ALGORITHM =
      Setting.choice(
              "algorithm",
              "What is trained",
              "What comes after SFT: DPO on pairs of answers; GRPO on sums of digits, with a program"
                  + " that checks the answer; or PPO with a reward model and a critic beside DPO in"
                  + " one and two rounds, all on pairs of the model's own answers, compared in one"
                  + " report.",
              QuickstartRecipe.Choice.class)
          .withInitial("dpo");
  static final Setting<String> OUTPUT =
      Setting.text(
          "output",
          "DIR",
          GROUP,
          "Where everything is written. Without it, the first free runs/quickstart-N here.");
  static final Setting<Long> SEED =
      Setting.whole("seed", GROUP, "Decides the first weights and the order of rows.", 0)
          .withInitial("42");

  @Override
  public String name() {
    return "quickstart";
  }

  @Override
  public String summary() {
    return "The whole path on the sample data, from nothing to a better model.";
  }

  @Override
  public String description() {
    return "Makes a small fresh model, teaches it to answer (SFT), then teaches it to prefer"
        + " polite, short and correct answers (--algorithm dpo, with the reference cache filled"
        + " first), or to answer sums correctly by a reward for it (--algorithm grpo), or by a"
        + " reward model and by mined pairs (--algorithm ppo, the pipeline"
        + " data-samples/pipelines/instructgpt.yaml), with two ranks on an embedded local Spark, and shows what changed on held-out rows. Takes a few"
        + " minutes on two cores. docs/model-families.md has the models that training commands take.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "quickstart",
        "quickstart --algorithm grpo",
        "quickstart --algorithm ppo",
        "quickstart --output runs/first --seed 1");
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(ALGORITHM, OUTPUT, SEED);
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String output = values.find(OUTPUT).orElseGet(QuickstartCommand::firstFree);
    long seed = values.of(SEED);
    String root = System.getProperty("plumbline.root", ".");
    if (values.of(ALGORITHM) == QuickstartRecipe.Choice.PPO) {
      requireSamples(root, List.of(PIPELINE), problems);
      return problems.none() ? pipeline(Path.of(root), output, seed, problems) : console -> {};
    }
    QuickstartRecipe recipe = QuickstartRecipe.of(values.of(ALGORITHM));
    requireSamples(root, recipe.files(), problems);
    return console -> new Quickstart(recipe, Path.of(root), output, seed, console).run();
  }

  /** The routes of a pipeline, from one SFT model. */
  private static Work pipeline(Path root, String output, long seed, Problems problems) {
    Pipeline pipeline =
        Pipeline.of(
            PipelineFile.read(root.resolve(PIPELINE), problems)
                .withTexts(text -> text.startsWith(SAMPLES) ? root.resolve(text).toString() : text)
                .withDefault(SEED, Long.toString(seed)),
            Optional.of(output),
            Commands.all(),
            problems);
    return console -> {
      try (SparkSessions.Session session =
          SparkSessions.open(new SettingValues(Map.of(), new Problems()), QuickstartRecipe.RANKS)) {
        PipelineRun.run(
            pipeline,
            new PipelinePlan.Selection(Set.of(), Set.of(), Optional.empty()),
            session.storage(),
            console);
      }
    };
  }

  private static void requireSamples(String root, List<String> files, Problems problems) {
    for (String file : files) {
      if (!Files.isRegularFile(Path.of(root, file))) {
        problems.add(
            String.format(
                "The sample data %s is not below %s: start quickstart by ./plumbline from a clone"
                    + " of the repository.",
                file, Path.of(root).toAbsolutePath().normalize()));
      }
    }
  }

  private static String firstFree() {
    int n = 1;
    while (Files.exists(Path.of("runs/quickstart-" + n))) {
      n++;
    }
    return "runs/quickstart-" + n;
  }
}
