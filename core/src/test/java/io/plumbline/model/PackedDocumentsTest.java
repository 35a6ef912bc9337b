package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.PackedRows.Reading;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.tensor.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Documents that share a row: completions of an empty prompt, with loss masks. */
class PackedDocumentsTest {
  private static final int VOCAB = 512;

  private static final DecoderConfig CONFIG =
      DecoderConfig.parse(Models.config(Map.of("vocab_size", VOCAB)), "llama");

  /** Small models gain nothing from more threads, and on a busy machine they lose. */
  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  private static byte[] mask(Random random, int length) {
    byte[] mask = new byte[length];
    for (int i = 1; i < length; i++) {
      mask[i] = (byte) (random.nextInt(3) == 0 ? 0 : 1);
    }
    // A document counts a token at least: what counts nothing cannot show that it changed.
    mask[length - 1] = 1;
    return mask;
  }

  private static List<TokenizedRow> packed(Random random) {
    List<TokenizedRow> rows = new ArrayList<>();
    for (int documents : new int[] {4, 1, 3}) {
      List<int[]> ids = new ArrayList<>();
      List<byte[]> masks = new ArrayList<>();
      for (int d = 0; d < documents; d++) {
        ids.add(Models.tokens(random, 2 + random.nextInt(20), VOCAB));
        masks.add(mask(random, ids.get(d).length));
      }
      rows.add(Models.masked(new int[0], ids, masks));
    }
    return rows;
  }

  @ParameterizedTest
  @MethodSource("io.plumbline.model.Models#families")
  void equalTheDocumentsAsRowsOfTheirOwn(String name) {
    long seed = System.nanoTime();
    List<TokenizedRow> rows = packed(new Random(seed));
    try (CausalLm model = Models.golden(name, Purpose.TRAINING, ComputeDtype.F32)) {
      List<List<float[]>> derivatives;
      TokenLogps together;
      try (var pass = model.forward(rows)) {
        together = pass.values();
        derivatives = Models.derivatives(together, new Random(seed));
        pass.backward(TokenGradients.of(derivatives), segment -> {});
      }
      Map<String, float[]> gradients = Models.gradients(model);
      Models.zeroGradients(model);
      for (int row = 0; row < rows.size(); row++) {
        for (int d = 0; d < rows.get(row).completions().size(); d++) {
          int[] ids = rows.get(row).completions().get(d);
          byte[] mask = rows.get(row).lossMasks().get(d);
          TokenizedRow alone =
              Models.masked(
                  new int[] {ids[0]},
                  List.of(Arrays.copyOfRange(ids, 1, ids.length)),
                  List.of(Arrays.copyOfRange(mask, 1, mask.length)));
          float[] derivative = derivatives.get(row).get(d);
          try (var pass = model.forward(List.of(alone))) {
            float[] logps = together.logps().get(row).get(d);
            assertThat(logps[0]).isZero();
            assertThat(Arrays.copyOfRange(logps, 1, logps.length))
                .containsExactly(pass.values().logps().get(0).get(0), within(1e-5f));
            pass.backward(
                TokenGradients.of(
                    List.of(List.of(Arrays.copyOfRange(derivative, 1, derivative.length)))),
                segment -> {});
          }
        }
      }
      Models.gradients(model)
          .forEach(
              (parameter, g) ->
                  assertThat(Models.relativeDifference(g, gradients.get(parameter)))
                      .as(parameter)
                      .isLessThan(1e-5));
    } catch (AssertionError e) {
      throw new AssertionError("seed " + seed, e);
    }
  }

  @Test
  void aDocumentSeesNothingOfTheOthers() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<TokenizedRow> rows = packed(random);
    TokenizedRow first = rows.get(0);
    List<int[]> changed = new ArrayList<>(first.completions());
    changed.set(1, Models.tokens(random, changed.get(1).length, VOCAB));
    List<TokenizedRow> others = new ArrayList<>(rows);
    others.set(0, Models.masked(new int[0], changed, first.lossMasks()));
    try (CausalLm model = Models.golden("llama", Purpose.INFERENCE, ComputeDtype.F32)) {
      List<List<float[]>> before = model.logps(rows).logps();
      List<List<float[]>> after = model.logps(others).logps();
      assertThat(after.get(0).get(1)).isNotEqualTo(before.get(0).get(1));
      for (int row = 0; row < rows.size(); row++) {
        for (int d = 0; d < before.get(row).size(); d++) {
          if (row != 0 || d != 1) {
            assertThat(after.get(row).get(d)).isEqualTo(before.get(row).get(d));
          }
        }
      }
    } catch (AssertionError e) {
      throw new AssertionError("seed " + seed, e);
    }
  }

  @Test
  void documentsNeedNoMaskAndLieBesideThoseOfLikeLength() {
    int[] ten = new int[10];
    TokenizedRow two = Models.row(new int[0], ten, new int[40]);
    TokenizedRow one = Models.row(new int[] {1, 2}, new int[8]);
    PackedRows packed = PackedRows.of(List.of(two, one), CONFIG, Reading.COMPLETIONS);
    assertThat(packed.plain()).containsExactly(1, 1);
    assertThat(packed.blocks()).containsExactly(0, 1, 40, 40, 2, 10);
  }

  /** Within 12 tokens phi3_longrope has other rotary positions than beyond. */
  @Test
  void textsShareNoPromptThatTheyRotateInDifferentWays() {
    try (CausalLm model = Models.golden("phi3_longrope", Purpose.INFERENCE, ComputeDtype.F32)) {
      TokenizedRow mixed = Models.row(new int[8], new int[2], new int[6], new int[4]);
      PackedRows apart =
          PackedRows.of(List.of(mixed), model.config(), Reading.PROMPTS_AND_COMPLETIONS);
      assertThat(apart.blocks()).containsExactly(0, 1, 14, 14, 1, 12, 26, 1, 10);
      // Each token of the prompt is read once.
      assertThat(apart.read().owners()).doesNotHaveDuplicates().hasSize(7 + 2 + 6 + 4);
      TokenizedRow longer = Models.row(new int[8], new int[5], new int[6]);
      PackedRows together = PackedRows.of(List.of(longer), model.config(), Reading.COMPLETIONS);
      assertThat(together.blocks()).containsExactly(0, 1, 19);
    }
  }

  @Test
  void theLastLayerLeavesOutWhatNobodyReads() {
    TokenizedRow row = Models.row(new int[30], new int[4], new int[6]);
    assertThat(PackedRows.of(List.of(row), CONFIG, Reading.COMPLETIONS).starts())
        .containsExactly(29);
    assertThat(PackedRows.of(List.of(row), CONFIG, Reading.PROMPTS_AND_COMPLETIONS).starts())
        .containsExactly(0);
    PackedRows ends = PackedRows.of(List.of(row), CONFIG, Reading.ENDS);
    assertThat(ends.starts()).containsExactly(33);
    assertThat(ends.kept()).containsExactly(33, 34, 35, 36, 37, 38, 39);
    assertThat(ends.read().places()).containsExactly(0, 6);
    // The first completion counts later than the second, which is read from the prompt's end.
    TokenizedRow masked =
        Models.masked(
            new int[30],
            List.of(new int[4], new int[6]),
            List.of(new byte[] {0, 0, 1, 1}, new byte[] {1, 1, 1, 1, 1, 1}));
    assertThat(PackedRows.of(List.of(masked), CONFIG, Reading.COMPLETIONS).starts())
        .containsExactly(29);
  }
}
