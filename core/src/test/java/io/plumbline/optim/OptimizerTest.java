package io.plumbline.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.base.Floats;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.objective.GoldenTensors;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Segment.Gradients;
import io.plumbline.tensor.Segment.Slice;
import io.plumbline.tensor.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every optimizer against its reference, step by step, and from a saved state. */
class OptimizerTest {
  private static final String LAYER = "model.layers.0.";

  /** Shapes of golden/optimizers, in the segments that a model has. */
  private static final Map<String, Map<String, long[]>> MODEL =
      Map.of(
          "embedding",
          Map.of("model.embed_tokens.weight", new long[] {11, 6}),
          "layer 0",
          ordered(
              LAYER + "self_attn.q_proj.weight", new long[] {6, 6},
              LAYER + "self_attn.k_proj.weight", new long[] {3, 6},
              LAYER + "self_attn.q_proj.bias", new long[] {6},
              LAYER + "mlp.up_proj.weight", new long[] {9, 6},
              LAYER + "mlp.down_proj.weight", new long[] {6, 9},
              LAYER + "input_layernorm.weight", new long[] {6}),
          "head",
          ordered("model.norm.weight", new long[] {6}, "lm_head.weight", new long[] {11, 6}));

  private static final GoldenTensors GOLDEN =
      GoldenTensors.open("optimizers/optimizers.safetensors");
  private static final JsonNode ABOUT = GoldenTensors.json("optimizers/optimizers.json");

