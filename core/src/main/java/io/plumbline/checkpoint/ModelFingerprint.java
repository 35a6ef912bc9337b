package io.plumbline.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Fingerprint;
import io.plumbline.base.Sha256;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.SeekableInput;
import io.plumbline.storage.Storage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The fingerprint of a model directory's configuration and weights. */
final class ModelFingerprint {
  private static final int CHUNK_BYTES = 16 << 20;
  private static final int MAX_THREADS = 8;
  private static final int REMEMBERED = 64;

  /** What says nothing about the numbers that come out. */
  private static final Set<String> VOLATILE =
      Set.of(
          "transformers_version",
          "dtype",
          "torch_dtype",
          "use_cache",
          "output_attentions",
          "output_hidden_states",
          "return_dict",
          "rope_theta",
          "rope_scaling",
          "rope_parameters");

  /** Where a weight is infinite or NaN: the first in the order of names. */
  record NotFinite(String tensor, long place) {}

  /** What one pass over the weights tells. */
  record Known(String fingerprint, Optional<NotFinite> notFinite) {}

  /** A file as it was at some time. */
  record Version(String path, long length, long modifiedMillis) {
    static Version of(Storage storage, String path) {
      return new Version(path, storage.size(path), storage.modified(path).toEpochMilli());
    }
  }

  /**
   * What is known of 16 MiB of a tensor.
   *
   * @param notFinite the place of its first number that is infinite or NaN; -1 for none
   */
  private record Chunk(byte[] hash, long notFinite) {}

  private record Key(String config, List<Version> files) {}

  private static final Map<Key, Known> KNOWN = Recent.map(REMEMBERED);

  private ModelFingerprint() {}

  static Known of(Storage storage, ObjectNode config, Map<String, SafetensorsFile> files) {
    String canonical = canonical(config);
    List<Version> versions = new ArrayList<>();
    for (SafetensorsFile file : new HashSet<>(files.values())) {
      versions.add(Version.of(storage, file.path()));
    }
    versions.sort(java.util.Comparator.comparing(Version::path));
    Key key = new Key(canonical, versions);
    Known known = KNOWN.get(key);
    if (known == null) {
      known = compute(storage, canonical, files);
      KNOWN.put(key, known);
    }
    return known;
  }

