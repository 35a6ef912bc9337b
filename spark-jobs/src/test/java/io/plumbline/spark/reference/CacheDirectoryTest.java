package io.plumbline.spark.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.HeldDtype;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheDirectoryTest {
  private static final List<CachedRow> ROWS =
      List.of(
          new CachedRow("aa", new float[][] {{-1.5f, 0f, -0.0f}, {-88.25f}}),
          new CachedRow("bb", new float[][] {{Float.MIN_VALUE}}),
          new CachedRow("cc", new float[][] {}));

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
      rows.add(new CachedRow(Long.toHexString(random.nextLong()), logps));
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
