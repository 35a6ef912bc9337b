package io.plumbline.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import io.plumbline.PythonPeer;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.ObjectStoreFileSystem;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelDirectoryTest {
  private static final Storage STORAGE = Storage.local();

  @TempDir Path temp;

  /** A complete directory: a golden model with the golden tokenizer. */
  private Path model(String name) throws IOException {
    Path directory = Files.createDirectories(temp.resolve(name));
    for (String source : List.of("models/llama", "tokenizer")) {
      try (var files = Files.list(Fixtures.golden(source))) {
        for (Path file : files.toList()) {
          String fileName = file.getFileName().toString();
          if (!fileName.startsWith("golden") && !fileName.equals("vectors.json")) {
            Files.copy(file, directory.resolve(fileName), StandardCopyOption.REPLACE_EXISTING);
          }
        }
      }
    }
    Files.delete(directory.resolve("config_v4.json"));
    return directory;
  }

  private static ModelDirectory open(Path path) {
    return ModelDirectory.open(STORAGE, path.toString());
  }

  private static List<TensorSource> tensors(ModelDirectory directory) {
    return directory.tensors().stream().map(t -> DirectoryTensors.of(directory, t)).toList();
  }

  private static float[] read(ModelDirectory directory, String tensor, int elements) {
    FloatBuffer target = FloatBuffer.allocate(elements);
    directory.read(tensor, target);
    return target.array();
  }

  @Test
  void opensAHuggingFaceDirectory() throws IOException {
    ModelDirectory directory = open(model("llama"));
    assertThat(directory.config().path("model_type").asText()).isEqualTo("llama");
    directory.config().put("model_type", "changed in a copy");
    assertThat(directory.config().path("model_type").asText()).isEqualTo("llama");
    assertThat(directory.tensors()).hasSize(21);
    assertThat(directory.has("lm_head.weight")).isTrue();
    ModelDirectory.TensorInfo embedding =
        directory.tensors().stream()
            .filter(t -> t.name().equals("model.embed_tokens.weight"))
            .findFirst()
            .orElseThrow();
    assertThat(embedding.dtype()).isEqualTo("F32");
    assertThat(embedding.shape()).containsExactly(512, 64);
    assertThat(embedding.elements()).isEqualTo(512 * 64);
    assertThat(directory.tokenizerFiles().contents().keySet())
        .containsExactly("special_tokens_map.json", "tokenizer.json", "tokenizer_config.json");
    assertThat(directory.generationConfig()).isPresent();
    assertThatThrownBy(() -> directory.read("other", FloatBuffer.allocate(1)))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("has no tensor other");
  }

  @ParameterizedTest
  @CsvSource({"F32, 5000000000", "F32, 20000", "BF16, 5000000000", "BF16, 20000", "F16, 1"})
  void whatIsWrittenHoldsTheSame(Dtype dtype, long maxShardBytes) throws IOException {
    Path source = model("source");
    Files.write(source.resolve("tokenizer.model"), new byte[] {(byte) 0xff, 0, 1});
    Files.createDirectories(source.resolve("additional_chat_templates"));
    Files.writeString(source.resolve("additional_chat_templates/tool_use.jinja"), "{{ 'ü' }}\r\n");
    ModelDirectory original = open(source);
    Path target = temp.resolve("target");
    ModelDirectoryWriter.carrying(original)
        .withFormat(new WeightFormat(dtype, new ShardSize(maxShardBytes)))
        .write(STORAGE, target.toString(), tensors(original));
    ModelDirectory written = open(target);
    for (String name :
        List.of(
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "generation_config.json",
            "tokenizer.model",
            "additional_chat_templates/tool_use.jinja")) {
      assertThat(target.resolve(name)).hasSameBinaryContentAs(source.resolve(name));
    }
    assertThat(Files.exists(target.resolve("model.safetensors.index.json")))
        .isEqualTo(maxShardBytes < 1_000_000);
    assertThat(Files.exists(target.resolve("model.safetensors")))
        .isEqualTo(maxShardBytes > 1_000_000);
    ObjectNode expected = original.config().put("dtype", dtype.torchName());
    assertThat(written.config()).isEqualTo(expected);
    assertThat(written.tensors()).hasSameSizeAs(original.tensors());
    for (ModelDirectory.TensorInfo tensor : original.tensors()) {
      float[] before = read(original, tensor.name(), (int) tensor.elements());
      float[] after = read(written, tensor.name(), (int) tensor.elements());
      for (int i = 0; i < before.length; i++) {
        float rounded =
            switch (dtype) {
              case BF16 -> Dtype.fromBf16(Dtype.toBf16(before[i]));
              case F16 -> Dtype.fromF16(Dtype.toF16(before[i]));
              default -> before[i];
            };
        assertThat(after[i]).isEqualTo(rounded);
      }
    }
    assertThat(written.fingerprint().equals(original.fingerprint())).isEqualTo(dtype == Dtype.F32);
    // What was rounded once is written again without a change.
    Path again = temp.resolve("again");
    ModelDirectoryWriter.carrying(written)
        .withFormat(WeightFormat.of(dtype))
        .write(STORAGE, again.toString(), tensors(written));
    assertThat(open(again).fingerprint()).isEqualTo(written.fingerprint());
  }

  @Test
  void theConfigurationKeepsItsStyle() throws IOException {
    Path source = model("source");
    Files.copy(
        Fixtures.golden("models/llama/config_v4.json"),
        source.resolve("config.json"),
        StandardCopyOption.REPLACE_EXISTING);
    ModelDirectory original = open(source);
    Path target = temp.resolve("target");
    ModelDirectoryWriter.carrying(original)
        .withFormat(WeightFormat.of(Dtype.BF16))
        .write(STORAGE, target.toString(), tensors(original));
    JsonNode config = open(target).config();
    assertThat(config.path("torch_dtype").asText()).isEqualTo("bfloat16");
    assertThat(config.has("dtype")).isFalse();
    assertThat(config.path("rope_theta").asDouble()).isEqualTo(10000);
  }

  @Test
  void theFingerprintSeesWhatCountsAndNothingElse() throws IOException {
    Path directory = model("m");
    String fingerprint = open(directory).fingerprint();
    assertThat(open(directory).fingerprint()).isEqualTo(fingerprint).matches("[0-9a-f]{64}");

    // The same configuration as transformers 4 writes it.
    Files.copy(
        Fixtures.golden("models/llama/config_v4.json"),
        directory.resolve("config.json"),
        StandardCopyOption.REPLACE_EXISTING);
    assertThat(open(directory).fingerprint()).isEqualTo(fingerprint);

    ObjectNode config = open(directory).config();
    writeConfig(directory, config.deepCopy().put("_name_or_path", "x").put("use_cache", false));
    assertThat(open(directory).fingerprint()).isEqualTo(fingerprint);
    writeConfig(directory, config.deepCopy().put("rope_theta", 500000.0));
    assertThat(open(directory).fingerprint()).isNotEqualTo(fingerprint);
    writeConfig(directory, config.deepCopy().put("rms_norm_eps", 1e-5));
    assertThat(open(directory).fingerprint()).isNotEqualTo(fingerprint);
    writeConfig(directory, config);

    // One bit of one weight, in a file of the same length.
    Path weights = directory.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] ^= 1;
    Files.write(weights, bytes);
    Files.setLastModifiedTime(weights, java.nio.file.attribute.FileTime.fromMillis(1));
    assertThat(open(directory).fingerprint()).isNotEqualTo(fingerprint);
  }

  private static void writeConfig(Path directory, ObjectNode config) throws IOException {
    Files.writeString(directory.resolve("config.json"), PythonJson.pretty(config));
  }

  @Test
  void scaledRotaryPositionsHaveOneFingerprintInBothSpellings() throws IOException {
    ObjectNode v5 =
        PythonJson.read(STORAGE, Fixtures.golden("models/llama3_rope/config.json").toString());
    ObjectNode v4 =
        PythonJson.read(STORAGE, Fixtures.golden("models/llama3_rope/config_v4.json").toString());
    ObjectNode plain =
        PythonJson.read(STORAGE, Fixtures.golden("models/llama/config.json").toString());
    assertThat(ModelFingerprint.canonical(v5)).isEqualTo(ModelFingerprint.canonical(v4));
    assertThat(ModelFingerprint.canonical(v5)).isNotEqualTo(ModelFingerprint.canonical(plain));
  }

  @Test
  void numbersOfAnyKindAndSizeAreRead() {
    ObjectNode config =
        PythonJson.parse("{\"a\": [0.0, Infinity, -Infinity, NaN], \"b\": 1e400, \"c\": 10}", "x");
    assertThat(ModelFingerprint.canonical(config)).contains("Infinity");
    assertThat(PythonJson.parse(PythonJson.pretty(config), "x").path("a")).hasSize(4);
  }

  @Test
  void aHalfWrittenDirectoryIsNotAModel() throws IOException {
    ModelDirectory original = open(model("source"));
    Path target = temp.resolve("target");
    List<TensorSource> tensors = tensors(original);
    ModelDirectoryWriter writer = ModelDirectoryWriter.carrying(original);
    writer
        .withFormat(new WeightFormat(Dtype.F32, new ShardSize(20000)))
        .write(STORAGE, target.toString(), tensors);
    // A second write over the first that dies in the middle of its weights.
    TensorSource dies =
        TensorSource.of(
            "model.norm.weight",
            new long[] {64},
            () -> {
              throw new IllegalStateException("killed");
            });
    assertThatThrownBy(
            () -> writer.write(STORAGE, target.toString(), List.of(tensors.get(0), dies)))
        .hasMessage("killed");
    assertThatThrownBy(() -> open(target))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("has no config.json");
    // Shards of the earlier model do not stay beside one file.
    writer.write(STORAGE, target.toString(), tensors);
    assertThat(open(target).fingerprint()).isEqualTo(original.fingerprint());
    try (var files = Files.list(target)) {
      assertThat(files.filter(f -> f.toString().contains(".safetensors"))).hasSize(1);
    }
  }

  /** In the same pass as the fingerprint, whichever way a file spells its numbers. */
  @ParameterizedTest
  @CsvSource({
    "F32, NaN",
    "F16, NaN",
    "BF16, NaN",
    "F32, Infinity",
    "F16, Infinity",
    "BF16, -Infinity"
  })
  void aWeightThatIsNoNumberIsNamedWithItsPlace(Dtype dtype, float value) throws IOException {
    ModelDirectory original = open(model("source"));
    original.requireFinite();
    List<TensorSource> tensors = new java.util.ArrayList<>(tensors(original));
    float[] norm = read(original, "model.norm.weight", 64);
    norm[63] = value;
    tensors.removeIf(tensor -> tensor.name().equals("model.norm.weight"));
    tensors.add(
        TensorSource.of("model.norm.weight", new long[] {64}, () -> FloatBuffer.wrap(norm)));
    Path target = temp.resolve("target");
    ModelDirectoryWriter.carrying(original)
        .withFormat(WeightFormat.of(dtype))
        .write(STORAGE, target.toString(), tensors);
    ModelDirectory written = open(target);
    assertThat(written.fingerprint()).isNotEqualTo(original.fingerprint());
    assertThatThrownBy(written::requireFinite)
        .isInstanceOf(PlumblineException.class)
        .hasMessageContainingAll(target.toString(), "NaN or infinite", "model.norm.weight")
        .hasMessageContaining("place 63")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_CHECKPOINT);
  }

  @Test
  void pointersOfGitLfsAreNamed() throws IOException {
    String pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";
    Path directory = model("cloned");
    Files.writeString(directory.resolve("model.safetensors"), pointer);
    refused(directory, "git lfs pull", ErrorCode.BAD_CHECKPOINT);
    Files.writeString(directory.resolve("config.json"), pointer);
    refused(directory, "git lfs pull", ErrorCode.BAD_CHECKPOINT);
  }

  @Test
  void directoriesThatAreSomethingElseAreNamed() throws IOException {
    Path run = Files.createDirectories(temp.resolve("run"));
    Files.createDirectories(run.resolve("checkpoint-500"));
    refused(run, "checkpoint-500", ErrorCode.BAD_CHECKPOINT);
    Path cache = Files.createDirectories(temp.resolve("cache"));
    Files.createDirectories(cache.resolve("refs"));
    Files.createDirectories(cache.resolve("snapshots"));
    refused(cache, "snapshots", ErrorCode.BAD_CHECKPOINT);
  }

  @Test
  void objectStoresHoldModelsToo() throws IOException {
    Configuration configuration = new Configuration();
    configuration.set("fs.objects.impl", ObjectStoreFileSystem.class.getName());
    Storage objects = Storage.of(configuration);
    ModelDirectory original = open(model("source"));
    String target = "objects:" + temp + "/target";
    ModelDirectoryWriter.carrying(original)
        .withFormat(new WeightFormat(Dtype.F32, new ShardSize(50_000)))
        .write(objects, target, tensors(original));
    assertThat(ModelDirectory.open(objects, target).fingerprint())
        .isEqualTo(original.fingerprint());
  }

  @Test
  void whatIsMissingIsNamedWithItsMend() throws IOException {
    refused(temp.resolve("nowhere"), "There is no model directory", ErrorCode.INPUT_NOT_FOUND);

    Path noConfig = model("no-config");
    Files.delete(noConfig.resolve("config.json"));
    refused(noConfig, "has no config.json", ErrorCode.BAD_CHECKPOINT);
    Files.writeString(noConfig.resolve("run.json"), "{}");
    Files.createDirectories(noConfig.resolve("checkpoint"));
    Files.writeString(noConfig.resolve("checkpoint/config.json"), "{}");
    refused(noConfig, "a run, whose model is below it in checkpoint", ErrorCode.BAD_CHECKPOINT);
    Path states = model("states");
    Files.delete(states.resolve("config.json"));
    Files.createDirectories(states.resolve("step-00000020"));
    Files.writeString(states.resolve("step-00000020/x"), "");
    refused(states, "training states of a run", ErrorCode.BAD_CHECKPOINT);

    Path badConfig = model("bad-config");
    Files.writeString(badConfig.resolve("config.json"), "{\"model_type\": ");
    refused(badConfig, "is not JSON", ErrorCode.BAD_CHECKPOINT);
    Files.writeString(badConfig.resolve("config.json"), "[1]");
    refused(badConfig, "is not a JSON object", ErrorCode.BAD_CHECKPOINT);

    Path noWeights = model("no-weights");
    Files.delete(noWeights.resolve("model.safetensors"));
    refused(noWeights, "has neither model.safetensors nor", ErrorCode.BAD_CHECKPOINT);
    Files.writeString(noWeights.resolve("pytorch_model.bin"), "pickle");
    refused(noWeights, "save_pretrained", ErrorCode.BAD_CHECKPOINT);
    Files.delete(noWeights.resolve("pytorch_model.bin"));
    Files.writeString(noWeights.resolve("adapter_model.safetensors"), "x");
    refused(noWeights, "without its adapter_config.json", ErrorCode.BAD_CHECKPOINT);

    Path binaryTokenizer = model("binary-tokenizer");
    Files.write(binaryTokenizer.resolve("merges.txt"), new byte[] {(byte) 0xff});
    refused(binaryTokenizer, "is not UTF-8", ErrorCode.BAD_CHECKPOINT);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"weight_map\": {\"x\": \"../secret.safetensors\"}}",
        "{\"weight_map\": {\"x\": 3}}",
        "{\"weight_map\": {\"x\": \"missing.safetensors\"}}",
        "{\"weight_map\": {\"x\": \"shard.safetensors\"}}",
        "{\"weight_map\": {}}",
        "{}"
      })
  void unsoundIndexesAreRefused(String index) throws IOException {
    Path directory = model("sharded");
    Files.move(directory.resolve("model.safetensors"), directory.resolve("shard.safetensors"));
    Files.writeString(directory.resolve("model.safetensors.index.json"), index);
    assertThatThrownBy(() -> open(directory))
        .isInstanceOf(PlumblineException.class)
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.BAD_CHECKPOINT);
  }

  private static void refused(Path path, String message, ErrorCode code) {
    assertThatThrownBy(() -> open(path))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining(message)
        .hasMessageContaining(path.getFileName().toString())
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(code);
  }

  @Test
  void transformersLoadsWhatIsWritten() throws Exception {
    ModelDirectory original = open(model("source"));
    ModelDirectoryWriter writer = ModelDirectoryWriter.carrying(original);
    writer.write(STORAGE, temp.resolve("single").toString(), tensors(original));
    writer
        .withFormat(new WeightFormat(Dtype.F32, new ShardSize(20_000)))
        .write(STORAGE, temp.resolve("sharded").toString(), tensors(original));
    writer
        .withFormat(new WeightFormat(Dtype.BF16, new ShardSize(20_000)))
        .write(STORAGE, temp.resolve("bf16").toString(), tensors(original));
    ModelDirectory rounded = open(temp.resolve("bf16"));
    writer.write(STORAGE, temp.resolve("widened").toString(), tensors(rounded));
    List<String> directories = List.of("single", "sharded", "bf16", "widened");
    List<String> arguments =
        new java.util.ArrayList<>(
            List.of("logits", Fixtures.golden("models/llama/golden.safetensors").toString()));
    directories.forEach(name -> arguments.add(temp.resolve(name).toString()));
    JsonNode seen =
        PythonPeer.run(temp, "check_checkpoint.py", arguments.toArray(new String[0]))
            .path("models");
    for (int i = 0; i < directories.size(); i++) {
      JsonNode model = seen.get(i);
      boolean bf16 = directories.get(i).equals("bf16");
      assertThat(model.path("problems")).isEmpty();
      assertThat(model.path("dtype").asText()).isEqualTo(bf16 ? "torch.bfloat16" : "torch.float32");
      double difference = model.path("max_difference").asDouble();
      if (i < 2) {
        assertThat(difference).isLessThan(1e-5);
      } else {
        // What was rounded differs a little, and by the same when our reader widens it.
        assertThat(difference).isBetween(1e-4, 0.5);
        assertThat(difference).isEqualTo(seen.get(2).path("max_difference").asDouble());
      }
    }
  }
}
