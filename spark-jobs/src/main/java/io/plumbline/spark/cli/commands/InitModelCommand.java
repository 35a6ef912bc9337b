package io.plumbline.spark.cli.commands;

import io.plumbline.checkpoint.InitModel;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.error.PlumblineException;
import io.plumbline.settings.Texts;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Locale;

/** {@code init-model}: a fresh model. */
final class InitModelCommand implements Command {
  private static final String FILES = "What to read and where to write";
  private static final String SIZES = "Family and sizes";
  private static final InitModel.Settings DEFAULTS = InitModel.Settings.defaults();

  /** Which architectures a fresh model can have. */
  enum Family {
    LLAMA
  }

  static final Setting<String> OUTPUT =
      Setting.text("output", "DIR", FILES, "Where the Hugging Face directory is written.");
  static final Setting<String> DATA =
      Setting.repeated(
          "data",
          "PATH",
          FILES,
          "Text files from whose lines the tokenizer learns its merges; without them every byte is"
              + " a token.");
  static final Setting<Boolean> OVERWRITE =
      Setting.flag("overwrite", FILES, "Deletes what is in --output first.");
  static final Setting<Family> FAMILY =
      Setting.choice("family", SIZES, "Architecture.", Family.class).withInitial("llama");
  static final Setting<Integer> HIDDEN_SIZE =
      size("hidden-size", "Width of the residual stream.", DEFAULTS.decoder().hiddenSize());
  static final Setting<Integer> LAYERS =
      size("layers", "Decoder layers.", DEFAULTS.decoder().layers());
  static final Setting<Integer> HEADS = size("heads", "Query heads.", DEFAULTS.decoder().heads());
  static final Setting<Integer> KV_HEADS =
      size(
          "kv-heads",
          "Heads of keys and values; divides --heads.",
          DEFAULTS.decoder().keyValueHeads());
  static final Setting<Integer> INTERMEDIATE_SIZE =
      size(
          "intermediate-size",
          "Width inside the feed-forward block.",
          DEFAULTS.decoder().intermediateSize());
  static final Setting<Integer> VOCAB_SIZE =
      size(
          "vocab-size",
          "Tokens at most; more than "
              + InitModel.SMALLEST_VOCABULARY
              + " only where --data gives texts to learn from.",
          DEFAULTS.vocabularySize());
  static final Setting<Integer> MAX_POSITIONS =
      size("max-positions", "Longest sequence, in tokens.", DEFAULTS.maxPositions());
  static final Setting<InitModel.EmbeddingSharing> EMBEDDINGS =
      Setting.choice(
              "embeddings",
              SIZES,
              "Whether the output head is the embedding or has weights of its own.",
              InitModel.EmbeddingSharing.class)
          .withInitial(Texts.word(DEFAULTS.sharing()));
  static final Setting<Double> ROPE_THETA =
      Setting.positive("rope-theta", SIZES, "Base of the rotary frequencies.")
          .withInitial(Double.toString(DEFAULTS.ropeTheta()));
  static final Setting<Double> INITIALIZER_RANGE =
      Setting.positive("initializer-range", SIZES, "Standard deviation of the weights.")
          .withInitial(Double.toString(DEFAULTS.initializerRange()));
  static final Setting<Long> SEED =
      Setting.whole("seed", SIZES, "Of the weights.", 0).withInitial("42");

  private static Setting<Integer> size(String name, String help, int initial) {
    return Setting.count(name, SIZES, help, 1).withInitial(Integer.toString(initial));
  }

  @Override
  public String name() {
    return "init-model";
  }

  @Override
  public String summary() {
    return "A fresh, randomly initialised checkpoint with a byte-level tokenizer.";
  }

  @Override
  public String description() {
    return "Writes a Hugging Face directory: config.json, model.safetensors, tokenizer.json and a"
        + " chat template. The same options and texts give the same files, byte for byte.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "init-model --output models/fresh",
        "init-model --output models/fresh --hidden-size 256 --layers 6 --heads 8 --kv-heads 4"
            + " --vocab-size 2048 --data corpus.txt");
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(
        OUTPUT,
        DATA,
        OVERWRITE,
        FAMILY,
        HIDDEN_SIZE,
        LAYERS,
        HEADS,
        KV_HEADS,
        INTERMEDIATE_SIZE,
        VOCAB_SIZE,
        MAX_POSITIONS,
        EMBEDDINGS,
        ROPE_THETA,
        INITIALIZER_RANGE,
        SEED);
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String output = values.require(OUTPUT, "name a directory for the new model").orElse("");
    List<String> texts = values.all(DATA);
    values.of(FAMILY);
    InitModel.Settings settings = sizes(values, problems);
    if (texts.isEmpty() && settings.vocabularySize() > InitModel.SMALLEST_VOCABULARY) {
      problems.add(
          String.format(
              Locale.ROOT,
              "--vocab-size is %d, and merges beyond %d are learned from texts: name them by"
                  + " --data.",
              settings.vocabularySize(),
              InitModel.SMALLEST_VOCABULARY));
    }
    boolean overwrite = values.of(OVERWRITE);
    return console -> {
      Storage storage = SparkSessions.storage();
      FreshOutput.clear(storage, output, overwrite, () -> {});
      ModelDirectory model =
          texts.isEmpty()
              ? InitModel.write(storage, output, settings)
              : InitModel.writeFromTextFiles(storage, output, settings, texts);
      console
          .out()
          .printf(
              Locale.ROOT,
              "%s: %,d parameters, %d tokens%n",
              output,
              model.parameters(),
              model.config().path("vocab_size").asInt());
    };
  }

  private static InitModel.Settings sizes(SettingValues values, Problems problems) {
    try {
      return new InitModel.Settings(
          new InitModel.Decoder(
              values.of(HIDDEN_SIZE),
              values.of(LAYERS),
              values.of(HEADS),
              values.of(KV_HEADS),
              values.of(INTERMEDIATE_SIZE)),
          values.of(VOCAB_SIZE),
          values.of(EMBEDDINGS),
          values.of(ROPE_THETA),
          values.of(MAX_POSITIONS),
          values.of(INITIALIZER_RANGE),
          values.of(SEED));
    } catch (PlumblineException e) {
      problems.add(e.getMessage());
      return DEFAULTS;
    }
  }
}
