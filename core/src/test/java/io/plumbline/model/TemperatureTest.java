package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.tensor.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Passes at temperatures other than 1, and gradients that flow back from entropies. */
class TemperatureTest {
  private static final int VOCAB = 97;
  private static final ObjectNode PLAIN = Models.config(Map.of());
  private static final ObjectNode TIED = Models.config(Map.of("tie_word_embeddings", true));
  private static final Set<TokenStatistic> ENTROPY = Set.of(TokenStatistic.ENTROPY);

  /** Small models gain nothing from more threads, and on a busy machine they lose. */
  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  private static CausalLm trained(ObjectNode config, ComputeDtype dtype) {
    return Models.random(config, Purpose.TRAINING, dtype, 1);
  }

  /** Rows of one to three completions, one of them with tokens that do not count. */
  private static List<TokenizedRow> rows(Random random) {
    List<TokenizedRow> out = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      int[][] completions = new int[1 + i][];
      for (int c = 0; c < completions.length; c++) {
        completions[c] = Models.tokens(random, 1 + random.nextInt(6), VOCAB);
      }
      out.add(Models.row(Models.tokens(random, 1 + random.nextInt(6), VOCAB), completions));
    }
    out.add(
        Models.masked(
            Models.tokens(random, 4, VOCAB),
            List.of(Models.tokens(random, 4, VOCAB)),
            List.of(new byte[] {1, 0, 0, 1})));
    return out;
  }

  /** A derivative for each log-probability and each entropy, different everywhere. */
  private static TokenGradients derivatives(CausalLm model, List<TokenizedRow> rows, long seed) {
    TokenLogps shape = model.logps(rows);
    Random random = new Random(seed);
    return new TokenGradients(
        Models.derivatives(shape, random), List.of(), Models.derivatives(shape, random));
  }

  private static Map<String, float[]> train(
      CausalLm model,
      List<TokenizedRow> rows,
      TokenGradients derivatives,
      ActivationMemory memory,
      Set<TokenStatistic> statistics,
      double temperature) {
    Models.zeroGradients(model);
    try (var pass = model.forward(rows, memory, statistics, temperature)) {
      pass.backward(derivatives, segment -> {});
    }
    return Models.gradients(model);
  }

  private static void assertClose(
      Map<String, float[]> expected, Map<String, float[]> found, double relative) {
    expected.forEach(
        (name, g) -> {
          assertThat(Models.norm(g)).as(name).isPositive();
          assertThat(Models.relativeDifference(g, found.get(name))).as(name).isLessThan(relative);
        });
  }

  private static void assertIdentical(Map<String, float[]> expected, Map<String, float[]> found) {
    expected.forEach((name, g) -> assertThat(found.get(name)).as(name).containsExactly(g));
  }

  /** log p of every token, in doubles, from the logits at a token's predictor. */
  private static double[] logps(float[] logits, double temperature) {
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit / temperature);
    }
    double[] out = new double[logits.length];
    for (int v = 0; v < out.length; v++) {
      out[v] = logits[v] / temperature - Math.log(sum);
    }
    return out;
  }

  private static double entropy(double[] logps) {
    return -Arrays.stream(logps).map(logp -> Math.exp(logp) * logp).sum();
  }

  private static int[] joined(int[] first, int[] second, int count) {
    int[] both = Arrays.copyOf(first, first.length + count);
    System.arraycopy(second, 0, both, first.length, count);
    return both;
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.7, 1, 1.3})
  void valuesAreThoseOfTheDividedLogits(double temperature) {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (ObjectNode config : List.of(PLAIN, TIED)) {
      int[] prompt = Models.tokens(random, 5, VOCAB);
      int[] completion = Models.tokens(random, 9, VOCAB);
      List<TokenizedRow> rows = List.of(Models.row(prompt, completion));
      Set<TokenStatistic> all = EnumSet.allOf(TokenStatistic.class);
      try (CausalLm model = trained(config, ComputeDtype.F32)) {
        float[][] logits = model.logits(joined(prompt, completion, completion.length));
        TokenLogps found = model.logps(rows, all, temperature);
        for (int t = 0; t < completion.length; t++) {
          double[] expected = logps(logits[prompt.length + t - 1], temperature);
          assertThat((double) found.logps().get(0).get(0)[t])
              .isCloseTo(expected[completion[t]], within(2e-5));
          assertThat((double) found.entropies().get(0).get(0)[t])
              .isCloseTo(entropy(expected), within(2e-5));
          assertThat((double) found.logSumsOfSquares().get(0).get(0)[t])
              .isCloseTo(
                  Math.log(Arrays.stream(expected).map(x -> Math.exp(2 * x)).sum()), within(2e-5));
        }
        for (int t = 1; t < prompt.length; t++) {
          assertThat((double) found.promptLogps().get(0)[t])
              .isCloseTo(logps(logits[t - 1], temperature)[prompt[t]], within(2e-5));
        }
        TokenLogps plain = model.logps(rows, all);
        assertThat(found.meanLogits()).usingRecursiveComparison().isEqualTo(plain.meanLogits());
        assertThat(found.correct()).usingRecursiveComparison().isEqualTo(plain.correct());

        TokenModel trained = new TokenModel(model, all, temperature);
        assertThat(trained.infer(rows)).usingRecursiveComparison().isEqualTo(found);
        for (ActivationMemory memory : ActivationMemory.values()) {
          try (var pass = trained.forward(rows, memory)) {
            assertThat(pass.values()).usingRecursiveComparison().isEqualTo(found);
          }
        }
      } catch (AssertionError e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  /**
   * A loss's derivative by the log-probabilities of all tokens of the vocabulary, found from the
   * logits in doubles, replaces the derivatives by one token's log-probability and by the entropy.
   * It sums to 0, so it is the derivative by the undivided logits too, and a pass at temperature 1
   * with every token as a completion takes it.
   */
  @ParameterizedTest
  @CsvSource({"0.7,KEEP", "0.7,RECOMPUTE", "1,KEEP", "1,RECOMPUTE", "1.3,KEEP", "1.3,RECOMPUTE"})
  void gradientsAreThoseOfTheLogits(double temperature, ActivationMemory memory) {
    long seed = System.nanoTime();
    List<TokenizedRow> rows = rows(new Random(seed));
    for (ObjectNode config : List.of(PLAIN, TIED)) {
      try (CausalLm model = trained(config, ComputeDtype.F32)) {
        TokenGradients derivatives = derivatives(model, rows, seed);
        Map<String, float[]> found = train(model, rows, derivatives, memory, Set.of(), temperature);
        Models.zeroGradients(model);
        addGradientsOfTheLogits(model, rows, derivatives, temperature);
        assertClose(Models.gradients(model), found, 2e-5);
      } catch (AssertionError e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  private static void addGradientsOfTheLogits(
      CausalLm model, List<TokenizedRow> rows, TokenGradients derivatives, double temperature) {
    int[][] everyToken = new int[VOCAB][];
    Arrays.setAll(everyToken, v -> new int[] {v});
    for (int r = 0; r < rows.size(); r++) {
      TokenizedRow row = rows.get(r);
      for (int c = 0; c < row.completions().size(); c++) {
        int[] completion = row.completions().get(c);
        float[][] logits = model.logits(joined(row.prompt(), completion, completion.length));
        for (int t = 0; t < completion.length; t++) {
          if (!row.lossMasks().isEmpty() && row.lossMasks().get(c)[t] == 0) {
            continue;
          }
          double byLogp = derivatives.byLogp().get(r).get(c)[t];
          double byEntropy = derivatives.byEntropy().get(r).get(c)[t];
          double[] logps = logps(logits[row.prompt().length + t - 1], temperature);
          double entropy = entropy(logps);
          List<float[]> byEvery = new ArrayList<>();
          for (int v = 0; v < VOCAB; v++) {
            double p = Math.exp(logps[v]);
            double byLogit = byLogp * ((v == completion[t] ? 1 : 0) - p);
            byLogit -= byEntropy * p * (logps[v] + entropy);
            byEvery.add(new float[] {(float) (byLogit / temperature)});
          }
          TokenizedRow every = Models.row(joined(row.prompt(), completion, t), everyToken);
          try (var pass = model.forward(List.of(every))) {
            pass.backward(TokenGradients.of(List.of(byEvery)), segment -> {});
          }
        }
      }
    }
  }

  /** Against the slope of the loss itself, at the parameter of each tensor that moves it most. */
  @ParameterizedTest
  @CsvSource({"0.7,KEEP", "0.7,RECOMPUTE", "1,KEEP", "1.3,KEEP", "1.3,RECOMPUTE"})
  void gradientsAreTheSlopesOfLogpsAndEntropies(double temperature, ActivationMemory memory) {
    List<TokenizedRow> rows = rows(new Random(12));
    for (ObjectNode config : List.of(PLAIN, TIED)) {
      try (CausalLm model = trained(config, ComputeDtype.F32)) {
        TokenGradients derivatives = derivatives(model, rows, 6);
        Map<String, float[]> found = train(model, rows, derivatives, memory, ENTROPY, temperature);
        for (var segment : model.segments()) {
          for (var slice : segment.slices()) {
            float[] g = found.get(slice.name());
            int best = 0;
            for (int i = 1; i < g.length; i++) {
              best = Math.abs(g[i]) > Math.abs(g[best]) ? i : best;
            }
            int at = Math.toIntExact(slice.offset()) + best;
            float value = segment.values().get(at);
            float step = 2e-3f;
            segment.values().put(at, value + step);
            double up = loss(model.logps(rows, ENTROPY, temperature), derivatives);
            segment.values().put(at, value - step);
            double down = loss(model.logps(rows, ENTROPY, temperature), derivatives);
            segment.values().put(at, value);
            double slope = (up - down) / (2 * step);
            assertThat((double) g[best])
                .as(slice.name())
                .isCloseTo(slope, within(0.02 * Math.abs(slope) + 1e-3));
          }
        }
      }
    }
  }

  private static double loss(TokenLogps tokens, TokenGradients derivatives) {
    return product(tokens.logps(), derivatives.byLogp())
        + product(tokens.entropies(), derivatives.byEntropy());
  }

  private static double product(List<List<float[]>> values, List<List<float[]>> derivatives) {
    double sum = 0;
    for (int row = 0; row < values.size(); row++) {
      for (int c = 0; c < values.get(row).size(); c++) {
        for (int t = 0; t < values.get(row).get(c).length; t++) {
          sum += (double) values.get(row).get(c)[t] * derivatives.get(row).get(c)[t];
        }
      }
    }
    return sum;
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.7, 1.3})
  void bf16IsCloseToF32(double temperature) {
    List<TokenizedRow> rows = rows(new Random(5));
    try (CausalLm exact = trained(PLAIN, ComputeDtype.F32);
        CausalLm rounded = trained(PLAIN, ComputeDtype.BF16)) {
      TokenGradients derivatives = derivatives(exact, rows, 5);
      TokenLogps expected = exact.logps(rows, ENTROPY, temperature);
      TokenLogps found = rounded.logps(rows, ENTROPY, temperature);
      for (int row = 0; row < rows.size(); row++) {
        for (int c = 0; c < rows.get(row).completions().size(); c++) {
          assertThat(found.logps().get(row).get(c))
              .containsExactly(expected.logps().get(row).get(c), within(0.1f));
          assertThat(found.entropies().get(row).get(c))
              .containsExactly(expected.entropies().get(row).get(c), within(0.1f));
        }
      }
      Map<String, float[]> gradients =
          train(exact, rows, derivatives, ActivationMemory.KEEP, Set.of(), temperature);
      for (ActivationMemory memory : ActivationMemory.values()) {
        assertClose(
            gradients, train(rounded, rows, derivatives, memory, Set.of(), temperature), 0.08);
      }
    }
  }

  /** With this vocabulary the head takes 128 rows at a time. */
  @Test
  void chunksGiveWhatSeparatePassesGive() {
    int vocab = 1 << 16;
    ObjectNode config =
        Models.config(
            Map.of(
                "vocab_size",
                vocab,
                "hidden_size",
                16,
                "num_hidden_layers",
                1,
                "tie_word_embeddings",
                true));
    Random random = new Random(3);
    List<TokenizedRow> rows = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      rows.add(Models.row(Models.tokens(random, 3, vocab), Models.tokens(random, 50, vocab)));
    }
    try (CausalLm model = trained(config, ComputeDtype.F32)) {
      assertThat(model.decoder().chunk()).isLessThan(150);
      TokenGradients derivatives = derivatives(model, rows, 3);
      List<float[]> entropies = new ArrayList<>();
      Models.zeroGradients(model);
      for (int i = 0; i < 3; i++) {
        List<TokenizedRow> one = List.of(rows.get(i));
        try (var pass = model.forward(one, ActivationMemory.KEEP, ENTROPY, 0.7)) {
          entropies.add(pass.values().entropies().get(0).get(0));
          pass.backward(
              new TokenGradients(
                  List.of(derivatives.byLogp().get(i)),
                  List.of(),
                  List.of(derivatives.byEntropy().get(i))),
              segment -> {});
        }
      }
      Map<String, float[]> expected = Models.gradients(model);
      List<List<float[]>> found = model.logps(rows, ENTROPY, 0.7).entropies();
      for (int i = 0; i < 3; i++) {
        assertThat(found.get(i).get(0)).containsExactly(entropies.get(i), within(1e-4f));
      }
      for (ActivationMemory memory : ActivationMemory.values()) {
        assertClose(expected, train(model, rows, derivatives, memory, ENTROPY, 0.7), 1e-5);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(ActivationMemory.class)
  void noEntropyGradientsAreZeros(ActivationMemory memory) {
    List<TokenizedRow> rows = rows(new Random(8));
    try (CausalLm model = trained(TIED, ComputeDtype.F32)) {
      List<List<float[]>> byLogp = derivatives(model, rows, 8).byLogp();
      Map<String, float[]> expected =
          train(model, rows, TokenGradients.of(byLogp), memory, Set.of(), 1.3);
      List<List<float[]>> none =
          byLogp.stream().map(row -> row.stream().map(c -> new float[0]).toList()).toList();
      List<List<float[]>> zeros =
          byLogp.stream().map(row -> row.stream().map(c -> new float[c.length]).toList()).toList();
      for (List<List<float[]>> byEntropy : List.of(none, zeros)) {
        TokenGradients derivatives = new TokenGradients(byLogp, List.of(), byEntropy);
        assertIdentical(expected, train(model, rows, derivatives, memory, ENTROPY, 1.3));
      }

      // Of some completions only: zeros in the others' places come to the same.
      List<List<float[]>> some = new ArrayList<>(none);
      List<List<float[]>> filled = new ArrayList<>(zeros);
      some.set(1, List.of(new float[0], byLogp.get(1).get(1)));
      filled.set(1, List.of(zeros.get(1).get(0), byLogp.get(1).get(1)));
      Map<String, float[]> ofSome =
          train(model, rows, new TokenGradients(byLogp, List.of(), some), memory, ENTROPY, 1.3);
      assertIdentical(
          ofSome,
          train(model, rows, new TokenGradients(byLogp, List.of(), filled), memory, ENTROPY, 1.3));
      ofSome.forEach(
          (name, g) ->
              assertThat(Models.relativeDifference(expected.get(name), g))
                  .as(name)
                  .isGreaterThan(1e-3));
    }
  }

  @Test
  void entropiesOfPromptTokensHaveNoGradient() {
    List<TokenizedRow> rows = rows(new Random(9));
    Set<TokenStatistic> prompts = Set.of(TokenStatistic.PROMPT_LOGPS);
    try (CausalLm model = trained(PLAIN, ComputeDtype.F32)) {
      TokenGradients derivatives = derivatives(model, rows, 9);
      ActivationMemory memory = ActivationMemory.KEEP;
      assertClose(
          train(model, rows, derivatives, memory, Set.of(), 0.7),
          train(model, rows, derivatives, memory, prompts, 0.7),
          1e-5);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
  void aTemperatureThatDividesNothingIsRefused(double temperature) {
    List<TokenizedRow> rows = List.of(Models.row(new int[] {1}, new int[] {2}));
    try (CausalLm model = trained(PLAIN, ComputeDtype.F32)) {
      assertThatThrownBy(() -> model.logps(rows, Set.of(), temperature))
          .isInstanceOf(PlumblineException.class)
          .hasMessageContaining("temperature")
          .hasMessageContaining("" + temperature);
      assertThatThrownBy(() -> model.forward(rows, ActivationMemory.KEEP, Set.of(), temperature))
          .isInstanceOf(PlumblineException.class);
      assertThatThrownBy(() -> new TokenModel(model, Set.of(), temperature))
          .isInstanceOf(PlumblineException.class);
    }
  }
}
