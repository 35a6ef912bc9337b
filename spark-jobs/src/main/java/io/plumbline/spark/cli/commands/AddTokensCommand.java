package io.plumbline.spark.cli.commands;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.VocabularyExtension;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.OverwrittenInputs;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.storage.Storage;
import io.plumbline.text.AddedTokens;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** {@code add-tokens}: a model with more tokens. */
final class AddTokensCommand implements Command {
  private static final String FILES = "What to read and where to write";
  private static final String TOKENS = "Tokens";

  static final Setting<String> MODEL =
      Setting.text("model", "DIR", FILES, "The model that gets tokens: a Hugging Face directory.");
  static final Setting<String> OUTPUT =
      Setting.text("output", "DIR", FILES, "Where the model with the tokens is written.");
  static final Setting<Boolean> OVERWRITE =
      Setting.flag("overwrite", FILES, "Deletes what is in --output first.");
  static final Setting<String> PLAIN =
      Setting.text(
          "tokens",
          "TEXT,...",
          TOKENS,
          "Tokens of text, with commas between them. (transformers: add_tokens.)");
  static final Setting<String> PLAIN_FILE =
      Setting.text("tokens-file", "FILE", TOKENS, "A text file with a token of text on each line.");
  static final Setting<String> SPECIAL =
      Setting.text(
          "special-tokens",
          "TEXT,...",
          TOKENS,
          "Tokens that decoding leaves out, such as '<|im_start|>,<|im_end|>'. (transformers:"
              + " add_special_tokens.)");
  static final Setting<String> EOS =
      Setting.text(
          "eos-token",
          "TEXT",
          TOKENS,
          "The token that ends completions from now on, such as '<|im_end|>'; it is in the"
              + " vocabulary or among the tokens that are added. (TRL: eos_token.)");
  static final Setting<Long> SEED =
      Setting.whole("seed", TOKENS, "Of the new rows of the embedding.", 0).withInitial("42");

  @Override
  public String name() {
    return "add-tokens";
  }

  @Override
  public String summary() {
    return "A model with more tokens: tokenizer and embedding, as transformers resizes them.";
  }

  @Override
  public String description() {
    return "Writes a copy of a model directory whose tokenizer has more tokens and whose embedding"
        + " (and head, where it has one of its own) has a row for each: rows that the embedding has"
        + " already beyond its tokenizer first, then new ones around the mean of the others, as"
        + " transformers' resize_token_embeddings draws them. The same model, tokens and seed give"
        + " the same files, byte for byte.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "add-tokens --model models/base --special-tokens '<|im_start|>,<|im_end|>' --eos-token"
            + " '<|im_end|>' --output models/base-chat",
        "add-tokens --model models/base --tokens-file words.txt --output models/more-words");
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(MODEL, OUTPUT, OVERWRITE, PLAIN, PLAIN_FILE, SPECIAL, EOS, SEED);
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String model = values.require(MODEL, "name the model that gets tokens").orElse("");
    String output = values.require(OUTPUT, "name a directory for the new model").orElse("");
    List<String> plain = listed(values.find(PLAIN));
    List<String> special = listed(values.find(SPECIAL));
    Optional<String> file = values.find(PLAIN_FILE);
    Optional<String> eos = values.find(EOS);
    long seed = values.of(SEED);
    boolean overwrite = values.of(OVERWRITE);
    if (plain.isEmpty() && special.isEmpty() && file.isEmpty() && eos.isEmpty()) {
      problems.add("No token is named: name some by --tokens, --tokens-file or --special-tokens.");
    }
    if (overwrite) {
      OverwrittenInputs.refuse(settings(), output, values, problems);
    }
    return console -> {
      Storage storage = SparkSessions.storage();
      List<String> all = new ArrayList<>(plain);
      file.ifPresent(
          path -> storage.readText(path).lines().filter(t -> !t.isBlank()).forEach(all::add));
      AddedTokens tokens = new AddedTokens(all, special, eos);
      ModelDirectory start = ModelDirectory.open(storage, model);
      FreshOutput.clear(storage, output, overwrite, () -> start.requireOutside(output));
      VocabularyExtension made = VocabularyExtension.write(start, tokens, seed, storage, output);
      made.ids().forEach((token, id) -> console.out().printf(Locale.ROOT, "%s: %d%n", token, id));
      console
          .out()
          .printf(
              Locale.ROOT,
              "%s: %d rows in the embedding, %d of them new%n",
              output,
              ModelDirectory.open(storage, output).config().path("vocab_size").asInt(),
              made.addedRows());
    };
  }

  private static List<String> listed(Optional<String> tokens) {
    return tokens.map(text -> List.of(text.split(",", -1))).orElse(List.of());
  }
}
