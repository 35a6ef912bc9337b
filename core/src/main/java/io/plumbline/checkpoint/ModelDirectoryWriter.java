package io.plumbline.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.storage.Storage;
import io.plumbline.text.TokenizerFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Writes a Hugging Face model directory to any Hadoop path: weights first, config.json last. A
 * directory without config.json is not complete, for {@link ModelDirectory} and for transformers
 * alike, so that nobody takes a half-written one for a model. Immutable; each {@code with} gives
 * another writer.
 */
public final class ModelDirectoryWriter {
  private static final String EOS_ID = "eos_token_id";
  private static final String TIED = "tie_word_embeddings";

  private final ObjectNode config;
  private final TokenizerFiles tokenizerFiles;
  private final Optional<String> generationConfig;
  private final Map<String, byte[]> binaryFiles;
  private final WeightFormat format;

  private ModelDirectoryWriter(
      ObjectNode config,
      TokenizerFiles tokenizerFiles,
      Optional<String> generationConfig,
      Map<String, byte[]> binaryFiles,
      WeightFormat format) {
    this.config = config;
    this.tokenizerFiles = tokenizerFiles;
    this.generationConfig = generationConfig;
    this.binaryFiles = binaryFiles;
    this.format = format;
  }

  /** A writer of f32 directories with the given configuration and tokenizer. */
  public static ModelDirectoryWriter of(ObjectNode config, TokenizerFiles tokenizerFiles) {
    return new ModelDirectoryWriter(
        config.deepCopy(),
        Objects.requireNonNull(tokenizerFiles, "tokenizerFiles"),
        Optional.empty(),
        Map.of(),
        WeightFormat.F32);
  }

  /**
   * A writer that carries over configuration, tokenizer and generation_config.json of a directory.
   */
  public static ModelDirectoryWriter carrying(ModelDirectory source) {
    Map<String, byte[]> binaryFiles = new TreeMap<>();
    // PEFT saves no tokenizer with an adapter.
    for (String path : List.of(source.base().path(), source.path())) {
      String sentencepiece = Storage.join(path, ModelDirectory.SENTENCEPIECE);
      if (source.storage().exists(sentencepiece)) {
        binaryFiles.put(ModelDirectory.SENTENCEPIECE, source.storage().readBytes(sentencepiece));
      }
    }
    return new ModelDirectoryWriter(
        source.config(),
        source.tokenizerFiles(),
        source.generationConfig(),
        binaryFiles,
        WeightFormat.F32);
  }

  public ModelDirectoryWriter withConfig(ObjectNode other) {
    return new ModelDirectoryWriter(
        other.deepCopy(), tokenizerFiles, generationConfig, binaryFiles, format);
  }

  /**
   * Writes what transformers' {@code AutoModelForCausalLM} loads: the configuration names the
   * architecture and says whether the head is the embedding, whatever it said before.
   *
   * @param sharing what the weights are: with {@code lm_head.weight} where SEPARATE, without where
   *     TIED
   */
  public ModelDirectoryWriter asLanguageModel(InitModel.EmbeddingSharing sharing) {
    ObjectNode result = withoutOwnCode(config);
    boolean tied = sharing == InitModel.EmbeddingSharing.TIED;
    if (result.path(TIED).asBoolean(false) != tied) {
      result.put(TIED, tied);
    }
    String family = config.path("model_type").asText();
    boolean named = false;
    for (JsonNode architecture : config.path("architectures")) {
      named |= ModelDirectory.predictsTokens(architecture.asText());
    }
    if (!named && !family.isEmpty()) {
      result.putArray("architectures").add(RewardModelFiles.predictor(family));
    }
    return withConfig(result);
  }

  /** Code of the model's own is not run and not copied, so that the copy names none. */
  private static ObjectNode withoutOwnCode(ObjectNode config) {
    ObjectNode result = config.deepCopy();
    result.remove("auto_map");
    return result;
  }

  /**
   * Writes what transformers' {@code AutoModelForSequenceClassification} loads as a model with one
   * label. That model takes a text's score at the last token which is not padding: the padding
   * token stays the one that the reward model was trained with. The weights are to hold {@code
   * score.weight}, [1, hidden], and no {@code lm_head.weight}.
   */
  public ModelDirectoryWriter asRewardModel() {
    return withConfig(RewardModelFiles.named(withoutOwnCode(config)));
  }

  /**
   * Writes what {@link #asRewardModel} does, of a model that was a language model: its padding
   * becomes a token that ends no text.
   */
  public ModelDirectoryWriter asNewRewardModel() {
    RewardModelFiles files = RewardModelFiles.ofNew(withoutOwnCode(config), tokenizerFiles);
    return new ModelDirectoryWriter(
        files.config(), files.tokenizerFiles(), generationConfig, binaryFiles, format);
  }

