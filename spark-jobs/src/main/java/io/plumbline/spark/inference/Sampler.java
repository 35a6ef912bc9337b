package io.plumbline.spark.inference;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.TokenizerFit;
import io.plumbline.data.ExampleParser;
import io.plumbline.data.RefusedRowException;
import io.plumbline.data.TemplateMessages;
import io.plumbline.data.TokenizedRow;
import io.plumbline.data.Values;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.Generation;
import io.plumbline.model.Generator;
import io.plumbline.model.SamplingSettings;
import io.plumbline.reward.RewardText;
import io.plumbline.text.ChatRequest;
import io.plumbline.text.ChatRequest.GenerationPrompt;
import io.plumbline.text.ChatTemplate;
import io.plumbline.text.Tokenizer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Lets a model write completions, in this process and without Spark. Not thread-safe.
 *
 * <p>A prompt that is a text is tokenized with the special tokens that the tokenizer adds; one that
 * is a list of messages is rendered by the chat template with the opening of an assistant turn.
 */
public final class Sampler implements AutoCloseable {
  /** Tokens of prompt and completion together that the sequences that run at once may have. */
  private static final int TOKENS_AT_ONCE = 32_768;

  private final CausalLm model;
  private final Tokenizer tokenizer;
  private final TemplateMessages templateMessages;
  private final Set<Integer> eosIds;
  private final Generator generator;
  private final Runnable closing;

