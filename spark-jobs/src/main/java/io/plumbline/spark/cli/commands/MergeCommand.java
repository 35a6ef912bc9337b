package io.plumbline.spark.cli.commands;

import io.plumbline.checkpoint.Adapter;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.AdapterMerge;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.training.ClusterSettings.WeightDtype;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Optional;

/** {@code merge}: a model and its adapter as one checkpoint. */
final class MergeCommand implements Command {
  private static final String FILES = "What to read and where to write";

  static final Setting<String> ADAPTER =
      Setting.text("adapter", "DIR", FILES, "The adapter's directory, of PEFT or of a run.");
  static final Setting<String> MODEL =
      Setting.text(
          "model",
          "DIR",
          FILES,
          "The model that it adapts; by default the one that the adapter names.");
  static final Setting<String> OUTPUT =
      Setting.text("output", "DIR", FILES, "Where the Hugging Face directory is written.");
  static final Setting<Boolean> OVERWRITE =
      Setting.flag("overwrite", FILES, "Deletes what is in --output first.");
  static final Setting<WeightDtype> SAVE_DTYPE =
      Setting.choice(
              "save-dtype", FILES, "Type of the weights that are written.", WeightDtype.class)
          .withInitial("f32");

  @Override
  public String name() {
    return "merge";
  }

  @Override
  public String summary() {
    return "A LoRA adapter merged into its model: one checkpoint that needs no adapter.";
  }

  @Override
  public String description() {
    return "Adds the adapter to the weights as PEFT's merge_and_unload does, in f32, and writes a"
        + " Hugging Face directory. Commands take the adapter's directory itself as --model, too.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "merge --adapter runs/dpo/checkpoint --output models/dpo",
        "merge --model models/base --adapter downloads/adapter --output models/merged"
            + " --save-dtype bf16");
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(ADAPTER, MODEL, OUTPUT, OVERWRITE, SAVE_DTYPE);
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String adapter = values.require(ADAPTER, "name the adapter's directory").orElse("");
    String output = values.require(OUTPUT, "name a directory for the merged model").orElse("");
    Optional<String> base = values.find(MODEL);
    WeightDtype dtype = values.of(SAVE_DTYPE);
    boolean overwrite = values.of(OVERWRITE);
    return console -> {
      Storage storage = SparkSessions.storage();
      ModelDirectory model =
          base.map(path -> ModelDirectory.open(storage, path).with(Adapter.open(storage, adapter)))
              .orElseGet(() -> ModelDirectory.open(storage, adapter));
      if (model.adapter().isEmpty()) {
        throw new PlumblineException(
            ErrorCode.BAD_USAGE,
            "--adapter names " + adapter + ", which is a whole model and no adapter.");
      }
      FreshOutput.clear(storage, output, overwrite, () -> model.requireOutside(output));
      AdapterMerge.write(storage, model, output, WeightFormat.of(dtype.dtype()));
      console.out().println(output);
    };
  }
}
