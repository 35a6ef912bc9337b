package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.PythonPeer;
import io.plumbline.checkpoint.Dtype;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Torch;
import io.plumbline.text.AddedTokens;
import io.plumbline.text.Tokenizer;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models with more tokens, beside what transformers makes of the same models and tokens. */
class VocabularyExtensionTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Storage STORAGE = Storage.local();
  private static final int ROWS = 512;
  private static final String EMBEDDING = "model.embed_tokens.weight";

  private static final AddedTokens TOKENS =
      new AddedTokens(List.of("grün", "hello"), List.of("<|tool|>", "<|x|>"), Optional.of("<|x|>"));

  private static final List<String> TEXTS =
      List.of("hello <|tool|>grün<|x|> hellogrün", "<|im_start|>user\nhello<|im_end|>", " grün ");

  @TempDir Path temp;

  @BeforeAll
  static void useOneThread() {
    Torch.useThreads(1);
  }

  /** A golden model with the golden tokenizer, which has as many tokens as the model has rows. */
  private Path model(String family) throws IOException {
    Path directory = Files.createDirectories(temp.resolve("start").resolve(family));
    for (String source : List.of("tokenizer", "models/" + family)) {
      try (var files = Files.list(Fixtures.golden(source))) {
        for (Path file : files.toList()) {
          String name = file.getFileName().toString();
          if (!name.matches("golden.*|vectors.json|generation.json|config_v4.json")) {
            Files.copy(file, directory.resolve(name));
          }
        }
      }
    }
    return directory;
  }

  private static ModelDirectory open(Path path) {
    return ModelDirectory.open(STORAGE, path.toString());
  }

  private VocabularyExtension extend(Path start, AddedTokens tokens, long seed, String name) {
    return VocabularyExtension.write(
        open(start), tokens, seed, STORAGE, temp.resolve(name).toString());
  }

  private static AddedTokens plain(String... tokens) {
    return new AddedTokens(List.of(tokens), List.of(), Optional.empty());
  }

  @Test
  void everyFamilyGrowsAsInTransformers() throws Exception {
    List<String> families = Models.families().toList();
    ObjectNode request = JSON.createObjectNode();
    request.put("start", temp.resolve("start").toString());
    request.put("made", temp.resolve("made").toString());
    request.set("plain", JSON.valueToTree(TOKENS.plain()));
    request.set("special", JSON.valueToTree(TOKENS.special()));
    request.put("eos", TOKENS.eos().orElseThrow());
    request.set("texts", JSON.valueToTree(TEXTS));
    for (String family : families) {
      VocabularyExtension made = extend(model(family), TOKENS, 7, "made/" + family);
      assertThat(made.addedRows()).isEqualTo(4);
      assertThat(made.ids())
          .isEqualTo(Map.of("grün", 512, "hello", 513, "<|tool|>", 514, "<|x|>", 515));
    }
    Files.writeString(temp.resolve("request.json"), request.toString());

    JsonNode found =
        PythonPeer.run(temp, "check_added_tokens.py", temp.resolve("request.json").toString());

    SoftAssertions all = new SoftAssertions();
    for (String family : families) {
      JsonNode of = found.path(family);
      all.assertThat(of.path("differences").isArray()).as(family).isTrue();
      all.assertThat(of.path("differences")).as(family).isEmpty();
      try (Tokenizer tokenizer =
          Tokenizer.of(open(temp.resolve("made").resolve(family)).tokenizerFiles())) {
        for (int i = 0; i < TEXTS.size(); i++) {
          int[] ids = JSON.convertValue(of.path("ids").path(i), int[].class);
          all.assertThat(tokenizer.encode(TEXTS.get(i))).as(family).isEqualTo(ids);
        }
        all.assertThat(tokenizer.eosTokenId()).as(family).hasValue(515);
      }
    }
    all.assertAll();
  }

  /** The rows of 4,000 tokens: their mean and covariance, by the definition in transformers. */
  @Test
  void newRowsHaveTheMeanAndCovarianceOfTheOthers() throws Exception {
    List<String> many = new ArrayList<>();
    for (int i = 0; i < 4_000; i++) {
      many.add("<" + i + ">");
    }
    Path start = model("llama");
    extend(start, plain(many.toArray(String[]::new)), 7, "many");
    for (String tensor : List.of(EMBEDDING, "lm_head.weight")) {
      double[][] old = rows(open(start), tensor, 0, ROWS);
      double[][] drawn = rows(open(temp.resolve("many")), tensor, ROWS, many.size());
      assertThat(rows(open(temp.resolve("many")), tensor, 0, ROWS)).isDeepEqualTo(old);
      double[] mean = mean(old);
      double[] drawnMean = mean(drawn);
      double[][] covariance = covariance(old, mean);
      double[][] drawnCovariance = covariance(drawn, drawnMean);
      double difference = 0;
      double size = 0;
      for (int i = 0; i < mean.length; i++) {
        double deviation = Math.sqrt(1e-9 * covariance[i][i]);
        assertThat(drawnMean[i]).isCloseTo(mean[i], within(deviation / 10));
        assertThat(drawnCovariance[i][i] / (1e-9 * covariance[i][i])).isBetween(0.85, 1.15);
        for (int j = 0; j < mean.length; j++) {
          difference += Math.pow(drawnCovariance[i][j] / 1e-9 - covariance[i][j], 2);
          size += Math.pow(covariance[i][j], 2);
        }
      }
      // 64 columns of nearly one variance, 4,000 rows: sqrt(65 / 4000) is 0.13.
      assertThat(Math.sqrt(difference / size)).isLessThan(0.2);
    }
  }

  private static double[][] rows(ModelDirectory directory, String tensor, int from, int count) {
    int columns = 64;
    FloatBuffer values = FloatBuffer.allocate(count * columns);
    directory.read(tensor, (long) from * columns, values);
    double[][] rows = new double[count][columns];
    for (int at = 0; at < values.capacity(); at++) {
      rows[at / columns][at % columns] = values.get(at);
    }
    return rows;
  }

  private static double[] mean(double[][] rows) {
    double[] mean = new double[rows[0].length];
    Arrays.stream(rows).forEach(row -> addTo(mean, row));
    return Arrays.stream(mean).map(sum -> sum / rows.length).toArray();
  }

  private static void addTo(double[] sums, double[] row) {
    for (int i = 0; i < row.length; i++) {
      sums[i] += row[i];
    }
  }

  private static double[][] covariance(double[][] rows, double[] mean) {
    double[][] covariance = new double[mean.length][mean.length];
    for (double[] row : rows) {
      for (int i = 0; i < mean.length; i++) {
        for (int j = 0; j < mean.length; j++) {
          covariance[i][j] += (row[i] - mean[i]) * (row[j] - mean[j]) / rows.length;
        }
      }
    }
    return covariance;
  }

  @Test
  void theSeedAndTheTokensDecide() throws IOException {
    Path start = model("llama");
    extend(start, plain("one", "two"), 7, "a");
    extend(start, plain("one", "two"), 7, "b");
    extend(start, plain("one", "two"), 8, "other-seed");
    extend(start, plain("one", "three"), 7, "other-token");
    extend(start, plain("one"), 7, "fewer");
    for (String file : List.of("model.safetensors", "config.json", "tokenizer.json")) {
      assertThat(temp.resolve("b").resolve(file))
          .hasSameBinaryContentAs(temp.resolve("a").resolve(file));
    }
    String fingerprint = open(temp.resolve("a")).soundFingerprint();
    assertThat(fingerprint).isNotEqualTo(open(start).fingerprint());
    assertThat(open(temp.resolve("other-seed")).fingerprint()).isNotEqualTo(fingerprint);
    assertThat(open(temp.resolve("other-token")).fingerprint()).isEqualTo(fingerprint);
    assertThat(tokenizer("other-token")).isNotEqualTo(tokenizer("a"));
    // What a token's row is does not depend on how many are added with it.
    assertThat(rows(open(temp.resolve("fewer")), EMBEDDING, ROWS, 1))
        .isDeepEqualTo(rows(open(temp.resolve("a")), EMBEDDING, ROWS, 1));
  }

  private String tokenizer(String name) {
    try (Tokenizer tokenizer = Tokenizer.of(open(temp.resolve(name)).tokenizerFiles())) {
      return tokenizer.fingerprint();
    }
  }

  @Test
  void rowsBeyondTheTokenizerAreTakenFirst() throws IOException {
    Path start = model("qwen2");
    extend(start, plain("a-1", "a-2", "a-3"), 7, "padded");
    Path padded = temp.resolve("padded");
    for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
      Files.delete(padded.resolve(file));
      Files.copy(start.resolve(file), padded.resolve(file));
    }

    VocabularyExtension two = extend(padded, plain("b-1", "b-2"), 9, "two");
    VocabularyExtension four = extend(padded, plain("b-1", "b-2", "b-3", "b-4"), 9, "four");

    assertThat(two).isEqualTo(new VocabularyExtension(Map.of("b-1", 512, "b-2", 513), 0));
    assertThat(open(temp.resolve("two")).fingerprint()).isEqualTo(open(padded).fingerprint());
    assertThat(four.addedRows()).isEqualTo(1);
    assertThat(rows(open(temp.resolve("four")), EMBEDDING, 0, ROWS + 3))
        .isDeepEqualTo(rows(open(padded), EMBEDDING, 0, ROWS + 3));
  }

  @Test
  void theTypeOfTheWeightsStays() throws IOException {
    Path start = model("llama");
    try (CausalLm model = CausalLm.load(open(start), Purpose.INFERENCE, ComputeDtype.F32)) {
      model.write(
          STORAGE, temp.resolve("bf16").toString(), open(start), WeightFormat.of(Dtype.BF16));
    }
    extend(temp.resolve("bf16"), plain("one"), 7, "more");
    ModelDirectory more = open(temp.resolve("more"));
    assertThat(more.tensors()).allMatch(tensor -> tensor.dtype().equals("BF16"));
    assertThat(more.config().path("dtype").asText()).isEqualTo("bfloat16");
    assertThat(rows(more, EMBEDDING, 0, ROWS))
        .isDeepEqualTo(rows(open(temp.resolve("bf16")), EMBEDDING, 0, ROWS));
  }

  @Test
  void rewardModelsGrowToo() throws IOException {
    Path start = model("llama");
    try (ScoreModel model = ScoreModel.load(open(start), Purpose.INFERENCE, ComputeDtype.F32, 1)) {
      model.write(STORAGE, temp.resolve("reward").toString(), open(start), WeightFormat.F32);
    }
    extend(temp.resolve("reward"), plain("one"), 7, "more");
    int[] text = {5, 9, 12};
    try (ScoreModel before =
            ScoreModel.load(open(temp.resolve("reward")), Purpose.INFERENCE, ComputeDtype.F32);
        ScoreModel after =
            ScoreModel.load(open(temp.resolve("more")), Purpose.INFERENCE, ComputeDtype.F32)) {
      assertThat(after.config().vocabSize()).isEqualTo(ROWS + 1);
      assertThat(after.infer(List.of(Models.row(text, new int[] {7}))).get(0))
          .containsExactly(before.infer(List.of(Models.row(text, new int[] {7}))).get(0));
    }
  }

  @Test
  void whatCannotBeAddedIsRefused() throws IOException {
    Path start = model("llama");
    assertThatThrownBy(() -> plain("a", " "))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("empty or blank");
    assertThatThrownBy(() -> new AddedTokens(List.of("a"), List.of("a"), Optional.empty()))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("The token a is to be added twice");
    AddedTokens unknownEnd = new AddedTokens(List.of("a"), List.of(), Optional.of("<end>"));
    assertThatThrownBy(() -> extend(start, unknownEnd, 7, "x"))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("<end>");
    Files.delete(start.resolve("tokenizer.json"));
    assertThatThrownBy(() -> extend(start, plain("a"), 7, "x"))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("no tokenizer.json");
    assertThat(temp.resolve("x")).doesNotExist();
  }
}
