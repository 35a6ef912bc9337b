package io.plumbline.spark.source;

import io.plumbline.spark.source.Source.RowOrder;
import io.plumbline.storage.Manifest;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What makes a snapshot complete.
 *
 * @param rows how many
 * @param order of the rows: by their content, or as the query has them
 * @param leftOut columns of the source that Parquet cannot hold
 * @param directory of the files, within that of the snapshot
 */
record SnapshotManifest(
    String key,
    String given,
    long rows,
    RowOrder order,
    String schema,
    List<String> leftOut,
    String directory,
    List<File> files,
    String created) {
  static final Manifest<SnapshotManifest> FORMAT =
      new Manifest<>("plumbline.source", 1, SnapshotManifest.class, "a snapshot", "\n");

  record File(String name, long bytes) {}

  static Optional<SnapshotManifest> find(Storage storage, String directory, String key) {
    return find(storage, directory).filter(manifest -> key.equals(manifest.key()));
  }

  /** The manifest of a directory, if it is one of this version and all its files are there. */
  static Optional<SnapshotManifest> find(Storage storage, String directory) {
    return FORMAT
        .find(storage, directory, "the snapshot is taken again")
        .filter(manifest -> manifest.directory() != null && manifest.files() != null)
        .filter(manifest -> manifest.hasItsFiles(storage, directory));
  }

  private boolean hasItsFiles(Storage storage, String snapshot) {
    Map<String, Long> there = new TreeMap<>();
    storage
        .list(Storage.join(snapshot, directory))
        .forEach(entry -> there.put(entry.name(), entry.length()));
    return files.stream()
        .allMatch(file -> Long.valueOf(file.bytes()).equals(there.get(file.name())));
  }
}
