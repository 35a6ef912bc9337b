package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.tensor.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a pass reports besides log-probabilities of completions, and what can flow back. */
class TokenStatisticTest {
  private static final int VOCAB = 97;
  private static final ObjectNode PLAIN = Models.config(Map.of());
  private static final ObjectNode TIED = Models.config(Map.of("tie_word_embeddings", true));

  /** Small models gain nothing from more threads, and on a busy machine they lose. */
  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  private static Map<TokenStatistic, List<List<float[]>>> byStatistic(TokenLogps tokens) {
    Map<TokenStatistic, List<List<float[]>>> out = new EnumMap<>(TokenStatistic.class);
    out.put(TokenStatistic.ENTROPY, tokens.entropies());
    out.put(TokenStatistic.ACCURACY, tokens.correct());
    out.put(TokenStatistic.MEAN_LOGIT, tokens.meanLogits());
    out.put(TokenStatistic.LOG_SUM_OF_SQUARES, tokens.logSumsOfSquares());
    out.put(TokenStatistic.PROMPT_LOGPS, tokens.promptLogps().stream().map(List::of).toList());
    return out;
  }

  /** In doubles, from the logits at the token's predictor. */
  private static Map<TokenStatistic, Double> plain(float[] logits, int token) {
    double z = 0;
    double sum = 0;
    int best = 0;
    for (int i = 0; i < logits.length; i++) {
      z += Math.exp(logits[i]);
      sum += logits[i];
      best = logits[i] > logits[best] ? i : best;
    }
    double entropy = 0;
    double squares = 0;
    for (float logit : logits) {
      double p = Math.exp(logit) / z;
      entropy -= p * Math.log(p);
      squares += p * p;
    }
    return Map.of(
        TokenStatistic.ENTROPY,
        entropy,
        TokenStatistic.ACCURACY,
        best == token ? 1.0 : 0.0,
        TokenStatistic.MEAN_LOGIT,
        sum / logits.length,
        TokenStatistic.LOG_SUM_OF_SQUARES,
        Math.log(squares),
        TokenStatistic.PROMPT_LOGPS,
        Math.log(Math.exp(logits[token]) / z));
  }

