package io.plumbline.model;

import io.plumbline.base.SplitMix64;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.Generation.Finish;
import io.plumbline.model.GenerationKernels.Picked;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Value;
import io.plumbline.text.Tokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Writes completions with a key-value cache.
 *
 * <p>Holds the weights as they were when it was made, where the compute type is bf16; so make a new
 * one after an update. So many sequences run at once as the settings have slots. A prompt runs once
 * however many completions it gets, and completions that wait take the slots of finished ones.
 *
 * <p>A draw depends on the seed, the prompt's key, the completion's place and the token's place,
 * not on the slots or on what else is in them (up to the rounding of the multiplications).
 */
public final class Generator implements AutoCloseable {
  /** Places by which the cache grows at first; it doubles after that. */
  private static final int FIRST_GROWTH = 64;

  /** The share of the slots that is empty before waiting completions fill it. */
  private static final double EMPTY_BEFORE_FILLED = 0.125;

  /** The share of the rows that is finished before they leave, when nothing waits. */
  private static final double FINISHED_BEFORE_DROPPED = 0.25;

  /** Places of prompts, padding included, that run at once: attention over them takes memory. */
  private static final int PROMPT_PLACES = 8192;

  private final Decoder decoder;
  private final Optional<Tokenizer> tokenizer;
  private final Scope scope;
  private final Value weights;

  /** Writes completions that no stop string ends. */
  public Generator(CausalLm model) {
    this(model, Optional.empty());
  }

  /**
   * @param tokenizer the model's, which stays open; it decodes where there are stop strings
   */
  public Generator(CausalLm model, Tokenizer tokenizer) {
    this(model, Optional.of(tokenizer));
  }

  private Generator(CausalLm model, Optional<Tokenizer> tokenizer) {
    this.decoder = model.decoder();
    this.scope = Scope.on(decoder.device);
    this.tokenizer = tokenizer;
    this.weights = decoder.stepWeights(scope);
  }

  /** Completions of each prompt; a prompt's key is its place in the list. */
  public List<List<Generation>> generate(List<int[]> prompts, SamplingSettings settings) {
    long[] keys = new long[prompts.size()];
    Arrays.setAll(keys, i -> i);
    return generate(prompts, keys, settings);
  }

  /**
   * Completions of each prompt. Fails with BAD_DATA where a prompt is empty or has an id that the
   * model does not know, and with BAD_USAGE where stop strings lack a tokenizer.
   *
   * @param prompts token ids, none empty
   * @param keys of each prompt what the draws depend on, such as its place in the data
   */
  public List<List<Generation>> generate(
      List<int[]> prompts, long[] keys, SamplingSettings settings) {
    prompts.forEach(this::check);
    List<List<Draft>> groups = new ArrayList<>();
    for (int p = 0; p < prompts.size(); p++) {
      int[] prompt = prompts.get(p);
      long key = keys[p];
      groups.add(
          IntStream.range(0, settings.completions())
              .mapToObj(place -> new Draft(prompt, key, place))
              .toList());
    }
    try (Run run = new Run(groups, settings)) {
      run.complete();
    }
    return groups.stream().map(g -> g.stream().map(Draft::generation).toList()).toList();
  }

