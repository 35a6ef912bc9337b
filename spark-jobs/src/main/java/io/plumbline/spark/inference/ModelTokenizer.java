package io.plumbline.spark.inference;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.TokenizerFit;
import io.plumbline.text.Tokenizer;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is found out about a model's tokenizer before it is used. */
public final class ModelTokenizer {
  private static final Logger LOG = LoggerFactory.getLogger(ModelTokenizer.class);

  private ModelTokenizer() {}

  /**
   * Fails with BAD_CHECKPOINT where the model has no row for a token, and says once where its files
   * contradict one another.
   */
  public static void check(ModelDirectory model, Tokenizer tokenizer, Consumer<String> note) {
    TokenizerFit.require(model, tokenizer);
    for (String sentence : TokenizerFit.notes(model, tokenizer)) {
      LOG.warn(sentence);
      note.accept(sentence);
    }
  }

  /** Checks a model against its own tokenizer, which is loaded for that. */
  public static void check(ModelDirectory model, Consumer<String> note) {
    if (model.tokenizerFiles().content("tokenizer.json").isPresent()) {
      try (Tokenizer tokenizer = Tokenizer.of(model.tokenizerFiles())) {
        check(model, tokenizer, note);
      }
    }
  }
}
