package io.plumbline.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import io.plumbline.text.ModelNames;
import io.plumbline.text.TemplateSettings;
import io.plumbline.text.TokenizerFiles;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A Hugging Face model directory on any Hadoop path, read without loading it whole. Holds the
 * configuration, the headers of the weight files and the tokenizer's files in memory; safe to use
 * from several threads at once.
 */
public final class ModelDirectory {
  static final String CONFIG = "config.json";
  static final String SINGLE = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";
  static final String GENERATION_CONFIG = "generation_config.json";
  static final String SENTENCEPIECE = "tokenizer.model";
  static final String MORE_TEMPLATES = "additional_chat_templates";

  private static final Set<String> TOKENIZER_FILES =
      Set.of(
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "vocab.json",
          "merges.txt",
          "chat_template.jinja",
          "chat_template.json");

  private static final String CLASSIFIER = "ForSequenceClassification";
  private static final String SCORE_HEAD = "score.weight";

  /** What a model is for. */
  public enum Kind {
    /** Predicts tokens. */
    LANGUAGE_MODEL,
    /** Gives a text a score: what transformers calls a sequence classifier. */
    REWARD_MODEL
  }

  /** One tensor of the weight files. */
  public record TensorInfo(String name, String dtype, long[] shape) {
    public long elements() {
      long n = 1;
      for (long s : shape) {
        n *= s;
      }
      return n;
    }
  }

  private final Storage storage;
  private final String path;
  private final ObjectNode config;
  private final TokenizerFiles tokenizerFiles;
  private final Optional<String> generationConfig;

  /** By tensor name, the file that holds it. */
  private final Map<String, SafetensorsFile> files;

  private ModelDirectory(
      Storage storage,
      String path,
      ObjectNode config,
      TokenizerFiles tokenizerFiles,
      Optional<String> generationConfig,
      Map<String, SafetensorsFile> files) {
    this.storage = storage;
    this.path = path;
    this.config = config;
    this.tokenizerFiles = tokenizerFiles;
    this.generationConfig = generationConfig;
    this.files = files;
  }

