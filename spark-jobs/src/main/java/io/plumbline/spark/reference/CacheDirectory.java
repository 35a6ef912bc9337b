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
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of one reference in a cache:
 *
 * <pre>
 * CACHE/v1/REFERENCE/reference.json       what the reference is, for people
 * CACHE/v1/REFERENCE/parts/NAME.parquet   rows; written once, never changed
 * CACHE/v1/REFERENCE/markers/NAME.json    written after the part: its rows, length and SHA-256
 * </pre>
 *
 * A part counts only if its marker is there and its bytes are those that the marker names. So a
 * part that a killed task left half written is never read, whatever the file system does on close
 * or rename, and names are unique, so that runs which write at the same time do not meet.
 */
record CacheDirectory(Storage storage, String cache, String fingerprint) implements Serializable {
  private static final String VERSION = "v1";
  private static final Logger LOG = LoggerFactory.getLogger(CacheDirectory.class);

  /** A part that counts, with what its marker says. */
  record Marker(String name, long rows, long bytes, String sha256) {}

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

  /** Writes a part and then its marker. */
  void write(String name, List<CachedRow> rows) {
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
    storage.writeText(markerPath(name), json + "\n");
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
            json.path("sha256").textValue());
      }
      throw new DamagedPart(path + " is not a marker of the reference cache", null);
    } catch (JsonProcessingException e) {
      throw new DamagedPart(path + " is not JSON", e);
    }
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
