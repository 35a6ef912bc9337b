package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.TrainingMemory.Parameters;
import io.plumbline.model.TrainingMemory.Pass;
import io.plumbline.model.TrainingMemory.Trained;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.tensor.HeldDtype;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code bench/memory} compares with what whole processes take. */
class TrainingMemoryTest {
  private static final int PLACES = 1024;

  /** What two norms keep for gradients of their weights, in 64 * PLACES places. */
  private static final long KEPT_NORMS = 64L * PLACES * 2 * 576 * 4;

  /** The layers of SmolLM2-135M, one of them. */
  private static DecoderConfig config(int keyHeads) {
    return DecoderConfig.parse(
        Models.config(
            Map.of(
                "vocab_size", 49152,
                "hidden_size", 576,
                "intermediate_size", 1536,
                "num_hidden_layers", 1,
                "num_attention_heads", 9,
                "num_key_value_heads", keyHeads,
                "tie_word_embeddings", true)),
        "random");
  }

  /**
   * Bytes of all tensors that PyTorch 2.7.1 keeps for backward of a layer of layers.py, in 4 rows
   * of 256 tokens, counted by torch.autograd.graph.saved_tensors_hooks; adapters have rank 16.
   */
  @ParameterizedTest
  @CsvSource({
    "WEIGHTS, F32, 3, 58728448",
    "WEIGHTS, F32, 9, 54046720",
    "WEIGHTS, BF16, 3, 49422336",
    "ADAPTERS, F32, 3, 53944320",
    "ADAPTERS, BF16, 3, 44996622"
  })
  void countsWhatALayerKeeps(Trained kind, ComputeDtype dtype, int keyHeads, long bytes) {
    DecoderConfig config = config(keyHeads);
    TrainingMemory memory =
        TrainingMemory.of(
            config,
            new Parameters(0, 0, 8, kind, HeldDtype.F32),
            new Pass(PLACES, 256, 0),
            dtype,
            ActivationMemory.KEEP);
    assertThat(memory.activations()).isCloseTo(bytes, Percentage.withPercentage(2));
  }

  /** The same of a layer of qwen3_moe.py; norms of heads, which are not counted, keep 6 MB. */
  @ParameterizedTest
  @CsvSource({"F32, 65261568", "BF16, 58445824"})
  void countsWhatExpertsKeep(ComputeDtype dtype, long bytes) {
    Map<String, Object> fields = new HashMap<>();
    fields.put("model_type", "qwen3_moe");
    fields.put("hidden_size", 512);
    fields.put("num_hidden_layers", 1);
    fields.put("num_attention_heads", 8);
    fields.put("num_key_value_heads", 2);
    fields.put("num_experts", 16);
    fields.put("num_experts_per_tok", 4);
    fields.put("moe_intermediate_size", 192);
    DecoderConfig config = DecoderConfig.parse(Models.config(fields), "random");
    TrainingMemory memory =
        TrainingMemory.of(
            config,
            Parameters.full(config, Head.TOKENS, 8),
            new Pass(PLACES, 256, 0),
            dtype,
            ActivationMemory.KEEP);
    assertThat(memory.activations()).isCloseTo(bytes, Percentage.withPercentage(12));
  }

  private static TrainingMemory frozen(HeldDtype held, ComputeDtype dtype) {
    DecoderConfig config = config(3);
    long bytes = new BaseStorage(config, held).bytes(Head.TOKENS);
    return TrainingMemory.of(
        config,
        new Parameters(bytes, 0, 8, Trained.ADAPTERS, held),
        new Pass(PLACES, 256, 512),
        dtype,
        ActivationMemory.KEEP);
  }

  @Test
  void countsCopiesOfFrozenMatricesWhereTheyAreMultipliedInAnotherType() {
    long matrices = 960 * 576 + 576 * 576 + 3 * 1536 * 576;
    long embedding = 49152L * 576;
    assertThat(frozen(HeldDtype.INT8, ComputeDtype.F32).weights())
        .isEqualTo(matrices + matrices / 64 * 4 + 2 * embedding + 4 * 2 * 576 + 4 * 576);
    TrainingMemory inBf16 = frozen(HeldDtype.BF16, ComputeDtype.BF16);
    assertThat(frozen(HeldDtype.F32, ComputeDtype.BF16).activations() - inBf16.activations())
        .isEqualTo(2 * matrices);
    for (HeldDtype held : List.of(HeldDtype.BF16, HeldDtype.INT8)) {
      TrainingMemory copied = frozen(held, ComputeDtype.F32);
      // The input of the layer alone is kept, and its matrices are copied while it goes back.
      assertThat(copied.activations()).isEqualTo(PLACES * 576L * 4);
      assertThat(copied.passing()).isGreaterThan(4 * matrices);
    }
  }

  /** A frozen layer has no gradients that exist for a moment. */
  @Test
  void adaptersTakeLessOnTheWayBack() {
    long layer = 4L * (960 * 576 + 576 * 576 + 3 * 1536 * 576 + 2 * 576);
    assertThat(passing(Trained.WEIGHTS) - passing(Trained.ADAPTERS)).isEqualTo(layer + KEPT_NORMS);
  }

  /** Without a head, where a layer is computed again on the way back. */
  private static long passing(Trained kind) {
    return TrainingMemory.of(
            config(3),
            new Parameters(0, 0, 8, kind, HeldDtype.F32),
            new Pass(64 * PLACES, 256, 0),
            ComputeDtype.F32,
            ActivationMemory.RECOMPUTE)
        .passing();
  }

  @Test
  void countsParametersOnceForEachOfWhatIsHeldOfThem() {
    DecoderConfig config = config(3);
    long all = 49152L * 576 + 960 * 576 + 576 * 576 + 3 * 1536 * 576 + 3 * 576;
    TrainingMemory memory =
        TrainingMemory.of(
            config,
            Parameters.full(config, Head.TOKENS, 8),
            new Pass(PLACES, 256, 512),
            ComputeDtype.F32,
            ActivationMemory.RECOMPUTE);
    assertThat(memory.weights()).isEqualTo(4 * all);
    assertThat(memory.gradients()).isEqualTo(4 * all);
    assertThat(memory.moments()).isEqualTo(8 * all);
    // The input of the layer alone.
    assertThat(memory.activations()).isEqualTo(PLACES * 576L * 4);
    assertThat(memory.total())
        .isEqualTo(16 * all + memory.activations() + memory.passing() + memory.unused());
  }
}
