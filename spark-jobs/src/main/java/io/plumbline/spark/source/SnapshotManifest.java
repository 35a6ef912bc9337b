package io.plumbline.spark.source;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.plumbline.spark.source.Source.RowOrder;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What makes a snapshot complete.
 *
 * @param rows how many
 * @param order of the rows: by their content, or as the query has them
 * @param leftOut columns of the source that Parquet cannot hold
 * @param directory of the files, within that of the snapshot
 */
record SnapshotManifest(
    String format,
    int version,
    String key,
    String given,
    long rows,
    RowOrder order,
    String schema,
    List<String> leftOut,
    String directory,
    List<File> files,
    String created) {
  static final String FORMAT = "plumbline.source";
  static final int VERSION = 1;
  static final String NAME = "manifest.json";

  private static final Logger LOG = LoggerFactory.getLogger(SnapshotManifest.class);

  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  record File(String name, long bytes) {}

  static Optional<SnapshotManifest> find(Storage storage, String directory, String key) {
    return find(storage, directory).filter(manifest -> key.equals(manifest.key()));
  }

  /** The manifest of a directory, if it is one of this version and all its files are there. */
  static Optional<SnapshotManifest> find(Storage storage, String directory) {
    String path = Storage.join(directory, NAME);
    if (!storage.exists(path)) {
      return Optional.empty();
    }
    SnapshotManifest manifest;
    try {
      manifest = JSON.readValue(storage.readText(path), SnapshotManifest.class);
    } catch (JsonProcessingException e) {
      LOG.warn("{} is no manifest of a snapshot; the snapshot is taken again", path);
      return Optional.empty();
    }
    if (!FORMAT.equals(manifest.format())
        || manifest.version() != VERSION
        || manifest.directory() == null
        || manifest.files() == null) {
      return Optional.empty();
    }
    String rows = Storage.join(directory, manifest.directory());
    Map<String, Long> there = new TreeMap<>();
    storage.list(rows).forEach(entry -> there.put(entry.name(), entry.length()));
    boolean whole =
        manifest.files().stream()
            .allMatch(file -> Long.valueOf(file.bytes()).equals(there.get(file.name())));
    return whole ? Optional.of(manifest) : Optional.empty();
  }

  String json() {
    try {
      return JSON.writeValueAsString(this) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a manifest is plain data", e);
    }
  }
}
