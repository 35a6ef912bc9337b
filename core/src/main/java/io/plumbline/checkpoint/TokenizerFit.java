package io.plumbline.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;

/** Whether a model and the tokenizer beside it fit together. */
public final class TokenizerFit {
  private static final int NAMED_AT_MOST = 3;

  private TokenizerFit() {}

  /**
   * Fails where the tokenizer has ids for which the embedding has no row: a text with such a token
   * could not be read. Does nothing where the directory has no tokenizer.
   *
   * @throws PlumblineException BAD_CHECKPOINT
   */
  public static void require(ModelDirectory model) {
    if (model.tokenizerFiles().content("tokenizer.json").isEmpty()) {
      return;
    }
    try (Tokenizer tokenizer = Tokenizer.of(model.tokenizerFiles())) {
      require(model, tokenizer);
    }
  }

  /** Refuses a model whose embedding has fewer rows than its tokenizer has ids. */
  public static void require(ModelDirectory model, Tokenizer tokenizer) {
    JsonNode rows = model.config().path("vocab_size");
    if (!rows.isInt() || tokenizer.vocabularySize() <= rows.asInt()) {
      return;
    }
    SortedMap<Integer, String> without = tokenizer.tokensFrom(rows.asInt());
    List<String> named = new ArrayList<>();
    without.forEach(
        (id, token) -> {
          if (named.size() < NAMED_AT_MOST) {
            named.add(token + " (" + id + ")");
          }
        });
    int more = without.size() - named.size();
    throw new PlumblineException(
        ErrorCode.BAD_CHECKPOINT,
        "The tokenizer of "
            + model.path()
            + " has ids up to "
            + (tokenizer.vocabularySize() - 1)
            + ", and the model's embedding has "
            + rows.asInt()
            + " rows: there is none for "
            + String.join(", ", named)
            + (more > 0 ? " and " + more + " more" : "")
            + ". Resize the embedding by transformers' resize_token_embeddings("
            + tokenizer.vocabularySize()
            + ") and save the model, or take the tokens out of the tokenizer's files.");
  }

  /**
   * Where the files that come with a model contradict one another, one sentence on what was taken;
   * empty where they do not.
   */
  public static List<String> notes(ModelDirectory model, Tokenizer tokenizer) {
    List<String> notes = new ArrayList<>(tokenizer.notes());
    if (tokenizer.eosTokenId().isPresent()) {
      int own = tokenizer.eosTokenId().getAsInt();
      Set<Integer> ids = stopIds(model);
      if (!ids.isEmpty() && !ids.contains(own)) {
        notes.add(
            "the model's configuration ends completions at "
                + ids
                + " and the tokenizer's EOS token is "
                + tokenizer.eosToken().orElse("")
                + " ("
                + own
                + "): each of them ends a completion");
      }
    }
    return notes.isEmpty()
        ? List.of()
        : List.of("The tokenizer of " + model.path() + ": " + String.join("; ", notes) + ".");
  }

  /**
   * The ids that end a completion by the model's configuration: those of generation_config.json, or
   * where it names none those of config.json, as transformers' generate has it.
   */
  public static Set<Integer> stopIds(ModelDirectory model) {
    Set<Integer> ids = new TreeSet<>();
    model
        .generationConfig()
        .ifPresent(text -> addIds(PythonJson.parse(text, "generation_config.json"), ids));
    if (ids.isEmpty()) {
      addIds(model.config(), ids);
    }
    return ids;
  }

  private static void addIds(JsonNode config, Set<Integer> ids) {
    JsonNode value = config.path("eos_token_id");
    if (value.isInt()) {
      ids.add(value.intValue());
    }
    value.forEach(
        element -> {
          if (element.isInt()) {
            ids.add(element.intValue());
          }
        });
  }
}
