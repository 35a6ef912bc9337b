package io.plumbline.model;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.Generation.Finish;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Writes completions with a key-value cache.
 *
 * <p>Holds the weights as they were when it was made, where the compute type is bf16; so make a new
 * one after an update. Prompts of a call run as one batch, whose size is the caller's to choose:
 * the prompt runs once however many completions it gets, and finished rows leave the batch.
 *
 * <p>A draw depends on the seed, the prompt's key, the completion's place and the token's place,
 * not on the rest of the batch (up to the rounding of the multiplications).
 */
public final class Generator implements AutoCloseable {
  /** Places by which the cache grows at first; it doubles after that. */
  private static final int FIRST_GROWTH = 64;

  private final Decoder decoder;
  private final Scope scope = Scope.open();
  private final Value weights;

  public Generator(CausalLm model) {
    this.decoder = model.decoder();
    this.weights = decoder.stepWeights(scope);
  }

  /** Completions of each prompt; a prompt's key is its place in the list. */
  public List<List<Generation>> generate(List<int[]> prompts, SamplingSettings settings) {
    long[] keys = new long[prompts.size()];
    Arrays.setAll(keys, i -> i);
    return generate(prompts, keys, settings);
  }

  /**
   * Completions of each prompt.
   *
   * @param prompts token ids, none empty
   * @param keys of each prompt what the draws depend on, such as its place in the data
   */
  public List<List<Generation>> generate(
      List<int[]> prompts, long[] keys, SamplingSettings settings) {
    for (int[] prompt : prompts) {
      if (prompt.length == 0) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA,
            "a prompt to complete has no tokens; give it at least one, such as the BOS token");
      }
    }
    if (prompts.isEmpty()) {
      return List.of();
    }
    try (Run run = new Run(prompts, keys, settings)) {
      return run.complete();
    }
  }

  @Override
  public void close() {
    scope.close();
  }

  /** One completion while it is being written. */
  private static final class Draft {
    final int prompt;
    final long key;
    final int completion;
    final int padding;
    int[] tokens = new int[FIRST_GROWTH];
    float[] logps = new float[FIRST_GROWTH];
    int length;
    Finish finish;

    Draft(int prompt, long key, int completion, int padding) {
      this.prompt = prompt;
      this.key = key;
      this.completion = completion;
      this.padding = padding;
    }

    void add(int token, float logp) {
      if (length == tokens.length) {
        tokens = Arrays.copyOf(tokens, 2 * length);
        logps = Arrays.copyOf(logps, 2 * length);
      }
      tokens[length] = token;
      logps[length] = logp;
      length++;
    }
  }

  /** The state of one batch. */
  private final class Run implements AutoCloseable {
    private final List<int[]> prompts;
    private final SamplingSettings settings;
    private final int width;
    private final List<Draft> drafts = new ArrayList<>();
    private final Scope kept = Scope.open();
    private List<Draft> open;
    private Value cache;
    private int capacity;
    private int used;

    Run(List<int[]> prompts, long[] keys, SamplingSettings settings) {
      this.prompts = prompts;
      this.settings = settings;
      this.width = prompts.stream().mapToInt(p -> p.length).max().orElseThrow();
      for (int p = 0; p < prompts.size(); p++) {
        for (int c = 0; c < settings.completions(); c++) {
          drafts.add(new Draft(p, keys[p], c, width - prompts.get(p).length));
        }
      }
      this.open = List.copyOf(drafts);
    }

    List<List<Generation>> complete() {
      try (Scope step = Scope.open()) {
        draw(step, prefill(step));
      }
      while (!open.isEmpty()) {
        try (Scope step = Scope.open()) {
          draw(step, advance(step));
        }
      }
      List<List<Generation>> out = new ArrayList<>();
      for (int p = 0; p < prompts.size(); p++) {
        int prompt = p;
        out.add(
            drafts.stream()
                .filter(d -> d.prompt == prompt)
                .map(
                    d ->
                        new Generation(
                            Arrays.copyOf(d.tokens, d.length),
                            Arrays.copyOf(d.logps, d.length),
                            d.finish))
                .toList());
      }
      return List.copyOf(out);
    }

    /** Runs each prompt once and copies its cache for every completion; gives their logits. */
    private Value prefill(Scope step) {
      int n = prompts.size();
      long[] ids = new long[n * width];
      float[] positions = new float[n * width];
      long[] padding = new long[n];
      boolean padded = false;
      for (int p = 0; p < n; p++) {
        int[] prompt = prompts.get(p);
        padding[p] = (long) width - prompt.length;
        padded |= padding[p] > 0;
        for (int i = 0; i < prompt.length; i++) {
          int at = p * width + (int) padding[p] + i;
          if (prompt[i] < 0 || prompt[i] >= decoder.config.vocabSize()) {
            throw new PlumblineException(
                ErrorCode.BAD_DATA,
                "a prompt has the token id "
                    + prompt[i]
                    + ", but the model's vocabulary has "
                    + decoder.config.vocabSize()
                    + " entries; use the tokenizer that belongs to the model");
          }
          ids[at] = prompt[i];
          positions[at] = i;
        }
      }
      Value mask =
          padded
              ? decoder.call(step, "prompt_mask", step.longs(padding, n), width)
              : step.floats(new float[0], 0);
      Value prompted = decoder.call(step, "new_cache", n, width);
      Value logits =
          decoder.call(
              step,
              "step",
              step.longs(ids, n, width),
              step.floats(positions, n, width),
              decoder.frequencies,
              prompted,
              0,
              mask,
              weights);
      used = width;
      capacity = width;
      cache = prompted;
      if (settings.completions() > 1) {
        long[] rows = drafts.stream().mapToLong(d -> d.prompt).toArray();
        Value which = step.longs(rows, rows.length);
        logits = decoder.call(step, "selected_rows", logits, 0, which);
        cache = decoder.call(kept, "selected_rows", prompted, 1, which);
      }
      grow();
      return logits;
    }

    /** Runs the newest token of every open row; gives the logits of the next one. */
    private Value advance(Scope step) {
      if (used == capacity) {
        grow();
      }
      int n = open.size();
      long[] ids = new long[n];
      float[] positions = new float[n];
      for (int i = 0; i < n; i++) {
        Draft draft = open.get(i);
        ids[i] = draft.tokens[draft.length - 1];
        positions[i] = used - draft.padding;
      }
      long[] padding = open.stream().mapToLong(d -> d.padding).toArray();
      Value mask =
          Arrays.stream(padding).anyMatch(p -> p > 0)
              ? decoder.call(step, "step_mask", step.longs(padding, n), used + 1)
              : step.floats(new float[0], 0);
      Value logits =
          decoder.call(
              step,
              "step",
              step.longs(ids, n, 1),
              step.floats(positions, n, 1),
              decoder.frequencies,
              cache,
              used,
              mask,
              weights);
      used++;
      return logits;
    }

    private void grow() {
      long more = Math.max(FIRST_GROWTH, capacity - width);
      int wanted = (int) Math.min(capacity + more, (long) width + settings.maxNewTokens());
      if (wanted > capacity) {
        replaceCache(decoder.call(kept, "grown_cache", cache, wanted));
        capacity = wanted;
      }
    }

    private void replaceCache(Value next) {
      kept.free(cache);
      cache = next;
    }

    private void draw(Scope step, Value logits) {
      int n = open.size();
      double[] u = new double[n];
      for (int i = 0; i < n; i++) {
        Draft draft = open.get(i);
        u[i] = uniform(settings.seed(), draft.key, draft.completion, draft.length);
      }
      Value[] picked =
          decoder
              .call(
                  step,
                  "pick",
                  logits,
                  step.doubles(u, n),
                  settings.temperature(),
                  settings.topK(),
                  settings.topP(),
                  settings.minP())
              .parts(step);
      long[] tokens = picked[0].longs();
      float[] logps = picked[1].floats();
      List<Draft> still = new ArrayList<>();
      List<Integer> rows = new ArrayList<>();
      for (int i = 0; i < n; i++) {
        Draft draft = open.get(i);
        if (draft.finish == null) {
          draft.add((int) tokens[i], logps[i]);
          if (settings.eosIds().contains((int) tokens[i])) {
            draft.finish = Finish.EOS;
          } else if (draft.length == settings.maxNewTokens()) {
            draft.finish = Finish.LENGTH;
          }
        }
        if (draft.finish == null) {
          still.add(draft);
          rows.add(i);
        }
      }
      // Dropping rows copies the cache, so it waits until a quarter of them is done.
      if (still.isEmpty()) {
        open = still;
      } else if (still.size() <= 0.75 * n) {
        Value which = step.longs(rows.stream().mapToLong(i -> i).toArray(), rows.size());
        replaceCache(decoder.call(kept, "selected_rows", cache, 1, which));
        open = still;
      }
    }

    @Override
    public void close() {
      kept.close();
    }
  }

  /** A number in [0, 1) that is fixed by the four: SplitMix64's mixing over each in turn. */
  static double uniform(long seed, long key, long completion, long token) {
    long h = mix(seed);
    h = mix(h ^ key);
    h = mix(h ^ completion);
    h = mix(h ^ token);
    return (h >>> 11) * 0x1.0p-53;
  }

  private static long mix(long value) {
    long z = value + 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
