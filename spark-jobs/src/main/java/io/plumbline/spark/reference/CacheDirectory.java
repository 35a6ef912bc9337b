package io.plumbline.spark.reference;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.base.Sha256;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.HeldDtype;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of one reference in a cache:
 *
 * <pre>
 * CACHE/v1/REFERENCE/reference.json       what the reference is, for people
 * CACHE/v1/REFERENCE/parts/NAME.parquet   rows; written once, never changed
 * CACHE/v1/REFERENCE/markers/NAME.json    written after the part: how many rows, which, length and SHA-256
 * </pre>
 *
 * <p>Parts are named {@code TASK-NUMBER}; {@code TASK-FIRSTtoLAST} holds the rows of several, which
 * are deleted then.
 *
 * <p>A part counts only if its marker is there and its bytes are those that the marker names. So a
 * part that a killed task left half written is never read, whatever the file system does on close
 * or rename, and names are unique, so that runs which write at the same time do not meet.
 */
record CacheDirectory(Storage storage, String cache, String fingerprint) implements Serializable {
  private static final String VERSION = "v1";
  private static final Logger LOG = LoggerFactory.getLogger(CacheDirectory.class);

  /**
   * A part that counts, with what its marker says.
   *
   * @param keys of its rows; empty in markers of earlier versions, which do not have them
   */
  record Marker(String name, long rows, long bytes, String sha256, Optional<RowKeys> keys) {}

  /** What {@link #prune} deleted. */
  record Pruned(long files, long bytes) {
    static final Pruned NOTHING = new Pruned(0, 0);

    Pruned plus(Pruned other) {
      return new Pruned(files + other.files, bytes + other.bytes);
    }
  }

  /** A part of some that were merged into one: which one of a task's, counted from 0. */
  private static final Pattern SMALL = Pattern.compile("(.+)-(\\d{1,9})");

  private static final Pattern MERGED = Pattern.compile("(\\d{1,9})to(\\d{1,9})");

  /** Why a part cannot be used: a sentence that names the file. */
  static final class DamagedPart extends Exception {
    private static final long serialVersionUID = 1L;

