package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.PythonPeer;
import io.plumbline.checkpoint.Adapter;
import io.plumbline.checkpoint.AdapterConfig;
import io.plumbline.checkpoint.AdapterConfig.Task;
import io.plumbline.checkpoint.Dtype;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.SafetensorsWriter;
import io.plumbline.checkpoint.TensorSource;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.HeldDtype;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Torch;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Adapters as files: what is written loads in PEFT, and what does not fit is refused by name. */
class AdapterFilesTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long SEED = Long.getLong("plumbline.seed", 20_261_202L);
  private static final Storage STORAGE = Storage.local();
  private static final int VOCAB = 512;

  @TempDir Path directory;

  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  private ModelDirectory model(String name) throws Exception {
    Path path = Fixtures.modelWithTokenizer(name, directory.resolve(name));
    return ModelDirectory.open(STORAGE, path.toString());
  }

  /** Makes an adapter change something. */
  private static void spread(List<Segment> segments, Random random) {
    for (Segment segment : segments) {
      segment.fillValues(
          values -> {
            for (long i = 0; i < values.length(); i++) {
              values.put(i, values.get(i) + 0.05f * (float) random.nextGaussian());
            }
          });
    }
  }

  /**
   * An adapter that was written.
   *
   * @param texts token ids
   * @param outputs what the product computes at the end of each
   */
  private record Written(String adapter, String merged, List<int[]> texts, List<float[]> outputs) {}

  @Test
  void whatIsWrittenLoadsInPeft() throws Exception {
    System.out.println("seed " + SEED);
    Random random = new Random(SEED);
    List<Written> all = new ArrayList<>();
    all.add(write("llama", List.of("q_proj", "v_proj"), false, "", random));
    all.add(write("llama", List.of("all-linear"), true, "norm", random));
    all.add(write("qwen2", List.of("all-linear"), false, "lm_head", random));
    all.add(
        write(
            "gemma2", List.of("model.layers.1.*_proj"), false, "post_attention_layernorm", random));
    all.add(write("gpt2", List.of("all-linear"), true, "", random));
    all.add(write("gpt_neox", List.of("all-linear"), false, "lm_head", random));
    all.add(write("phi3", List.of("all-linear"), true, "", random));
    all.add(writeReward(random));
    ArrayNode request = JSON.createArrayNode();
    for (Written one : all) {
      ObjectNode node =
          request.addObject().put("adapter", one.adapter()).put("merged", one.merged());
      node.set("texts", JSON.valueToTree(one.texts()));
    }
    Path file = directory.resolve("request.json");
    Files.writeString(file, request.toString());
    JsonNode answers = PythonPeer.run(directory, "check_adapter.py", file.toString());
    for (int i = 0; i < all.size(); i++) {
      Written one = all.get(i);
      JsonNode answer = answers.get(i);
      assertThat(answer.get("problems")).as(one.adapter()).isEmpty();
      for (int t = 0; t < one.texts().size(); t++) {
        for (String kind : List.of("adapter", "merged")) {
          assertThat(floats(answer.get(kind).get(t)))
              .as("%s of %s", kind, one.adapter())
              .containsExactly(one.outputs().get(t), within(2e-4f));
        }
      }
    }
  }

  private Written write(
      String name, List<String> targets, boolean dora, String saved, Random random)
      throws Exception {
    Path place = Files.createTempDirectory(directory, name);
    ModelDirectory start =
        ModelDirectory.open(
            STORAGE, Fixtures.modelWithTokenizer(name, place.resolve("base")).toString());
    AdapterConfig config =
        AdapterConfig.lora(
                3, 7, 0, targets, saved.isEmpty() ? List.of() : List.of(saved), Task.CAUSAL_LM)
            .weightDecomposed(dora);
    String adapter = place.resolve("adapter").toString();
    String merged = place.resolve("merged").toString();
    List<int[]> texts = texts(random);
    List<float[]> outputs = new ArrayList<>();
    try (CausalLm base = CausalLm.load(start, Purpose.INFERENCE, ComputeDtype.F32);
        CausalLm fresh = CausalLm.adapted(base, config, 5)) {
      for (int[] text : texts) {
        // DoRA divides a row by its length and multiplies by it again.
        assertThat(last(fresh.logits(text)))
            .containsExactly(last(base.logits(text)), within(dora ? 1e-4f : 0));
      }
      spread(fresh.segments(), random);
      fresh.write(STORAGE, adapter, start, WeightFormat.F32);
      AdapterMerge.write(STORAGE, ModelDirectory.open(STORAGE, adapter), merged, WeightFormat.F32);
      for (int[] text : texts) {
        outputs.add(last(fresh.logits(text)));
      }
      try (CausalLm again =
          CausalLm.adapted(base, Adapter.open(STORAGE, adapter), Purpose.TRAINING)) {
        assertThat(last(again.logits(texts.get(0)))).isEqualTo(outputs.get(0));
      }
    }
    return new Written(adapter, merged, texts, outputs);
  }

  private static List<int[]> texts(Random random) {
    return List.of(Models.tokens(random, 9, VOCAB), Models.tokens(random, 17, VOCAB));
  }

  private static float[] last(float[][] logits) {
    return logits[logits.length - 1];
  }

  private static float[] floats(JsonNode numbers) {
    float[] out = new float[numbers.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) numbers.get(i).asDouble();
    }
    return out;
  }

  /** The head is trained whole beside the adapter, as PEFT does for classifiers. */
  private Written writeReward(Random random) throws Exception {
    ModelDirectory start = model("llama");
    String adapter = directory.resolve("reward-adapter").toString();
    String merged = directory.resolve("reward-merged").toString();
    List<int[]> texts = texts(random);
    List<float[]> outputs = new ArrayList<>();
    AdapterConfig config =
        new LoraSettings(
                4, 8, 0.1, List.of("all-linear"), List.of(), true, false, HeldDtype.F32, "")
            .config(Task.SEQ_CLS);
    try (ScoreModel base = ScoreModel.load(start, Purpose.INFERENCE, ComputeDtype.F32, 4);
        ScoreModel fresh = ScoreModel.adapted(base, config, "", 5)) {
      spread(fresh.segments(), random);
      fresh.write(STORAGE, adapter, start, WeightFormat.F32);
      ModelDirectory view = ModelDirectory.open(STORAGE, adapter);
      assertThat(view.kind()).isEqualTo(ModelDirectory.Kind.REWARD_MODEL);
      AdapterMerge.write(STORAGE, view, merged, WeightFormat.F32);
      try (ScoreModel read = ScoreModel.load(view, Purpose.INFERENCE, ComputeDtype.F32)) {
        for (int[] text : texts) {
          List<TokenizedRow> row = List.of(Models.row(new int[0], text));
          outputs.add(fresh.infer(row).get(0));
          assertThat(read.infer(row).get(0))
              .containsExactly(outputs.get(outputs.size() - 1), within(1e-5f));
        }
      }
    }
    return new Written(adapter, merged, texts, outputs);
  }

  private static AdapterConfig targets(String... names) {
    return AdapterConfig.lora(2, 4, 0, List.of(names), List.of(), Task.CAUSAL_LM);
  }

  @Test
  void namesOfNoModuleAreRefused() throws Exception {
    ModelDirectory start = model("llama");
    assertThatThrownBy(() -> CausalLm.check(start, targets("q_proj", "query")))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("\"query\"")
        .hasMessageContaining("q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj");
    assertThatThrownBy(() -> CausalLm.check(start, targets("model\\.layers\\.9\\..*")))
        .hasMessageContaining("No module of the model");
    assertThatThrownBy(() -> CausalLm.check(start, targets("(q_proj")))
        .hasMessageContaining("no regular expression");
    AdapterConfig tied =
        AdapterConfig.lora(2, 4, 0, List.of("q_proj"), List.of("embed_tokens"), Task.CAUSAL_LM);
    assertThatThrownBy(() -> CausalLm.check(model("qwen2"), tied))
        .hasMessageContaining("embed_tokens,lm_head");
    AdapterConfig linear =
        AdapterConfig.lora(2, 4, 0, List.of("q_proj"), List.of("o_proj"), Task.CAUSAL_LM);
    assertThatThrownBy(() -> CausalLm.check(start, linear))
        .hasMessageContaining("o_proj is a linear");
  }

  private Path adapter() throws Exception {
    Path copy = Files.createDirectories(directory.resolve("copy"));
    for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
      Files.copy(Fixtures.golden("lora/qv_r8").resolve(file), copy.resolve(file));
    }
    return copy;
  }

  @ParameterizedTest
  @CsvSource({
    "peft_type, '\"LOHA\"', LOHA",
    "bias, '\"all\"', biases",
    "use_qalora, true, use_qalora",
    "layer_replication, '[[0, 1]]', layer_replication",
    "init_lora_weights, '\"pissa\"', pissa",
    "r, 4, 'matrices of rank 8'",
    "use_dora, true, lora_magnitude_vector",
    "base_model_name_or_path, '\"org/model\"', org/model",
    "base_model_name_or_path, null, 'a model that it does not name'",
  })
  void fieldsThatAreNotComputedAreRefused(String field, String value, String named)
      throws Exception {
    Path copy = adapter();
    Path file = copy.resolve("adapter_config.json");
    ObjectNode json = (ObjectNode) Models.json(file);
    json.set(field, JSON.readTree(value));
    Files.writeString(file, json.toString());
    assertThatThrownBy(() -> ModelDirectory.open(STORAGE, copy.toString()))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining(named)
        .hasMessageContaining(copy.toString());
  }

  @ParameterizedTest
  @CsvSource({
    "llama, model.embed_tokens.lora_embedding_A, adapts the embedding model.embed_tokens",
    "llama, model.layers.0.self_attn.rotary.lora_A.default, none of a linear module",
    "qwen2, lm_head.lora_A.weight, has none but its embedding",
  })
  void adaptersOfOtherModulesAreRefused(String base, String tensor, String message)
      throws Exception {
    Path copy = adapter();
    List<TensorSource> tensors = new ArrayList<>();
    tensors.add(zeros(Adapter.PREFIX + tensor, 8, 64));
    if (tensor.endsWith("lora_A.weight")) {
      tensors.add(zeros(Adapter.PREFIX + tensor.replace("lora_A", "lora_B"), VOCAB, 8));
    }
    SafetensorsWriter.write(
        STORAGE, copy.resolve("adapter_model.safetensors").toString(), tensors, Dtype.F32);
    ModelDirectory model = model(base);
    assertThatThrownBy(() -> model.with(Adapter.open(STORAGE, copy.toString())))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining(message)
        .hasMessageContaining(copy.toString());
  }

  private static TensorSource zeros(String name, int rows, int columns) {
    return TensorSource.of(
        name, new long[] {rows, columns}, () -> FloatBuffer.allocate(rows * columns));
  }

  /** PEFT saves the weight below an adapted head beside the adapter. */
  @Test
  void theWeightBelowAnAdaptedHeadIsThatOfTheBase() throws Exception {
    Path copy = adapter();
    List<TensorSource> tensors =
        List.of(
            zeros("base_model.model.lm_head.base_layer.weight", VOCAB, 64),
            zeros("base_model.model.lm_head.lora_A.weight", 8, 64),
            zeros("base_model.model.lm_head.lora_B.weight", VOCAB, 8));
    SafetensorsWriter.write(
        STORAGE, copy.resolve("adapter_model.safetensors").toString(), tensors, Dtype.F32);
    ModelDirectory base = model("llama");
    Adapter adapter = Adapter.open(STORAGE, copy.toString());
    assertThat(adapter.parameters()).isEqualTo(8 * (VOCAB + 64));
    FloatBuffer merged = FloatBuffer.allocate(VOCAB * 64);
    base.with(adapter).read("lm_head.weight", merged);
    FloatBuffer own = FloatBuffer.allocate(VOCAB * 64);
    base.read("lm_head.weight", own);
    assertThat(merged.array()).isEqualTo(own.array());
  }

  @Test
  void anEmbeddingApartFromItsTiedHeadIsRefused() throws Exception {
    Path copy = adapter();
    ObjectNode json = (ObjectNode) Models.json(copy.resolve("adapter_config.json"));
    json.putArray("modules_to_save").add("embed_tokens");
    Files.writeString(copy.resolve("adapter_config.json"), json.toString());
    SafetensorsWriter.write(
        STORAGE,
        copy.resolve("adapter_model.safetensors").toString(),
        List.of(zeros("base_model.model.model.embed_tokens.weight", VOCAB, 64)),
        Dtype.F32);
    ModelDirectory merged = model("qwen2").with(Adapter.open(STORAGE, copy.toString()));
    assertThatThrownBy(() -> CausalLm.check(merged))
        .hasMessageContaining("trained model.embed_tokens whole and not the head");
  }

  @Test
  void anAdapterOfAnotherModelIsRefused() throws Exception {
    ModelDirectory other = model("gpt2");
    Adapter adapter = Adapter.open(STORAGE, Fixtures.golden("lora/qv_r8").toString());
    assertThatThrownBy(() -> other.with(adapter))
        .hasMessageContaining("model.layers.0.self_attn.q_proj and 3 more")
        .hasMessageContaining(other.path());
  }

  @Test
  void theFingerprintIsOfBaseAndAdapter() throws Exception {
    ModelDirectory base = model("llama");
    Path copy = adapter();
    ModelDirectory one = base.with(Adapter.open(STORAGE, copy.toString()));
    String moved = directory.resolve("moved").toString();
    one.adapter().orElseThrow().copyTo(STORAGE, moved, base.path());
    assertThat(ModelDirectory.open(STORAGE, moved).fingerprint())
        .isEqualTo(one.fingerprint())
        .isNotEqualTo(base.fingerprint());
    ObjectNode json = (ObjectNode) Models.json(copy.resolve("adapter_config.json"));
    Files.writeString(copy.resolve("adapter_config.json"), json.put("lora_alpha", 17).toString());
    assertThat(base.with(Adapter.open(STORAGE, copy.toString())).fingerprint())
        .isNotEqualTo(one.fingerprint());
  }
}
