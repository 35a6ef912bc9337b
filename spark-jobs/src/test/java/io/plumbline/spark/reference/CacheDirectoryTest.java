package io.plumbline.spark.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.HeldDtype;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheDirectoryTest {
  private static final List<CachedRow> ROWS =
      List.of(
          new CachedRow("a".repeat(64), new float[][] {{-1.5f, 0f, -0.0f}, {-88.25f}}),
          new CachedRow("b".repeat(64), new float[][] {{Float.MIN_VALUE}}),
          new CachedRow("c".repeat(64), new float[][] {}));

  @TempDir Path temp;
  private CacheDirectory directory;

  @BeforeEach
  void openDirectory() {
    directory = new CacheDirectory(Storage.local(), temp.toString(), "f00d");
  }

  @Test
  void readsWhatItWrote() throws Exception {
    directory.write("one", ROWS);

    assertThat(directory.partNames()).containsExactly("one");
    assertSame(directory.read("one"), ROWS);
  }

  @Test
  void keepsEveryBitOfRandomRows() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<CachedRow> rows = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      float[][] logps = new float[random.nextInt(4)][];
      for (int c = 0; c < logps.length; c++) {
        logps[c] = new float[random.nextInt(700)];
        for (int t = 0; t < logps[c].length; t++) {
          logps[c][t] = -random.nextFloat() * 40;
        }
      }
      rows.add(new CachedRow("%064x".formatted(random.nextLong()), logps));
    }
    directory.write("random", rows);

    assertThat(directory.read("random")).as("seed %d", seed).hasSameSizeAs(rows);
    assertSame(directory.read("random"), rows);
  }

  @Test
  void countsNoPartWithoutMarker() throws IOException {
    directory.write("whole", ROWS);
    Path parts = Path.of(directory.partPath("whole")).getParent();
    Files.copy(parts.resolve("whole.parquet"), parts.resolve("halfway.parquet"));

    assertThat(directory.partNames()).containsExactly("whole");
    assertThat(CacheDirectory.summary(Storage.local(), temp.toString()).rows()).isEqualTo(3);
  }

  @Test
  void namesTheFileThatIsDamaged() throws IOException {
    directory.write("flipped", ROWS);
    Path part = Path.of(directory.partPath("flipped"));
    byte[] bytes = Files.readAllBytes(part);
    bytes[bytes.length / 2] ^= 1;
    Files.write(part, bytes);
    assertThatThrownBy(() -> directory.read("flipped"))
        .hasMessageContaining("flipped.parquet is not what was written there");

    directory.write("short", ROWS);
    Path shortened = Path.of(directory.partPath("short"));
    Files.write(shortened, List.of("PAR1"));
    assertThatThrownBy(() -> directory.read("short")).hasMessageContaining("short.parquet");

    directory.write("gone", ROWS);
    Files.delete(Path.of(directory.partPath("gone")));
    assertThatThrownBy(() -> directory.read("gone")).hasMessageContaining("gone.parquet is gone");

    directory.write("marked", ROWS);
    Files.writeString(temp.resolve("v1/f00d/markers/marked.json"), "{\"rows\":");
    assertThatThrownBy(() -> directory.read("marked")).hasMessageContaining("marked.json");
  }

  @Test
  void markersTellWhichRowsAPartCanHold() throws Exception {
    directory.write("one", ROWS);
    CachedRow first = ROWS.get(0);
    CachedRow absent = new CachedRow("0".repeat(64), first.logps());

    assertThat(directory.marker("one").keys()).isPresent();
    assertThat(directory.mayHold("one", RowKeys.of(List.of(first)))).isTrue();
    assertThat(directory.mayHold("one", RowKeys.of(List.of(absent)))).isFalse();
    assertThat(directory.mayHold("one", RowKeys.of(List.of(absent, first)))).isTrue();
    assertThat(directory.mayHold("one", RowKeys.of(List.<CachedRow>of()))).isFalse();

    // Markers of earlier versions do not say it.
    Path marker = temp.resolve("v1/f00d/markers/one.json");
    Files.writeString(marker, Files.readString(marker).replaceAll(",\"keys\":\"[^\"]*\"", ""));
    assertThat(directory.marker("one").keys()).isEmpty();
    assertThat(directory.mayHold("one", RowKeys.of(List.of(absent)))).isTrue();
    assertSame(directory.read("one"), ROWS);
  }

  @Test
  void keysComeBackFromTheirText() {
    Random random = new Random(7);
    List<CachedRow> rows = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      byte[] bytes = new byte[32];
      random.nextBytes(bytes);
      rows.add(new CachedRow(HexFormat.of().formatHex(bytes), new float[0][]));
    }
    rows.add(new CachedRow("f".repeat(64), new float[0][]));
    RowKeys keys = RowKeys.parse(RowKeys.of(rows).text());

    assertThat(rows).allMatch(row -> keys.hold(row.fingerprint()));
    assertThat(keys.hold("0".repeat(64))).isFalse();
    assertThat(keys.text()).isEqualTo(RowKeys.of(rows).text());
    assertThatThrownBy(() -> RowKeys.parse("AAAA")).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void partsThatWereMergedAreFoundByTheirOldNames() throws Exception {
    for (int part = 0; part < 3; part++) {
      directory.write("fill-1-7-" + part, List.of(ROWS.get(part)));
    }
    directory.write("fill-1-70-0", List.of(ROWS.get(0)));

    directory.merge("fill-1-7", 0, 1);

    assertThat(directory.partNames()).containsExactly("fill-1-7-0to1", "fill-1-7-2", "fill-1-70-0");
    assertSame(directory.read("fill-1-7-0to1"), ROWS.subList(0, 2));
    assertThat(directory.successor("fill-1-7-1")).contains("fill-1-7-0to1");
    assertThat(directory.successor("fill-1-7-2")).isEmpty();
    assertThat(directory.successor("fill-1-70-0")).isEmpty();
    assertThatThrownBy(() -> directory.read("fill-1-7-0")).hasMessageContaining("is gone");
  }

  @Test
  void onlyWhatIsOldAndOfNoUseIsPruned() throws Exception {
    directory.write("whole", ROWS);
    Path parts = Path.of(directory.partPath("whole")).getParent();
    Files.copy(parts.resolve("whole.parquet"), parts.resolve("orphan.parquet"));
    directory.write("gone", ROWS);
    Files.delete(parts.resolve("gone.parquet"));

    assertThat(directory.prune(Instant.now().minusSeconds(3600)).files()).isZero();
    CacheDirectory.Pruned pruned = directory.prune(Instant.now().plusSeconds(3600));

    assertThat(pruned.files()).isEqualTo(2);
    assertThat(pruned.bytes()).isEqualTo(parts.resolve("whole.parquet").toFile().length());
    assertThat(directory.partNames()).containsExactly("whole");
    assertThat(parts).isDirectoryNotContaining("glob:**orphan.parquet");
    assertSame(directory.read("whole"), ROWS);
  }

  @Test
  void saysWhatTheReferenceIs() {
    ReferenceSettings settings = ReferenceSettings.of("cache", ComputeDtype.BF16);
    directory.describe("some/model", "abc", settings);
    directory.describe("the same model elsewhere", "abc", settings);
    directory.write("one", ROWS);

    CacheSummary summary = CacheDirectory.summary(Storage.local(), temp.toString());

    assertThat(summary.references()).hasSize(1);
    CacheSummary.Reference reference = summary.references().get(0);
    assertThat(reference.fingerprint()).isEqualTo("f00d");
    assertThat(reference.model()).isEqualTo("some/model");
    assertThat(reference.computeDtype()).isEqualTo("bf16");
    assertThat(reference.rows()).isEqualTo(3);
    assertThat(reference.parts()).isEqualTo(1);
    assertThat(reference.bytes()).isEqualTo(Path.of(directory.partPath("one")).toFile().length());
  }

  @Test
  void keepsModelsAndTypesApart() {
    assertThat(
            List.of(
                CacheDirectory.referenceFingerprint("a", ComputeDtype.F32, HeldDtype.F32),
                CacheDirectory.referenceFingerprint("a", ComputeDtype.BF16, HeldDtype.F32),
                CacheDirectory.referenceFingerprint("a", ComputeDtype.F32, HeldDtype.BF16),
                CacheDirectory.referenceFingerprint("a", ComputeDtype.F32, HeldDtype.INT8),
                CacheDirectory.referenceFingerprint("b", ComputeDtype.F32, HeldDtype.F32)))
        .doesNotHaveDuplicates()
        .contains(CacheDirectory.referenceFingerprint("a", ComputeDtype.F32, HeldDtype.F32));
  }

  private static void assertSame(List<CachedRow> read, List<CachedRow> written) {
    assertThat(read).hasSameSizeAs(written);
    for (int i = 0; i < read.size(); i++) {
      assertThat(read.get(i).fingerprint()).isEqualTo(written.get(i).fingerprint());
      assertThat(read.get(i).logps()).isDeepEqualTo(written.get(i).logps());
    }
  }
}
