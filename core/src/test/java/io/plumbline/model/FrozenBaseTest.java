package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.checkpoint.Adapter;
import io.plumbline.checkpoint.AdapterConfig;
import io.plumbline.checkpoint.AdapterConfig.Task;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.HeldDtype;
import io.plumbline.tensor.LiveValues;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Torch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Frozen weights in fewer bytes than f32 takes compute what a model computes whose files have the
 * rounded numbers in f32.
 */
class FrozenBaseTest {
  private static final long SEED = Long.getLong("plumbline.seed", 20_261_203L);
  private static final Storage STORAGE = Storage.local();
  private static final List<HeldDtype> LOWERED = List.of(HeldDtype.BF16, HeldDtype.INT8);

  @TempDir Path directory;

  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
    System.out.println("seed " + SEED);
  }

  static Stream<Arguments> adapters() {
    return AdapterTest.adapters()
        .flatMap(name -> LOWERED.stream().map(held -> Arguments.of(name, held)));
  }

  private static DecoderConfig config(String base) {
    Path json = Fixtures.golden("models/" + base).resolve("config.json");
    return DecoderConfig.parse((ObjectNode) Models.json(json), base);
  }

  private static String base(String adapter) {
    return Models.json(Fixtures.golden("lora/" + adapter).resolve("golden.json"))
        .get("base")
        .asText();
  }

  private static Adapter files(String adapter) {
    return Adapter.open(STORAGE, Fixtures.golden("lora/" + adapter).toString());
  }

  private static GoldenTexts texts(String adapter) {
    return new GoldenTexts(
        TensorFile.open(Fixtures.golden("lora/" + adapter).resolve("golden.safetensors")));
  }

  /** Models of the same numbers: one is held in fewer bytes, the other's file is rounded. */
  private record Twins(CausalLm lowered, CausalLm rounded) implements AutoCloseable {
    static Twins of(DecoderConfig config, WeightSource exact, ComputeDtype dtype, HeldDtype held) {
      return new Twins(
          CausalLm.frozen(config, exact, dtype, held),
          CausalLm.load(config, new RoundedWeights(exact, config, held), Purpose.INFERENCE, dtype));
    }

    @Override
    public void close() {
      lowered.close();
      rounded.close();
    }
  }

  @ParameterizedTest
  @MethodSource("adapters")
  void computesWhatRoundedFilesCompute(String name, HeldDtype held) {
    for (ComputeDtype dtype : ComputeDtype.values()) {
      try (Twins below =
              Twins.of(config(base(name)), Models.goldenWeights(base(name)), dtype, held);
          CausalLm lowered = CausalLm.adapted(below.lowered(), files(name), Purpose.TRAINING);
          CausalLm rounded = CausalLm.adapted(below.rounded(), files(name), Purpose.TRAINING)) {
        compare(texts(name).rows(), lowered, rounded);
        // DoRA's lengths in bf16 are of weights that were rounded before, or behind them.
        if (dtype == ComputeDtype.F32 || !name.contains("dora")) {
          compareSampling(texts(name).rows(), lowered, rounded);
        }
        // The base without the adapter is the reference.
        assertThat(below.lowered().logits(new int[] {1, 2, 3}))
            .isDeepEqualTo(below.rounded().logits(new int[] {1, 2, 3}));
      }
    }
  }

  /** Rows whose last block has fewer values, and matrices that stand side by side. */
  @ParameterizedTest
  @EnumSource(names = {"BF16", "INT8"})
  void rowsNeedNotBeWholeBlocks(HeldDtype held) {
    DecoderConfig config =
        DecoderConfig.parse(
            Models.config(
                Map.of("hidden_size", 72, "intermediate_size", 40, "attention_bias", true)),
            "odd");
    WeightSource exact = Models.randomWeights(config, SEED);
    Random random = new Random(SEED);
    try (Twins below = Twins.of(config, exact, ComputeDtype.F32, held);
        CausalLm lowered = CausalLm.adapted(below.lowered(), dora("lm_head"), SEED);
        CausalLm rounded = CausalLm.adapted(below.rounded(), dora("lm_head"), SEED)) {
      drawAlike(random, lowered, rounded);
      List<TokenizedRow> rows =
          List.of(
              Models.row(
                  Models.tokens(random, 9, config.vocabSize()),
                  Models.tokens(random, 5, config.vocabSize()),
                  Models.tokens(random, 3, config.vocabSize())),
              Models.row(
                  Models.tokens(random, 4, config.vocabSize()),
                  Models.tokens(random, 12, config.vocabSize())));
      compare(rows, lowered, rounded);
      compareSampling(rows, lowered, rounded);
    }
  }

  /** Experts lie side by side in one tensor of each layer, and what chooses them stays f32. */
  @ParameterizedTest
  @EnumSource(names = {"BF16", "INT8"})
  void expertsAreHeldInFewerBytes(HeldDtype held) {
    for (String family : List.of("qwen3_moe", "olmoe")) {
      DecoderConfig config = config(family);
      AdapterConfig adapter =
          AdapterConfig.lora(4, 8, 0, List.of("q_proj", "o_proj"), List.of(), Task.CAUSAL_LM);
      Random random = new Random(SEED);
      for (ComputeDtype dtype : ComputeDtype.values()) {
        try (Twins below = Twins.of(config, Models.goldenWeights(family), dtype, held);
            CausalLm lowered = CausalLm.adapted(below.lowered(), adapter, SEED);
            CausalLm rounded = CausalLm.adapted(below.rounded(), adapter, SEED)) {
          drawAlike(random, lowered, rounded);
          List<TokenizedRow> rows =
              List.of(
                  Models.row(
                      Models.tokens(random, 9, config.vocabSize()),
                      Models.tokens(random, 5, config.vocabSize()),
                      Models.tokens(random, 3, config.vocabSize())));
          compare(rows, lowered, rounded);
          compareSampling(rows, lowered, rounded);
        }
      }
    }
  }

  /** Gives the adapters of both the same random values. */
  private static void drawAlike(Random random, CausalLm lowered, CausalLm rounded) {
    for (int s = 0; s < lowered.segments().size(); s++) {
      Segment other = rounded.segments().get(s);
      Segment own = lowered.segments().get(s);
      float[] values = Models.gaussians(random, Math.toIntExact(own.length()));
      own.fillValues(to -> to.put(0, values));
      other.fillValues(to -> to.put(0, values));
    }
  }

  private static AdapterConfig dora(String saved) {
    return AdapterConfig.lora(4, 8, 0, List.of("all-linear"), List.of(saved), Task.CAUSAL_LM)
        .weightDecomposed(true);
  }

  /** Log-probabilities, and gradients of all that is trained. */
  private static void compare(List<TokenizedRow> rows, CausalLm lowered, CausalLm rounded) {
    Set<TokenStatistic> statistics = Set.of(TokenStatistic.ENTROPY, TokenStatistic.MEAN_LOGIT);
    for (ActivationMemory memory : ActivationMemory.values()) {
      List<TokenLogps> found = new ArrayList<>();
      for (CausalLm model : List.of(lowered, rounded)) {
        Models.zeroGradients(model);
        try (TrainingPass<TokenLogps, TokenGradients> pass =
            model.forward(rows, memory, statistics)) {
          found.add(pass.values());
          pass.backward(
              TokenGradients.of(Models.derivatives(pass.values(), new Random(SEED))),
              segment -> {});
        }
      }
      for (int row = 0; row < rows.size(); row++) {
        for (int c = 0; c < rows.get(row).completions().size(); c++) {
          assertThat(found.get(0).logps().get(row).get(c))
              .isEqualTo(found.get(1).logps().get(row).get(c));
          assertThat(found.get(0).meanLogits().get(row).get(c))
              .containsExactly(found.get(1).meanLogits().get(row).get(c), within(1e-6f));
        }
      }
      Map<String, float[]> expected = Models.gradients(rounded);
      Models.gradients(lowered)
          .forEach(
              (name, gradient) -> {
                assertThat(Models.norm(gradient)).as(name).isPositive();
                assertThat(Models.relativeDifference(expected.get(name), gradient))
                    .as(name)
                    .isLessThan(1e-6);
              });
    }
  }

  private static void compareSampling(List<TokenizedRow> rows, CausalLm lowered, CausalLm rounded) {
    List<int[]> prompts = rows.stream().map(row -> row.completions().get(0)).toList();
    SamplingSettings greedy = SamplingSettings.greedy(6, Set.of());
    try (Generator one = new Generator(lowered);
        Generator other = new Generator(rounded)) {
      List<List<Generation>> own = one.generate(prompts, greedy);
      List<List<Generation>> expected = other.generate(prompts, greedy);
      for (int i = 0; i < prompts.size(); i++) {
        assertThat(own.get(i).get(0).tokens()).isEqualTo(expected.get(i).get(0).tokens());
        assertThat(own.get(i).get(0).logps())
            .containsExactly(expected.get(i).get(0).logps(), within(1e-5f));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("adapters")
  void holdsFewerBytes(String name, HeldDtype held) {
    DecoderConfig config = config(base(name));
    long expected = 0;
    long inF32 = 0;
    for (DecoderConfig.SegmentShape segment : config.segmentShapes(Head.TOKENS)) {
      for (DecoderConfig.ParameterShape parameter : segment.parameters()) {
        boolean matrix = parameter.shape().length == 2;
        boolean inLayer = parameter.name().startsWith(config.names().layers());
        inF32 += 4 * parameter.elements();
        // The rows of these models are whole blocks of 64.
        expected +=
            !matrix
                ? 4 * parameter.elements()
                : held == HeldDtype.INT8 && inLayer
                    ? parameter.elements() + 4 * parameter.elements() / 64
                    : 2 * parameter.elements();
      }
    }
    try (Twins below = Twins.of(config, Models.goldenWeights(base(name)), ComputeDtype.F32, held)) {
      assertThat(bytes(below.rounded())).isEqualTo(inF32);
      assertThat(bytes(below.lowered())).isEqualTo(expected).isLessThan(inF32 * 11 / 20);
      assertThat(new BaseStorage(config, held).bytes(Head.TOKENS)).isEqualTo(expected);
      assertThatThrownBy(() -> below.lowered().segments().get(0).values())
          .hasMessageContaining("kernels alone read");
    }
  }

  private static long bytes(CausalLm model) {
    return model.segments().stream().mapToLong(Segment::bytes).sum();
  }

  /** What an adapter begins with is the file's, not what is left of it in memory. */
  @ParameterizedTest
  @CsvSource({"llama, lm_head", "gpt2, ln_f", "qwen2, norm"})
  void aFreshAdapterBeginsWithTheValuesOfTheFile(String base, String saved) {
    DecoderConfig config = config(base);
    try (CausalLm exact =
            CausalLm.frozen(config, Models.goldenWeights(base), ComputeDtype.F32, HeldDtype.F32);
        CausalLm expected = CausalLm.adapted(exact, dora(saved), SEED)) {
      for (HeldDtype held : LOWERED) {
        try (CausalLm below =
                CausalLm.frozen(config, Models.goldenWeights(base), ComputeDtype.F32, held);
            CausalLm own = CausalLm.adapted(below, dora(saved), SEED)) {
          for (int s = 0; s < own.segments().size(); s++) {
            float[] values = new float[Math.toIntExact(own.segments().get(s).length())];
            float[] wanted = new float[values.length];
            own.segments().get(s).values().get(0, values);
            expected.segments().get(s).values().get(0, wanted);
            assertThat(values).isEqualTo(wanted);
          }
        }
      }
    }
  }

  /** A score head is read in f32, and stays so. */
  @ParameterizedTest
  @EnumSource(names = {"BF16", "INT8"})
  void scoresAsRoundedFilesScore(HeldDtype held) throws Exception {
    ModelDirectory start =
        ModelDirectory.open(
            STORAGE, Fixtures.modelWithTokenizer("llama", directory.resolve("llama")).toString());
    String path = directory.resolve("rounded").toString();
    DecoderConfig config = config("llama");
    WeightSource rounded = new RoundedWeights(Models.goldenWeights("llama"), config, held);
    try (CausalLm model = CausalLm.load(config, rounded, Purpose.INFERENCE, ComputeDtype.F32)) {
      model.write(STORAGE, path, start, WeightFormat.F32);
    }
    AdapterConfig lora =
        AdapterConfig.lora(4, 8, 0, List.of("all-linear"), List.of("score"), Task.SEQ_CLS);
    List<TokenizedRow> rows = texts("qv_r8").rows();
    try (ScoreModel below = ScoreModel.frozen(start, ComputeDtype.F32, held, SEED);
        ScoreModel own = ScoreModel.adapted(below, lora, "", SEED);
        ScoreModel exact = ScoreModel.load(start, Purpose.INFERENCE, ComputeDtype.F32, SEED);
        ScoreModel other =
            ScoreModel.load(
                ModelDirectory.open(STORAGE, path), Purpose.INFERENCE, ComputeDtype.F32, SEED)) {
      assertThat(own.infer(rows)).usingRecursiveComparison().isEqualTo(other.infer(rows));
      assertThat(own.values(rows)).usingRecursiveComparison().isEqualTo(other.values(rows));
      assertThat(own.infer(rows).get(0)[0]).isNotEqualTo(exact.infer(rows).get(0)[0]);
    }
  }

  /** An adapter's directory is its model in fewer bytes with the adapter on it. */
  @Test
  void aDirectoryOfAnAdapterIsReadOnALoweredModel() throws Exception {
    long live = LiveValues.count();
    ModelDirectory adapted =
        ModelDirectory.open(STORAGE, Fixtures.golden("lora/all_r4_rslora").toString());
    try (CausalLm frozen = CausalLm.frozen(adapted, ComputeDtype.F32, HeldDtype.INT8);
        CausalLm below = CausalLm.frozen(adapted.base(), ComputeDtype.F32, HeldDtype.INT8);
        CausalLm expected =
            CausalLm.adapted(below, adapted.adapter().orElseThrow(), Purpose.INFERENCE)) {
      int[] text = {5, 6, 7, 8};
      assertThat(frozen.logits(text)).isDeepEqualTo(expected.logits(text));
      assertThat(frozen.logits(text)).isNotEqualTo(below.logits(text));
    }
    assertThat(LiveValues.count()).isEqualTo(live);
  }

  /** The error of docs/lora.md. */
  @ParameterizedTest
  @MethodSource("adapters")
  void roundingMovesLogProbabilitiesByLittle(String name, HeldDtype held) {
    DecoderConfig config = config(base(name));
    try (CausalLm below =
            CausalLm.frozen(config, Models.goldenWeights(base(name)), ComputeDtype.F32, held);
        CausalLm own = CausalLm.adapted(below, files(name), Purpose.INFERENCE);
        CausalLm exact =
            CausalLm.frozen(
                config, Models.goldenWeights(base(name)), ComputeDtype.F32, HeldDtype.F32);
        CausalLm expected = CausalLm.adapted(exact, files(name), Purpose.INFERENCE)) {
      List<TokenizedRow> rows = texts(name).rows();
      List<List<float[]>> found = own.logps(rows).logps();
      List<List<float[]>> wanted = expected.logps(rows).logps();
      double sum = 0;
      double worst = 0;
      long count = 0;
      for (int row = 0; row < rows.size(); row++) {
        float[] one = found.get(row).get(0);
        for (int t = 0; t < one.length; t++) {
          double difference = Math.abs(one[t] - wanted.get(row).get(0)[t]);
          sum += difference;
          worst = Math.max(worst, difference);
          count++;
        }
      }
      System.out.printf("%s %s mean %.5f worst %.5f%n", name, held, sum / count, worst);
      assertThat(sum / count).isPositive().isLessThan(held == HeldDtype.BF16 ? 0.02 : 0.06);
    }
  }
}
