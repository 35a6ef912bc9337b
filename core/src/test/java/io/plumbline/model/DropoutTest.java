package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.Fixtures;
import io.plumbline.PythonPeer;
import io.plumbline.checkpoint.Adapter;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.KernelFilling;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Torch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Dropout of what adapters read, against PEFT's, and as a function of what decides it. */
class DropoutTest {
  private static final long SEED = Long.getLong("plumbline.seed", 20_261_202L);
  private static final double RATE = 0.3;

  @TempDir Path directory;

  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
    System.out.println("seed " + SEED);
  }

  /** PEFT's modules, told to leave out the same elements, give the same outputs and gradients. */
  @ParameterizedTest
  @CsvSource({"False, False", "True, False", "False, True", "True, True"})
  void computesWhatPeftComputes(String decomposed, String transposed) throws Exception {
    try (CausalLm model =
        Models.random(Models.config(Map.of()), Purpose.INFERENCE, ComputeDtype.F32, 1)) {
      KernelFilling plain = Decoder.filling(model.config(), ComputeDtype.F32);
      Map<String, String> constants = new HashMap<>(plain.constants());
      constants.put("ADAPTED", "True");
      constants.put("DORA", decomposed);
      constants.put("TRANSPOSED", transposed);
      constants.put("DROPOUT", "" + RATE);
      KernelFiles.write(directory, new KernelFilling(constants, plain.modules()));
    }
    JsonNode found = PythonPeer.run(directory, "check_dropout.py", directory.toString());
    assertThat(found.get("differences")).hasSize(decomposed.equals("True") ? 5 : 4);
    found.get("differences").forEach(one -> assertThat(one.asDouble()).isLessThan(1e-6));
    // Elements are left out independently of each other, of place and of module.
    double deviation = 1 / Math.sqrt(found.get("elements").asDouble());
    double ofShare = Math.sqrt(RATE * (1 - RATE)) * deviation;
    assertThat(found.get("share").asDouble()).isCloseTo(RATE, within(5 * ofShare));
    found
        .get("correlations")
        .forEach(one -> assertThat(one.asDouble()).isCloseTo(0, within(5 * deviation)));
    assertThat(found.get("by_column").asDouble()).isLessThan(0.14);
    assertThat(found.get("by_place").asDouble()).isLessThan(0.09);
  }

  private static void trained(String name, Consumer<CausalLm> test) {
    JsonNode summary = Models.json(Fixtures.golden("lora/" + name).resolve("golden.json"));
    Adapter adapter =
        Adapter.open(Storage.local(), Fixtures.golden("lora/" + name).toString()).withDropout(RATE);
    try (CausalLm below =
            Models.golden(summary.get("base").asText(), Purpose.INFERENCE, ComputeDtype.F32);
        CausalLm model = CausalLm.trainedFurther(below, adapter, SEED)) {
      test.accept(model);
    }
  }

  private static List<TokenizedRow> rows(Random random) {
    List<TokenizedRow> rows = new ArrayList<>();
    for (int[] lengths : new int[][] {{9, 5, 3}, {9, 8, 2}, {4, 12}, {6, 7}}) {
      int[][] completions = new int[lengths.length - 1][];
      for (int i = 0; i < completions.length; i++) {
        completions[i] = Models.tokens(random, lengths[i + 1], GoldenTexts.VOCAB);
      }
      int[] prompt = Models.tokens(random, lengths[0], GoldenTexts.VOCAB);
      rows.add(TokenizedRow.of(rows.size(), prompt, List.of(completions), List.of()));
    }
    return rows;
  }

  private static float[] flat(List<List<List<float[]>>> logps) {
    List<Float> all = new ArrayList<>();
    logps.forEach(
        pass ->
            pass.forEach(
                row ->
                    row.forEach(
                        completion -> {
                          for (float logp : completion) {
                            all.add(logp);
                          }
                        })));
    float[] out = new float[all.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = all.get(i);
    }
    return out;
  }

  private static float[] logps(CausalLm model, List<TokenizedRow> rows, ActivationMemory memory) {
    try (TrainingPass<TokenLogps, TokenGradients> pass = model.forward(rows, memory, Set.of())) {
      return flat(List.of(pass.values().logps()));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"all_r4_rslora", "dora_r4", "phi3_dora", "gpt2_dora", "gpt_neox"})
  void followsFromTheDrawTheRowAndTheTokenAlone(String name) {
    List<TokenizedRow> rows = rows(new Random(SEED));
    trained(
        name,
        model -> {
          float[] whole = flat(List.of(model.logps(rows).logps()));
          model.decoder().begin(3);
          float[] dropped = logps(model, rows, ActivationMemory.KEEP);
          assertThat(Models.relativeDifference(whole, dropped)).isGreaterThan(1e-3);
          assertThat(logps(model, rows, ActivationMemory.RECOMPUTE)).isEqualTo(dropped);
          assertThat(flat(List.of(model.trainedLogps(rows, 1).logps()))).isEqualTo(dropped);
          List<List<List<float[]>>> alone = new ArrayList<>();
          rows.forEach(row -> alone.add(model.trainedLogps(List.of(row), 1).logps()));
          assertThat(flat(alone)).containsExactly(dropped, within(2e-5f));
          model.decoder().begin(4);
          float[] other = logps(model, rows, ActivationMemory.KEEP);
          assertThat(Models.relativeDifference(dropped, other)).isGreaterThan(1e-3);
          assertThat(flat(List.of(model.logps(rows).logps()))).isEqualTo(whole);
          model.decoder().begin(3);
          assertThat(logps(model, rows, ActivationMemory.KEEP)).isEqualTo(dropped);
        });
  }

  /** DoRA does not differentiate the lengths of rows: its gradients are compared with PEFT's. */
  @ParameterizedTest
  @CsvSource({"all_r4_rslora, KEEP", "all_r4_rslora, RECOMPUTE", "gpt_neox, RECOMPUTE"})
  void itsGradientIsThatOfWhatWasLeftIn(String name, ActivationMemory memory) {
    Random random = new Random(SEED);
    List<TokenizedRow> rows = rows(random);
    trained(
        name,
        model -> {
          model.decoder().begin(7);
          Models.zeroGradients(model);
          List<List<float[]>> weights;
          try (TrainingPass<TokenLogps, TokenGradients> pass =
              model.forward(rows, memory, Set.of())) {
            weights = Models.derivatives(pass.values(), random);
            pass.backward(TokenGradients.of(weights), segment -> {});
          }
          float[] by = flat(List.of(weights));
          double slope = 0;
          List<float[]> directions = new ArrayList<>();
          for (Segment segment : model.segments()) {
            float[] gradient = new float[(int) segment.length()];
            segment.gradients().get(0, gradient);
            float[] direction = Models.gaussians(random, gradient.length);
            directions.add(direction);
            for (int i = 0; i < gradient.length; i++) {
              slope += (double) gradient[i] * direction[i];
            }
          }
          double step = 1e-3;
          double up = sum(by, logps(moved(model, directions, step), rows, memory));
          double down = sum(by, logps(moved(model, directions, -2 * step), rows, memory));
          assertThat((up - down) / (2 * step))
              .isCloseTo(slope, within(0.01 * Math.abs(slope) + 0.02));
        });
  }

  private static CausalLm moved(CausalLm model, List<float[]> directions, double by) {
    for (int s = 0; s < directions.size(); s++) {
      float[] direction = directions.get(s);
      Segment segment = model.segments().get(s);
      segment.fillValues(
          values -> {
            float[] own = new float[direction.length];
            values.get(0, own);
            for (int i = 0; i < own.length; i++) {
              own[i] += (float) (by * direction[i]);
            }
            values.put(0, own);
          });
    }
    return model;
  }

  private static double sum(float[] weights, float[] logps) {
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      sum += (double) weights[i] * logps[i];
    }
    return sum;
  }
}
