package io.plumbline.checkpoint;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * PEFT's directory of a LoRA adapter, read without its base: adapter_config.json and the matrices
 * in adapter_model.safetensors, whose names are those of the model's modules behind {@code
 * base_model.model.}.
 */
public final class Adapter {
  static final String WEIGHTS = "adapter_model.safetensors";

  /** What PEFT's names of tensors begin with. */
  public static final String PREFIX = "base_model.model.";

  /** What a module's matrices are called behind its name. */
  public enum Part {
    /** [rank, inputs] */
    A(".lora_A.weight"),
    /** [outputs, rank] */
    B(".lora_B.weight"),
    /** [outputs], with DoRA. */
    MAGNITUDE(".lora_magnitude_vector");

    private final String ending;

    Part(String ending) {
      this.ending = ending;
    }

    /** The tensor of a module, by PEFT's name. */
    public String tensor(String module) {
      return PREFIX + module + ending;
    }
  }

  private static final String LORA = ".lora_";
  private static final String WEIGHT = ".weight";
  private static final String HEAD = "lm_head";
  private static final String BASE_WEIGHT = ".base_layer.weight";

  private final String path;
  private final AdapterConfig config;
  private final SafetensorsFile file;
  private final Set<String> modules = new TreeSet<>();
  private final Set<String> saved = new TreeSet<>();

  private Adapter(String path, AdapterConfig config, SafetensorsFile file) {
    this.path = path;
    this.config = config;
    this.file = file;
  }

  /** The same weights, to be trained with another dropout. */
  public Adapter withDropout(double rate) {
    Adapter changed = new Adapter(path, config.dropout(rate), file);
    changed.modules.addAll(modules);
    changed.saved.addAll(saved);
    return changed;
  }

  static boolean isIn(Set<String> names) {
    return names.contains(AdapterConfig.FILE) && names.contains(WEIGHTS);
  }

