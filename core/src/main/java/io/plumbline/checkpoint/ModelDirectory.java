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

  /** How transformers ends the names of architectures that score a text. */
  static final String CLASSIFIER = "ForSequenceClassification";

  /** How it ends those of architectures that predict tokens. */
  static final String PREDICTOR = "ForCausalLM";

  /** How it ends that of GPT-2, which is older than the rule. */
  private static final String OLDER_PREDICTOR = "LMHeadModel";

  /** Whether an architecture of transformers predicts tokens. */
  static boolean predictsTokens(String architecture) {
    return architecture.endsWith(PREDICTOR) || architecture.endsWith(OLDER_PREDICTOR);
  }

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

  /** An adapter of the model that the files hold; what it changes is read changed. */
  private final Optional<MergedWeights> merged;

  private ModelDirectory(
      Storage storage,
      String path,
      ObjectNode config,
      TokenizerFiles tokenizerFiles,
      Optional<String> generationConfig,
      Map<String, SafetensorsFile> files,
      Optional<MergedWeights> merged) {
    this.storage = storage;
    this.path = path;
    this.config = config;
    this.tokenizerFiles = tokenizerFiles;
    this.generationConfig = generationConfig;
    this.files = files;
    this.merged = merged;
  }

  /**
   * Opens a directory: reads config.json and the headers of the weight files. Fails with
   * INPUT_NOT_FOUND where there is no directory, and with BAD_CHECKPOINT where it lacks something
   * or holds weights as pickle, which can run code when it is read. The directory of a LoRA adapter
   * is the model that it adapts, with the adapter merged: it names that model.
   */
  public static ModelDirectory open(Storage storage, String path) {
    Set<String> names = names(storage, path);
    if (names.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.INPUT_NOT_FOUND,
          "There is no model directory "
              + path
              + "; name a directory with config.json, model.safetensors and tokenizer.json (a"
              + " model's name on a hub is not enough: nothing is downloaded).");
    }
    if (Adapter.isIn(names) && !WeightFiles.areIn(names)) {
      Adapter adapter = Adapter.open(storage, path);
      return open(storage, adapter.baseDirectory(storage)).with(adapter);
    }
    WeightFiles.refuseAdapters(storage, path, names);
    if (!names.contains(CONFIG)) {
      throw bad(
          path
              + " has no config.json"
              + WeightFiles.withoutConfig(names)
              + "; name a complete Hugging Face model directory.");
    }
    ObjectNode config = PythonJson.read(storage, Storage.join(path, CONFIG));
    Map<String, SafetensorsFile> files = WeightFiles.open(storage, path, names, config);
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
        files,
        Optional.empty());
  }

  /**
   * This model with an adapter: its weights are read as PEFT's {@code merge_and_unload} makes them,
   * and the adapter's tokenizer takes the place of its own, where there is one.
   */
  public ModelDirectory with(Adapter adapter) {
    if (merged.isPresent()) {
      throw bad(
          path
              + " is an adapter of "
              + merged.get().base().path()
              + " itself, and can have no second one: merge it first, by the command merge.");
    }
    Set<String> names = names(storage, adapter.path());
    TokenizerFiles own = readTokenizerFiles(storage, adapter.path(), names);
    TokenizerFiles files =
        own.content("tokenizer.json").isEmpty()
            ? tokenizerFiles
            : own.withModel(ModelNames.of(config)).with(tokenizerFiles.rendering());
    boolean scores =
        adapter.config().task() == AdapterConfig.Task.SEQ_CLS && kind() == Kind.LANGUAGE_MODEL;
    ObjectNode settings =
        scores ? RewardModelFiles.ofNew(config, tokenizerFiles).config() : config.deepCopy();
    return new ModelDirectory(
        storage,
        adapter.path(),
        settings,
        files,
        generationConfig,
        this.files,
        Optional.of(new MergedWeights(this, adapter)));
  }

  /** The adapter that is merged into this model when it is read. */
  public Optional<Adapter> adapter() {
    return merged.map(MergedWeights::adapter);
  }

  /** The model without an adapter: this one, where it has none. */
  public ModelDirectory base() {
    return merged.map(weights -> weights.base().with(tokenizerFiles.rendering())).orElse(this);
  }

  /**
   * Fails with BAD_USAGE where deleting a directory would delete this model, or the one that its
   * adapter is of.
   *
   * @param output what a command deletes before it writes
   */
  public void requireOutside(String output) {
    String deleted = storage.absolute(output) + "/";
    for (String read : List.of(path, base().path)) {
      if ((storage.absolute(read) + "/").startsWith(deleted)) {
        throw new PlumblineException(
            ErrorCode.BAD_USAGE,
            read
                + (read.equals(path) ? "" : ", which " + path + " is an adapter of,")
                + " is in "
                + output
                + " and would be deleted by --overwrite: name another --output.");
      }
    }
  }

  /** Whether a directory holds a complete model or adapter, as far as its configuration tells. */
  public static boolean isIn(Storage storage, String path) {
    return storage.exists(Storage.join(path, CONFIG))
        || storage.exists(Storage.join(path, AdapterConfig.FILE));
  }

  static boolean isOfTokenizer(String name) {
    return TOKENIZER_FILES.contains(name);
  }

  static Set<String> names(Storage storage, String path) {
    Set<String> names = new TreeSet<>();
    for (Storage.Entry entry : storage.list(path)) {
      names.add(entry.name());
    }
    return names;
  }

  /** The same model with what a run says about chat templates. */
  public ModelDirectory with(TemplateSettings templates) {
    return new ModelDirectory(
        storage, path, config, tokenizerFiles.with(templates), generationConfig, files, merged);
  }

  private static PlumblineException bad(String sentence) {
    return new PlumblineException(ErrorCode.BAD_CHECKPOINT, sentence);
  }

  static TokenizerFiles readTokenizerFiles(Storage storage, String path, Set<String> names) {
    TreeMap<String, String> contents = new TreeMap<>();
    for (String name : names) {
      if (TOKENIZER_FILES.contains(name)) {
        contents.put(name, text(storage, Storage.join(path, name)));
      }
    }
    if (names.contains(MORE_TEMPLATES)) {
      for (Storage.Entry entry : storage.list(Storage.join(path, MORE_TEMPLATES))) {
        if (entry.path().endsWith(".jinja")) {
          String name = entry.name();
          contents.put(MORE_TEMPLATES + "/" + name, text(storage, entry.path()));
        }
      }
    }
    return new TokenizerFiles(contents);
  }

  /** A file's text; fails where it is not UTF-8, for it could not be carried byte for byte. */
  static String text(Storage storage, String path) {
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

  /**
   * What the model is for, by the architecture that config.json names; where it names neither kind,
   * by its head.
   */
  public Kind kind() {
    for (JsonNode architecture : config.path("architectures")) {
      if (architecture.asText().endsWith(CLASSIFIER)) {
        return Kind.REWARD_MODEL;
      }
      if (predictsTokens(architecture.asText())) {
        return Kind.LANGUAGE_MODEL;
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
    Map<String, TensorInfo> tensors = new TreeMap<>();
    files.forEach(
        (name, file) -> {
          SafetensorsFile.Tensor tensor = file.tensor(name);
          tensors.put(name, new TensorInfo(name, tensor.dtype().name(), tensor.shape().clone()));
        });
    merged.ifPresent(weights -> tensors.putAll(weights.changed()));
    return List.copyOf(tensors.values());
  }

  /** How many numbers all tensors hold. */
  public long parameters() {
    return tensors().stream().mapToLong(TensorInfo::elements).sum();
  }

  /** The shape of a tensor in the files. */
  long[] shape(String tensor) {
    return file(tensor).tensor(tensor).shape().clone();
  }

  /** Whether the weight files have a tensor of that name. */
  public boolean has(String tensor) {
    return files.containsKey(tensor) || isChanged(tensor);
  }

  private boolean isChanged(String tensor) {
    return merged.isPresent() && merged.get().changes(tensor);
  }

  /**
   * Reads one tensor into {@code target}, widening f16 and bf16 to f32; advances the target. Fails
   * with BAD_CHECKPOINT where there is no such tensor.
   */
  public void read(String tensor, FloatBuffer target) {
    if (isChanged(tensor)) {
      merged.get().read(tensor, target);
      return;
    }
    file(tensor).read(tensor, target);
  }

  /**
   * Fills {@code target} with the tensor's numbers from {@code fromElement} on, row-major: for
   * tensors that no single buffer can hold.
   */
  public void read(String tensor, long fromElement, FloatBuffer target) {
    if (isChanged(tensor)) {
      merged.get().read(tensor, fromElement, target);
      return;
    }
    file(tensor).read(tensor, fromElement, target);
  }

  /**
   * Fails with BAD_CHECKPOINT where a tensor has a type that holds no plain weights, such as that
   * of a quantised one.
   */
  public void requirePlainNumbers(String tensor) {
    if (!files.containsKey(tensor) && isChanged(tensor)) {
      return;
    }
    SafetensorsFile file = file(tensor);
    file.requirePlainNumbers(file.tensor(tensor));
  }

  /**
   * Whether two tensors have one shape and the same numbers, as torch.equal has it. Reads both up
   * to the first difference; known for as long as neither path, length nor time of a file changes.
   */
  public boolean sameNumbers(String one, String other) {
    if (isChanged(one) || isChanged(other)) {
      return false;
    }
    return SameNumbers.of(storage, file(one), one, file(other), other);
  }

  /**
   * Fails with BAD_CHECKPOINT where a weight is infinite or NaN, with its name and place. Reads
   * what {@link #fingerprint} reads, and both at once.
   */
  public void requireFinite() {
    sound();
  }

  /** {@link #fingerprint} after {@link #requireFinite}, in one pass over the weights. */
  public String soundFingerprint() {
    return sound().fingerprint();
  }

  private ModelFingerprint.Known sound() {
    ModelFingerprint.Known known = known();
    if (known.notFinite().isPresent()) {
      throw notFinite(path, known.notFinite().get().tensor(), known.notFinite().get().place());
    }
    return known;
  }

  /** A weight that is infinite or NaN. */
  public static PlumblineException notFinite(String path, String tensor, long place) {
    return bad(
        path
            + " holds a weight that is NaN or infinite, in "
            + tensor
            + " at place "
            + place
            + ": the file is damaged, or the model was saved after its training had diverged; copy"
            + " it again, or take an earlier checkpoint.");
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
    return known().fingerprint();
  }

  private ModelFingerprint.Known known() {
    if (merged.isEmpty()) {
      return ModelFingerprint.of(storage, config, files);
    }
    ModelFingerprint.Known ofBase = merged.get().base().known();
    ModelFingerprint.Known ofAdapter =
        ModelFingerprint.of(storage, PythonJson.object(), merged.get().adapter().files());
    return new ModelFingerprint.Known(
        merged.get().fingerprint(ofBase, ofAdapter), ofBase.notFinite().or(ofAdapter::notFinite));
  }
}
