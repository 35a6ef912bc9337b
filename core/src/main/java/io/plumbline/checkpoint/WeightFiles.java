package io.plumbline.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The weight files of a model directory, chosen as transformers 5.23 does ({@code
 * modeling_utils._get_resolved_checkpoint_files}): model.safetensors, else what
 * model.safetensors.index.json names. Whatever transformers would read beside or instead of them is
 * refused with what to do.
 */
final class WeightFiles {
  static final String SINGLE = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";

  /** Files of a distributed checkpoint, which transformers takes before all others. */
  private static final Pattern DISTRIBUTED =
      Pattern.compile("shard-[0-9]{5}-model-[0-9]{5}-of-[0-9]{5}\\.safetensors");

  private static final Pattern SHARD = Pattern.compile("model-[0-9]+-of-[0-9]+\\.safetensors");
  private static final Pattern VARIANT =
      Pattern.compile(
          "model\\.([A-Za-z0-9_-]+)\\.safetensors|model\\.safetensors\\.index\\.([a-z0-9_-]+)\\.json");
  private static final Pattern STEP = Pattern.compile("checkpoint-[0-9]+");

  private WeightFiles() {}

  /**
   * The file of each tensor.
   *
   * @param names of all entries of the directory
   */
  static Map<String, SafetensorsFile> open(
      Storage storage, String path, Set<String> names, ObjectNode config) {
    JsonNode explicit = config.path("transformers_weights");
    if (explicit.isTextual() && !explicit.asText().equals(SINGLE)) {
      throw bad(
          path
              + " names its weights by transformers_weights in config.json ("
              + explicit.asText()
              + "), which is not supported; save the model again by save_pretrained.");
    }
    for (String name : names) {
      if (DISTRIBUTED.matcher(name).matches()) {
        throw bad(
            path
                + " holds a distributed checkpoint ("
                + name
                + "), which transformers reads before all else and Plumbline does not; save the"
                + " whole model by save_pretrained.");
      }
    }
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

  /** Whether there are weights of a whole model. */
  static boolean areIn(Set<String> names) {
    return names.contains(SINGLE) || names.contains(INDEX);
  }

  /**
   * An adapter beside full weights, which transformers applies to them where peft is installed, or
   * one that is not complete.
   */
  static void refuseAdapters(Storage storage, String path, Set<String> names) {
    Optional<String> adapter =
        names.stream()
            .filter(name -> name.equals(AdapterConfig.FILE) || name.startsWith("adapter_model."))
            .findFirst();
    if (adapter.isEmpty()) {
      return;
    }
    boolean alone = !areIn(names);
    String lacking = names.contains(AdapterConfig.FILE) ? Adapter.WEIGHTS : AdapterConfig.FILE;
    throw bad(
        path
            + (alone
                ? " holds an adapter (" + adapter.get() + ") without its " + lacking
                : " holds an adapter ("
                    + adapter.get()
                    + ") beside the model's weights, which transformers applies to them and"
                    + " Plumbline does not")
            + (alone
                ? ": name a directory that PEFT's save_pretrained wrote."
                : ": put it into a directory of its own and merge it by plumbline merge, or delete"
                    + " its files if it is not meant."));
  }

  /** transformers reads all of each file that the index names, also what the index leaves out. */
  private static void openShards(
      Storage storage, String path, Set<String> names, Map<String, SafetensorsFile> files) {
    String indexPath = Storage.join(path, INDEX);
    JsonNode weightMap = PythonJson.read(storage, indexPath).path("weight_map");
    Map<String, SafetensorsFile> shards = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : weightMap.properties()) {
      String shard = entry.getValue().asText();
      if (!entry.getValue().isTextual() || shard.contains("/") || shard.contains("\\")) {
        throw bad(
            indexPath
                + " names no file of its directory for "
                + entry.getKey()
                + ", but "
                + entry.getValue()
                + "; save the model again.");
      }
      if (!names.contains(shard)) {
        throw bad(
            path
                + " lacks the weight file "
                + shard
                + " that its index names for "
                + entry.getKey()
                + "; copy it there too.");
      }
      if (!shard.endsWith(".safetensors")) {
        throw bad(indexPath + " names " + shard + ", which is no safetensors file.");
      }
      if (!shards.containsKey(shard)) {
        shards.put(shard, SafetensorsFile.open(storage, Storage.join(path, shard)));
      }
      shards.get(shard).tensor(entry.getKey()); // Fails with a sentence where the shard lacks it.
    }
    for (SafetensorsFile shard : shards.values()) {
      for (String tensor : shard.tensors().keySet()) {
        SafetensorsFile other = files.put(tensor, shard);
        if (other != null) {
          throw bad(
              path
                  + " holds the tensor "
                  + tensor
                  + " twice, in "
                  + other.path()
                  + " and "
                  + shard.path()
                  + "; save the model again.");
        }
      }
    }
  }