  private Sampler(CausalLm model, Tokenizer tokenizer, Set<Integer> eosIds, Runnable closing) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.templateMessages = new TemplateMessages(tokenizer.chatTemplate());
    this.eosIds = Set.copyOf(eosIds);
    this.generator = new Generator(model, tokenizer);
    this.closing = closing;
  }

  /** Loads a model and its tokenizer. */
  public static Sampler open(ModelDirectory directory, ComputeDtype dtype) {
    Tokenizer tokenizer = Tokenizer.of(directory.tokenizerFiles());
    try {
      ModelTokenizer.check(directory, tokenizer, note -> {});
      Set<Integer> eosIds = eosIds(directory, tokenizer);
      CausalLm model = CausalLm.load(directory, Purpose.INFERENCE, dtype);
      return owning(model, tokenizer, eosIds, model::close);
    } catch (RuntimeException | Error e) {
      tokenizer.close();
      throw e;
    }
  }

  /** Shares the model with the other tasks of this process. */
  static Sampler sharing(StageModel model, Set<Integer> eosIds) {
    Tokenizer tokenizer = model.tokenizer();
    try {
      SharedModels.Lease<CausalLm> lease = model.lease();
      return owning(lease.model(), tokenizer, eosIds, lease::close);
    } catch (RuntimeException | Error e) {
      tokenizer.close();
      throw e;
    }
  }

  private static Sampler owning(
      CausalLm model, Tokenizer tokenizer, Set<Integer> eosIds, Runnable closingModel) {
    try {
      return new Sampler(
          model,
          tokenizer,
          eosIds,
          () -> {
            closingModel.run();
            tokenizer.close();
          });
    } catch (RuntimeException | Error e) {
      closingModel.run();
      throw e;
    }
  }

  /** Samples from a model with the weights that it has now; model and tokenizer stay open. */
  public static Sampler over(CausalLm model, Tokenizer tokenizer, Set<Integer> eosIds) {
    return new Sampler(model, tokenizer, eosIds, () -> {});
  }

  /**
   * All tokens that end a completion: those of generation_config.json, or where it names none those
   * of config.json, as in transformers, and the tokenizer's EOS token, as in TRL.
   */
  public static Set<Integer> eosIds(ModelDirectory directory, Tokenizer tokenizer) {
    Set<Integer> ids = new TreeSet<>(TokenizerFit.stopIds(directory));
    tokenizer.eosTokenId().ifPresent(ids::add);
    return ids;
  }

  /** Completions of texts. */
  public List<Sample> complete(List<String> prompts, DecodingSettings settings) {
    List<Map<String, Object>> rows = new ArrayList<>();
    for (String prompt : prompts) {
      rows.add(Map.of("prompt", prompt));
    }
    return sample(rows, settings);
  }

  /**
   * Completions of rows.
   *
   * @param rows values by column: {@code prompt}, a text or messages, or {@code messages}; for
   *     messages also {@code tools} and {@code chat_template_kwargs}
   * @return in the order of the rows; the completions of a row one after the other
   */
  public List<Sample> sample(List<Map<String, Object>> rows, DecodingSettings settings) {
    return sample(rows, 0, settings);
  }

  /**
   * @param firstPlace the first row's place in the whole input, on which its draws depend
   */
  public List<Sample> sample(
      List<Map<String, Object>> rows, long firstPlace, DecodingSettings settings) {
    List<int[]> prompts = new ArrayList<>();
    for (Map<String, Object> row : rows) {
      prompts.add(promptTokens(row, firstPlace + prompts.size()));
    }
    long[] places = LongStream.range(firstPlace, firstPlace + rows.size()).toArray();
    List<List<Generation>> generations = generate(prompts, places, settings);
    List<Sample> samples = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      samples.addAll(samples(promptOf(rows.get(i)), prompts.get(i), generations.get(i), settings));
    }
    return samples;
  }

  /**
   * Completions of tokenized prompts.
   *
   * @param prompts token ids, none empty
   * @param places of each prompt its place in the whole input, on which its draws depend
   * @return in the order of the prompts
   */
  public List<List<Generation>> generate(
      List<int[]> prompts, long[] places, DecodingSettings settings) {
    List<List<Generation>> generations =
        new ArrayList<>(Collections.nCopies(prompts.size(), List.of()));
    slots(prompts, settings)
        .forEach(
            (slots, alike) -> {
              List<List<Generation>> made =
                  generator.generate(
                      alike.stream().map(prompts::get).toList(),
                      alike.stream().mapToLong(i -> places[i]).toArray(),
                      settings.sampling(eosIds).withSlots(slots));
              for (int i = 0; i < made.size(); i++) {
                generations.set(alike.get(i), made.get(i));
              }
            });
    return generations;
  }

  public CausalLm model() {
    return model;
  }

  /** Makes texts as rewards see them. */
  public RewardText rewardText(Set<String> read) {
    return new RewardText(tokenizer, read);
  }

  /** The text of ids, special tokens included. */
  public String decode(int[] ids) {
    return tokenizer.decode(ids);
  }

  /** The lines that {@link CompletionTable#write} takes, of rows that follow one another. */
  List<String> lines(List<Map<String, Object>> rows, long firstPlace, DecodingSettings settings) {
    rows.forEach(row -> CompletionTable.requireUnused(row.keySet()));
    List<Sample> samples = sample(rows, firstPlace, settings);
    int perRow = settings.numGenerations();
    return IntStream.range(0, samples.size())
        .mapToObj(
            i -> {
              int place = i / perRow;
              return CompletionTable.line(
                  rows.get(place),
                  firstPlace + place,
                  i % perRow,
                  promptText(rows.get(place), firstPlace + place),
                  samples.get(i));
            })
        .toList();
  }

  private List<Sample> samples(
      Object given, int[] prompt, List<Generation> generations, DecodingSettings settings) {
    List<float[]> logps = logps(prompt, generations, settings);
    return IntStream.range(0, generations.size())
        .mapToObj(
            i ->
                new Sample(
                    given,
                    tokenizer.decodeSkippingSpecialTokens(generations.get(i).tokens()),
                    generations.get(i).tokens(),
                    logps.get(i),
                    generations.get(i).finish()))
        .toList();
  }

  /** At temperature 1, however the tokens were drawn. */
  private List<float[]> logps(
      int[] prompt, List<Generation> generations, DecodingSettings settings) {
    if (settings.temperature() == 0 || settings.temperature() == 1) {
      return generations.stream().map(Generation::logps).toList();
    }
    List<int[]> completions = generations.stream().map(Generation::tokens).toList();
    return model.logps(List.of(TokenizedRow.of(0, prompt, completions, List.of()))).logps().get(0);
  }

  /**
   * The prompts by how many sequences of such a length may run at once: a power of two, so that
   * there are few kinds and a long prompt does not slow the short ones down.
   */
  private static SortedMap<Integer, List<Integer>> slots(
      List<int[]> prompts, DecodingSettings settings) {
    SortedMap<Integer, List<Integer>> bySlots = new TreeMap<>();
    for (int place = 0; place < prompts.size(); place++) {
      long length = prompts.get(place).length + (long) settings.maxNewTokens();
      long slots = Math.max(1, Math.min(SamplingSettings.SLOTS, TOKENS_AT_ONCE / length));
      bySlots.computeIfAbsent((int) Long.highestOneBit(slots), key -> new ArrayList<>()).add(place);
    }
    return bySlots;
  }

  /** The ids of a row's prompt, as the model reads it. */
  public int[] promptTokens(Map<String, Object> row, long place) {
    String text = promptText(row, place);
    int[] ids =
        promptOf(row) instanceof String
            ? tokenizer.encode(text)
            : tokenizer.encodeWithoutSpecialTokens(text);
    if (ids.length == 0) {
      throw refused(place, "its prompt has no tokens", null);
    }
    return ids;
  }

  /** The prompt as the model reads it: messages as the chat template renders them. */
  private String promptText(Map<String, Object> row, long place) {
    try {
      ExampleParser.requireReadable(row);
    } catch (RefusedRowException e) {
      throw refused(place, e.getMessage(), e);
    }
    Object prompt = promptOf(row);
    if (prompt instanceof String text) {
      return text;
    }
    if (prompt instanceof List<?> messages && !messages.isEmpty()) {
      return rendered(messages, row, place);
    }
    throw refused(
        place,
        (prompt == null
                ? "it needs a column prompt with a text or a list of messages, or a column messages;"
                    + " it has "
                : "its prompt is "
                    + Values.type(prompt)
                    + " and must be a text or a list of messages; its columns are ")
            + Values.columns(row)
            + ", and --columns says which of them is meant, as in --columns prompt=question",
        null);
  }

  private static Object promptOf(Map<String, Object> row) {
    Object prompt = row.get("prompt");
    return prompt != null ? prompt : row.get("messages");
  }

  private String rendered(List<?> messages, Map<String, Object> row, long place) {
    ChatRequest request =
        new ChatRequest(
            messages(messages, place),
            row.get("tools") instanceof List<?> tools
                ? Optional.of(new ArrayList<Object>(tools))
                : Optional.empty(),
            GenerationPrompt.ADDED,
            row.get("chat_template_kwargs") == null
                ? Map.of()
                : object(row.get("chat_template_kwargs"), "chat_template_kwargs", place));
    try {
      return tokenizer.render(request).text();
    } catch (PlumblineException e) {
      if (e.code() == ErrorCode.BAD_CHECKPOINT || ChatTemplate.wasStopped(e)) {
        throw e;
      }
      throw refused(place, "the chat template says: " + e.getMessage(), e);
    }
  }

  /** The messages under the template's own names of roles. */
  private List<Map<String, Object>> messages(List<?> messages, long place) {
    try {
      return templateMessages.read(messages, "the prompt");
    } catch (RefusedRowException e) {
      throw refused(place, e.getMessage(), e);
    }
  }

  private static Map<String, Object> object(Object value, String what, long place) {
    if (!(value instanceof Map<?, ?> map)) {
      throw refused(place, what + " is not a JSON object", null);
    }
    Map<String, Object> typed = new java.util.LinkedHashMap<>();
    map.forEach((key, element) -> typed.put(String.valueOf(key), element));
    return typed;
  }

  private static PlumblineException refused(long place, String why, Throwable cause) {
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        "Row %d cannot be completed: %s; fix the row or leave it out.".formatted(place + 1, why),
        cause);
  }

  @Override
  public void close() {
    generator.close();
    closing.run();
  }
}