  private static Map<String, long[]> ordered(Object... namesAndShapes) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    for (int i = 0; i < namesAndShapes.length; i += 2) {
      shapes.put((String) namesAndShapes[i], (long[]) namesAndShapes[i + 1]);
    }
    return shapes;
  }

  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  static Stream<String> cases() {
    List<String> names = new ArrayList<>();
    ABOUT.get("cases").fieldNames().forEachRemaining(names::add);
    return names.stream();
  }

  static Stream<String> allCases() {
    return Stream.concat(cases(), Stream.of("adamw_bf16", "muon_bf16"));
  }

  private static OptimizerSettings settings(String name) {
    Map<String, String> options = new HashMap<>();
    ABOUT
        .get("cases")
        .path(name.replace("_bf16", ""))
        .properties()
        .forEach(entry -> options.put(entry.getKey().replace('_', '-'), entry.getValue().asText()));
    if (name.endsWith("_bf16")) {
      options.put("adam-moments-dtype", "bf16");
    }
    return Optimizers.of(options);
  }

  /** A model's segments with an optimizer of them. */
  private static final class Trained implements AutoCloseable {
    final List<Segment> segments = new ArrayList<>();
    final Optimizer optimizer;

    Trained(OptimizerSettings settings) {
      for (String name : List.of("embedding", "layer 0", "head")) {
        Map<String, long[]> shapes = MODEL.get(name);
        segments.add(
            Segment.allocate(
                name,
                List.copyOf(shapes.keySet()),
                List.copyOf(shapes.values()),
                Gradients.PRESENT,
                Device.CPU));
      }
      fill("start|");
      optimizer = Optimizer.of(segments, settings, ComputeDtype.F32);
    }

    void fill(String prefix) {
      for (Segment segment : segments) {
        segment.fillValues(
            values ->
                segment
                    .slices()
                    .forEach(s -> values.put(s.offset(), GOLDEN.floats(prefix + s.name()))));
      }
    }

    /** Steps of the golden run from {@code first} on, up to {@code end}. */
    void steps(int first, int end) {
      for (int step = first; step < end; step++) {
        optimizer.clearGradients();
        for (Segment segment : segments) {
          for (Slice slice : segment.slices()) {
            float[] gradients = GOLDEN.floats("gradient|" + step + "|" + slice.name());
            for (int i = 0; i < gradients.length; i++) {
              gradients[i] *= 4;
            }
            segment.gradients().put(slice.offset(), gradients);
          }
          segment.storeGradients();
        }
        optimizer.step(ABOUT.get("learning_rates").get(step).asDouble(), 0.25);
      }
    }

    float[] values(Segment segment, Slice slice) {
      float[] values = new float[(int) slice.length()];
      segment.values().get(slice.offset(), values);
      return values;
    }

    List<float[]> values() {
      return segments.stream()
          .flatMap(s -> s.slices().stream().map(slice -> values(s, slice)))
          .toList();
    }

    @Override
    public void close() {
      optimizer.close();
      segments.forEach(Segment::close);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void followsItsReference(String name) {
    try (Trained trained = new Trained(settings(name))) {
      for (int step = 0; step < ABOUT.get("learning_rates").size(); step++) {
        trained.steps(step, step + 1);
        for (Segment segment : trained.segments) {
          for (Slice slice : segment.slices()) {
            float[] expected = GOLDEN.floats(name + "|" + step + "|" + slice.name());
            float[] actual = trained.values(segment, slice);
            double tolerance = 1e-6 * largest(expected);
            for (int i = 0; i < expected.length; i++) {
              assertThat((double) actual[i])
                  .as("%s[%d] after step %d of %s", slice.name(), i, step, name)
                  .isCloseTo(expected[i], within(tolerance));
            }
          }
        }
      }
    }
  }

  private static double largest(float[] values) {
    double largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  @ParameterizedTest
  @MethodSource("allCases")
  void aSavedStateContinuesWithTheSameBits(String name) {
    Map<String, float[]> saved = new HashMap<>();
    List<float[]> middle;
    List<float[]> expected;
    try (Trained whole = new Trained(settings(name))) {
      whole.steps(0, 3);
      whole.optimizer.save((moment, values) -> saved.put(moment, elements(values)));
      middle = whole.values();
      whole.steps(3, 6);
      expected = whole.values();
    }
    try (Trained resumed = new Trained(settings(name))) {
      int parameter = 0;
      for (Segment segment : resumed.segments) {
        List<float[]> own = middle.subList(parameter, parameter + segment.slices().size());
        segment.fillValues(
            values -> {
              long at = 0;
              for (float[] one : own) {
                values.put(at, one);
                at += one.length;
              }
            });
        parameter += own.size();
      }
      resumed.optimizer.restore(3, (moment, values) -> values.put(0, saved.get(moment)));
      resumed.steps(3, 6);
      List<float[]> actual = resumed.values();
      for (int i = 0; i < expected.size(); i++) {
        assertThat(actual.get(i)).isEqualTo(expected.get(i)).isNotEqualTo(middle.get(i));
      }
    }
  }

  /** By these names earlier versions saved them, too. */
  @Test
  void theNamesOfSavedMomentsStay() {
    List<String> names = new ArrayList<>();
    try (Trained trained = new Trained(settings("adamw"))) {
      trained.optimizer.save((name, values) -> names.add(name + " " + values.length()));
    }
    assertThat(names)
        .containsExactly(
            "mean/embedding 66",
            "square/embedding 66",
            "mean/layer 0 174",
            "square/layer 0 174",
            "mean/head 72",
            "square/head 72");
  }

  private static float[] elements(Floats values) {
    float[] elements = new float[(int) values.length()];
    values.get(0, elements);
    return elements;
  }

  /**
   * There are 312 parameters, of which 162 are in matrices of the layer: muon keeps 162 + 2 · 150
   * numbers. Rows and columns of all matrices are 85, other parameters 18.
   */
  @ParameterizedTest
  @CsvSource({
    "adamw, 312, 8",
    "adamw_bf16, 312, 4",
    "sgd, 0, 4",
    "sgd_momentum, 312, 4",
    "adafactor, 103, 4",
    "muon, 462, 4",
    "muon_bf16, 312, 4"
  })
  void momentsTakeWhatTheDocumentationSays(String name, long numbers, long bytes) {
    try (Trained trained = new Trained(settings(name))) {
      assertThat(trained.optimizer.momentBytes()).isEqualTo(numbers * bytes);
    }
  }

  @ParameterizedTest
  @CsvSource({"adamw", "muon"})
  void momentsInBf16GiveNearlyTheSameValues(String name) {
    try (Trained wide = new Trained(settings(name));
        Trained narrow = new Trained(settings(name + "_bf16"))) {
      wide.steps(0, 6);
      narrow.steps(0, 6);
      double difference = 0;
      double moved = 0;
      List<float[]> start = new ArrayList<>();
      for (Segment segment : wide.segments) {
        segment.slices().forEach(s -> start.add(GOLDEN.floats("start|" + s.name())));
      }
      for (int i = 0; i < start.size(); i++) {
        for (int k = 0; k < start.get(i).length; k++) {
          difference += Math.pow(narrow.values().get(i)[k] - wide.values().get(i)[k], 2);
          moved += Math.pow(wide.values().get(i)[k] - start.get(i)[k], 2);
        }
      }
      // bf16 has 8 bits; not 0, or moments were not rounded at all.
      assertThat(Math.sqrt(difference / moved)).isBetween(1e-5, 1e-2);
    }
  }

  /**
   * The mean square of gradients of 1 comes to 1 − 0.999ⁿ. Rounded to the nearest it would stay at
   * 0.25, where 0.001 · (1 − 0.25) is less than half of 2^-9, the distance of bf16's numbers.
   */
  @Test
  void theMeanSquareInBf16DoesNotStall() {
    int steps = 600;
    // More than a chunk, and not a multiple of it.
    int length = 70_001;
    try (Segment segment =
            Segment.allocate(
                "s", List.of("w"), List.of(new long[] {length}), Gradients.PRESENT, Device.CPU);
        Optimizer optimizer =
            Optimizer.of(
                List.of(segment),
                Optimizers.of(Map.of("adam-moments-dtype", "bf16")),
                ComputeDtype.F32)) {
      float[] ones = new float[length];
      Arrays.fill(ones, 1);
      for (int step = 0; step < steps; step++) {
        segment.gradients().put(0, ones);
        optimizer.step(0, 1);
      }
      Map<String, float[]> moments = new HashMap<>();
      optimizer.save((name, values) -> moments.put(name, elements(values)));
      assertThat(mean(moments.get("mean/s"))).isCloseTo(1, within(2e-3));
      assertThat(mean(moments.get("square/s"))).isCloseTo(1 - Math.pow(0.999, steps), within(2e-3));
      for (float square : moments.get("square/s")) {
        assertThat(Float.floatToIntBits(square) & 0xffff).isZero();
      }
    }
  }

  private static double mean(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum / values.length;
  }
}