  /** The padding token that {@link #asNewRewardModel} gives a model; negative for none. */
  public static int paddingOfNewRewardModel(ModelDirectory start) {
    return RewardModelFiles.ofNew(start.config(), start.tokenizerFiles())
        .config()
        .path("pad_token_id")
        .asInt(-1);
  }

  public ModelDirectoryWriter withTokenizerFiles(TokenizerFiles other) {
    return new ModelDirectoryWriter(config, other, generationConfig, binaryFiles, format);
  }

  /** For an embedding of so many rows. */
  public ModelDirectoryWriter withVocabularySize(int rows) {
    ObjectNode result = config.deepCopy();
    return withConfig(result.put("vocab_size", rows));
  }

  /** Another token that ends a completion, in both configurations. */
  public ModelDirectoryWriter withEos(int id) {
    ObjectNode result = config.deepCopy();
    ModelDirectoryWriter writer = withConfig(result.put(EOS_ID, id));
    return generationConfig
        .map(json -> PythonJson.parse(json, ModelDirectory.GENERATION_CONFIG).put(EOS_ID, id))
        .map(json -> writer.withGenerationConfig(PythonJson.pretty(json)))
        .orElse(writer);
  }

  public ModelDirectoryWriter withGenerationConfig(String json) {
    return new ModelDirectoryWriter(config, tokenizerFiles, Optional.of(json), binaryFiles, format);
  }

  public ModelDirectoryWriter withFormat(WeightFormat other) {
    return new ModelDirectoryWriter(config, tokenizerFiles, generationConfig, binaryFiles, other);
  }

  /**
   * Writes the directory. A model that was there before is replaced: it stops being complete first.
   *
   * @param tensors in the order in which they are to stand in the files; tied weights once
   */
  public void write(Storage storage, String path, List<? extends TensorSource> tensors) {
    storage.delete(Storage.join(path, ModelDirectory.CONFIG));
    for (Storage.Entry entry : storage.list(path)) {
      String name = entry.name();
      if (name.startsWith("model") && name.contains(".safetensors")) {
        storage.delete(entry.path());
      }
    }
    writeWeights(storage, path, tensors);
    tokenizerFiles
        .contents()
        .forEach((name, text) -> storage.writeText(Storage.join(path, name), text));
    binaryFiles.forEach((name, bytes) -> storage.writeBytes(Storage.join(path, name), bytes));
    generationConfig.ifPresent(
        json -> storage.writeText(Storage.join(path, ModelDirectory.GENERATION_CONFIG), json));
    storage.writeText(
        Storage.join(path, ModelDirectory.CONFIG), PythonJson.pretty(configWithDtype()));
  }

  private void writeWeights(Storage storage, String path, List<? extends TensorSource> tensors) {
    List<List<TensorSource>> shards = shards(tensors);
    if (shards.size() == 1) {
      String file = Storage.join(path, WeightFiles.SINGLE);
      SafetensorsWriter.write(storage, file, shards.get(0), format.dtype());
      return;
    }
    ObjectNode index = PythonJson.object();
    ObjectNode metadata = index.putObject("metadata");
    long elements = tensors.stream().mapToLong(TensorSource::elements).sum();
    metadata.put("total_parameters", elements);
    metadata.put("total_size", elements * format.dtype().bytes());
    Map<String, String> weightMap = new TreeMap<>();
    for (int i = 0; i < shards.size(); i++) {
      String name =
          String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, shards.size());
      SafetensorsWriter.write(storage, Storage.join(path, name), shards.get(i), format.dtype());
      shards.get(i).forEach(tensor -> weightMap.put(tensor.name(), name));
    }
    ObjectNode map = index.putObject("weight_map");
    weightMap.forEach(map::put);
    storage.writeText(Storage.join(path, WeightFiles.INDEX), PythonJson.pretty(index));
  }

  /** In order; a new shard starts where the next tensor would not fit any more. */
  private List<List<TensorSource>> shards(List<? extends TensorSource> tensors) {
    List<List<TensorSource>> shards = new ArrayList<>();
    List<TensorSource> shard = new ArrayList<>();
    long bytes = 0;
    for (TensorSource tensor : tensors) {
      long more = Math.multiplyExact(tensor.elements(), format.dtype().bytes());
      if (!shard.isEmpty() && bytes + more > format.maxShardSize().bytes()) {
        shards.add(shard);
        shard = new ArrayList<>();
        bytes = 0;
      }
      shard.add(tensor);
      bytes += more;
    }
    shards.add(shard);
    return shards;
  }

  /** The configuration with the type that is written, under the name that it used. */
  private ObjectNode configWithDtype() {
    ObjectNode result = config.deepCopy();
    if (config.has("torch_dtype")) {
      result.put("torch_dtype", format.dtype().torchName());
    }
    if (config.has("dtype") || !config.has("torch_dtype")) {
      result.put("dtype", format.dtype().torchName());
    }
    return result;
  }
}