    DamagedPart(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * The name of a model's values in one compute type.
   *
   * @param held the type of its matrices, which the name has where it is not f32
   */
  static String referenceFingerprint(String modelFingerprint, ComputeDtype dtype, HeldDtype held) {
    String types = name(dtype) + (held == HeldDtype.F32 ? "" : "\nheld in " + name(held));
    return Sha256.hex(
        ("plumbline reference " + VERSION + "\n" + modelFingerprint + "\n" + types)
            .getBytes(StandardCharsets.UTF_8));
  }

  private static String name(Enum<?> dtype) {
    return dtype.name().toLowerCase(Locale.ROOT);
  }

  private static String versionRoot(String cache) {
    return Storage.join(cache, VERSION);
  }

  String root() {
    return Storage.join(versionRoot(cache), fingerprint);
  }

  String partPath(String name) {
    return Storage.join(Storage.join(root(), "parts"), name + ".parquet");
  }

  private String markers() {
    return Storage.join(root(), "markers");
  }

  private String markerPath(String name) {
    return Storage.join(markers(), name + ".json");
  }

  /** Says what the reference is, unless someone has said so before. */
  void describe(String model, String modelFingerprint, ReferenceSettings settings) {
    String path = Storage.join(root(), "reference.json");
    if (storage.exists(path)) {
      return;
    }
    ObjectNode json = Json.MAPPER.createObjectNode();
    json.put("format", "plumbline reference log-probabilities");
    json.put("version", VERSION);
    json.put("model", model);
    json.put("model_fingerprint", modelFingerprint);
    json.put("compute_dtype", name(settings.dtype()));
    json.put("held_dtype", name(settings.held()));
    json.put("temperature", 1.0);
    json.put("created", Instant.now().toString());
    // Losing the race is as good: the winner wrote the same but for the time.
    storage.createExclusively(path, json.toPrettyString() + "\n");
  }

  /**
   * Writes a part and then its marker.
   *
   * @return bytes of the part
   */
  int write(String name, List<CachedRow> rows) {
    byte[] bytes;
    try {
      bytes = PartFile.encode(rows);
      try (OutputStream out = storage.create(partPath(name))) {
        out.write(bytes);
      }
    } catch (IOException e) {
      throw new PlumblineException(
          ErrorCode.STORAGE_FAILED,
          "The part %s of the reference cache could not be written: %s; check space and permissions there."
              .formatted(partPath(name), e.getMessage()),
          e);
    }
    ObjectNode json = Json.MAPPER.createObjectNode();
    json.put("rows", rows.size());
    json.put("bytes", bytes.length);
    json.put("sha256", Sha256.hex(bytes));
    json.put("keys", RowKeys.of(rows).text());
    storage.writeText(markerPath(name), json + "\n");
    return bytes.length;
  }

  /** Names of the parts that have a marker, sorted. */
  List<String> partNames() {
    List<String> names = new ArrayList<>();
    for (Storage.Entry entry : storage.list(markers())) {
      String file = entry.name();
      if (!entry.directory() && file.endsWith(".json") && !file.startsWith(".")) {
        names.add(file.substring(0, file.length() - ".json".length()));
      }
    }
    names.sort(null);
    return names;
  }

  Marker marker(String name) throws DamagedPart {
    String path = markerPath(name);
    try {
      JsonNode json = Json.MAPPER.readTree(storage.readText(path));
      if (json.path("rows").isIntegralNumber()
          && json.path("bytes").isIntegralNumber()
          && json.path("sha256").isTextual()) {
        return new Marker(
            name,
            json.path("rows").longValue(),
            json.path("bytes").longValue(),
            json.path("sha256").textValue(),
            json.path("keys").isTextual()
                ? Optional.of(RowKeys.parse(json.path("keys").textValue()))
                : Optional.empty());
      }
      throw new DamagedPart(path + " is not a marker of the reference cache", null);
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw new DamagedPart(path + " is not a marker of the reference cache", e);
    } catch (PlumblineException e) {
      if (e.code() == ErrorCode.INPUT_NOT_FOUND) {
        throw new DamagedPart(path + " is gone", e);
      }
      throw e;
    }
  }

  /** Whether a part can hold one of these rows, by its marker. */
  boolean mayHold(String name, RowKeys rows) {
    try {
      return marker(name).keys().map(rows::meet).orElse(true);
    } catch (DamagedPart damaged) {
      LOG.debug("{} is read, and its damage reported then", name, damaged);
      return true;
    }
  }

  /**
   * Writes one part with the rows of several and deletes these. Who finds one of them gone looks
   * for the {@link #successor}.
   *
   * @param task before the numbers in their names
   */
  void merge(String task, int first, int last) throws DamagedPart {
    List<CachedRow> rows = new ArrayList<>();
    for (int part = first; part <= last; part++) {
      rows.addAll(read(task + "-" + part));
    }
    write(task + "-" + first + "to" + last, rows);
    for (int part = first; part <= last; part++) {
      storage.delete(markerPath(task + "-" + part));
      storage.delete(partPath(task + "-" + part));
    }
  }

  /** The part that holds the rows of one that was merged. */
  Optional<String> successor(String name) {
    Matcher small = SMALL.matcher(name);
    if (!small.matches()) {
      return Optional.empty();
    }
    String task = small.group(1) + "-";
    int number = Integer.parseInt(small.group(2));
    return partNames().stream()
        .filter(
            other -> {
              if (!other.startsWith(task)) {
                return false;
              }
              Matcher merged = MERGED.matcher(other.substring(task.length()));
              return merged.matches()
                  && Integer.parseInt(merged.group(1)) <= number
                  && number <= Integer.parseInt(merged.group(2));
            })
        .findFirst();
  }

  /**
   * Deletes parts without a marker and markers without a part, which killed tasks leave.
   *
   * @param before only what is older: a task that runs writes a part before its marker
   */
  Pruned prune(Instant before) {
    Set<String> marked = new HashSet<>(partNames());
    Pruned pruned = Pruned.NOTHING;
    Set<String> parts = new HashSet<>();
    for (Storage.Entry entry : storage.list(Storage.join(root(), "parts"))) {
      String name = entry.name().replaceAll("\\.parquet$", "");
      parts.add(name);
      if (!marked.contains(name) && storage.modified(entry.path()).isBefore(before)) {
        storage.delete(entry.path());
        pruned = pruned.plus(new Pruned(1, entry.length()));
      }
    }
    for (String name : marked) {
      if (!parts.contains(name) && storage.modified(markerPath(name)).isBefore(before)) {
        storage.delete(markerPath(name));
        pruned = pruned.plus(new Pruned(1, 0));
      }
    }
    return pruned;
  }

  /** Prunes all references of a cache. */
  static Pruned prune(Storage storage, String cache, Instant before) {
    return storage.list(versionRoot(cache)).stream()
        .filter(Storage.Entry::directory)
        .map(entry -> new CacheDirectory(storage, cache, entry.name()).prune(before))
        .reduce(Pruned.NOTHING, Pruned::plus);
  }

  List<CachedRow> read(String name) throws DamagedPart {
    Marker marker = marker(name);
    String path = partPath(name);
    if (!storage.exists(path)) {
      throw new DamagedPart(path + " is gone", null);
    }
    byte[] bytes = storage.readBytes(path);
    if (bytes.length != marker.bytes() || !Sha256.hex(bytes).equals(marker.sha256())) {
      throw new DamagedPart(path + " is not what was written there", null);
    }
    try {
      List<CachedRow> rows = PartFile.decode(bytes);
      if (rows.size() != marker.rows()) {
        throw new DamagedPart(path + " has not the rows that its marker says", null);
      }
      return rows;
    } catch (IOException | RuntimeException e) {
      throw new DamagedPart(path + " cannot be read as Parquet", e);
    }
  }

  /** What a cache holds, by its markers. */
  static CacheSummary summary(Storage storage, String cache) {
    List<CacheSummary.Reference> references = new ArrayList<>();
    for (Storage.Entry entry : storage.list(versionRoot(cache))) {
      if (!entry.directory()) {
        continue;
      }
      CacheDirectory directory = new CacheDirectory(storage, cache, entry.name());
      long rows = 0;
      long parts = 0;
      long bytes = 0;
      for (String name : directory.partNames()) {
        try {
          Marker marker = directory.marker(name);
          rows += marker.rows();
          bytes += marker.bytes();
          parts++;
        } catch (DamagedPart damaged) {
          LOG.warn("Not counted in the reference cache: {}", damaged.getMessage());
        }
      }
      JsonNode about = directory.about().orElse(Json.MAPPER.createObjectNode());
      references.add(
          new CacheSummary.Reference(
              directory.fingerprint(),
              about.path("model").asText("unknown"),
              about.path("model_fingerprint").asText("unknown"),
              about.path("compute_dtype").asText("unknown"),
              about.path("created").asText("unknown"),
              rows,
              parts,
              bytes));
    }
    return new CacheSummary(cache, references);
  }

  private Optional<JsonNode> about() {
    String path = Storage.join(root(), "reference.json");
    if (!storage.exists(path)) {
      return Optional.empty();
    }
    try {
      return Optional.of(Json.MAPPER.readTree(storage.readText(path)));
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }
}