  private static int[] joined(int[] first, int[] second) {
    int[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }

  @ParameterizedTest
  @EnumSource(TokenStatistic.class)
  void eachIsReportedAloneAndIsThatOfThePlainDistribution(TokenStatistic asked) {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (ObjectNode config : List.of(PLAIN, TIED)) {
      int[] prompt = Models.tokens(random, 6, VOCAB);
      List<int[]> completions =
          List.of(Models.tokens(random, 5, VOCAB), Models.tokens(random, 9, VOCAB));
      try (CausalLm model = Models.random(config, Purpose.TRAINING, ComputeDtype.F32, 1)) {
        List<TokenizedRow> rows = List.of(Models.row(prompt, completions.toArray(new int[0][])));
        TokenLogps tokens = model.logps(rows, Set.of(asked));
        byStatistic(tokens).forEach((s, values) -> assertThat(values).hasSize(s == asked ? 1 : 0));
        assertThat(tokens.logps())
            .usingRecursiveComparison()
            .isEqualTo(model.logps(rows, EnumSet.allOf(TokenStatistic.class)).logps());
        List<float[]> found = byStatistic(tokens).get(asked).get(0);
        for (int c = 0; c < found.size(); c++) {
          float[][] logits = model.logits(joined(prompt, completions.get(c)));
          boolean ofPrompt = asked == TokenStatistic.PROMPT_LOGPS;
          int[] text = ofPrompt ? prompt : completions.get(c);
          assertThat(found.get(c)).hasSameSizeAs(text);
          for (int t = ofPrompt ? 1 : 0; t < text.length; t++) {
            float[] before = logits[(ofPrompt ? 0 : prompt.length) + t - 1];
            assertThat((double) found.get(c)[t])
                .isCloseTo(plain(before, text[t]).get(asked), within(2e-5));
          }
        }
        assertThat(byStatistic(model.logps(rows)).values()).allMatch(List::isEmpty);
      } catch (AssertionError e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  @Test
  void bothAnswersOfAccuracyOccur() {
    try (CausalLm model = Models.random(PLAIN, Purpose.INFERENCE, ComputeDtype.F32, 1)) {
      float[] logits = model.logits(new int[] {3, 5, 7})[2];
      int best = 0;
      for (int i = 0; i < VOCAB; i++) {
        best = logits[i] > logits[best] ? i : best;
      }
      TokenizedRow row =
          Models.row(new int[] {3, 5, 7}, new int[] {best}, new int[] {(best + 1) % VOCAB});
      TokenLogps tokens = model.logps(List.of(row), Set.of(TokenStatistic.ACCURACY));
      assertThat(tokens.correct().get(0).get(0)).containsExactly(1f);
      assertThat(tokens.correct().get(0).get(1)).containsExactly(0f);
    }
  }

  @Test
  void bf16StatisticsAreCloseToThoseOfF32() {
    Random random = new Random(5);
    List<TokenizedRow> rows =
        List.of(Models.row(Models.tokens(random, 6, VOCAB), Models.tokens(random, 12, VOCAB)));
    Set<TokenStatistic> all = EnumSet.allOf(TokenStatistic.class);
    try (CausalLm exact = Models.random(PLAIN, Purpose.INFERENCE, ComputeDtype.F32, 1);
        CausalLm rounded = Models.random(PLAIN, Purpose.INFERENCE, ComputeDtype.BF16, 1)) {
      var expected = byStatistic(exact.logps(rows, all));
      var found = byStatistic(rounded.logps(rows, all));
      for (TokenStatistic statistic : EnumSet.complementOf(EnumSet.of(TokenStatistic.ACCURACY))) {
        assertThat(
                Models.relativeDifference(
                    expected.get(statistic).get(0).get(0), found.get(statistic).get(0).get(0)))
            .as(statistic.name())
            .isBetween(1e-7, 0.05);
      }
    }
  }

  @Test
  void nothingThatCountsHasStatisticsOfZero() {
    TokenizedRow row =
        Models.masked(new int[] {1}, List.of(new int[] {2, 3}), List.of(new byte[] {0, 0}));
    try (CausalLm model = Models.random(PLAIN, Purpose.INFERENCE, ComputeDtype.F32, 1)) {
      TokenLogps tokens = model.logps(List.of(row), EnumSet.allOf(TokenStatistic.class));
      assertThat(tokens.entropies().get(0).get(0)).containsExactly(0, 0);
      assertThat(tokens.logSumsOfSquares().get(0).get(0)).containsExactly(0, 0);
      assertThat(tokens.promptLogps().get(0)).containsExactly(0);
    }
  }

  /** Completions share the pass over their prompt, whose own tokens count once. */
  @ParameterizedTest
  @EnumSource(ActivationMemory.class)
  void promptTokensAreTargetsLikeThoseOfACompletion(ActivationMemory memory) {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<TokenizedRow> rows = new ArrayList<>();
    List<TokenizedRow> whole = new ArrayList<>();
    List<List<float[]>> byLogp = new ArrayList<>();
    List<float[]> byPromptLogp = new ArrayList<>();
    List<List<float[]>> byLogpOfWhole = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      int[] prompt = Models.tokens(random, 1 + random.nextInt(9), VOCAB);
      int[][] completions = new int[1 + i % 3][];
      List<float[]> ofRow = new ArrayList<>();
      float[] ofPrompt = Models.gaussians(random, prompt.length);
      for (int c = 0; c < completions.length; c++) {
        completions[c] = Models.tokens(random, 1 + random.nextInt(8), VOCAB);
        ofRow.add(Models.gaussians(random, completions[c].length));
        int[] text = joined(prompt, completions[c]);
        whole.add(Models.row(new int[] {prompt[0]}, Arrays.copyOfRange(text, 1, text.length)));
        float[] ofText = new float[text.length - 1];
        if (c == 0) {
          System.arraycopy(ofPrompt, 1, ofText, 0, prompt.length - 1);
        }
        System.arraycopy(ofRow.get(c), 0, ofText, prompt.length - 1, completions[c].length);
        byLogpOfWhole.add(List.of(ofText));
      }
      rows.add(Models.row(prompt, completions));
      byLogp.add(ofRow);
      byPromptLogp.add(ofPrompt);
    }
    try (CausalLm model = Models.random(TIED, Purpose.TRAINING, ComputeDtype.F32, 1)) {
      TokenLogps expected;
      try (var pass = model.forward(whole, memory, Set.of())) {
        expected = pass.values();
        pass.backward(TokenGradients.of(byLogpOfWhole), segment -> {});
      }
      Map<String, float[]> expectedGradients = Models.gradients(model);
      Models.zeroGradients(model);
      TokenLogps found;
      try (var pass = model.forward(rows, memory, Set.of(TokenStatistic.PROMPT_LOGPS))) {
        found = pass.values();
        pass.backward(new TokenGradients(byLogp, byPromptLogp, List.of()), segment -> {});
      }
      int text = 0;
      for (int row = 0; row < rows.size(); row++) {
        for (float[] logps : found.logps().get(row)) {
          float[] all = joined(found.promptLogps().get(row), logps);
          assertThat(all[0]).isZero();
          assertThat(Arrays.copyOfRange(all, 1, all.length))
              .containsExactly(expected.logps().get(text++).get(0), within(1e-5f));
        }
      }
      Map<String, float[]> foundGradients = Models.gradients(model);
      expectedGradients.forEach(
          (name, g) ->
              assertThat(Models.relativeDifference(g, foundGradients.get(name)))
                  .as(name)
                  .isLessThan(1e-5));

      // Without gradients of the prompt the pass is the usual one.
      Models.zeroGradients(model);
      try (var pass = model.forward(rows, memory, Set.of(TokenStatistic.PROMPT_LOGPS))) {
        pass.backward(TokenGradients.of(byLogp), segment -> {});
      }
      Map<String, float[]> ofCompletions = Models.gradients(model);
      Models.zeroGradients(model);
      try (var pass = model.forward(rows, memory, Set.of())) {
        pass.backward(TokenGradients.of(byLogp), segment -> {});
      }
      Models.gradients(model)
          .forEach(
              (name, g) ->
                  assertThat(Models.relativeDifference(g, ofCompletions.get(name)))
                      .as(name)
                      .isLessThan(1e-5));
    } catch (AssertionError e) {
      throw new AssertionError("seed " + seed, e);
    }
  }

  private static float[] joined(float[] first, float[] second) {
    float[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }
}
