package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.Fixtures;
import io.plumbline.Records;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.Generation.Finish;
import io.plumbline.tensor.Torch;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class GeneratorTest {
  /** Small models gain nothing from more threads, and on a busy machine they lose. */
  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  private static List<int[]> goldenPrompts(TensorFile golden) {
    long[] ids = golden.longs("gen_prompt_ids_leftpad");
    long[] mask = golden.longs("gen_prompt_attention_mask");
    int width = (int) golden.shape("gen_prompt_ids_leftpad")[1];
    List<int[]> prompts = new ArrayList<>();
    for (int from = 0; from < ids.length; from += width) {
      int length = (int) Arrays.stream(mask, from, from + width).sum();
      prompts.add(
          Arrays.stream(ids, from + width - length, from + width).mapToInt(i -> (int) i).toArray());
    }
    return prompts;
  }

  @ParameterizedTest
  @MethodSource("io.plumbline.model.Models#families")
  void writesTheGreedyTextOfTransformers(String name) {
    TensorFile golden = Models.goldenTensors(name);
    long[] expected = golden.longs("generated_ids_single");
    List<int[]> prompts = goldenPrompts(golden);
    int length = expected.length / prompts.size();
    try (CausalLm model = Models.golden(name, Purpose.INFERENCE, ComputeDtype.F32);
        Generator generator = new Generator(model)) {
      SamplingSettings greedy = SamplingSettings.greedy(length, Set.of());
      List<List<Generation>> together = generator.generate(prompts, greedy);
      for (int p = 0; p < prompts.size(); p++) {
        int[] wanted =
            Arrays.stream(expected, p * length, (p + 1) * length).mapToInt(i -> (int) i).toArray();
        assertThat(together.get(p).get(0).tokens()).containsExactly(wanted);
        assertThat(generator.generate(prompts.subList(p, p + 1), greedy).get(0).get(0).tokens())
            .containsExactly(wanted);
      }
    }
  }

  private static CausalLm small(ComputeDtype dtype) {
    return Models.random(Models.config(Map.of()), Purpose.INFERENCE, dtype, 5);
  }

  private static List<int[]> prompts(Random random, int count) {
    List<int[]> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      out.add(Models.tokens(random, 1 + random.nextInt(9), 97));
    }
    return out;
  }

  @ParameterizedTest
  @EnumSource(ComputeDtype.class)
  void reportsTheLogpsThatTheModelGives(ComputeDtype dtype) {
    List<int[]> prompts = prompts(new Random(3), 4);
    // Longer than the cache is at first.
    SamplingSettings settings = SamplingSettings.sampling(150, 1, 2, 11, Set.of());
    float tolerance = dtype == ComputeDtype.F32 ? 1e-5f : 0.06f;
    try (CausalLm model = small(dtype);
        Generator generator = new Generator(model)) {
      List<List<Generation>> out = generator.generate(prompts, settings);
      for (int p = 0; p < prompts.size(); p++) {
        assertThat(out.get(p)).hasSize(2);
        for (Generation g : out.get(p)) {
          assertThat(g.finish()).isEqualTo(Finish.LENGTH);
          float[] expected =
              model.logps(List.of(Models.row(prompts.get(p), g.tokens()))).logps().get(0).get(0);
          assertThat(g.logps()).containsExactly(expected, within(tolerance));
        }
        assertThat(out.get(p).get(0).tokens()).isNotEqualTo(out.get(p).get(1).tokens());
      }
    }
  }

  /**
   * Completions that may differ where sums are rounded in another order: a draw within 1e-7 of the
   * boundary of two tokens falls on its other side, about once in 100,000 draws.
   */
  private static final int BOUNDARY_DRAWS = 1;

  @Test
  void drawsDoNotDependOnTheBatch() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<int[]> prompts = prompts(random, 6);
    long[] keys = {3, 1, 4, 15, 92, 6};
    SamplingSettings three = SamplingSettings.sampling(20, 0.8, 3, 7, Set.of(5, 6, 7, 8));
    SamplingSettings one = SamplingSettings.sampling(20, 0.8, 1, 7, Set.of(5, 6, 7, 8));
    try (CausalLm model = small(ComputeDtype.F32);
        Generator generator = new Generator(model)) {
      List<List<Generation>> all = generator.generate(prompts, keys, three);
      int same = 0;
      for (int p = 0; p < prompts.size(); p++) {
        Generation alone =
            generator.generate(prompts.subList(p, p + 1), new long[] {keys[p]}, one).get(0).get(0);
        same += Arrays.equals(alone.tokens(), all.get(p).get(0).tokens()) ? 1 : 0;
      }
      assertThat(same).as("seed %d", seed).isGreaterThanOrEqualTo(prompts.size() - BOUNDARY_DRAWS);
      assertThat(generator.generate(prompts, keys, three))
          .usingRecursiveComparison()
          .isEqualTo(all);
      SamplingSettings other = SamplingSettings.sampling(20, 0.8, 3, 8, Set.of(5, 6, 7, 8));
      assertThat(generator.generate(prompts, keys, other).get(0).get(0).tokens())
          .isNotEqualTo(all.get(0).get(0).tokens());
    }
  }

  @Test
  void endsAtTheFirstEos() {
    Random random = new Random(8);
    List<int[]> prompts = prompts(random, 16);
    Set<Integer> eos = Set.of(1, 2, 3, 4, 5, 6);
    try (CausalLm model = small(ComputeDtype.F32);
        Generator generator = new Generator(model)) {
      Set<Finish> seen = new HashSet<>();
      for (List<Generation> row :
          generator.generate(prompts, SamplingSettings.sampling(12, 1, 2, 1, eos))) {
        for (Generation g : row) {
          seen.add(g.finish());
          assertThat(g.logps()).hasSameSizeAs(g.tokens());
          int last = g.tokens()[g.tokens().length - 1];
          assertThat(eos.contains(last)).isEqualTo(g.finish() == Finish.EOS);
          assertThat(Arrays.stream(g.tokens(), 0, g.tokens().length - 1).boxed())
              .noneMatch(eos::contains);
          assertThat(g.tokens().length).isBetween(1, 12);
          assertThat(g.finish() == Finish.LENGTH).isIn(false, g.tokens().length == 12);
        }
      }
      assertThat(seen).containsExactlyInAnyOrder(Finish.EOS, Finish.LENGTH);
    }
  }

  /** How often each token is drawn first, over many completions of one prompt. */
  private static int[] counts(Generator generator, int[] prompt, SamplingSettings settings) {
    int[] counts = new int[97];
    for (Generation g : generator.generate(List.of(prompt), settings).get(0)) {
      counts[g.tokens()[0]]++;
    }
    return counts;
  }

  /** Only the first token of each completion. */
  private static SamplingSettings first(double temperature, int completions, long seed) {
    return SamplingSettings.sampling(1, temperature, completions, seed, Set.of());
  }

  private static double[] distribution(CausalLm model, int[] prompt, double temperature) {
    float[] logits = model.logits(prompt)[prompt.length - 1];
    double[] p = new double[logits.length];
    double sum = 0;
    for (int i = 0; i < p.length; i++) {
      p[i] = Math.exp(logits[i] / temperature);
      sum += p[i];
    }
    for (int i = 0; i < p.length; i++) {
      p[i] /= sum;
    }
    return p;
  }

  private static void assertDrawnFrom(int[] counts, double[] p, Set<Integer> allowed) {
    int n = Arrays.stream(counts).sum();
    double mass = allowed.stream().mapToDouble(i -> p[i]).sum();
    for (int i = 0; i < counts.length; i++) {
      double expected = allowed.contains(i) ? p[i] / mass : 0;
      double deviation = Math.sqrt(n * expected * (1 - expected));
      assertThat((double) counts[i])
          .as("token " + i)
          .isCloseTo(n * expected, within(5 * deviation + 1e-9));
    }
  }

  @Test
  void drawsFromTheDistributionThatTheSettingsLeave() {
    int[] prompt = {7, 8, 9};
    int n = 4000;
    try (CausalLm model = small(ComputeDtype.F32);
        Generator generator = new Generator(model)) {
      double[] p = distribution(model, prompt, 1.5);
      List<Integer> order = new ArrayList<>();
      for (int i = 0; i < p.length; i++) {
        order.add(i);
      }
      order.sort((a, b) -> Double.compare(p[b], p[a]));
      Set<Integer> everything = Set.copyOf(order);
      assertDrawnFrom(counts(generator, prompt, first(1.5, n, 1)), p, everything);
      assertDrawnFrom(
          counts(generator, prompt, Records.with(first(1.5, n, 2), "topK", 7)),
          p,
          Set.copyOf(order.subList(0, 7)));
      Set<Integer> nucleus = new HashSet<>();
      double mass = 0;
      for (int i = 0; mass < 0.6; i++) {
        nucleus.add(order.get(i));
        mass += p[order.get(i)];
      }
      assertDrawnFrom(
          counts(generator, prompt, Records.with(first(1.5, n, 3), "topP", 0.6)), p, nucleus);
      Set<Integer> likely = new HashSet<>(order);
      likely.removeIf(i -> p[i] < 0.3 * p[order.get(0)]);
      assertThat(likely).hasSizeBetween(2, 96);
      assertDrawnFrom(
          counts(generator, prompt, Records.with(first(1.5, n, 4), "minP", 0.3)), p, likely);
      // A nucleus that no single token fills still holds the most probable one.
      assertDrawnFrom(
          counts(generator, prompt, Records.with(first(1.5, 50, 5), "topP", 1e-6)),
          p,
          Set.of(order.get(0)));
    }
  }

  @Test
  void logpsAreThoseOfTheTemperatureNotOfTheCut() {
    int[] prompt = {7, 8, 9};
    try (CausalLm model = small(ComputeDtype.F32);
        Generator generator = new Generator(model)) {
      double[] p = distribution(model, prompt, 0.7);
      Generation g =
          generator
              .generate(
                  List.of(prompt),
                  Records.with(first(0.7, 1, 1), "topK", 3, "topP", 0.9, "minP", 0.1))
              .get(0)
              .get(0);
      assertThat((double) g.logps()[0]).isCloseTo(Math.log(p[g.tokens()[0]]), within(1e-5));
    }
  }

  @Test
  void refusesWhatCannotBeCompleted() {
    try (CausalLm model = small(ComputeDtype.F32);
        Generator generator = new Generator(model)) {
      SamplingSettings greedy = SamplingSettings.greedy(3, Set.of());
      assertThatThrownBy(() -> generator.generate(List.of(new int[0]), greedy))
          .isInstanceOf(PlumblineException.class)
          .hasMessageContaining("no tokens");
      assertThatThrownBy(() -> generator.generate(List.of(new int[] {97}), greedy))
          .isInstanceOf(PlumblineException.class)
          .hasMessageContaining("token id 97");
      assertThat(generator.generate(List.of(), greedy)).isEmpty();
      assertThatThrownBy(() -> Records.with(first(1, 1, 1), "topP", 0))
          .hasMessageContaining("top-p");
    }
  }

  @ParameterizedTest
  @EnumSource(ComputeDtype.class)
  void refilledSlotsGiveTheSame(ComputeDtype dtype) {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < 14; i++) {
      prompts.add(Models.tokens(random, 1 + random.nextInt(40), 97));
    }
    // Lengths from 1 to beyond what the cache holds at first.
    SamplingSettings settings =
        Records.with(
            SamplingSettings.sampling(150, 1, 3, random.nextLong(), Set.of(5, 6)), "topK", 60);
    boolean exact = dtype == ComputeDtype.F32;
    try (CausalLm model = small(dtype);
        Generator generator = new Generator(model)) {
      List<List<Generation>> alone = generator.generate(prompts, settings.withSlots(1));
      Set<Integer> lengths = new HashSet<>();
      alone.forEach(group -> group.forEach(g -> lengths.add(g.tokens().length)));
      assertThat(lengths).as("seed %d", seed).hasSizeGreaterThan(10);
      for (int slots : List.of(2, 3, 16, 64)) {
        List<List<Generation>> together = generator.generate(prompts, settings.withSlots(slots));
        int same = 0;
        for (int p = 0; p < prompts.size(); p++) {
          for (int c = 0; c < 3; c++) {
            Generation expected = alone.get(p).get(c);
            Generation found = together.get(p).get(c);
            if (Arrays.equals(found.tokens(), expected.tokens())) {
              same++;
              assertThat(found.finish()).isEqualTo(expected.finish());
            }
            assertThat(found.logps())
                .as("seed %d, slots %d, prompt %d", seed, slots, p)
                .containsExactly(
                    model
                        .logps(List.of(Models.row(prompts.get(p), found.tokens())))
                        .logps()
                        .get(0)
                        .get(0),
                    within(exact ? 1e-4f : 0.1f));
          }
        }
        assertThat(same)
            .as("seed %d, slots %d", seed, slots)
            .isGreaterThanOrEqualTo(exact ? 14 * 3 - BOUNDARY_DRAWS : 11);
        assertThat(generator.generate(prompts, settings.withSlots(slots)))
            .usingRecursiveComparison()
            .isEqualTo(together);
      }
    }
  }

  /** As transformers' RepetitionPenaltyLogitsProcessor has it. */
  @Test
  void thePenaltyIsOnTokensOfPromptAndCompletion() {
    long seed = System.nanoTime();
    List<int[]> prompts = prompts(new Random(seed), 5);
    SamplingSettings greedy =
        Records.with(SamplingSettings.greedy(30, Set.of()), "repetitionPenalty", 1.4, "slots", 3);
    try (CausalLm model = small(ComputeDtype.F32);
        Generator generator = new Generator(model)) {
      List<List<Generation>> out = generator.generate(prompts, greedy);
      for (int p = 0; p < prompts.size(); p++) {
        int[] tokens = out.get(p).get(0).tokens();
        int[] prompt = prompts.get(p);
        int[] whole = Arrays.copyOf(prompt, prompt.length + tokens.length);
        System.arraycopy(tokens, 0, whole, prompt.length, tokens.length);
        float[][] logits = model.logits(whole);
        for (int t = 0; t < tokens.length; t++) {
          int end = prompt.length + t;
          float[] bent = logits[end - 1].clone();
          for (int id : Arrays.stream(whole, 0, end).distinct().toArray()) {
            bent[id] *= bent[id] < 0 ? 1.4f : 1 / 1.4f;
          }
          int best = 0;
          for (int i = 1; i < bent.length; i++) {
            best = bent[i] > bent[best] ? i : best;
          }
          assertThat(tokens[t]).as("seed %d, prompt %d, token %d", seed, p, t).isEqualTo(best);
        }
        float[] logps = model.logps(List.of(Models.row(prompt, tokens))).logps().get(0).get(0);
        assertThat(out.get(p).get(0).logps()).containsExactly(logps, within(1e-4f));
      }
      assertThat(out)
          .usingRecursiveComparison()
          .isNotEqualTo(generator.generate(prompts, Records.with(greedy, "repetitionPenalty", 1)));
    }
  }

  private static Tokenizer goldenTokenizer() throws IOException {
    TreeMap<String, String> files = new TreeMap<>();
    for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
      files.put(name, Files.readString(Fixtures.golden("tokenizer").resolve(name)));
    }
    return Tokenizer.of(new TokenizerFiles(files));
  }

  @Test
  void aStopStringEndsTheCompletionWithTheTokenThatCompletesIt() throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    SamplingSettings sampling = SamplingSettings.sampling(40, 1, 8, 3, Set.of());
    try (Tokenizer tokenizer = goldenTokenizer();
        CausalLm model = Models.golden("llama", Purpose.INFERENCE, ComputeDtype.F32);
        Generator generator = new Generator(model, tokenizer)) {
      List<int[]> prompts = List.of(tokenizer.encode("What is 5 + 7?"));
      List<Generation> whole = generator.generate(prompts, sampling).get(0);
      for (int trial = 0; trial < 20; trial++) {
        String text = tokenizer.decode(whole.get(random.nextInt(whole.size())).tokens());
        int from = random.nextInt(text.length() - 12);
        String stop = text.substring(from, from + 1 + random.nextInt(12)).replace("\uFFFD", "");
        if (stop.isEmpty()) {
          continue;
        }
        List<Generation> stopped =
            generator
                .generate(
                    prompts,
                    Records.with(sampling, "stopStrings", List.of("never \u0000 there", stop)))
                .get(0);
        for (int c = 0; c < whole.size(); c++) {
          int[] all = whole.get(c).tokens();
          int end = 1;
          while (end < all.length && !tokenizer.decode(Arrays.copyOf(all, end)).contains(stop)) {
            end++;
          }
          int[] expected = Arrays.copyOf(all, end);
          boolean found = tokenizer.decode(expected).contains(stop);
          assertThat(stopped.get(c).tokens())
              .as("seed %d, stop string '%s'", seed, stop)
              .containsExactly(expected);
          assertThat(stopped.get(c).logps()).hasSize(end);
          assertThat(stopped.get(c).finish()).isEqualTo(found ? Finish.STOP : Finish.LENGTH);
        }
      }
    }
  }

  @Test
  void stopStringsNeedATokenizer() {
    try (CausalLm model = small(ComputeDtype.F32);
        Generator generator = new Generator(model)) {
      SamplingSettings stopping =
          Records.with(SamplingSettings.greedy(3, Set.of()), "stopStrings", List.of("\n\n"));
      assertThatThrownBy(() -> generator.generate(List.of(new int[] {1}), stopping))
          .isInstanceOf(PlumblineException.class)
          .hasMessageContaining("tokenizer");
      assertThatThrownBy(() -> Records.with(stopping, "stopStrings", List.of("")))
          .hasMessageContaining("stop string is empty");
      assertThatThrownBy(() -> Records.with(stopping, "stopStrings", List.of("ab\uFFFD")))
          .hasMessageContaining("U+FFFD");
      assertThatThrownBy(() -> Records.with(stopping, "repetitionPenalty", 0))
          .hasMessageContaining("repetition-penalty");
    }
  }

  /** More prompts than run at once, for more slots than these fill. */
  @Test
  void longPromptsRunAFewAtATime() {
    Random random = new Random(6);
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      prompts.add(Models.tokens(random, 1200 + random.nextInt(200), 97));
    }
    SamplingSettings settings = SamplingSettings.sampling(3, 0.8, 2, 7, Set.of());
    try (CausalLm model = small(ComputeDtype.F32);
        Generator generator = new Generator(model)) {
      List<List<Generation>> all = generator.generate(prompts, settings.withSlots(14));
      for (int p = 0; p < prompts.size(); p++) {
        List<Generation> alone =
            generator
                .generate(prompts.subList(p, p + 1), new long[] {p}, settings.withSlots(1))
                .get(0);
        for (int c = 0; c < 2; c++) {
          assertThat(all.get(p).get(c).tokens()).containsExactly(alone.get(c).tokens());
        }
      }
    }
  }
}
