package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.PythonPeer;
import io.plumbline.checkpoint.DirectoryTensors;
import io.plumbline.checkpoint.Dtype;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.ModelDirectoryWriter;
import io.plumbline.checkpoint.TensorSource;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Torch;
import io.plumbline.text.Tokenizer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reward models as Hugging Face directories. */
class ScoreCheckpointTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Storage STORAGE = Storage.local();

  /** {@code <|im_end|>} of the golden tokenizer, with which texts end. */
  private static final int EOS = 2;

  @TempDir Path temp;

  /** Small models gain nothing from more threads, and on a busy machine they lose. */
  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  /** A golden language model with the golden tokenizer. */
  private Path languageModel(String name) throws Exception {
    return Fixtures.modelWithTokenizer(name, temp.resolve(name));
  }

  private static void change(Path file, java.util.function.Consumer<ObjectNode> edit)
      throws Exception {
    ObjectNode json = (ObjectNode) JSON.readTree(file.toFile());
    edit.accept(json);
    JSON.writeValue(file.toFile(), json);
  }

  private static ModelDirectory open(Path path) {
    return ModelDirectory.open(STORAGE, path.toString());
  }

  /** Writes the reward model that a language model becomes, and gives its scores. */
  private static List<float[]> write(
      Path start, Path target, List<TokenizedRow> rows, Dtype dtype) {
    ModelDirectory directory = open(start);
    try (ScoreModel model = ScoreModel.load(directory, Purpose.TRAINING, ComputeDtype.F32, 11)) {
      model.write(STORAGE, target.toString(), directory, WeightFormat.of(dtype));
      return model.infer(rows);
    }
  }

  private static List<TokenizedRow> texts() {
    Random random = new Random(6);
    List<TokenizedRow> rows = new ArrayList<>();
    for (int length : new int[] {9, 3, 14, 5, 1}) {
      int[] ids = random.ints(length + 1L, 4, 512).toArray();
      ids[length] = EOS;
      rows.add(Models.row(new int[0], ids));
    }
    return rows;
  }

  private JsonNode transformers(List<TokenizedRow> rows, Path... directories) throws Exception {
    Path request = temp.resolve("request.json");
    JSON.writeValue(request.toFile(), rows.stream().map(row -> row.completions().get(0)).toList());
    List<String> arguments = new ArrayList<>(List.of(request.toString()));
    for (Path directory : directories) {
      arguments.add(directory.toString());
    }
    return PythonPeer.run(temp, "check_scores.py", arguments.toArray(new String[0]));
  }

  @Test
  void transformersGivesTheSameScores() throws Exception {
    List<TokenizedRow> rows = texts();
    Path llama = languageModel("llama");
    Path qwen = languageModel("qwen2");
    // Many a tokenizer pads with the token that ends texts.
    change(qwen.resolve("tokenizer_config.json"), json -> json.put("pad_token", "<|im_end|>"));
    change(qwen.resolve("special_tokens_map.json"), json -> json.put("pad_token", "<|im_end|>"));
    change(qwen.resolve("config.json"), json -> json.put("pad_token_id", EOS));
    List<List<float[]>> scores =
        List.of(
            write(llama, temp.resolve("a"), rows, Dtype.F32),
            write(qwen, temp.resolve("b"), rows, Dtype.F32));

    JsonNode found = transformers(rows, temp.resolve("a"), temp.resolve("b"));

    assertThat(found.get(0).get("class").asText()).isEqualTo("LlamaForSequenceClassification");
    assertThat(found.get(1).get("class").asText()).isEqualTo("Qwen2ForSequenceClassification");
    for (int i = 0; i < 2; i++) {
      JsonNode model = found.get(i);
      assertThat(model.get("num_labels").asInt()).isEqualTo(1);
      assertThat(model.get("problems")).isEmpty();
      assertThat(model.get("pad_token_id")).isEqualTo(model.get("padding"));
      assertThat(model.get("pad_token_id").asInt()).isEqualTo(3);
      for (int row = 0; row < rows.size(); row++) {
        double score = scores.get(i).get(row)[0];
        assertThat(model.get("single").get(row).get(0).asDouble()).isCloseTo(score, within(1e-4));
        assertThat(model.get("batch").get(row).get(0).asDouble()).isCloseTo(score, within(1e-4));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "qwen2"})
  void aWrittenRewardModelIsReadBack(String name) throws Exception {
    List<TokenizedRow> rows = texts();
    Path target = temp.resolve("reward");
    List<float[]> scores = write(languageModel(name), target, rows, Dtype.F32);

    ModelDirectory written = open(target);

    assertThat(written.kind()).isEqualTo(ModelDirectory.Kind.REWARD_MODEL);
    assertThat(written.has("lm_head.weight")).isFalse();
    assertThat(written.config().path("id2label").toString()).isEqualTo("{\"0\":\"LABEL_0\"}");
    for (long seed : new long[] {1, 2}) {
      try (ScoreModel again = ScoreModel.load(written, Purpose.INFERENCE, ComputeDtype.F32, seed)) {
        List<float[]> found = again.infer(rows);
        for (int i = 0; i < rows.size(); i++) {
          assertThat(found.get(i)).containsExactly(scores.get(i));
        }
      }
    }
    // Training continues from it, and the files stay those of a reward model.
    Path next = temp.resolve("next");
    write(target, next, rows, Dtype.BF16);
    assertThat(open(next).config().path("architectures"))
        .isEqualTo(written.config().path("architectures"));
    assertThat(open(next).tokenizerFiles()).isEqualTo(written.tokenizerFiles());
    assertThat(open(next).config().path("dtype").asText()).isEqualTo("bfloat16");
  }

  @ParameterizedTest
  @CsvSource({
    // pad of the tokenizer, pad of the configuration, what is written
    "<|pad|>,      3, 3",
    "<|pad|>,      0, 3",
    "<|im_start|>, 3, 1",
    "<|im_end|>,   3, 3",
    "<|im_end|>,   2, 3",
    "<|im_end|>,   0, 0",
    ",             , 3",
    ",             1, 1"
  })
  void paddingIsATokenThatEndsNoText(String ofTokenizer, Integer ofConfig, int written)
      throws Exception {
    Path start = languageModel("llama");
    for (String file : List.of("tokenizer_config.json", "special_tokens_map.json")) {
      change(start.resolve(file), json -> json.put("pad_token", ofTokenizer));
    }
    change(start.resolve("config.json"), json -> json.put("pad_token_id", ofConfig));
    write(start, temp.resolve("reward"), List.of(), Dtype.F32);

    ModelDirectory reward = open(temp.resolve("reward"));

    assertThat(reward.config().path("pad_token_id").asInt(-1)).isEqualTo(written);
    try (Tokenizer tokenizer = Tokenizer.of(reward.tokenizerFiles())) {
      assertThat(tokenizer.padTokenId()).hasValue(written);
      assertThat(tokenizer.eosTokenId()).hasValue(EOS);
    }
  }

  /** Then transformers scores one text at a time and refuses a batch, rather than score wrongly. */
  @Test
  void thereIsNoPaddingWhereEveryTokenMayEndAText() throws Exception {
    Path start = languageModel("llama");
    for (String file : List.of("tokenizer_config.json", "special_tokens_map.json")) {
      change(start.resolve(file), json -> json.put("pad_token", "<|im_end|>"));
    }
    change(
        start.resolve("config.json"),
        json -> json.set("eos_token_id", JSON.createArrayNode().add(0).add(1).add(2).add(3)));
    write(start, temp.resolve("reward"), List.of(), Dtype.F32);

    assertThat(open(temp.resolve("reward")).config().get("pad_token_id").isNull()).isTrue();
  }

  private static void assertRefused(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_CHECKPOINT))
        .hasMessageContainingAll(parts);
  }

  @Test
  void modelsOfTheOtherKindAreRefused() throws Exception {
    Path start = languageModel("llama");
    write(start, temp.resolve("reward"), List.of(), Dtype.F32);

    assertRefused(
        () -> CausalLm.load(open(temp.resolve("reward")), Purpose.INFERENCE, ComputeDtype.F32),
        "reward is a reward model");
    assertRefused(
        () -> ScoreModel.load(open(start), Purpose.INFERENCE, ComputeDtype.F32),
        "llama is a language model");
  }

  @Test
  void moreThanOneLabelIsRefused() throws Exception {
    Path start = languageModel("llama");
    ModelDirectory directory = open(start);
    List<TensorSource> tensors = new ArrayList<>();
    directory.tensors().stream()
        .filter(tensor -> !tensor.name().equals("lm_head.weight"))
        .forEach(tensor -> tensors.add(DirectoryTensors.of(directory, tensor)));
    tensors.add(
        TensorSource.of("score.weight", new long[] {2, 64}, () -> FloatBuffer.allocate(128)));
    ModelDirectoryWriter.carrying(directory)
        .write(STORAGE, temp.resolve("classes").toString(), tensors);
    assertRefused(
        () ->
            ScoreModel.load(open(temp.resolve("classes")), Purpose.INFERENCE, ComputeDtype.F32, 1),
        "classifier of 2 labels");

    write(start, temp.resolve("named"), List.of(), Dtype.F32);
    change(
        temp.resolve("named/config.json"),
        json -> ((ObjectNode) json.get("id2label")).put("1", "LABEL_1"));
    assertRefused(
        () -> ScoreModel.load(open(temp.resolve("named")), Purpose.INFERENCE, ComputeDtype.F32),
        "classifier of 2 labels");
  }

  @Test
  void aClassifierWithoutItsHeadIsRefused() throws Exception {
    Path start = languageModel("llama");
    change(
        start.resolve("config.json"),
        json -> json.putArray("architectures").add("LlamaForSequenceClassification"));
    assertRefused(
        () -> ScoreModel.load(open(start), Purpose.TRAINING, ComputeDtype.F32, 1),
        "lacks the tensor score.weight");
  }
}
