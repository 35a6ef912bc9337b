package io.plumbline.spark.inference;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.ModelDirectory.Kind;
import io.plumbline.checkpoint.TokenizerFit;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Scores rows in this process, without Spark: with log-probabilities where the model is a language
 * model, with scores where it is a reward model. Not thread-safe.
 */
public final class Scorer implements AutoCloseable {
  /** Token budget of a forward pass unless the caller gives one. */
  public static final int TOKENS_PER_BATCH = 8192;

  private final Tokenizer tokenizer;
  private final ScoringRows preparing;
  private final RowJudge model;
  private final int tokensPerBatch;

  private Scorer(Tokenizer tokenizer, Kind kind, RowJudge model, int tokensPerBatch) {
    this.tokenizer = tokenizer;
    this.preparing = new ScoringRows(tokenizer, kind);
    this.model = model;
    this.tokensPerBatch = tokensPerBatch;
  }

  /** Loads a model and its tokenizer. */
  public static Scorer open(ModelDirectory directory, ComputeDtype dtype) {
    Tokenizer tokenizer = Tokenizer.of(directory.tokenizerFiles());
    return open(
        tokenizer,
        directory.kind(),
        () -> {
          TokenizerFit.require(directory, tokenizer);
          return RowJudge.open(directory, dtype);
        },
        TOKENS_PER_BATCH);
  }

  /** Scores by a model that is opened here; closes tokenizer and model with itself. */
  public static Scorer open(
      Tokenizer tokenizer, Kind kind, Supplier<RowJudge> model, int tokensPerBatch) {
    try {
      return new Scorer(tokenizer, kind, model.get(), tokensPerBatch);
    } catch (RuntimeException | Error e) {
      tokenizer.close();
      throw e;
    }
  }

  /** Scores texts as they stand. */
  public List<Score> texts(List<String> texts) {
    List<Map<String, Object>> rows = new ArrayList<>();
    for (String text : texts) {
      rows.add(Map.of("text", text));
    }
    return score(rows);
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
    return score(rows, 0);
  }

  /**
   * @param firstPlace the first row's place in the whole input
   */
  public List<Score> score(List<Map<String, Object>> rows, long firstPlace) {
    List<ScoringRows.Prepared> prepared = new ArrayList<>();
    for (Map<String, Object> row : rows) {
      prepared.add(preparing.prepare(firstPlace + prepared.size(), row));
    }
    List<Integer> places = IntStream.range(0, prepared.size()).boxed().toList();
    Score[] scores = new Score[prepared.size()];
    for (List<Integer> batch :
        Batches.byTokens(places, place -> prepared.get(place).row(), tokensPerBatch)) {
      List<Score> found = model.judge(preparing, batch.stream().map(prepared::get).toList());
      for (int i = 0; i < batch.size(); i++) {
        scores[batch.get(i)] = found.get(i);
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
