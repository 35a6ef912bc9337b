package io.plumbline.spark.training.rank;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.plumbline.base.Json;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.TokenizedRow;
import io.plumbline.data.TokenizedRow.Desirability;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm;
import io.plumbline.model.Generation;
import io.plumbline.model.Generator;
import io.plumbline.model.SamplingSettings;
import io.plumbline.model.ScoreModel;
import io.plumbline.spark.inference.Sampler;
import io.plumbline.spark.run.RunDirectory;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What the model makes of a few held-out rows, which a person looks at first: the policy's greedy
 * answers to their prompts, or a reward model's scores of their completions.
 */
public final class HeldOutSamples {
  private static final int ROWS = 8;
  private static final int MAX_NEW_TOKENS = 64;

  /**
   * A prompt with the policy's answer, and the data's own completions, the chosen one first.
   *
   * @param label whether the data calls its own completion a good one
   */
  public record Answer(String prompt, String answer, List<String> completions, Desirability label) {
    public Answer {
      // Files of runs that began before there were labels have none.
      label = Objects.requireNonNullElse(label, Desirability.UNSTATED);
    }
  }

  /** A prompt with the data's completions, the chosen one first, and the score of each. */
  public record Scored(String prompt, List<String> completions, List<Double> scores) {}

  private final Storage storage;
  private final RunDirectory run;
  private final ModelDirectory model;
  private final Optional<CanonicalShards> held;

  HeldOutSamples(
      Storage storage, RunDirectory run, ModelDirectory model, Optional<CanonicalShards> held) {
    this.storage = storage;
    this.run = run;
    this.model = model;
    this.held = held;
  }

  /** Answers with the weights that the policy has now, and keeps the answers under a name. */
  void write(CausalLm policy, String moment) {
    if (held.isEmpty()) {
      return;
    }
    try (Tokenizer tokenizer = Tokenizer.of(model.tokenizerFiles());
        Generator generator = new Generator(policy)) {
      Set<Integer> eosIds = Sampler.eosIds(model, tokenizer);
      List<TokenizedRow> rows = rows(held.get(), answerable(policy));
      List<List<Generation>> answers =
          generator.generate(
              rows.stream().map(TokenizedRow::prompt).toList(),
              SamplingSettings.greedy(MAX_NEW_TOKENS, eosIds));
      List<Answer> written = new ArrayList<>();
      for (int i = 0; i < rows.size(); i++) {
        written.add(
            new Answer(
                tokenizer.decode(rows.get(i).prompt()),
                tokenizer.decodeSkippingSpecialTokens(answers.get(i).get(0).tokens()),
                texts(tokenizer, ownCompletions(rows.get(i))),
                rows.get(i).desirability()));
      }
      write(moment, written);
    }
  }

  /** Scores with the weights that the model has now, and keeps the scores under a name. */
  void write(ScoreModel scorer, String moment) {
    if (held.isEmpty()) {
      return;
    }
    try (Tokenizer tokenizer = Tokenizer.of(model.tokenizerFiles())) {
      List<Scored> written = new ArrayList<>();
      for (TokenizedRow row : rows(held.get(), any -> true)) {
        // One row at a time: together, a long one could take more memory than a step does.
        float[] scores = scorer.infer(List.of(row)).get(0);
        List<Double> values = new ArrayList<>();
        for (float score : scores) {
          values.add((double) score);
        }
        written.add(
            new Scored(
                tokenizer.decode(row.prompt()), texts(tokenizer, row.completions()), values));
      }
      write(moment, written);
    }
  }

  private void write(String moment, List<?> samples) {
    try {
      storage.writeText(run.samples(moment), Json.MAPPER.writeValueAsString(samples));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("samples are plain text and numbers", e);
    }
  }

  /** A policy's answers; none where the file is missing. */
  public static List<Answer> answers(Storage storage, String path) {
    return read(storage, path, Answer[].class);
  }

  /** A reward model's scores; none where the file is missing. */
  public static List<Scored> scores(Storage storage, String path) {
    return read(storage, path, Scored[].class);
  }

  private static <T> List<T> read(Storage storage, String path, Class<T[]> type) {
    if (!storage.exists(path)) {
      return List.of();
    }
    try {
      return List.of(Json.MAPPER.readValue(storage.readText(path), type));
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA, path + " is damaged: delete it and run again.", e);
    }
  }

  private static List<String> texts(Tokenizer tokenizer, List<int[]> completions) {
    return completions.stream().map(tokenizer::decodeSkippingSpecialTokens).toList();
  }

  /** Without the completion of another prompt that unpaired rows carry. */
  private static List<int[]> ownCompletions(TokenizedRow row) {
    return row.desirability() == Desirability.UNSTATED
        ? row.completions()
        : row.completions().subList(0, 1);
  }

  /** Rows that ask something, with room for an answer. */
  private static Predicate<TokenizedRow> answerable(CausalLm policy) {
    int positions = policy.config().maxPositions();
    int longest = positions > 0 ? positions - MAX_NEW_TOKENS : Integer.MAX_VALUE;
    return row -> row.prompt().length > 0 && row.prompt().length <= longest;
  }

  /** The first rows that will do, each prompt once. */
  private static List<TokenizedRow> rows(CanonicalShards held, Predicate<TokenizedRow> fit) {
    List<TokenizedRow> rows = new ArrayList<>();
    Set<List<Integer>> seen = new HashSet<>();
    try (CanonicalShards.StepReader reader = held.reader(0, 1, 0)) {
      for (long step = 0; step < held.plan().steps() && rows.size() < ROWS; step++) {
        for (TokenizedRow row : reader.next()) {
          List<Integer> prompt = Arrays.stream(row.prompt()).boxed().toList();
          if (rows.size() < ROWS && fit.test(row) && (prompt.isEmpty() || seen.add(prompt))) {
            rows.add(row);
          }
        }
      }
    }
    return rows;
  }
}
