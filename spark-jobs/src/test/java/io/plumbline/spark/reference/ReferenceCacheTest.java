package io.plumbline.spark.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.Fixtures;
import io.plumbline.Records;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.inference.SharedModels;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReferenceCacheTest {
  private static final String MODEL = Fixtures.golden("models/llama").toString();
  private static final Storage STORAGE = Storage.local();

  private static SparkSession spark;
  private static GoldenPairs golden;

  /** How many of the golden pairs differ. */
  private static long distinct;

  @TempDir Path cache;
  private final RecordingListener listener = new RecordingListener();

  @BeforeAll
  static void start() throws IOException {
    spark = LocalSpark.session();
    golden = GoldenPairs.read();
    distinct = distinct(golden.rows());
  }

  @Test
  void valuesAreThoseOfTrl() {
    Filled filled = fill(golden.rows());
    List<TokenizedRow> rows = join(golden.rows(), filled);

    assertThat(filled.rows()).isEqualTo(64);
    assertThat(filled.computed()).isEqualTo(distinct);
    assertThat(filled.found()).isZero();
    assertThat(filled.tokensPerSecond()).isPositive();
    for (int i = 0; i < rows.size(); i++) {
      TokenizedRow row = rows.get(i);
      assertThat(row.index()).isEqualTo(i);
      assertThat(sum(row.referenceLogps().get(0)))
          .isCloseTo(golden.chosenLogps().get(i), within(1e-4));
      assertThat(sum(row.referenceLogps().get(1)))
          .isCloseTo(golden.rejectedLogps().get(i), within(1e-4));
    }
    assertThat(listener.stages.get(0)).isEqualTo("reference %d rows".formatted(distinct));
    assertThat(listener.advances).endsWith(distinct).isSorted();
    assertThat(listener.stages.get(1)).contains(distinct + " rows computed, 0 found");
  }

  @Test
  void aSecondFillRunsNoModel() {
    fill(golden.rows());
    long loads = SharedModels.LANGUAGE_MODELS.loads();

    Filled again = fill(golden.rows());

    assertThat(again.computed()).isZero();
    assertThat(again.found()).isEqualTo(distinct);
    assertThat(again.modelLoads()).isZero();
    assertThat(SharedModels.LANGUAGE_MODELS.loads()).isEqualTo(loads);
  }

  @Test
  void newRowsAreAllThatIsComputed() {
    List<TokenizedRow> differing =
        golden.rows().stream()
            .collect(
                Collectors.toMap(
                    TokenizedRow::fingerprint, row -> row, (a, b) -> a, LinkedHashMap::new))
            .values()
            .stream()
            .toList();
    Filled first = fill(differing.subList(10, differing.size()));
    assertThat(first.computed()).isEqualTo(distinct - 10);
    assertThat(first.modelLoads()).isEqualTo(1);

    Filled more = fill(golden.rows());

    assertThat(more.computed()).isEqualTo(10);
    assertThat(more.found()).isEqualTo(distinct - 10);
    assertThat(join(golden.rows(), more)).hasSize(64);
  }

  @Test
  void equalRowsAreComputedOnce() {
    List<TokenizedRow> twice = new ArrayList<>(golden.rows().subList(0, 5));
    for (TokenizedRow row : golden.rows().subList(0, 3)) {
      twice.add(row.withIndex(twice.size()));
    }

    Filled filled = fill(twice);

    assertThat(filled.rows()).isEqualTo(8);
    assertThat(filled.computed()).isEqualTo(5);
    List<TokenizedRow> rows = join(twice, filled);
    assertThat(rows).hasSize(8);
    assertThat(rows.get(6).referenceLogps().get(0)).isEqualTo(rows.get(1).referenceLogps().get(0));
  }

  @Test
  void maskedTokensDoNotShareWithUnmaskedOnes() {
    TokenizedRow plain = golden.rows().get(0);
    byte[] chosen = new byte[plain.completions().get(0).length];
    byte[] rejected = new byte[plain.completions().get(1).length];
    chosen[1] = 1;
    rejected[0] = 1;
    TokenizedRow masked =
        TokenizedRow.of(1, plain.prompt(), plain.completions(), List.of(chosen, rejected));

    Filled filled = fill(List.of(plain, masked));
    List<TokenizedRow> rows = join(List.of(plain, masked), filled);

    assertThat(filled.computed()).isEqualTo(2);
    assertThat(sum(rows.get(0).referenceLogps().get(0)))
        .isCloseTo(golden.chosenLogps().get(0), within(1e-4));
    assertThat(rows.get(1).referenceLogps().get(0)[0]).isZero();
    assertThat(rows.get(1).referenceLogps().get(0)[1])
        .isCloseTo(rows.get(0).referenceLogps().get(0)[1], within(1e-5f));
  }

  @Test
  void anotherModelOrTypeReadsNothing() throws IOException {
    Path other = copyOfModel();
    assertThat(fill(golden.rows()).computed()).isEqualTo(distinct);

    Filled samePlaceElsewhere = fill(golden.rows(), other.toString(), settings());
    assertThat(samePlaceElsewhere.computed()).as("a copy is the same model").isZero();

    Filled halfType =
        fill(golden.rows(), MODEL, ReferenceSettings.of(cache.toString(), ComputeDtype.BF16));
    assertThat(halfType.computed()).isEqualTo(distinct);

    Path weights = other.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 2] ^= 1;
    Files.write(weights, bytes);
    Filled changed = fill(golden.rows(), other.toString(), settings());
    assertThat(changed.computed()).isEqualTo(distinct);

    CacheSummary summary = ReferenceCache.inspect(STORAGE, cache.toString());
    assertThat(summary.references()).hasSize(3);
    assertThat(summary.rows()).isEqualTo(3 * distinct);
    assertThat(summary.references())
        .extracting(CacheSummary.Reference::computeDtype)
        .containsExactlyInAnyOrder("f32", "f32", "bf16");
  }

  @Test
  void aMissingRowIsOneSentence() {
    Filled filled = fill(golden.rows().subList(0, 63));

    assertThatThrownBy(() -> join(golden.rows(), filled))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_DATA))
        .hasMessageContaining("has no values for the row with index 63")
        .hasMessageContaining("fill it again");
  }

  @Test
  void aFailedTaskKeepsWhatItFinished() {
    List<TokenizedRow> rows = new ArrayList<>(golden.rows());
    // Its ids are beyond the vocabulary, and as the shortest row it comes last.
    rows.add(TokenizedRow.of(64, new int[] {1}, List.of(new int[] {100_000}), List.of()));

    assertThatThrownBy(
            () ->
                fill(
                    rows,
                    MODEL,
                    Records.with(settings(), "rowsPerPart", 4).withTokensPerBatch(128)))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("100000");

    Filled rest = fill(golden.rows());
    assertThat(rest.found()).isGreaterThanOrEqualTo(32);
    assertThat(rest.found() + rest.computed()).isEqualTo(distinct);
    assertThat(join(golden.rows(), rest)).hasSize(64);
  }

  @Test
  void partsThatHoldNoneOfTheRowsAreNotRead() throws IOException {
    List<TokenizedRow> half = golden.rows().subList(0, 20);
    Set<String> first = half.stream().map(TokenizedRow::fingerprint).collect(Collectors.toSet());
    List<TokenizedRow> others =
        golden.rows().stream().filter(row -> !first.contains(row.fingerprint())).toList();
    fill(half);
    for (Path part : files(".parquet")) {
      // Whoever reads it now is told of the damage.
      Files.write(part, new byte[] {1, 2, 3});
    }

    Filled filled = fill(others);
    assertThat(filled.damagedParts()).isEmpty();
    assertThat(filled.found()).isZero();
    assertThat(join(others, filled)).hasSize(others.size());
    assertThat(fill(others).damagedParts()).isEmpty();
    assertThat(fill(half).damagedParts()).isNotEmpty();
  }

  @Test
  void aTaskLeavesFewPartsWhateverItsIntervals() throws IOException {
    fill(golden.rows(), MODEL, Records.with(settings(), "rowsPerPart", 2));

    long slots = spark.sparkContext().defaultParallelism();
    assertThat((long) files(".parquet").size()).isBetween(1L, slots);
    assertThat(files(".json").stream().filter(file -> !file.endsWith("reference.json")))
        .hasSameSizeAs(files(".parquet"));
    assertThat(ReferenceCache.inspect(STORAGE, cache.toString()).rows()).isEqualTo(distinct);
  }

  @Test
  void damagedPartsAreComputedAnew() throws IOException {
    for (int from = 0; from < 64; from += 8) {
      fill(golden.rows().subList(from, from + 8));
    }
    List<Path> parts = files(".parquet");
    assertThat(parts).hasSizeGreaterThanOrEqualTo(8);
    byte[] bytes = Files.readAllBytes(parts.get(0));
    bytes[bytes.length / 2] ^= 64;
    Files.write(parts.get(0), bytes);
    Files.delete(parts.get(1));

    Filled filled = fill(golden.rows());

    assertThat(filled.computed()).isBetween(2L, 16L);
    assertThat(filled.damagedParts()).hasSize(2);
    assertThat(listener.notes)
        .anyMatch(note -> note.contains(parts.get(0).getFileName().toString()))
        .anyMatch(note -> note.contains(parts.get(1).getFileName().toString()));
    List<TokenizedRow> rows = join(golden.rows(), filled);
    for (int i = 0; i < rows.size(); i++) {
      assertThat(sum(rows.get(i).referenceLogps().get(0)))
          .isCloseTo(golden.chosenLogps().get(i), within(1e-4));
    }
  }

  @Test
  void twoFillsAtOnceEndWithARightCache() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(2);
    List<Future<Filled>> fills = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      fills.add(
          threads.submit(
              () ->
                  ReferenceCache.fill(
                      spark,
                      STORAGE,
                      rdd(golden.rows()),
                      MODEL,
                      Records.with(settings(), "rowsPerPart", 4),
                      new RecordingListener())));
    }
    for (Future<Filled> fill : fills) {
      Filled filled = fill.get(60, TimeUnit.SECONDS);
      assertThat(filled.found() + filled.computed()).isEqualTo(distinct);
    }
    threads.shutdown();

    Filled after = fill(golden.rows());
    assertThat(after.computed()).isZero();
    List<TokenizedRow> rows = join(golden.rows(), after);
    assertThat(rows).hasSize(64);
    for (int i = 0; i < rows.size(); i++) {
      assertThat(sum(rows.get(i).referenceLogps().get(1)))
          .isCloseTo(golden.rejectedLogps().get(i), within(1e-4));
    }
    // A row that both computed has two values that may differ in the last bits: one is taken.
    List<TokenizedRow> again = join(golden.rows(), after);
    for (int i = 0; i < rows.size(); i++) {
      assertThat(again.get(i).referenceLogps().get(0))
          .isEqualTo(rows.get(i).referenceLogps().get(0));
    }
  }

  @Test
  void aKilledProcessKeepsWhatItFinished() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx1g",
                "-Dai.djl.offline=true",
                "-Dplumbline.root=" + Fixtures.root(),
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                FillProcess.class.getName(),
                cache.toString())
            .redirectErrorStream(true)
            .redirectOutput(cache.resolve("process.log").toFile())
            .start();
    try {
      long deadline = System.nanoTime() + Duration.ofMinutes(5).toNanos();
      while (ReferenceCache.inspect(STORAGE, cache.toString()).rows() < 80) {
        assertThat(process.isAlive()).as(Files.readString(cache.resolve("process.log"))).isTrue();
        assertThat(System.nanoTime()).as("deadline").isLessThan(deadline);
        Thread.sleep(20);
      }
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();

    long kept = ReferenceCache.inspect(STORAGE, cache.toString()).rows();
    Filled rest = FillProcess.fill(cache.toString());

    assertThat(rest.damagedParts()).isEmpty();
    assertThat(rest.found()).isEqualTo(kept).isGreaterThanOrEqualTo(80);
    assertThat(rest.computed()).isEqualTo(rest.rows() - kept).isPositive();
    assertThat(join(FillProcess.rows(), rest)).hasSize(FillProcess.rows().size());
  }

  @Test
  void anEmptyCacheIsEmpty() {
    assertThat(ReferenceCache.inspect(STORAGE, cache.resolve("none").toString()).references())
        .isEmpty();
  }

  private ReferenceSettings settings() {
    return ReferenceSettings.of(cache.toString(), ComputeDtype.F32);
  }

  private Filled fill(List<TokenizedRow> rows) {
    return fill(rows, MODEL, settings());
  }

  private Filled fill(List<TokenizedRow> rows, String model, ReferenceSettings settings) {
    return ReferenceCache.fill(spark, STORAGE, rdd(rows), model, settings, listener);
  }

  private List<TokenizedRow> join(List<TokenizedRow> rows, Filled filled) {
    return ReferenceCache.join(
            spark, STORAGE, rdd(rows), cache.toString(), filled.referenceFingerprint())
        .collect()
        .stream()
        .sorted(Comparator.comparingLong(TokenizedRow::index))
        .toList();
  }

  private static JavaRDD<TokenizedRow> rdd(List<TokenizedRow> rows) {
    return LocalSpark.context().parallelize(rows, 3);
  }

  private List<Path> files(String ending) throws IOException {
    try (Stream<Path> files = Files.walk(cache)) {
      return files.filter(file -> file.toString().endsWith(ending)).sorted().toList();
    }
  }

  private Path copyOfModel() throws IOException {
    Path copy = Files.createDirectory(cache.resolve("model-copy"));
    for (String file : List.of("config.json", "generation_config.json", "model.safetensors")) {
      Files.copy(Path.of(MODEL, file), copy.resolve(file));
    }
    return copy;
  }

  private static long distinct(List<TokenizedRow> rows) {
    return rows.stream().map(TokenizedRow::fingerprint).distinct().count();
  }

  private static double sum(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum;
  }
}