  private void check(int[] prompt) {
    if (prompt.length == 0) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "a prompt to complete has no tokens; give it at least one, such as the BOS token");
    }
    for (int id : prompt) {
      if (id < 0 || id >= decoder.config.vocabSize()) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA,
            "a prompt has the token id "
                + id
                + ", but the model's vocabulary has "
                + decoder.config.vocabSize()
                + " entries; use the tokenizer that belongs to the model");
      }
    }
  }

  @Override
  public void close() {
    scope.close();
  }

  /**
   * Sequences of one cache, with their rows there.
   *
   * @param end where in the cache they end together
   */
  private record Rows(Value cache, int end, List<Draft> drafts, List<Integer> rows) {
    /** Those that are not finished. */
    Rows open() {
      List<Integer> places =
          IntStream.range(0, drafts.size()).filter(i -> drafts.get(i).open()).boxed().toList();
      return new Rows(
          cache,
          end,
          places.stream().map(drafts::get).toList(),
          places.stream().map(rows::get).toList());
    }

    Rows part(int from, int to) {
      return new Rows(cache, end, drafts.subList(from, to), rows.subList(from, to));
    }

    /** The places in the cache that the longest takes. */
    int longest() {
      return drafts.stream().mapToInt(d -> end - d.start).max().orElse(0);
    }
  }

  /**
   * Prompts that were run together, kept until the last of their completions has started.
   *
   * @param logits of the token behind each prompt
   * @param waiting completions that have not started
   */
  private record Prompted(Value logits, Rows waiting) {
    /** What is left when so many have started; empty where nothing is. */
    Optional<Prompted> without(int started) {
      int count = waiting.drafts().size();
      return started == count
          ? Optional.empty()
          : Optional.of(new Prompted(logits, waiting.part(started, count)));
    }
  }

  /**
   * One call. All sequences in the cache end at {@code used}; what stands before the start of one
   * is zero and masked.
   */
  private final class Run implements AutoCloseable {
    private final SamplingSettings settings;
    private final StopStrings stopStrings;
    private final Scope kept = Scope.on(decoder.device);

    /** Those whose prompt has not run; the longest first, so that prompts run among their like. */
    private final Deque<List<Draft>> groups;

    private Optional<Prompted> prompted = Optional.empty();
    private List<Draft> running = List.of();
    private Value cache;
    private int capacity;
    private int used;

    Run(List<List<Draft>> groups, SamplingSettings settings) {
      this.settings = settings;
      this.stopStrings = new StopStrings(tokenizer, settings.end().stopStrings());
      this.groups =
          new ArrayDeque<>(
              groups.stream()
                  .sorted(Comparator.comparing((List<Draft> g) -> -g.get(0).prompt.length))
                  .toList());
    }

    void complete() {
      fillSlots();
      while (!running.isEmpty()) {
        try (Scope step = Scope.on(decoder.device)) {
          draw(step, running, advance(step));
        }
        if (worthFilling()) {
          fillSlots();
        }
      }
    }

    private boolean someWait() {
      return prompted.isPresent() || !groups.isEmpty();
    }

    /** Changing the rows copies the cache, so it waits until enough of them are done. */
    private boolean worthFilling() {
      long open = running.stream().filter(Draft::open).count();
      if (open == 0) {
        return true;
      }
      return someWait()
          ? settings.slots() - open >= Math.max(1, EMPTY_BEFORE_FILLED * settings.slots())
          : running.size() - open >= FINISHED_BEFORE_DROPPED * running.size();
    }

    /** Finished sequences leave, and waiting ones take their slots. */
    private void fillSlots() {
      List<Integer> places = IntStream.range(0, running.size()).boxed().toList();
      Rows staying = new Rows(cache, used, running, places).open();
      List<Rows> next = new ArrayList<>(List.of(staying));
      List<Prompted> spent = new ArrayList<>();
      int free = settings.slots() - staying.drafts().size();
      while (free > 0 && someWait()) {
        Prompted source = prompted.isPresent() ? prompted.get() : prefill(free);
        int count = Math.min(free, source.waiting().drafts().size());
        Rows starting = source.waiting().part(0, count);
        drawFirst(source.logits(), starting);
        // Those that end with their first token take no slot.
        Rows started = starting.open();
        next.add(started);
        free -= started.drafts().size();
        prompted = source.without(count);
        if (prompted.isEmpty()) {
          spent.add(source);
        }
      }
      gather(next);
      spent.forEach(p -> kept.free(p.logits(), p.waiting().cache()));
    }

    /** Runs the next prompts: enough for so many completions, or as many as fit. */
    private Prompted prefill(int completions) {
      List<Draft> drafts = new ArrayList<>();
      List<Integer> rows = new ArrayList<>();
      List<int[]> prompts = new ArrayList<>();
      // The first prompt is the longest.
      long most = Math.max(1, PROMPT_PLACES / groups.element().get(0).prompt.length);
      while (!groups.isEmpty() && drafts.size() < completions && prompts.size() < most) {
        List<Draft> group = groups.remove();
        group.forEach(draft -> rows.add(prompts.size()));
        drafts.addAll(group);
        prompts.add(group.get(0).prompt);
      }
      int n = prompts.size();
      int width = prompts.stream().mapToInt(p -> p.length).max().orElseThrow();
      drafts.forEach(draft -> draft.start = width - draft.prompt.length);
      long[] ids = new long[n * width];
      float[] positions = new float[n * width];
      long[] padding = new long[n];
      for (int p = 0; p < n; p++) {
        int[] prompt = prompts.get(p);
        padding[p] = (long) width - prompt.length;
        for (int i = 0; i < prompt.length; i++) {
          int at = p * width + (int) padding[p] + i;
          ids[at] = prompt[i];
          positions[at] = i;
        }
      }
      try (Scope step = Scope.on(decoder.device)) {
        GenerationKernels kernels = decoder.generationKernels(kept);
        Value filled = kernels.newCache(decoder.embedding, n, width);
        Value mask =
            padded(padding)
                ? decoder.generationKernels(step).promptMask(step.longs(padding, n), width)
                : noMask(step);
        Value logits =
            kernels.step(
                step.longs(ids, n, width),
                step.floats(positions, n, width),
                filled,
                0,
                mask,
                weights);
        return new Prompted(logits, new Rows(filled, width, drafts, rows));
      }
    }

    private static boolean padded(long[] padding) {
      return Arrays.stream(padding).anyMatch(p -> p > 0);
    }

    private static Value noMask(Scope step) {
      return step.floats(new float[0], 0);
    }

    private void drawFirst(Value logits, Rows starting) {
      try (Scope step = Scope.on(decoder.device)) {
        long[] rows = starting.rows().stream().mapToLong(row -> row).toArray();
        Value which = step.longs(rows, rows.length);
        draw(step, starting.drafts(), decoder.generationKernels(step).selectedRows(logits, which));
      }
    }

    /** Makes one cache of these, with no more padding than the longest of them needs. */
    private void gather(List<Rows> parts) {
      List<Draft> drafts = parts.stream().flatMap(part -> part.drafts().stream()).toList();
      Value old = cache;
      if (!drafts.isEmpty()) {
        int end = parts.stream().mapToInt(Rows::longest).max().orElseThrow();
        capacity = grownCapacity(drafts, end, FIRST_GROWTH);
        cache =
            decoder.generationKernels(kept).newCache(decoder.embedding, drafts.size(), capacity);
        int row = 0;
        for (Rows part : parts) {
          place(part, row, end);
          row += part.drafts().size();
        }
        used = end;
      }
      running = drafts;
      if (old != null) {
        kept.free(old);
      }
    }

    private void place(Rows part, int row, int end) {
      if (part.drafts().isEmpty()) {
        return;
      }
      long[] lengths = part.drafts().stream().mapToLong(d -> part.end() - d.start).toArray();
      long[] from = part.rows().stream().mapToLong(r -> r).toArray();
      try (Scope step = Scope.on(decoder.device)) {
        decoder
            .generationKernels(step)
            .placeRows(cache, row, end, part.cache(), from, part.end(), lengths);
      }
      part.drafts().forEach(draft -> draft.start += end - part.end());
    }

    /** Room for so many more places, but for no more than any of the drafts may still take. */
    private int grownCapacity(List<Draft> drafts, int filled, int more) {
      int longest =
          drafts.stream()
              .mapToInt(d -> settings.end().maxNewTokens() - d.length())
              .max()
              .orElseThrow();
      return filled + Math.min(more, longest);
    }

    /**
     * Runs again all places of sequences that grow beyond the original context with their newest
     * token: as in transformers the places before it are rotated in another way then.
     */
    private void rotateAnew() {
      int original = decoder.config.originalPositions();
      List<Integer> grown =
          IntStream.range(0, running.size())
              .filter(i -> running.get(i).open() && used - running.get(i).start == original)
              .boxed()
              .toList();
      int most = Math.max(1, PROMPT_PLACES / Math.max(1, original));
      for (int from = 0; from < grown.size(); from += most) {
        rotateAnew(grown.subList(from, Math.min(grown.size(), from + most)), original + 1);
      }
    }

    /** The same of sequences that have this length with their newest token. */
    private void rotateAnew(List<Integer> rows, int length) {
      int n = rows.size();
      long[] ids = new long[n * length];
      float[] positions = new float[n * length];
      for (int i = 0; i < n; i++) {
        running.get(rows.get(i)).writeSeen(ids, i * length, (i + 1) * length);
        for (int place = 0; place < length; place++) {
          positions[i * length + place] = place;
        }
      }
      try (Scope step = Scope.on(decoder.device)) {
        GenerationKernels kernels = decoder.generationKernels(step);
        Value filled = kernels.newCache(decoder.embedding, n, length);
        Value all = step.longs(ids, n, length);
        kernels.step(all, step.floats(positions, n, length), filled, 0, noMask(step), weights);
        long[] past = {length - 1L};
        for (int i = 0; i < n; i++) {
          kernels.placeRows(cache, rows.get(i), used, filled, new long[] {i}, length - 1, past);
        }
      }
    }

    /** Runs the newest token of every running sequence; gives the logits of the next one. */
    private Value advance(Scope step) {
      rotateAnew();
      if (used == capacity) {
        capacity = grownCapacity(running, used, Math.max(FIRST_GROWTH, used));
        Value grown = decoder.generationKernels(kept).grownCache(cache, capacity);
        kept.free(cache);
        cache = grown;
      }
      int n = running.size();
      long[] ids = new long[n];
      float[] positions = new float[n];
      long[] padding = new long[n];
      for (int i = 0; i < n; i++) {
        Draft draft = running.get(i);
        ids[i] = draft.newestToken();
        positions[i] = used - draft.start;
        padding[i] = draft.start;
      }
      GenerationKernels kernels = decoder.generationKernels(step);
      Value mask =
          padded(padding) ? kernels.stepMask(step.longs(padding, n), used + 1) : noMask(step);
      Value logits =
          kernels.step(
              step.longs(ids, n, 1), step.floats(positions, n, 1), cache, used, mask, weights);
      used++;
      return logits;
    }

    /** Draws the next token of each draft that is open. */
    private void draw(Scope step, List<Draft> drafts, Value logits) {
      int n = drafts.size();
      double[] u = new double[n];
      for (int i = 0; i < n; i++) {
        Draft draft = drafts.get(i);
        u[i] = uniform(settings.seed(), draft.key, draft.place, draft.length());
      }
      Picked picked =
          decoder
              .generationKernels(step)
              .pick(
                  logits,
                  seen(step, drafts),
                  step.doubles(u, n),
                  settings.temperature(),
                  settings.filter().repetitionPenalty(),
                  settings.filter().topK(),
                  settings.filter().topP(),
                  settings.filter().minP());
      long[] tokens = picked.tokens().longs();
      float[] logps = picked.logps().floats();
      for (int i = 0; i < n; i++) {
        if (drafts.get(i).open()) {
          drafts.get(i).add((int) tokens[i], logps[i]);
          drafts.get(i).finish = finish(drafts.get(i));
        }
      }
    }

    /** The ids that the penalty is for, as many in each row; empty where there is no penalty. */
    private Value seen(Scope step, List<Draft> drafts) {
      if (settings.filter().repetitionPenalty() == 1) {
        return step.longs(new long[0], 0);
      }
      int width = drafts.stream().mapToInt(d -> d.prompt.length + d.length()).max().orElseThrow();
      long[] ids = new long[drafts.size() * width];
      for (int i = 0; i < drafts.size(); i++) {
        drafts.get(i).writeSeen(ids, i * width, (i + 1) * width);
      }
      return step.longs(ids, drafts.size(), width);
    }

    /** Why a draft ends with its newest token; null where it continues. */
    private Finish finish(Draft draft) {
      if (settings.end().eosIds().contains(draft.newestToken())) {
        return Finish.EOS;
      }
      if (stopStrings.foundIn(draft)) {
        return Finish.STOP;
      }
      return draft.length() == settings.end().maxNewTokens() ? Finish.LENGTH : null;
    }

    @Override
    public void close() {
      kept.close();
    }
  }

  /** A number in [0, 1) that is fixed by the four: SplitMix64's mixing over each in turn. */
  public static double uniform(long seed, long key, long completion, long token) {
    return (SplitMix64.mixAll(seed, key, completion, token) >>> 11) * 0x1.0p-53;
  }
}
