package io.plumbline.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import io.plumbline.model.architecture.DecoderConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A sound checkpoint of two shards with an index, of which something was changed: its
 * configuration, its index, the headers of its weight files, their numbers, or their bytes.
 */
final class ChangedCheckpoint {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String CONFIG = "config.json";
  private static final String INDEX = "model.safetensors.index.json";
  private static final List<String> SHARDS =
      List.of("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");

  /** Values as JSON has them, of every kind and at every edge. */
  private static final List<String> VALUES =
      List.of(
          "null",
          "true",
          "false",
          "0",
          "1",
          "2",
          "3",
          "-1",
          "8",
          "0.5",
          "1e-400",
          "1e308",
          "1e400",
          "NaN",
          "2147483647",
          "2147483648",
          "4611686018427387904",
          "9223372036854775807",
          "99999999999999999999999",
          "\"\"",
          "\"x\"",
          "\"F32\"",
          "\"F8_E4M3\"",
          "\"yarn\"",
          "[]",
          "[1]",
          "[0, 4611686018427387904, 4]",
          "[-1, 8]",
          "[\"full_attention\"]",
          "{}",
          "{\"x\": {}}",
          "{\"rope_type\": \"yarn\", \"factor\": 4}",
          "{\"full_attention\": {\"rope_theta\": 1}}",
          "{\"rope_type\": \"longrope\"}",
          "[".repeat(1200) + "]".repeat(1200));

  private static final List<String> FAMILIES =
      List.of(
          "llama",
          "mistral",
          "qwen2",
          "qwen3",
          "gemma2",
          "gemma3_text",
          "phi3",
          "olmo2",
          "olmo3",
          "smollm3",
          "granite",
          "gpt2",
          "gpt_neox",
          "ministral");

  private static final List<String> OTHER_FIELDS =
      List.of(
          "rope_scaling",
          "rope_parameters",
          "rope_theta",
          "head_dim",
          "layer_types",
          "sliding_window",
          "pad_token_id",
          "partial_rotary_factor",
          "torch_dtype",
          "no_rope_layers",
          "no_rope_layer_interval",
          "quantization_config",
          "architectures",
          "vocab_size",
          "max_position_embeddings",
          "transformers_weights",
          "auto_map",
          "initializer_range");

  private final IntUnaryOperator choice;
  private final Map<String, byte[]> files = new TreeMap<>();
  private final List<String> changes = new ArrayList<>();

  private ChangedCheckpoint(IntUnaryOperator choice) {
    this.choice = choice;
  }

  /**
   * A checkpoint with one to three changes.
   *
   * @param choice a number from 0 to below its argument
   */
  static ChangedCheckpoint drawn(IntUnaryOperator choice) {
    ChangedCheckpoint checkpoint = new ChangedCheckpoint(choice);
    checkpoint.makeSound();
    for (int i = choice.applyAsInt(3); i >= 0; i--) {
      checkpoint.change();
    }
    return checkpoint;
  }

  /** A checkpoint for each field of its configuration, and each that it could have, by value. */
  static Stream<ChangedCheckpoint> withEachFieldOfTheConfiguration() {
    ChangedCheckpoint sound = new ChangedCheckpoint(bound -> 0);
    sound.makeSound();
    Set<String> fields = new TreeSet<>(OTHER_FIELDS);
    sound.changeJson(CONFIG, config -> fields.addAll(names(config)));
    return fields.stream()
        .flatMap(
            field ->
                IntStream.range(0, VALUES.size())
                    .mapToObj(
                        value -> {
                          ChangedCheckpoint changed = new ChangedCheckpoint(bound -> value);
                          changed.makeSound();
                          changed.changeJson(CONFIG, c -> changed.setField(c, field));
                          return changed;
                        }));
  }

