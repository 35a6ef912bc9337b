package io.plumbline.model;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.ModelDirectory.TensorInfo;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.model.architecture.DecoderConfig.ParameterShape;
import io.plumbline.model.architecture.TensorNames;
import java.nio.FloatBuffer;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The weights of a checkpoint under its family's names. Like transformers, {@code
 * core_model_loading.rename_source_key}, it takes a name with or without the base model's prefix
 * {@code model.}, and no other prefix; and experts one by one or, as transformers 5 holds them in
 * memory, all of a layer in one tensor.
 */
final class DirectoryWeights implements WeightSource {
  private static final Logger LOG = LoggerFactory.getLogger(DirectoryWeights.class);

  /** TRL's value head beside a language model, which it does not change. */
  private static final String VALUE_HEAD = "v_head.";

  /** All experts of a layer in one tensor: [experts, rows, columns]. */
  private static final Pattern FUSED_EXPERTS =
      Pattern.compile("(.*mlp\\.experts\\.)(gate_up_proj|down_proj)");

  /**
   * A tensor of the file, or rows of one that lie side by side.
   *
   * @param from how many values stand before it
   */
  private record Stored(TensorInfo tensor, long[] shape, long from) {
    static Stored whole(TensorInfo tensor) {
      return new Stored(tensor, tensor.shape(), 0);
    }

    String name() {
      return tensor.name();
    }
  }

  private final ModelDirectory directory;

  /** What is in the file by the family's name, or by its own where the family has none such. */
  private final Map<String, Stored> tensors;

  private final TensorNames names;

  private DirectoryWeights(
      ModelDirectory directory, TensorNames names, Map<String, Stored> tensors) {
    this.directory = directory;
    this.names = names;
    this.tensors = tensors;
  }

  static DirectoryWeights of(ModelDirectory directory, DecoderConfig config) {
    TensorNames names = config.names();
    Set<String> known = new HashSet<>(Set.of(DecoderConfig.SCORE_WEIGHT));
    config.untied().parameterShapes().forEach(p -> known.add(p.name()));
    Map<String, Stored> tensors = new TreeMap<>();
    for (TensorInfo tensor : directory.tensors()) {
      stored(tensor, names.base(), known)
          .forEach(
              (name, own) -> {
                Stored other = tensors.put(name, own);
                if (other != null) {
                  throw new PlumblineException(
                      ErrorCode.BAD_CHECKPOINT,
                      directory.path()
                          + " holds "
                          + other.name()
                          + " and "
                          + tensor.name()
                          + ", two tensors for one parameter: take out the one that is not meant");
                }
              });
    }
    return new DirectoryWeights(directory, names, tensors);
  }

  /** A tensor, or each expert's part of it, by the family's names. */
  private static Map<String, Stored> stored(TensorInfo tensor, String base, Set<String> known) {
    Matcher fused = FUSED_EXPERTS.matcher(tensor.name());
    long[] shape = tensor.shape();
    Map<String, Stored> parts = new LinkedHashMap<>();
    List<String> modules =
        tensor.name().endsWith("down_proj")
            ? List.of("down_proj")
            : List.of("gate_proj", "up_proj");
    if (fused.matches()
        && shape.length == 3
        && shape[0] <= known.size()
        && shape[1] % modules.size() == 0) {
      long rows = shape[1] / modules.size();
      for (int i = 0; i < shape[0] * modules.size(); i++) {
        String expert = fused.group(1) + i / modules.size() + ".";
        String part = expert + modules.get(i % modules.size()) + ".weight";
        long[] own = {rows, shape[2]};
        parts.put(name(part, base, known), new Stored(tensor, own, i * rows * shape[2]));
      }
    }
    // Other families have no such parameters, and what is too many or missing shows by its name.
    return known.containsAll(parts.keySet()) && !parts.isEmpty()
        ? parts
        : Map.of(name(tensor.name(), base, known), Stored.whole(tensor));
  }

  private static String name(String inFile, String base, Set<String> known) {
    if (inFile.startsWith(base) && known.contains(inFile.substring(base.length()))) {
      return inFile.substring(base.length());
    }
    return known.contains(base + inFile) ? base + inFile : inFile;
  }

  /** Without what the model under a head does not read. */
  DirectoryWeights forHead(Head head) {
    Map<String, Stored> kept = new LinkedHashMap<>(tensors);
    if (head == Head.SCORE) {
      kept.remove(names.head());
    } else if (kept.keySet().removeIf(name -> name.startsWith(VALUE_HEAD))) {
      LOG.warn("{} has a value head ({}), which is not read", directory.path(), VALUE_HEAD);
    }
    return new DirectoryWeights(directory, names, kept);
  }

  DirectoryWeights without(String name) {
    Map<String, Stored> kept = new LinkedHashMap<>(tensors);
    kept.remove(name);
    return new DirectoryWeights(directory, names, kept);
  }

  /** Tied weights stand in the file once, under whichever name: here under the head's. */
  DirectoryWeights withEmbeddingOfHead() {
    Map<String, Stored> moved = new LinkedHashMap<>(tensors);
    moved.put(names.embedding(), moved.remove(names.head()));
    return new DirectoryWeights(directory, names, moved);
  }

  /** Whether head and embedding, which are both there, hold the same numbers. */
  boolean headIsEmbedding() {
    return directory.sameNumbers(
        tensors.get(names.embedding()).name(), tensors.get(names.head()).name());
  }

  /** Fails where a parameter is of a type that holds no plain weights, or a quantised one. */
  void requirePlainNumbers(DecoderConfig config, Head head) {
    config.segmentShapes(head).stream()
        .flatMap(segment -> segment.parameters().stream())
        .map(ParameterShape::name)
        .filter(tensors::containsKey)
        .forEach(name -> directory.requirePlainNumbers(tensors.get(name).name()));
  }

  @Override
  public String description() {
    return directory.path();
  }

  @Override
  public Set<String> names() {
    return tensors.keySet();
  }

  @Override
  public String nameInFile(String name) {
    return tensors.containsKey(name) ? tensors.get(name).name() : name;
  }

  @Override
  public long[] shape(String name) {
    return tensors.get(name).shape();
  }

  @Override
  public void read(String name, long from, FloatBuffer target) {
    Stored stored = tensors.get(name);
    directory.read(stored.name(), stored.from() + from, target);
  }
}
