package io.plumbline.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.PythonPeer;
import io.plumbline.Records;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InitModelTest {
  private static final Storage STORAGE = Storage.local();
  private static final InitModel.Settings SMALL =
      new InitModel.Settings(
          new InitModel.Decoder(32, 2, 4, 2, 48),
          260,
          InitModel.EmbeddingSharing.TIED,
          10_000,
          128,
          0.02,
          7);

  private static final List<String> TEXTS =
      List.of(
          "Hello, world!",
          " leading and trailing ",
          "naïve café — 北京 🎉",
          "a\n\nb\tc\r\n",
          "12345 + 67 = 12412, ½ and ٣٤",
          "<|im_start|>user\nhi<|im_end|>\n",
          "I'm sure they'll say it's fine...",
          "\u0000\u007f\u00a0nbsp\u200bzero\u3000wide",
          "");

  @TempDir Path temp;

  private static List<String> corpus() throws IOException {
    List<String> lines = new ArrayList<>();
    for (String file : List.of("traj/preference.jsonl", "traj/prompt_completion.jsonl")) {
      lines.addAll(Files.readAllLines(Fixtures.golden(file)));
    }
    Random random = new Random(3);
    for (int i = 0; i < 300; i++) {
      int a = random.nextInt(1000);
      lines.add("What is " + a + " + 7? It is " + (a + 7) + ", isn't it?  Ümläute, 東京.");
    }
    return lines;
  }

  private static HuggingFaceTokenizer tokenizer(Path directory) throws IOException {
    return HuggingFaceTokenizer.builder()
        .optTokenizerPath(directory.resolve("tokenizer.json"))
        .optAddSpecialTokens(true)
        .optTruncation(false)
        .optPadding(false)
        .build();
  }

  @Test
  void writesALlamaWithTheAskedSizes() {
    ModelDirectory model = InitModel.write(STORAGE, temp.resolve("m").toString(), SMALL);
    Map<String, long[]> shapes = new java.util.TreeMap<>();
    model.tensors().forEach(t -> shapes.put(t.name(), t.shape()));
    assertThat(shapes).hasSize(1 + 2 * 9 + 1);
    assertThat(shapes.get("model.embed_tokens.weight")).containsExactly(260, 32);
    assertThat(shapes.get("model.layers.1.self_attn.k_proj.weight")).containsExactly(16, 32);
    assertThat(shapes.get("model.layers.1.mlp.down_proj.weight")).containsExactly(32, 48);
    assertThat(shapes).doesNotContainKey("lm_head.weight");
    FloatBuffer norm = FloatBuffer.allocate(32);
    model.read("model.norm.weight", norm);
    assertThat(norm.array()).containsOnly(1f);
    FloatBuffer embedding = FloatBuffer.allocate(260 * 32);
    model.read("model.embed_tokens.weight", embedding);
    double sum = 0;
    double squares = 0;
    for (float x : embedding.array()) {
      sum += x;
      squares += x * x;
    }
    assertThat(Math.sqrt(squares / embedding.capacity())).isBetween(0.019, 0.021);
    assertThat(sum / embedding.capacity()).isBetween(-0.001, 0.001);
    assertThat(
            InitModel.write(
                    STORAGE,
                    temp.resolve("separate").toString(),
                    Records.with(SMALL, "sharing", InitModel.EmbeddingSharing.SEPARATE))
                .has("lm_head.weight"))
        .isTrue();
  }

  @Test
  void theSameSeedGivesTheSameFiles() throws IOException {
    List<String> corpus = corpus();
    InitModel.Settings settings = Records.with(SMALL, "vocabularySize", 320);
    Path one = temp.resolve("one");
    Path two = temp.resolve("two");
    InitModel.write(STORAGE, one.toString(), settings, corpus);
    InitModel.write(STORAGE, two.toString(), settings, corpus);
    try (var files = Files.list(one)) {
      for (Path file : files.toList()) {
        assertThat(two.resolve(file.getFileName())).hasSameBinaryContentAs(file);
      }
    }
    ModelDirectory other =
        InitModel.write(STORAGE, temp.resolve("other").toString(), settings.withSeed(8), corpus);
    assertThat(other.fingerprint())
        .isNotEqualTo(ModelDirectory.open(STORAGE, one.toString()).fingerprint());
  }

  @Test
  void theTokenizersLibraryReadsTheTokenizer() throws IOException {
    for (int size : new int[] {260, 400}) {
      Path path = temp.resolve("m" + size);
      ModelDirectory model =
          InitModel.write(
              STORAGE, path.toString(), Records.with(SMALL, "vocabularySize", size), corpus());
      assertThat(model.config().path("vocab_size").asInt()).isEqualTo(size);
      try (HuggingFaceTokenizer tokenizer = tokenizer(path)) {
        for (String text : TEXTS) {
          long[] ids = tokenizer.encode(text).getIds();
          assertThat(tokenizer.decode(ids, false)).isEqualTo(text);
          assertThat(java.util.Arrays.stream(ids)).allMatch(id -> id < size);
          if (size == 260 && !text.contains("<|")) {
            assertThat(ids.length)
                .isEqualTo(text.getBytes(java.nio.charset.StandardCharsets.UTF_8).length);
          }
        }
        assertThat(tokenizer.encode("<|endoftext|><|im_start|><|im_end|><|pad|>").getIds())
            .containsExactly(0, 1, 2, 3);
        if (size == 400) {
          assertThat(tokenizer.encode(corpus().get(200)).getIds().length)
              .isLessThan(corpus().get(200).length() * 3 / 4);
        }
      }
    }
  }

  @Test
  void fewTextsGiveASmallerVocabulary() {
    ModelDirectory model =
        InitModel.write(
            STORAGE,
            temp.resolve("m").toString(),
            Records.with(SMALL, "vocabularySize", 1000),
            List.of("banana banana"));
    assertThat(model.config().path("vocab_size").asInt()).isBetween(261, 270);
    assertThat(model.tensors().get(0).shape()[0])
        .isEqualTo(model.config().path("vocab_size").asInt());
  }

  @Test
  void textFilesAreReadByLines() throws IOException {
    Path texts = Files.createDirectories(temp.resolve("texts"));
    Files.write(texts.resolve("a.txt"), corpus());
    ModelDirectory fromFiles =
        InitModel.writeFromTextFiles(
            STORAGE,
            temp.resolve("a").toString(),
            Records.with(SMALL, "vocabularySize", 300),
            List.of(texts.toString()));
    ModelDirectory direct =
        InitModel.write(
            STORAGE,
            temp.resolve("b").toString(),
            Records.with(SMALL, "vocabularySize", 300),
            corpus());
    assertThat(fromFiles.tokenizerFiles()).isEqualTo(direct.tokenizerFiles());
  }

  @Test
  void sizesThatDoNotFitAreRefused() {
    for (org.assertj.core.api.ThrowableAssert.ThrowingCallable call :
        List.<org.assertj.core.api.ThrowableAssert.ThrowingCallable>of(
            () -> Records.with(SMALL, "hiddenSize", 30),
            () -> Records.with(SMALL, "vocabularySize", 100))) {
      assertThatThrownBy(call)
          .isInstanceOf(PlumblineException.class)
          .hasMessageContaining("of a new model must be")
          .extracting(e -> ((PlumblineException) e).code())
          .isEqualTo(ErrorCode.BAD_USAGE);
    }
  }

  @Test
  void bytePairsAreJoinedByFrequency() {
    BytePairTrainer.Vocabulary vocabulary =
        BytePairTrainer.train(
            List.of("hug hug hug pug pug hugs", "12 12 12 12"),
            List.of("<s>"),
            261,
            BytePairTrainer.Digits.SINGLE);
    // u-g 6 times, then h-ug 4 times, " "-hug 3 times, " "-p and p-ug 2 times; digits never join.
    assertThat(vocabulary.merges().subList(0, 3))
        .containsExactly(List.of("u", "g"), List.of("h", "ug"), List.of("Ġ", "hug"));
    assertThat(vocabulary.tokens()).hasSize(261).startsWith("<s>", "!", "\"");
    assertThat(vocabulary.merges()).noneMatch(merge -> merge.contains("1"));
  }

  @Test
  void theTrainerLearnsWhatTheTokenizersLibraryLearns() throws Exception {
    Path text = Files.writeString(temp.resolve("corpus.txt"), String.join("\n", corpus()));
    JsonNode seen = PythonPeer.run(temp, "check_checkpoint.py", "merges", text.toString(), "700");
    BytePairTrainer.Vocabulary vocabulary =
        BytePairTrainer.train(
            corpus(), InitModel.SPECIAL_TOKENS, 700, BytePairTrainer.Digits.SINGLE);
    List<String> tokens = new ArrayList<>();
    seen.path("vocab").forEach(token -> tokens.add(token.asText()));
    List<List<String>> merges = new ArrayList<>();
    seen.path("merges")
        .forEach(merge -> merges.add(List.of(merge.get(0).asText(), merge.get(1).asText())));
    assertThat(vocabulary.merges()).isEqualTo(merges);
    assertThat(vocabulary.tokens()).isEqualTo(tokens);
  }

  @Test
  void transformersReadsTheDirectory() throws Exception {
    Path path = temp.resolve("m");
    ModelDirectory model =
        InitModel.write(
            STORAGE, path.toString(), Records.with(SMALL, "vocabularySize", 400), corpus());
    ObjectNode request = PythonJson.object();
    TEXTS.forEach(request.putArray("texts")::add);
    ArrayNode chat = request.putArray("chats").addArray();
    chat.addObject().put("role", "system").put("content", "Be kind.");
    chat.addObject().put("role", "user").put("content", "1 + 2?\n");
    chat.addObject().put("role", "assistant").put("content", "3, of course.");
    chat.addObject().put("role", "user").put("content", "Thanks");
    chat.addObject().put("role", "assistant").put("content", "Bye");
    Path file = Files.writeString(temp.resolve("request.json"), request.toString());
    JsonNode seen =
        PythonPeer.run(temp, "check_checkpoint.py", "tokenizer", path.toString(), file.toString());
    try (HuggingFaceTokenizer tokenizer = tokenizer(path)) {
      for (int i = 0; i < TEXTS.size(); i++) {
        assertThat(longs(seen.path("ids").get(i)))
            .isEqualTo(tokenizer.encode(TEXTS.get(i)).getIds());
        assertThat(seen.path("decoded").get(i).asText()).isEqualTo(TEXTS.get(i));
      }
      JsonNode rendered = seen.path("chats").get(0);
      String expected =
          """
          <|im_start|>system
          Be kind.<|im_end|>
          <|im_start|>user
          1 + 2?
          <|im_end|>
          <|im_start|>assistant
          3, of course.<|im_end|>
          <|im_start|>user
          Thanks<|im_end|>
          <|im_start|>assistant
          Bye<|im_end|>
          """;
      assertThat(rendered.path("text").asText()).isEqualTo(expected);
      assertThat(rendered.path("prompt").asText()).isEqualTo(expected + "<|im_start|>assistant\n");
      long[] ids = longs(rendered.path("ids"));
      long[] mask = longs(rendered.path("assistant"));
      List<Long> marked = new ArrayList<>();
      for (int i = 0; i < ids.length; i++) {
        if (mask[i] == 1) {
          marked.add(ids[i]);
        }
      }
      assertThat(tokenizer.decode(marked.stream().mapToLong(Long::longValue).toArray(), false))
          .isEqualTo("3, of course.<|im_end|>Bye<|im_end|>");
    }
    assertThat(seen.path("special"))
        .isEqualTo(PythonJson.object().put("bos", 0).put("eos", 2).put("pad", 3).put("unk", 0));
    assertThat(seen.path("skipped").asText()).isEqualTo("user\nhi\n");
    assertThat(seen.path("size").asInt()).isEqualTo(400);
    assertThat(seen.path("model_vocabulary").asInt()).isEqualTo(400);
    assertThat(seen.path("tied").asBoolean()).isTrue();
    assertThat(seen.path("rope_theta").asDouble()).isEqualTo(10_000);
    assertThat(seen.path("eos_of_generation").asInt()).isEqualTo(2);
    assertThat(seen.path("parameters").asLong())
        .isEqualTo(model.tensors().stream().mapToLong(ModelDirectory.TensorInfo::elements).sum());
  }

  private static long[] longs(JsonNode array) {
    long[] values = new long[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).asLong();
    }
    return values;
  }
}