  /**
   * Opens a directory.
   *
   * @throws PlumblineException BAD_CHECKPOINT where it holds no LoRA adapter, or one that is not
   *     supported
   */
  public static Adapter open(Storage storage, String path) {
    Set<String> names = ModelDirectory.names(storage, path);
    if (names.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.INPUT_NOT_FOUND,
          "There is no adapter's directory "
              + path
              + "; name one with "
              + AdapterConfig.FILE
              + ".");
    }
    if (!isIn(names)) {
      String lacking = names.contains(AdapterConfig.FILE) ? WEIGHTS : AdapterConfig.FILE;
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          path + " has no " + lacking + ": name a directory that PEFT's save_pretrained wrote.");
    }
    Adapter adapter =
        new Adapter(
            path,
            AdapterConfig.read(storage, path),
            SafetensorsFile.open(storage, Storage.join(path, WEIGHTS)));
    adapter.file.tensors().values().forEach(adapter::take);
    adapter.modules.forEach(adapter::check);
    return adapter;
  }

  private void take(SafetensorsFile.Tensor tensor) {
    file.requirePlainNumbers(tensor);
    String name = tensor.name();
    if (!name.startsWith(PREFIX)) {
      throw bad("has the tensor " + name + ", and PEFT's begin with " + PREFIX);
    }
    if (name.endsWith(BASE_WEIGHT)) {
      // PEFT saves an adapted head's own weight too, which is that of the base.
      return;
    }
    int lora = name.indexOf(LORA);
    if (name.startsWith(LORA + "embedding_", Math.max(lora, 0))) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          path
              + " adapts the embedding "
              + name.substring(PREFIX.length(), lora)
              + ", which is not supported: merge the adapter in PEFT, by merge_and_unload.");
    }
    if (lora < 0) {
      saved.add(name.substring(PREFIX.length()));
      return;
    }
    String module = name.substring(PREFIX.length(), lora);
    for (Part part : Part.values()) {
      if (part.tensor(module).equals(name)) {
        modules.add(module);
        return;
      }
    }
    throw bad("has the tensor " + name + ", which is none of a linear module's adapter");
  }

  private void check(String module) {
    long[] a = shape(module, Part.A, 2);
    long[] b = shape(module, Part.B, 2);
    if (a[0] != b[1]) {
      throw bad("has matrices of ranks " + a[0] + " and " + b[1] + " for " + module);
    }
    if (a[0] != config.rank(module)) {
      throw bad(
          "has matrices of rank "
              + a[0]
              + " for "
              + module
              + ", and "
              + AdapterConfig.FILE
              + " says "
              + config.rank(module));
    }
    if (config.weightDecomposed() && shape(module, Part.MAGNITUDE, 1)[0] != b[0]) {
      throw bad("has lengths of another number of rows than matrices for " + module);
    }
  }

  private long[] shape(String module, Part part, int dimensions) {
    String name = part.tensor(module);
    if (!file.tensors().containsKey(name)) {
      throw bad("has no tensor " + name);
    }
    long[] shape = file.tensor(name).shape();
    if (shape.length != dimensions) {
      throw bad("has " + name + " in " + shape.length + " dimensions, not " + dimensions);
    }
    return shape;
  }

  private PlumblineException bad(String what) {
    return new PlumblineException(
        ErrorCode.BAD_CHECKPOINT,
        Storage.join(path, WEIGHTS) + " " + what + "; save the adapter again.");
  }

  public String path() {
    return path;
  }

  public AdapterConfig config() {
    return config;
  }

  /**
   * Where the model is that it adapts: what its configuration names, as it stands or as seen from
   * the adapter's directory.
   *
   * @throws PlumblineException BAD_CHECKPOINT where it is in neither place
   */
  String baseDirectory(Storage storage) {
    String base = config.base();
    for (String candidate : List.of(base, Storage.join(path, base))) {
      if (!base.isEmpty() && storage.exists(Storage.join(candidate, ModelDirectory.CONFIG))) {
        return candidate;
      }
    }
    throw new PlumblineException(
        ErrorCode.BAD_CHECKPOINT,
        path
            + " holds an adapter of "
            + (base.isEmpty() ? "a model that it does not name" : base)
            + (base.isEmpty() ? "" : ", which is no directory here")
            + ": merge the two by plumbline merge --model DIR --adapter "
            + path
            + " --output DIR, or set base_model_name_or_path in "
            + AdapterConfig.FILE
            + " to the model's directory (nothing is downloaded).");
  }

  /**
   * Copies the adapter to a directory, as one of a model that is in another place than its own
   * configuration says.
   *
   * @param base the model's directory
   */
  public void copyTo(Storage storage, String directory, String base) {
    String written = Storage.join(directory, AdapterConfig.FILE);
    storage.delete(written);
    for (String name : ModelDirectory.names(storage, path)) {
      if (name.equals(WEIGHTS) || ModelDirectory.isOfTokenizer(name)) {
        try (InputStream in = storage.open(Storage.join(path, name));
            OutputStream out = storage.create(Storage.join(directory, name))) {
          in.transferTo(out);
        } catch (IOException e) {
          throw new PlumblineException(
              ErrorCode.STORAGE_FAILED,
              "Copying %s from %s to %s failed: %s"
                  .formatted(name, path, directory, e.getMessage()),
              e);
        }
      }
    }
    storage.writeText(written, config.ofBase(storage.absolute(base)).text());
  }

  /** The parameters' number. */
  public long parameters() {
    return file.tensors().values().stream()
        .filter(tensor -> !tensor.name().endsWith(BASE_WEIGHT))
        .mapToLong(SafetensorsFile.Tensor::elements)
        .sum();
  }

  /** Modules with an adapter, by their names in the model. */
  public Set<String> modules() {
    return modules;
  }

  /** Parameters that were trained whole, by their names in the model. */
  public Set<String> saved() {
    return saved;
  }

  /** The shape of a tensor by PEFT's name. */
  public long[] shape(String tensor) {
    return file.tensor(tensor).shape().clone();
  }

  /**
   * Reads a tensor by PEFT's name into the whole of a buffer.
   *
   * @param from how many values are before the first one that is wanted
   */
  public void read(String tensor, long from, FloatBuffer target) {
    file.read(tensor, from, target);
  }

  float[] values(String module, Part part) {
    String tensor = part.tensor(module);
    float[] values = new float[Math.toIntExact(file.tensor(tensor).elements())];
    file.read(tensor, FloatBuffer.wrap(values));
    return values;
  }

  /** The files of its tensors, by tensor. */
  Map<String, SafetensorsFile> files() {
    Map<String, SafetensorsFile> files = new TreeMap<>();
    file.tensors().keySet().forEach(name -> files.put(name, file));
    return files;
  }

  /**
   * The name that one of the model's modules or parameters has among other names: in files the base
   * model's prefix may be left out.
   */
  static Optional<String> among(Set<String> names, String own) {
    if (names.contains(own)) {
      return Optional.of(own);
    }
    // In memory transformers 5 calls the head of GPT-NeoX as that of the others.
    String shorter =
        own.equals(HEAD + WEIGHT) ? "embed_out.weight" : own.substring(own.indexOf('.') + 1);
    return names.contains(shorter) ? Optional.of(shorter) : Optional.empty();
  }

  /** By the name in a base's files, the module whose weight it is. */
  Map<String, String> weightsIn(Set<String> baseNames, String basePath) {
    Map<String, String> found = new TreeMap<>();
    List<String> lost = new ArrayList<>();
    for (String module : modules) {
      among(baseNames, module + WEIGHT)
          .ifPresentOrElse(name -> found.put(name, module), () -> lost.add(module));
    }
    if (lost.contains(HEAD)) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          path
              + " adapts the head, and "
              + basePath
              + " has none but its embedding: merge the adapter in PEFT, by merge_and_unload, and"
              + " save it with tie_word_embeddings false.");
    }
    if (!lost.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          path
              + " adapts "
              + lost.get(0)
              + (lost.size() > 1 ? " and " + (lost.size() - 1) + " more modules" : "")
              + ", which "
              + basePath
              + " does not have: name the model that the adapter was trained on.");
    }
    return found;
  }
}