  void write(Path directory) throws IOException {
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      Files.write(directory.resolve(file.getKey()), file.getValue());
    }
  }

  @Override
  public String toString() {
    return "changes " + changes;
  }

  private void makeSound() {
    ObjectNode config =
        Models.config(
            Map.of(
                "vocab_size", 11,
                "hidden_size", 8,
                "intermediate_size", 12,
                "num_hidden_layers", 2,
                "num_attention_heads", 2,
                "num_key_value_heads", 1,
                "max_position_embeddings", 32,
                "architectures", List.of("LlamaForCausalLM")));
    files.put(CONFIG, bytes(config));
    ObjectNode index = JSON.createObjectNode();
    index.putObject("metadata").put("total_size", 1);
    ObjectNode map = index.putObject("weight_map");
    List<ObjectNode> headers = List.of(JSON.createObjectNode(), JSON.createObjectNode());
    long[] lengths = new long[2];
    int next = 0;
    for (var parameter : DecoderConfig.parse(config, "sound").parameterShapes()) {
      int shard = next++ % 2;
      ObjectNode entry = headers.get(shard).putObject(parameter.name()).put("dtype", "F32");
      ArrayNode shape = entry.putArray("shape");
      Arrays.stream(parameter.shape()).forEach(shape::add);
      long end = lengths[shard] + 4 * parameter.elements();
      entry.putArray("data_offsets").add(lengths[shard]).add(end);
      lengths[shard] = end;
      map.put(parameter.name(), SHARDS.get(shard));
    }
    for (int i = 0; i < 2; i++) {
      files.put(SHARDS.get(i), shard(headers.get(i), new byte[(int) lengths[i]]));
    }
    files.put(INDEX, bytes(index));
  }

  private void change() {
    if (files.isEmpty()) {
      // Earlier changes took every file away.
      return;
    }
    switch (choice.applyAsInt(8)) {
      case 0, 1 -> changeConfig();
      case 2 -> changeIndex();
      case 3, 4 -> changeHeader();
      case 5 -> changeNumber();
      case 6 -> changeBytes();
      default -> changeFiles();
    }
  }

  private void changeConfig() {
    changeJson(
        CONFIG,
        config -> {
          if (choice.applyAsInt(8) == 0) {
            config.put("model_type", pick(FAMILIES));
          } else {
            changeField(config, choice.applyAsInt(2) == 0 ? names(config) : OTHER_FIELDS);
          }
        });
  }

  private void changeIndex() {
    changeJson(
        INDEX,
        index -> {
          if (choice.applyAsInt(6) == 0
              || !(index.get("weight_map") instanceof ObjectNode map)
              || map.isEmpty()) {
            changeField(index, List.of("weight_map", "metadata"));
            return;
          }
          String tensor = pick(names(map));
          switch (choice.applyAsInt(5)) {
            case 0 -> map.remove(tensor);
            case 1 -> map.put(tensor, pick(SHARDS));
            case 2 ->
                map.put(tensor, pick(List.of("gone.safetensors", "../x", "", CONFIG, "a\0b")));
            case 3 -> map.put("more.weight", pick(SHARDS));
            default -> changeField(map, List.of(tensor));
          }
        });
  }

  private void changeHeader() {
    String name = pick(SHARDS);
    byte[] file = files.get(name);
    ObjectNode header = header(file);
    if (header == null || header.isEmpty()) {
      return;
    }
    byte[] data = Arrays.copyOfRange(file, (int) (8 + headerLength(file)), file.length);
    String tensor = pick(names(header));
    changes.add("header of " + name + " at " + tensor);
    if (choice.applyAsInt(8) == 0 || !(header.get(tensor) instanceof ObjectNode entry)) {
      changeField(header, List.of(tensor, "more.weight", "__metadata__"));
    } else if (choice.applyAsInt(2) == 0
        && entry.path(pick(List.of("shape", "data_offsets"))) instanceof ArrayNode numbers
        && !numbers.isEmpty()) {
      numbers.set(choice.applyAsInt(numbers.size()), value());
    } else {
      changeField(entry, List.of("dtype", "shape", "data_offsets", "more"));
    }
    files.put(name, shard(header, data));
  }

  /** Numbers of every kind: NaN, infinity, whatever the bits are. */
  private void changeNumber() {
    byte[] file = files.get(pick(SHARDS));
    if (header(file) == null || file.length < 8 + headerLength(file) + 4) {
      return;
    }
    int start = (int) (8 + headerLength(file));
    int at = start + 4 * choice.applyAsInt((file.length - start) / 4);
    int[] values = {0x7fc00000, 0x7f800000, 0xff800000, 0x7f7fffff, 1, choice.applyAsInt(1 << 30)};
    ByteBuffer.wrap(file)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(at, values[choice.applyAsInt(values.length)]);
    changes.add("a number at " + at);
  }

  private void changeBytes() {
    String name = pick(new ArrayList<>(files.keySet()));
    byte[] file = files.get(name).clone();
    if (file.length == 0) {
      return;
    }
    // The start holds the header's length and the header.
    int at = choice.applyAsInt(choice.applyAsInt(2) == 0 ? Math.min(16, file.length) : file.length);
    switch (choice.applyAsInt(3)) {
      case 0 -> file[at] = (byte) choice.applyAsInt(256);
      case 1 -> file = Arrays.copyOf(file, at);
      default -> file = Arrays.copyOf(file, file.length + 1 + choice.applyAsInt(64));
    }
    files.put(name, file);
    changes.add("bytes of " + name + " at " + at + ", " + file.length + " long");
  }

  private void changeFiles() {
    String name = pick(new ArrayList<>(files.keySet()));
    String other = pick(List.of("model.safetensors", "pytorch_model.bin", "x.gguf", INDEX, CONFIG));
    switch (choice.applyAsInt(3)) {
      case 0 -> files.remove(name);
      case 1 -> files.put(other, files.get(name).clone());
      default -> files.put(name, files.get(pick(new ArrayList<>(files.keySet()))).clone());
    }
    for (String needed : List.of(CONFIG, INDEX, SHARDS.get(0), SHARDS.get(1))) {
      if (!files.containsKey(needed) && choice.applyAsInt(4) > 0) {
        files.put(needed, new byte[0]);
      }
    }
    changes.add("file " + name + " or " + other);
  }

  private interface JsonChange {
    void apply(ObjectNode node);
  }

  private void changeJson(String name, JsonChange change) {
    try {
      if (files.containsKey(name) && JSON.readTree(files.get(name)) instanceof ObjectNode node) {
        change.apply(node);
        files.put(name, bytes(node));
        changes.add(name + " to " + shortened(node.toString()));
      }
    } catch (IOException e) {
      changes.add(name + " is no JSON any more");
    }
  }

  private void changeField(ObjectNode node, List<String> names) {
    if (names.isEmpty()) {
      return;
    }
    String name = pick(names);
    if (choice.applyAsInt(5) == 0) {
      node.remove(name);
      changes.add("without " + name);
    } else {
      setField(node, name);
    }
  }

  private void setField(ObjectNode node, String name) {
    JsonNode value = value();
    node.set(name, value);
    changes.add(name + ": " + shortened(value.toString()));
  }

  /** A value that is written as it stands here. */
  private JsonNode value() {
    return JSON.getNodeFactory().rawValueNode(new RawValue(pick(VALUES)));
  }

  private <T> T pick(List<T> from) {
    return from.get(choice.applyAsInt(from.size()));
  }

  private static String shortened(String text) {
    return text.length() <= 300 ? text : text.substring(0, 300) + "...";
  }

  private static List<String> names(ObjectNode node) {
    List<String> names = new ArrayList<>();
    node.fieldNames().forEachRemaining(names::add);
    return names;
  }

  private static byte[] bytes(JsonNode node) {
    try {
      return JSON.writeValueAsBytes(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private static byte[] shard(ObjectNode header, byte[] data) {
    byte[] json = bytes(header);
    return ByteBuffer.allocate(8 + json.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .put(data)
        .array();
  }

  private static long headerLength(byte[] file) {
    return ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
  }

  /** The header of a weight file; null where an earlier change left none. */
  private static ObjectNode header(byte[] file) {
    if (file == null || file.length < 8) {
      return null;
    }
    long length = headerLength(file);
    if (length < 2 || length > file.length - 8) {
      return null;
    }
    try {
      String json = new String(file, 8, (int) length, StandardCharsets.UTF_8);
      return JSON.readTree(json) instanceof ObjectNode header ? header : null;
    } catch (JsonProcessingException e) {
      return null;
    }
  }
}