  private static Known compute(
      Storage storage, String canonicalConfig, Map<String, SafetensorsFile> files) {
    ExecutorService threads =
        Executors.newFixedThreadPool(
            Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors()),
            task -> {
              Thread thread = new Thread(task, "plumbline-fingerprint");
              thread.setDaemon(true);
              return thread;
            });
    try {
      Map<String, List<Future<Chunk>>> chunks = new TreeMap<>();
      files.forEach(
          (name, file) -> {
            SafetensorsFile.Tensor tensor = file.tensor(name);
            List<Future<Chunk>> hashes = new ArrayList<>();
            for (long at = tensor.start(); at < tensor.end(); at += CHUNK_BYTES) {
              long start = at;
              int length = (int) Math.min(CHUNK_BYTES, tensor.end() - at);
              hashes.add(threads.submit(() -> read(storage, file.path(), tensor, start, length)));
            }
            chunks.put(name, hashes);
          });
      Optional<NotFinite> notFinite = Optional.empty();
      Fingerprint fingerprint = Fingerprint.of("model").text("config", canonicalConfig);
      for (Map.Entry<String, List<Future<Chunk>>> entry : chunks.entrySet()) {
        SafetensorsFile.Tensor tensor = files.get(entry.getKey()).tensor(entry.getKey());
        fingerprint
            .text("tensor", entry.getKey())
            .text("dtype", tensor.dtype().name())
            .numbers("shape", tensor.shape());
        for (Future<Chunk> chunk : entry.getValue()) {
          fingerprint.bytes("numbers", chunk.get().hash());
          if (notFinite.isEmpty() && chunk.get().notFinite() >= 0) {
            notFinite = Optional.of(new NotFinite(entry.getKey(), chunk.get().notFinite()));
          }
        }
      }
      return new Known(fingerprint.hex(), notFinite);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PlumblineException(
          ErrorCode.INTERRUPTED, "Interrupted while reading the weights; run it again.", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof PlumblineException failure) {
        throw failure;
      }
      throw new PlumblineException(
          ErrorCode.INTERNAL, "Hashing the weights failed; please report this.", e.getCause());
    } finally {
      threads.shutdownNow();
    }
  }

  private static Chunk read(
      Storage storage, String path, SafetensorsFile.Tensor tensor, long start, int length) {
    MessageDigest digest = Sha256.digest();
    ByteBuffer buffer =
        ByteBuffer.allocate(Math.min(length, 1 << 20)).order(ByteOrder.LITTLE_ENDIAN);
    long notFinite = -1;
    try (SeekableInput input = storage.openSeekable(path)) {
      for (long at = start; at < start + length; at += buffer.limit()) {
        buffer.clear();
        buffer.limit((int) Math.min(buffer.capacity(), start + length - at));
        input.readFully(at, buffer);
        buffer.flip();
        if (notFinite < 0) {
          int place = tensor.dtype().firstNotFinite(buffer);
          notFinite = place < 0 ? -1 : (at - tensor.start()) / tensor.dtype().bytes() + place;
        }
        digest.update(buffer);
      }
    }
    return new Chunk(digest.digest(), notFinite);
  }

  /** The configuration with sorted keys and without what differs between spellings of the same. */
  static String canonical(ObjectNode config) {
    StringBuilder text = new StringBuilder();
    append(text, ropeUnified(config));
    return text.toString();
  }

  private static ObjectNode ropeUnified(ObjectNode config) {
    ObjectNode unified = config.deepCopy();
    ObjectNode rope = PythonJson.object();
    if (config.path("rope_parameters").isObject()) {
      rope.setAll((ObjectNode) config.get("rope_parameters").deepCopy());
    } else if (config.path("rope_scaling").isObject()) {
      rope.setAll((ObjectNode) config.get("rope_scaling").deepCopy());
    }
    if (config.path("rope_theta").isNumber() && !rope.has("rope_theta")) {
      rope.set("rope_theta", config.get("rope_theta"));
    }
    if (rope.has("type")) {
      JsonNode type = rope.remove("type");
      if (!rope.has("rope_type")) {
        rope.set("rope_type", type);
      }
    }
    if (rope.path("rope_type").asText().equals("default")) {
      rope.remove("rope_type");
    }
    unified.remove(VOLATILE);
    List<String> inner = new ArrayList<>();
    unified.fieldNames().forEachRemaining(inner::add);
    inner.removeIf(name -> !name.startsWith("_"));
    unified.remove(inner);
    if (!rope.isEmpty()) {
      unified.set("rope", rope);
    }
    return unified;
  }

  private static void append(StringBuilder text, JsonNode node) {
    if (node instanceof ObjectNode object) {
      TreeMap<String, JsonNode> sorted = new TreeMap<>();
      for (Map.Entry<String, JsonNode> entry : object.properties()) {
        if (!entry.getValue().isNull()) { // Absent and null mean the same to transformers.
          sorted.put(entry.getKey(), entry.getValue());
        }
      }
      text.append('{');
      sorted.forEach(
          (name, value) -> {
            text.append(PythonJson.MAPPER.getNodeFactory().textNode(name)).append(':');
            append(text, value);
            text.append(',');
          });
      text.append('}');
    } else if (node instanceof ArrayNode array) {
      text.append('[');
      array.forEach(
          value -> {
            append(text, value);
            text.append(',');
          });
      text.append(']');
    } else if (node.isFloatingPointNumber() && !Double.isFinite(node.doubleValue())) {
      text.append(node.doubleValue());
    } else if (node.isNumber()) { // 10000 and 10000.0 are one number.
      text.append(node.decimalValue().stripTrailingZeros().toPlainString());
    } else {
      text.append(node);
    }
  }
}