  /**
   * Opens a directory: reads config.json and the headers of the weight files. Fails with
   * INPUT_NOT_FOUND where there is no directory, and with BAD_CHECKPOINT where it lacks something
   * or holds weights as pickle, which can run code when it is read.
   */
  public static ModelDirectory open(Storage storage, String path) {
    Set<String> names = new TreeSet<>();
    for (Storage.Entry entry : storage.list(path)) {
      names.add(entry.path().substring(entry.path().lastIndexOf('/') + 1));
    }
    if (names.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.INPUT_NOT_FOUND,
          "There is no model directory "
              + path
              + "; name a directory with config.json, model.safetensors and tokenizer.json (a"
              + " model's name on a hub is not enough: nothing is downloaded).");
    }
    if (!names.contains(CONFIG)) {
      throw bad(path + " has no config.json; name a complete Hugging Face model directory.");
    }
    ObjectNode config = Json.read(storage, Storage.join(path, CONFIG));
    Map<String, SafetensorsFile> files = weightFiles(storage, path, names);
    Optional<String> generationConfig =
        names.contains(GENERATION_CONFIG)
            ? Optional.of(storage.readText(Storage.join(path, GENERATION_CONFIG)))
            : Optional.empty();
    return new ModelDirectory(
        storage,
        path,
        config,
        readTokenizerFiles(storage, path, names).withModel(ModelNames.of(config)),
        generationConfig,
        files);
  }

  /** The same model with what a run says about chat templates. */
  public ModelDirectory with(TemplateSettings templates) {
    return new ModelDirectory(
        storage, path, config, tokenizerFiles.with(templates), generationConfig, files);
  }

  private static PlumblineException bad(String sentence) {
    return new PlumblineException(ErrorCode.BAD_CHECKPOINT, sentence);
  }

  private static Map<String, SafetensorsFile> weightFiles(
      Storage storage, String path, Set<String> names) {
    Map<String, SafetensorsFile> files = new TreeMap<>();
    if (names.contains(SINGLE)) {
      SafetensorsFile file = SafetensorsFile.open(storage, Storage.join(path, SINGLE));
      file.tensors().keySet().forEach(tensor -> files.put(tensor, file));
    } else if (names.contains(INDEX)) {
      openShards(storage, path, names, files);
    } else {
      throw withoutWeights(path, names);
    }
    if (files.isEmpty()) {
      throw bad(path + " has weight files without a tensor; save the model again.");
    }
    return files;
  }

  private static void openShards(
      Storage storage, String path, Set<String> names, Map<String, SafetensorsFile> files) {
    String indexPath = Storage.join(path, INDEX);
    JsonNode weightMap = Json.read(storage, indexPath).path("weight_map");
    Map<String, SafetensorsFile> shards = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : weightMap.properties()) {
      String shard = entry.getValue().asText();
      if (!entry.getValue().isTextual() || shard.contains("/") || shard.contains("\\")) {
        throw bad(indexPath + " names a shard outside its directory; save the model again.");
      }
      if (!names.contains(shard)) {
        throw bad(
            path + " lacks the weight file " + shard + " that its index names; copy it there too.");
      }
      if (!shards.containsKey(shard)) {
        shards.put(shard, SafetensorsFile.open(storage, Storage.join(path, shard)));
      }
      SafetensorsFile file = shards.get(shard);
      file.tensor(entry.getKey()); // Fails with a sentence where the shard lacks it.
      files.put(entry.getKey(), file);
    }
  }

  private static PlumblineException withoutWeights(String path, Set<String> names) {
    for (String name : names) {
      if (name.startsWith("pytorch_model") || name.endsWith(".pt") || name.endsWith(".pth")) {
        return bad(
            path
                + " holds its weights as pickle ("
                + name
                + "), which can run code when it is read and is refused; load it in transformers"
                + " where you trust it and save it with save_pretrained(DIR), which writes"
                + " safetensors.");
      }
    }
    if (names.contains("adapter_model.safetensors")) {
      return bad(
          path
              + " holds only an adapter (adapter_model.safetensors), not a model; merge it into"
              + " its base model first and name the merged directory.");
    }
    return bad(
        path
            + " has neither model.safetensors nor model.safetensors.index.json; copy the weights"
            + " there too.");
  }

  private static TokenizerFiles readTokenizerFiles(
      Storage storage, String path, Set<String> names) {
    TreeMap<String, String> contents = new TreeMap<>();
    for (String name : names) {
      if (TOKENIZER_FILES.contains(name)) {
        contents.put(name, text(storage, Storage.join(path, name)));
      }
    }
    if (names.contains(MORE_TEMPLATES)) {
      for (Storage.Entry entry : storage.list(Storage.join(path, MORE_TEMPLATES))) {
        if (entry.path().endsWith(".jinja")) {
          String name = entry.path().substring(entry.path().lastIndexOf('/') + 1);
          contents.put(MORE_TEMPLATES + "/" + name, text(storage, entry.path()));
        }
      }
    }
    return new TokenizerFiles(contents);
  }

  /** A file's text; fails where it is not UTF-8, for it could not be carried byte for byte. */
  private static String text(Storage storage, String path) {
    byte[] bytes = storage.readBytes(path);
    String text = new String(bytes, StandardCharsets.UTF_8);
    if (!java.util.Arrays.equals(text.getBytes(StandardCharsets.UTF_8), bytes)) {
      throw bad(path + " is not UTF-8 text; save the tokenizer again.");
    }
    return text;
  }

  public String path() {
    return path;
  }

  Storage storage() {
    return storage;
  }

  /** config.json as it stands; a copy. */
  public ObjectNode config() {
    return config.deepCopy();
  }

  /** What the model is for, by the architecture that config.json names and by its head. */
  public Kind kind() {
    for (JsonNode architecture : config.path("architectures")) {
      if (architecture.asText().endsWith(CLASSIFIER)) {
        return Kind.REWARD_MODEL;
      }
    }
    return has(SCORE_HEAD) ? Kind.REWARD_MODEL : Kind.LANGUAGE_MODEL;
  }

  /** generation_config.json as it stands, if there is one. */
  public Optional<String> generationConfig() {
    return generationConfig;
  }

  /** The tokenizer's text files; may be empty. */
  public TokenizerFiles tokenizerFiles() {
    return tokenizerFiles;
  }

  /** All tensors, by name. */
  public List<TensorInfo> tensors() {
    List<TensorInfo> tensors = new ArrayList<>();
    files.forEach(
        (name, file) -> {
          SafetensorsFile.Tensor tensor = file.tensor(name);
          tensors.add(new TensorInfo(name, tensor.dtype().name(), tensor.shape().clone()));
        });
    return tensors;
  }

  /** Whether the weight files have a tensor of that name. */
  public boolean has(String tensor) {
    return files.containsKey(tensor);
  }

  /**
   * Reads one tensor into {@code target}, widening f16 and bf16 to f32; advances the target. Fails
   * with BAD_CHECKPOINT where there is no such tensor.
   */
  public void read(String tensor, FloatBuffer target) {
    file(tensor).read(tensor, target);
  }

  /**
   * Fills {@code target} with the tensor's numbers from {@code fromElement} on, row-major: for
   * tensors that no single buffer can hold.
   */
  public void read(String tensor, long fromElement, FloatBuffer target) {
    file(tensor).read(tensor, fromElement, target);
  }

  private SafetensorsFile file(String tensor) {
    SafetensorsFile file = files.get(tensor);
    if (file == null) {
      throw bad(
          path
              + " has no tensor "
              + tensor
              + "; check that config.json and the weight files belong together.");
    }
    return file;
  }

  /**
   * Hex SHA-256 of configuration and weights: equal exactly for models that compute the same. What
   * transformers' versions 4 and 5 write differently counts as the same, and so do one file and
   * several. Reads all weights the first time, on several threads; known for as long as neither
   * path, length nor time of a file changes.
   */
  public String fingerprint() {
    return ModelFingerprint.of(storage, config, files);
  }
}
