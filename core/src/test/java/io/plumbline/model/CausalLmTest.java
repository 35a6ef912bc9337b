package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.tensor.LiveValues;
import io.plumbline.tensor.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CausalLmTest {
  /** Small models gain nothing from more threads, and on a busy machine they lose. */
  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  private static final ObjectNode PLAIN = Models.config(Map.of());
  private static final ObjectNode BIASED_AND_TIED =
      Models.config(
          Map.of(
              "attention_bias", true,
              "mlp_bias", true,
              "tie_word_embeddings", true,
              "head_dim", 10,
              "rope_scaling", Map.of("type", "linear", "factor", 2.0)));

  private static CausalLm trained(ObjectNode config) {
    return Models.random(config, Purpose.TRAINING, ComputeDtype.F32, 1);
  }

  /** Rows of many shapes: one to four completions, short and long, some without a prompt. */
  private static List<TokenizedRow> rows(Random random, int count) {
    List<TokenizedRow> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[] prompt = Models.tokens(random, i % 5 == 4 ? 0 : 1 + random.nextInt(12), 97);
      int[][] completions = new int[1 + i % 4][];
      for (int c = 0; c < completions.length; c++) {
        completions[c] = Models.tokens(random, 1 + random.nextInt(10), 97);
      }
      out.add(Models.row(prompt, completions));
    }
    return out;
  }

  private record Result(TokenLogps tokens, Map<String, float[]> gradients) {}

  private static Result train(
      CausalLm model, List<TokenizedRow> rows, long seed, ActivationMemory memory) {
    Models.zeroGradients(model);
    try (TrainingPass<TokenLogps, TokenGradients> pass = model.forward(rows, memory, Set.of())) {
      pass.backward(
          TokenGradients.of(Models.derivatives(pass.values(), new Random(seed))), segment -> {});
      return new Result(pass.values(), Models.gradients(model));
    }
  }

  private static void assertClose(Result expected, Result actual, double relative) {
    for (int row = 0; row < expected.tokens().logps().size(); row++) {
      for (int c = 0; c < expected.tokens().logps().get(row).size(); c++) {
        assertThat(actual.tokens().logps().get(row).get(c))
            .containsExactly(expected.tokens().logps().get(row).get(c), within((float) relative));
      }
    }
    expected
        .gradients()
        .forEach(
            (name, g) ->
                assertThat(Models.relativeDifference(g, actual.gradients().get(name)))
                    .as(name)
                    .isLessThan(relative));
  }

  private static void assertIdentical(Result expected, Result actual) {
    assertThat(actual.tokens()).usingRecursiveComparison().isEqualTo(expected.tokens());
    expected
        .gradients()
        .forEach((name, g) -> assertThat(actual.gradients().get(name)).as(name).containsExactly(g));
  }

  private static float[] derivative(List<List<float[]>> of, int row, int completion) {
    return of.get(row).get(completion);
  }

  @Test
  void completionsThatShareAPromptEqualSeparateRows() {
    long seed = System.nanoTime();
    for (ObjectNode config : List.of(PLAIN, BIASED_AND_TIED)) {
      List<TokenizedRow> rows = rows(new Random(seed), 9);
      try (CausalLm model = trained(config)) {
        Result shared = train(model, rows, seed, ActivationMemory.KEEP);
        List<List<float[]>> derivatives = Models.derivatives(shared.tokens(), new Random(seed));
        Models.zeroGradients(model);
        List<List<float[]>> separate = new ArrayList<>();
        for (int row = 0; row < rows.size(); row++) {
          List<float[]> logps = new ArrayList<>();
          for (int c = 0; c < rows.get(row).completions().size(); c++) {
            TokenizedRow one =
                Models.row(rows.get(row).prompt(), rows.get(row).completions().get(c));
            try (TrainingPass<TokenLogps, TokenGradients> pass = model.forward(List.of(one))) {
              logps.add(pass.values().logps().get(0).get(0));
              pass.backward(
                  TokenGradients.of(List.of(List.of(derivative(derivatives, row, c)))),
                  segment -> {});
            }
          }
          separate.add(logps);
        }
        Result alone =
            new Result(
                new TokenLogps(separate, List.of(), List.of(), List.of(), List.of(), List.of()),
                Models.gradients(model));
        assertThat(alone.gradients().values()).allMatch(g -> Models.norm(g) > 0);
        assertClose(alone, shared, 1e-5);
      } catch (AssertionError e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  @Test
  void aPromptlessCompletionHasNoLogpForItsFirstToken() {
    try (CausalLm model = trained(PLAIN)) {
      float[] logps =
          model.logps(List.of(Models.row(new int[0], new int[] {5, 6, 7}))).logps().get(0).get(0);
      float[] behind =
          model.logps(List.of(Models.row(new int[] {5}, new int[] {6, 7}))).logps().get(0).get(0);
      assertThat(logps[0]).isZero();
      assertThat(new float[] {logps[1], logps[2]}).containsExactly(behind, within(1e-6f));
    }
  }

  @Test
  void maskedTokensHaveNeitherLogpNorGradient() {
    Random random = new Random(4);
    int[] prompt = Models.tokens(random, 5, 97);
    List<int[]> completions = List.of(Models.tokens(random, 6, 97), Models.tokens(random, 4, 97));
    List<byte[]> masks = List.of(new byte[] {1, 0, 0, 1, 1, 0}, new byte[] {0, 1, 1, 1});
    try (CausalLm model = trained(PLAIN)) {
      List<TokenizedRow> masked = List.of(Models.masked(prompt, completions, masks));
      List<TokenizedRow> open = List.of(Models.row(prompt, completions.toArray(new int[0][])));
      TokenLogps all = model.logps(open);
      Result result = train(model, masked, 9, ActivationMemory.KEEP);
      List<List<float[]>> derivatives = Models.derivatives(all, new Random(9));
      for (int c = 0; c < 2; c++) {
        for (int t = 0; t < masks.get(c).length; t++) {
          boolean counts = masks.get(c)[t] == 1;
          float logp = result.tokens().logps().get(0).get(c)[t];
          assertThat(logp).isCloseTo(counts ? all.logps().get(0).get(c)[t] : 0f, within(1e-6f));
          if (!counts) {
            derivatives.get(0).get(c)[t] = 0;
          }
        }
      }
      Models.zeroGradients(model);
      try (TrainingPass<TokenLogps, TokenGradients> pass = model.forward(open)) {
        pass.backward(TokenGradients.of(derivatives), segment -> {});
      }
      Map<String, float[]> expected = Models.gradients(model);
      result
          .gradients()
          .forEach(
              (name, g) ->
                  assertThat(Models.relativeDifference(expected.get(name), g))
                      .as(name)
                      .isLessThan(1e-5));
    }
  }

  @Test
  void aMicroBatchInWhichNothingCountsAddsNothing() {
    TokenizedRow row =
        Models.masked(new int[] {1}, List.of(new int[] {2, 3}), List.of(new byte[] {0, 0}));
    try (CausalLm model = trained(PLAIN)) {
      Result result = train(model, List.of(row), 1, ActivationMemory.KEEP);
      assertThat(result.tokens().logps().get(0).get(0)).containsExactly(0, 0);
      assertThat(result.gradients().values()).allMatch(g -> Models.norm(g) == 0);
      List<String> names = new ArrayList<>();
      try (TrainingPass<TokenLogps, TokenGradients> pass = model.forward(List.of(row))) {
        pass.backward(TokenGradients.of(pass.values().logps()), s -> names.add(s.name()));
      }
      assertThat(names).containsExactly("head", "layer 2", "layer 1", "layer 0", "embedding");
    }
  }

  @Test
  void recomputedLayersGiveTheSameGradients() {
    List<TokenizedRow> rows = rows(new Random(2), 7);
    for (ObjectNode config : List.of(PLAIN, BIASED_AND_TIED)) {
      try (CausalLm model = trained(config)) {
        Result kept = train(model, rows, 3, ActivationMemory.KEEP);
        assertClose(kept, train(model, rows, 3, ActivationMemory.RECOMPUTE), 1e-6);
      }
    }
  }

  @Test
  void theSameInputTwiceIsBitIdentical() {
    List<TokenizedRow> rows = rows(new Random(2), 7);
    try (CausalLm model = trained(BIASED_AND_TIED)) {
      Result first = train(model, rows, 3, ActivationMemory.KEEP);
      for (int i = 0; i < 5; i++) {
        assertIdentical(first, train(model, rows, 3, ActivationMemory.KEEP));
      }
      assertThat(model.logps(rows)).usingRecursiveComparison().isEqualTo(first.tokens());
    }
  }

  @Test
  void gradientsAddUpOverPasses() {
    List<TokenizedRow> rows = rows(new Random(2), 4);
    try (CausalLm model = trained(PLAIN)) {
      Result once = train(model, rows, 3, ActivationMemory.KEEP);
      try (TrainingPass<TokenLogps, TokenGradients> pass = model.forward(rows)) {
        pass.backward(
            TokenGradients.of(Models.derivatives(pass.values(), new Random(3))), segment -> {});
      }
      Map<String, float[]> twice = Models.gradients(model);
      once.gradients()
          .forEach(
              (name, g) -> {
                float[] doubled = new float[g.length];
                for (int i = 0; i < g.length; i++) {
                  doubled[i] = 2 * g[i];
                }
                assertThat(Models.relativeDifference(doubled, twice.get(name))).isLessThan(1e-6);
              });
    }
  }

  @Test
  void aSegmentIsFinalWhenItIsSaidToBe() {
    List<TokenizedRow> rows = rows(new Random(2), 5);
    try (CausalLm model = trained(BIASED_AND_TIED)) {
      Map<String, float[]> atCall = new java.util.LinkedHashMap<>();
      List<String> order = new ArrayList<>();
      try (TrainingPass<TokenLogps, TokenGradients> pass = model.forward(rows)) {
        pass.backward(
            TokenGradients.of(Models.derivatives(pass.values(), new Random(1))),
            segment -> {
              order.add(segment.name());
              float[] g = new float[Math.toIntExact(segment.length())];
              segment.gradients().get(0, g);
              atCall.put(segment.name(), g);
            });
      }
      assertThat(order).containsExactly("head", "layer 2", "layer 1", "layer 0", "embedding");
      for (var segment : model.segments()) {
        float[] g = new float[Math.toIntExact(segment.length())];
        segment.gradients().get(0, g);
        assertThat(atCall.get(segment.name())).containsExactly(g);
      }
    }
  }

  /** Against the slope of the loss itself, parameter by parameter. */
  @Test
  void gradientsAreTheSlopesOfTheLogps() {
    List<TokenizedRow> rows = rows(new Random(12), 5);
    try (CausalLm model = trained(BIASED_AND_TIED)) {
      Result result = train(model, rows, 6, ActivationMemory.KEEP);
      List<List<float[]>> derivatives = Models.derivatives(result.tokens(), new Random(6));
      for (var segment : model.segments()) {
        for (var slice : segment.slices()) {
          float[] g = result.gradients().get(slice.name());
          int best = 0;
          for (int i = 1; i < g.length; i++) {
            best = Math.abs(g[i]) > Math.abs(g[best]) ? i : best;
          }
          int at = Math.toIntExact(slice.offset()) + best;
          float value = segment.values().get(at);
          float step = 2e-3f;
          segment.values().put(at, value + step);
          double up = loss(model.logps(rows), derivatives);
          segment.values().put(at, value - step);
          double down = loss(model.logps(rows), derivatives);
          segment.values().put(at, value);
          double slope = (up - down) / (2 * step);
          assertThat((double) g[best])
              .as(slice.name())
              .isCloseTo(slope, within(0.02 * Math.abs(slope) + 1e-3));
        }
      }
    }
  }

  private static double loss(TokenLogps tokens, List<List<float[]>> derivatives) {
    double sum = 0;
    for (int row = 0; row < derivatives.size(); row++) {
      for (int c = 0; c < derivatives.get(row).size(); c++) {
        float[] logps = tokens.logps().get(row).get(c);
        for (int t = 0; t < logps.length; t++) {
          sum += (double) logps[t] * derivative(derivatives, row, c)[t];
        }
      }
    }
    return sum;
  }

  @Test
  void statisticsAreThoseOfTheDistribution() {
    Random random = new Random(21);
    int[] prompt = Models.tokens(random, 4, 97);
    int[] completion = Models.tokens(random, 8, 97);
    try (CausalLm model = trained(PLAIN)) {
      int[] all = Arrays.copyOf(prompt, 12);
      System.arraycopy(completion, 0, all, 4, 8);
      float[][] logits = model.logits(all);
      // The most probable token somewhere, so that both answers occur.
      int best = 0;
      for (int i = 0; i < 97; i++) {
        best = logits[10][i] > logits[10][best] ? i : best;
      }
      completion[7] = best;
      List<TokenizedRow> rows = List.of(Models.row(prompt, completion));
      TokenLogps tokens =
          model.logps(rows, Set.of(TokenStatistic.ENTROPY, TokenStatistic.ACCURACY));
      assertThat(tokens.correct().get(0).get(0)[7]).isEqualTo(1f);
      for (int t = 0; t < 8; t++) {
        float[] l = logits[3 + t];
        double z = 0;
        for (float x : l) {
          z += Math.exp(x);
        }
        double entropy = 0;
        int argmax = 0;
        for (int i = 0; i < l.length; i++) {
          double p = Math.exp(l[i]) / z;
          entropy -= p * Math.log(p);
          argmax = l[i] > l[argmax] ? i : argmax;
        }
        assertThat((double) tokens.entropies().get(0).get(0)[t]).isCloseTo(entropy, within(1e-4));
        assertThat(tokens.correct().get(0).get(0)[t]).isEqualTo(argmax == completion[t] ? 1f : 0f);
      }
      assertThat(model.logps(rows).entropies()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(ActivationMemory.class)
  void bf16IsCloseToF32(ActivationMemory memory) {
    List<TokenizedRow> rows = rows(new Random(2), 7);
    try (CausalLm exact = trained(BIASED_AND_TIED);
        CausalLm rounded = Models.random(BIASED_AND_TIED, Purpose.TRAINING, ComputeDtype.BF16, 1)) {
      Result expected = train(exact, rows, 3, ActivationMemory.KEEP);
      Result found = train(rounded, rows, 3, memory);
      assertThat(
              Models.relativeDifference(
                  expected.tokens().logps().get(0).get(0), found.tokens().logps().get(0).get(0)))
          .isBetween(1e-6, 0.03);
      expected
          .gradients()
          .forEach(
              (name, g) ->
                  assertThat(Models.relativeDifference(g, found.gradients().get(name)))
                      .as(name)
                      .isBetween(1e-6, 0.08));
    }
  }

  @Test
  void threadsThatTrainAtOnceGetWhatTheyGetAlone() throws Exception {
    int threads = 3;
    List<Result> alone = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      alone.add(steps(i));
    }
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Future<Result>> together = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        int rank = i;
        together.add(pool.submit(() -> steps(rank)));
      }
      for (int i = 0; i < threads; i++) {
        assertIdentical(alone.get(i), together.get(i).get(60, TimeUnit.SECONDS));
      }
    } finally {
      pool.shutdownNow();
    }
  }

  private static Result steps(int rank) {
    Torch.useThreads(1);
    List<TokenizedRow> rows = rows(new Random(rank), 6);
    try (CausalLm model = trained(PLAIN)) {
      Result last = null;
      for (int i = 0; i < 10; i++) {
        last = train(model, rows, i, ActivationMemory.KEEP);
      }
      return last;
    }
  }

  @Test
  void nothingIsLeftBehind() {
    long before = LiveValues.count();
    try (CausalLm model = trained(PLAIN);
        Generator generator = new Generator(model)) {
      List<TokenizedRow> rows = rows(new Random(2), 6);
      long loaded = LiveValues.count();
      long resident = 0;
      for (int i = 0; i < 120; i++) {
        train(model, rows, i, i % 2 == 0 ? ActivationMemory.KEEP : ActivationMemory.RECOMPUTE);
        model.logps(rows, Set.of(TokenStatistic.ENTROPY, TokenStatistic.ACCURACY));
        if (i % 20 == 0) {
          generator.generate(
              List.of(new int[] {1, 2, 3}, new int[] {4}),
              SamplingSettings.sampling(8, 1, 2, i, java.util.Set.of(3)).withSlots(3));
        }
        assertThat(LiveValues.count()).isEqualTo(loaded);
        if (i == 40) {
          resident = residentBytes();
        }
      }
      // 80 passes of this model would leave about 32 MB if they kept their activations.
      assertThat(residentBytes() - resident).isLessThan(24L << 20);
    }
    assertThat(LiveValues.count()).isEqualTo(before);
  }

  private static long residentBytes() {
    try {
      System.gc();
      String status = java.nio.file.Files.readString(java.nio.file.Path.of("/proc/self/status"));
      return status
              .lines()
              .filter(l -> l.startsWith("VmRSS"))
              .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")))
              .findFirst()
              .orElseThrow()
          << 10;
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void inferenceModelsHaveNoGradients() {
    try (CausalLm model = Models.random(PLAIN, Purpose.INFERENCE, ComputeDtype.F32, 1)) {
      List<TokenizedRow> rows = rows(new Random(1), 2);
      assertThatThrownBy(() -> model.forward(rows)).hasMessageContaining("for inference");
      assertThatThrownBy(() -> model.segments().get(0).gradients())
          .hasMessageContaining("embedding has no gradients");
    }
  }

  @Test
  void refusesTokensOutsideTheVocabulary() {
    try (CausalLm model = Models.random(PLAIN, Purpose.INFERENCE, ComputeDtype.F32, 1)) {
      assertThatThrownBy(() -> model.logps(List.of(Models.row(new int[] {1}, new int[] {97}))))
          .isInstanceOf(PlumblineException.class)
          .hasMessageContaining("token id 97");
    }
  }
}
