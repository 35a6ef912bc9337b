package io.plumbline.spark.prepare;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.Fixtures;
import io.plumbline.data.ReadAs;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PreparedManifestTest {
  @TempDir Path directory;
  private final Storage storage = Storage.local();

  private Prepared.Fields manifest() {
    return new Prepared.Fields(
        "key",
        "fingerprint",
        "tokenizer",
        new PreparedCounts(
            5,
            3,
            new TreeMap<>(Map.of("wrong_type", 2L)),
            1,
            0,
            new PreparedCounts.Lengths(3, 12, 2, 6),
            new PreparedCounts.Lengths(6, 60, 4, 20),
            PreparedCounts.Lengths.NONE),
        List.of(1L, 2L),
        List.of(
            new ReadAs("pairs (chosen, rejected)", List.of("id"), List.of(), false),
            new ReadAs("pairs", List.of(), List.of("é"), true)),
        List.of(new Prepared.Part("part-00000.parquet", 3, 0)),
        "/out/quarantine",
        List.of("part-00000.jsonl"),
        List.of(new Prepared.Refusal("a.jsonl", 4, "wrong_type", "say \"why\"")));
  }

  @Test
  void itIsWrittenAsByTheVersionBefore() throws IOException {
    Prepared.complete(storage, directory.toString(), manifest());
    assertThat(Files.readString(directory.resolve("manifest.json"))).isEqualTo(golden());
  }

  @Test
  void itIsFoundWhereItsFilesAre() throws IOException {
    Path quarantine = Files.createDirectories(directory.resolve("quarantine"));
    String text = golden().replace("/out/quarantine", quarantine.toString());
    assertThat(find()).isFalse();
    put(text);
    assertThat(find()).isFalse();
    Files.writeString(directory.resolve("part-00000.parquet"), "");
    Files.writeString(quarantine.resolve("part-00000.jsonl"), "");
    assertThat(find()).isTrue();
    Prepared found = Prepared.find(storage, directory.toString(), "key").orElseThrow();
    assertThat(found.counts()).isEqualTo(manifest().counts());
    assertThat(found.sourceCounts()).containsExactly(1L, 2L);
    assertThat(found.firstRefusals()).isEqualTo(manifest().firstRefusals());
    put(text.replace("\"version\" : 3", "\"version\" : 2"));
    assertThat(find()).isFalse();
    put(text.substring(1));
    assertThat(find()).isFalse();
  }

  private boolean find() {
    return Prepared.find(storage, directory.toString(), "key").isPresent();
  }

  private void put(String text) throws IOException {
    Files.writeString(directory.resolve("manifest.json"), text);
  }

  private static String golden() throws IOException {
    return Files.readString(Fixtures.golden("manifests/prepared.json"));
  }
}
