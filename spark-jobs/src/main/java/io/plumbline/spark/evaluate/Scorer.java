package io.plumbline.spark.evaluate;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.TokenLogps;
import io.plumbline.spark.reference.Batches;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** Scores a few rows in this process, without Spark. Not thread-safe. */
public final class Scorer implements AutoCloseable {
  /** Token budget of a forward pass unless the caller gives one. */
  public static final int TOKENS_PER_BATCH = 8192;

  private final Tokenizer tokenizer;
  private final CausalLm model;

  private Scorer(Tokenizer tokenizer, CausalLm model) {
    this.tokenizer = tokenizer;
    this.model = model;
  }

  /** Loads the model and the tokenizer of a Hugging Face directory. */
  public static Scorer open(Storage storage, String modelPath, ComputeDtype dtype) {
    ModelDirectory directory = ModelDirectory.open(storage, modelPath);
    Tokenizer tokenizer = Tokenizer.of(directory.tokenizerFiles());
    try {
      return new Scorer(tokenizer, CausalLm.load(directory, Purpose.INFERENCE, dtype));
    } catch (RuntimeException | Error e) {
      tokenizer.close();
      throw e;
    }
  }

  /** Log-probabilities of texts as they stand. */
  public List<Score.CompletionScore> texts(List<String> texts) {
    List<Map<String, Object>> rows = new ArrayList<>();
    for (String text : texts) {
      rows.add(Map.of("text", text));
    }
    return score(rows).stream().map(Score.CompletionScore.class::cast).toList();
  }

  /**
   * Scores rows of any shape that training takes.
   *
   * @param rows values by column, as JSON has them: {@code text}; {@code prompt} and {@code
   *     completion}; {@code messages}; {@code chosen} and {@code rejected} with or without {@code
   *     prompt}
   * @return in the order of the rows
   */
  public List<Score> score(List<Map<String, Object>> rows) {
    ScoringRows preparing = new ScoringRows(tokenizer);
    List<ScoringRows.Prepared> prepared = new ArrayList<>();
    for (Map<String, Object> row : rows) {
      prepared.add(preparing.prepare(prepared.size(), row));
    }
    return score(model, preparing, prepared, TOKENS_PER_BATCH);
  }

  static List<Score> score(
      CausalLm model,
      ScoringRows preparing,
      List<ScoringRows.Prepared> prepared,
      int tokensPerBatch) {
    IdentityHashMap<TokenizedRow, Integer> places = new IdentityHashMap<>();
    for (int i = 0; i < prepared.size(); i++) {
      places.put(prepared.get(i).row(), i);
    }
    List<TokenizedRow> rows = prepared.stream().map(ScoringRows.Prepared::row).toList();
    Score[] scores = new Score[prepared.size()];
    for (List<TokenizedRow> batch : Batches.byTokens(rows, tokensPerBatch)) {
      TokenLogps logps = model.logps(batch);
      for (int i = 0; i < batch.size(); i++) {
        int place = places.get(batch.get(i));
        scores[place] = preparing.score(prepared.get(place), logps.logps().get(i));
      }
    }
    return Arrays.asList(scores);
  }

  @Override
  public void close() {
    model.close();
    tokenizer.close();
  }
}
