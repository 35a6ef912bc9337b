package io.plumbline.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.Fixtures;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SnapshotManifestTest {
  @TempDir Path directory;
  private final Storage storage = Storage.local();

  private static SnapshotManifest manifest() {
    return new SnapshotManifest(
        "key",
        "sql:SELECT 'é' AS prompt",
        3,
        Source.RowOrder.QUERY,
        "`prompt` string",
        List.of("when (interval)"),
        "owner",
        List.of(new SnapshotManifest.File("part-00000.parquet", 4)),
        "2026-01-02T03:04:05Z");
  }

  @Test
  void itIsWrittenAsByTheFirstVersion() throws IOException {
    String path = directory.toString();
    assertThat(SnapshotManifest.FORMAT.writeFirst(storage, path, manifest())).isTrue();
    assertThat(Files.readString(directory.resolve("manifest.json"))).isEqualTo(golden());
    assertThat(SnapshotManifest.FORMAT.writeFirst(storage, path, manifest())).isFalse();
  }

  @Test
  void itIsFoundWhereItsFilesAre() throws IOException {
    assertThat(SnapshotManifest.find(storage, directory.toString(), "key")).isEmpty();
    Files.writeString(directory.resolve("manifest.json"), golden());
    assertThat(SnapshotManifest.find(storage, directory.toString(), "key")).isEmpty();
    Path rows = Files.createDirectories(directory.resolve("owner"));
    Files.writeString(rows.resolve("part-00000.parquet"), "rows");
    assertThat(SnapshotManifest.find(storage, directory.toString(), "key")).contains(manifest());
    assertThat(SnapshotManifest.find(storage, directory.toString(), "other")).isEmpty();
    Files.writeString(directory.resolve("manifest.json"), golden().replace(": 1,", ": 2,"));
    assertThat(SnapshotManifest.find(storage, directory.toString(), "key")).isEmpty();
    Files.writeString(directory.resolve("manifest.json"), "{");
    assertThat(SnapshotManifest.find(storage, directory.toString(), "key")).isEmpty();
  }

  private static String golden() throws IOException {
    return Files.readString(Fixtures.golden("manifests/source.json"));
  }
}
