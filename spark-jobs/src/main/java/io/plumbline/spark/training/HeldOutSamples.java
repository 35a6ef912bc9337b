package io.plumbline.spark.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm;
import io.plumbline.model.Generation;
import io.plumbline.model.Generator;
import io.plumbline.model.SamplingSettings;
import io.plumbline.spark.evaluate.Sampler;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** The policy's greedy answers to a few held-out prompts: what a person looks at first. */
final class HeldOutSamples {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int PROMPTS = 8;
  private static final int MAX_NEW_TOKENS = 64;

  /** A prompt with the policy's answer, and the data's own completions, the chosen one first. */
  record Answer(String prompt, String answer, List<String> completions) {}

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
      List<TokenizedRow> rows = rows(held.get(), longestPrompt(policy));
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
                rows.get(i).completions().stream()
                    .map(tokenizer::decodeSkippingSpecialTokens)
                    .toList()));
      }
      storage.writeText(run.samples(moment), JSON.writeValueAsString(written));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("samples are plain text", e);
    }
  }

  static List<Answer> read(Storage storage, String path) {
    if (!storage.exists(path)) {
      return List.of();
    }
    try {
      return List.of(JSON.readValue(storage.readText(path), Answer[].class));
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA, path + " is damaged: delete it and run again.", e);
    }
  }

  private static OptionalInt longestPrompt(CausalLm policy) {
    int positions = policy.config().maxPositions();
    return positions > 0 ? OptionalInt.of(positions - MAX_NEW_TOKENS) : OptionalInt.empty();
  }

  /** The first rows with prompts, each prompt once. */
  private static List<TokenizedRow> rows(CanonicalShards held, OptionalInt longestPrompt) {
    List<TokenizedRow> rows = new ArrayList<>();
    Set<List<Integer>> seen = new HashSet<>();
    try (CanonicalShards.StepReader reader = held.reader(0, 1, 0)) {
      for (long step = 0; step < held.plan().steps() && rows.size() < PROMPTS; step++) {
        for (TokenizedRow row : reader.next()) {
          List<Integer> prompt = Arrays.stream(row.prompt()).boxed().toList();
          boolean fits = prompt.size() <= longestPrompt.orElse(Integer.MAX_VALUE);
          if (rows.size() < PROMPTS && !prompt.isEmpty() && fits && seen.add(prompt)) {
            rows.add(row);
          }
        }
      }
    }
    return rows;
  }
}