  private static PlumblineException withoutWeights(String path, Set<String> names) {
    for (String name : names) {
      if ((name.startsWith("pytorch_model") && name.contains(".bin"))
          || name.endsWith(".pt")
          || name.endsWith(".pth")) {
        return bad(
            path
                + " holds its weights as pickle ("
                + name
                + "), which can run code when it is read and is refused; load it in transformers"
                + " where you trust it and save it with save_pretrained, which writes"
                + " safetensors.");
      }
    }
    for (String name : names) {
      String what = otherWeights(name, names);
      if (!what.isEmpty()) {
        return bad(
            path + " has neither " + SINGLE + " nor " + INDEX + ", but " + name + ": " + what);
      }
    }
    return bad(
        path
            + " has neither model.safetensors nor model.safetensors.index.json; copy the weights"
            + " there too.");
  }

  /** What a file that might be weights is, and what to do; empty for others. */
  private static String otherWeights(String name, Set<String> names) {
    String again = "save the model again by save_pretrained and name what it wrote.";
    if (SHARD.matcher(name).matches()) {
      return "a shard without its index; copy " + INDEX + " there too.";
    }
    if (VARIANT.matcher(name).matches()) {
      return "a variant that transformers loads only by variant=\"...\"; rename it, or load it so"
          + " and "
          + again;
    }
    if (name.startsWith("consolidated.")) {
      return "weights in the form of the model's makers, with other names of tensors; take the"
          + " model in the form of transformers.";
    }
    if (name.endsWith(".gguf")) {
      return "weights for llama.cpp; take the model in the form of transformers.";
    }
    if (name.endsWith(".h5") || name.endsWith(".msgpack") || name.endsWith(".onnx")) {
      return "weights of another library; take the model in the form of transformers.";
    }
    if (name.startsWith("global_step") || name.equals("zero_to_fp32.py")) {
      return "the state of a DeepSpeed run; make weights of it by zero_to_fp32.py with"
          + " --safe_serialization.";
    }
    if (name.startsWith("pytorch_model_fsdp") || name.endsWith(".distcp")) {
      return "the state of an FSDP run; make weights of it by accelerate merge-weights.";
    }
    if (STEP.matcher(name).matches()) {
      return "checkpoints of a training run; name one of them.";
    }
    if (name.endsWith(".safetensors") && !names.contains(INDEX)) {
      return "no name that transformers looks for; rename it to " + SINGLE + " if it is the model.";
    }
    return "";
  }

  /** What a directory without config.json is instead; empty where nothing tells. */
  static String withoutConfig(Set<String> names) {
    if (names.contains("run.json") && names.contains("checkpoint")) {
      return "; it is the directory of a run, whose model is below it in checkpoint";
    }
    for (String name : names) {
      if (TrainingStateStore.STEP.matcher(name).matches()) {
        return "; it holds the training states of a run, whose model is beside it in checkpoint";
      }
      if (STEP.matcher(name).matches()) {
        return "; it holds checkpoints of a training run: name one of them, such as " + name;
      }
      if (name.endsWith(".gguf")) {
        return "; " + name + " is for llama.cpp, take the model in the form of transformers";
      }
      if (name.startsWith("consolidated.") || name.equals("params.json")) {
        return "; it has the form of the model's makers ("
            + name
            + "), take the model in the form of transformers";
      }
      if (name.equals("refs") && names.contains("snapshots")) {
        return "; it is a hub's cache: name the directory below snapshots";
      }
    }
    return "";
  }

  private static PlumblineException bad(String sentence) {
    return new PlumblineException(ErrorCode.BAD_CHECKPOINT, sentence);
  }
}
