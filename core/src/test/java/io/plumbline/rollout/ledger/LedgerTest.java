package io.plumbline.rollout.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.collective.Collective;
import io.plumbline.collective.LocalRings;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.Generation.Finish;
import io.plumbline.parquet.MemoryParquet;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.schema.MessageTypeParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LedgerTest {
  private final Storage storage = Storage.local();
  @TempDir Path parent;

  private String directory() {
    return parent.resolve("ledger").toString();
  }

  private Ledger ledger() {
    return Ledger.in(storage, directory());
  }

  private List<LedgerRow> read() {
    List<LedgerRow> rows = new ArrayList<>();
    try (LedgerReader reader = LedgerReader.fromStep(storage, directory(), 0)) {
      for (Optional<LedgerRow> row = reader.next(); row.isPresent(); row = reader.next()) {
        rows.add(row.get());
      }
    }
    return rows;
  }

  /** Every rank writes the rows whose slot falls to it, shuffled. */
  private void write(long step, List<LedgerRow> rows, int worldSize, Random random)
      throws Exception {
    List<Collective> ranks = LocalRings.create(worldSize);
    ExecutorService threads = Executors.newFixedThreadPool(worldSize);
    try {
      List<Future<?>> writers = new ArrayList<>();
      for (Collective collective : ranks) {
        int rank = collective.rank();
        List<LedgerRow> own = new ArrayList<>();
        for (LedgerRow row : rows) {
          if (row.slot() % worldSize == rank) {
            own.add(LedgerRows.of(row, rank, row.promptIndex()));
          }
        }
        Collections.shuffle(own, random);
        writers.add(threads.submit(() -> ledger().write(step, own, collective)));
      }
      for (Future<?> writer : writers) {
        writer.get(60, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
      ranks.forEach(Collective::close);
    }
  }

  private List<String> files() throws IOException {
    try (var files = Files.walk(Path.of(directory()))) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> Path.of(directory()).relativize(file).toString())
          .sorted()
          .toList();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void rowsComeBackInOrderWhateverTheWorldSize(int worldSize) throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<LedgerRow> rows = new ArrayList<>();
    for (int slot = 0; slot < 40; slot++) {
      long promptIndex = random.nextInt(1000);
      for (int sample = 0; sample < 4; sample++) {
        LedgerRow any = LedgerRows.random(random, 12, slot % worldSize, slot, sample);
        rows.add(LedgerRows.of(any, any.rank(), promptIndex));
      }
    }

    write(12, rows, worldSize, random);

    assertThat(read())
        .as("seed %d", seed)
        .extracting(LedgerRows::text)
        .containsExactlyElementsOf(rows.stream().map(LedgerRows::text).toList());
    assertThat(files()).containsExactly("step-00000012.parquet");
  }

  @Test
  void aRefilledSlotKeepsItsGroupsTogether() throws Exception {
    List<LedgerRow> rows = new ArrayList<>();
    for (long promptIndex : new long[] {4, 9}) {
      for (int sample = 0; sample < 3; sample++) {
        rows.add(LedgerRows.of(LedgerRows.full(1, 0, 0, sample), 0, promptIndex));
      }
    }

    write(1, rows, 2, new Random(3));

    assertThat(read()).extracting(LedgerRow::promptIndex).containsExactly(4L, 4L, 4L, 9L, 9L, 9L);
    assertThat(read()).extracting(LedgerRow::sample).containsExactly(0, 1, 2, 0, 1, 2);
  }

  @Test
  void aStepWrittenAgainReplacesTheFirstTry() throws Exception {
    write(3, List.of(LedgerRows.full(3, 0, 0, 0), LedgerRows.full(3, 0, 1, 0)), 3, new Random(1));
    write(3, List.of(LedgerRows.full(3, 0, 1, 1)), 2, new Random(1));

    assertThat(read()).extracting(LedgerRow::sample).containsExactly(1);
    assertThat(files()).containsExactly("step-00000003.parquet");
  }

  @Test
  void partsOfDeadRanksAreNotRows() throws Exception {
    // A gang of four died after its ranks had left their parts.
    for (int rank = 0; rank < 4; rank++) {
      byte[] part = LedgerFile.encode(List.of(LedgerRows.full(5, rank, rank, 0)).iterator());
      storage.writeBytes(directory() + "/_parts/step-00000005/rank-0000" + rank + ".parquet", part);
    }
    assertThat(read()).isEmpty();
    assertThat(LedgerSummary.isLedger(storage, directory())).isFalse();

    write(5, List.of(LedgerRows.full(5, 0, 0, 1), LedgerRows.full(5, 0, 1, 1)), 2, new Random(1));

    assertThat(read()).extracting(LedgerRow::sample).containsExactly(1, 1);
    assertThat(files()).containsExactly("step-00000005.parquet");
  }

  @Test
  void truncationDeletesWhatWillBeWrittenAgain() throws Exception {
    for (long step : new long[] {1, 3, 5, 123_456_789}) {
      write(step, List.of(LedgerRows.full(step, 0, 0, 0)), 1, new Random(1));
    }
    Files.writeString(Path.of(directory(), ".step-00000007.parquet.1234"), "half");
    storage.writeText(directory() + "/_parts/step-00000007/rank-00000.parquet", "half");
    assertThat(ledger().steps()).containsExactly(1L, 3L, 5L, 123_456_789L);

    ledger().truncateAfter(3);

    assertThat(files()).containsExactly("step-00000001.parquet", "step-00000003.parquet");
    assertThat(ledger().steps()).containsExactly(1L, 3L);
    Ledger.in(storage, directory() + "-not-there").truncateAfter(0);
  }

  @Test
  void aReaderStartsAtAStep() throws Exception {
    for (long step : new long[] {1, 3, 5}) {
      write(step, List.of(LedgerRows.full(step, 0, 0, 0)), 1, new Random(1));
    }
    try (LedgerReader reader = LedgerReader.fromStep(storage, directory(), 2)) {
      assertThat(reader.next().map(LedgerRow::step)).contains(3L);
      assertThat(reader.next().map(LedgerRow::step)).contains(5L);
      assertThat(reader.next()).isEmpty();
      assertThat(reader.next()).isEmpty();
    }
  }

  @Test
  void aBrokenFileIsNamed() throws Exception {
    write(2, List.of(LedgerRows.full(2, 0, 0, 0)), 1, new Random(1));
    Files.writeString(Path.of(directory(), "step-00000002.parquet"), "PAR1, but not really");

    assertThatThrownBy(this::read)
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_DATA))
        .hasMessageContaining("step-00000002.parquet cannot be read");
  }

  @Test
  void rowsOfAnotherStepOrRankAreRefused() {
    assertThatThrownBy(() -> write(2, List.of(LedgerRows.full(3, 0, 0, 0)), 1, new Random(1)))
        .hasMessageContaining("a row of step 3 and rank 0 does not belong to step 2 and rank 0");
  }

  @Test
  void valuesByTokenHaveOneForEachToken() {
    LedgerRow row = LedgerRows.full(1, 0, 0, 0);
    assertThatThrownBy(
            () ->
                new LedgerRow(
                    1,
                    0,
                    0,
                    0,
                    0,
                    0,
                    "",
                    "",
                    1,
                    row.tokens(),
                    new float[2],
                    Optional.empty(),
                    OptionalDouble.empty(),
                    Map.of(),
                    Map.of(),
                    OptionalDouble.empty(),
                    Optional.empty(),
                    Finish.EOS,
                    0,
                    Optional.empty()))
        .hasMessage("2 logps of a completion with 3 tokens");
  }

  @Test
  void aNanIsKeptAsNone() {
    LedgerRow row = LedgerRows.row(1, 0, 0, 0, "", "", 0, Double.NaN);

    assertThat(row.reward()).isEmpty();
    assertThat(row.rewards().get("answer")).isEmpty();
    assertThat(row.advantage()).isEmpty();
  }

  @Test
  void theSummaryTellsRangesAndTheBestAndWorst() throws Exception {
    for (int step = 1; step <= 23; step++) {
      List<LedgerRow> rows = new ArrayList<>();
      for (int sample = 0; sample < 4; sample++) {
        double reward = sample == 3 ? 1 : sample * step / 100.0;
        rows.add(LedgerRows.row(step, 0, 0, sample, "p", step + "." + sample, 10 + sample, reward));
      }
      write(step, rows, 1, new Random(1));
    }

    LedgerSummary summary = LedgerSummary.of(storage, directory(), 3);

    assertThat(summary.rows()).isEqualTo(92);
    assertThat(summary.phases()).isEqualTo(23);
    assertThat(summary.ranges()).hasSize(10);
    LedgerSummary.Range first = summary.ranges().get(0);
    assertThat(first.firstStep()).isEqualTo(1);
    assertThat(first.lastStep()).isEqualTo(2);
    assertThat(first.rows()).isEqualTo(8);
    assertThat(first.reward().orElseThrow()).isCloseTo((2 + 0.03 + 0.06) / 8, within(1e-12));
    assertThat(first.rewards()).containsOnlyKeys("answer");
    assertThat(first.costs()).containsEntry("length", 11.5);
    assertThat(first.completionTokens()).isEqualTo(11.5);
    assertThat(first.failures()).isEqualTo(8);
    assertThat(first.truncated()).isZero();
    assertThat(first.dropped()).isZero();
    assertThat(summary.ranges().get(9).lastStep()).isEqualTo(23);
    assertThat(summary.ranges().stream().mapToLong(LedgerSummary.Range::rows).sum()).isEqualTo(92);
    assertThat(summary.best())
        .extracting(LedgerSummary.Sample::completion)
        .containsExactly("23.3", "22.3", "21.3");
    assertThat(summary.worst())
        .extracting(LedgerSummary.Sample::completion)
        .containsExactly("23.0", "22.0", "21.0");
  }

  @Test
  void theColumnsAreThoseOfTheDocumentation() throws IOException {
    byte[] bytes = LedgerFile.encode(List.of(LedgerRows.full(5, 0, 0, 0)).iterator());
    try (ParquetFileReader file = ParquetFileReader.open(MemoryParquet.input(bytes))) {
      assertThat(file.getFileMetaData().getKeyValueMetaData())
          .containsEntry("plumbline.format", "ledger.1");
      assertThat(file.getFileMetaData().getSchema())
          .isEqualTo(
              MessageTypeParser.parseMessageType(
                  """
                  message rollouts {
                    required int64 step;
                    required int64 phase;
                    required int32 rank;
                    required int64 prompt_index;
                    required int32 slot;
                    required int32 sample;
                    required binary prompt (STRING);
                    required binary completion (STRING);
                    required int32 prompt_tokens;
                    required int32 completion_tokens;
                    required group tokens (LIST) { repeated group list {
                      required int32 element; } }
                    required group logps (LIST) { repeated group list { required float element; } }
                    optional group reference_logps (LIST) {
                      repeated group list { required float element; } }
                    optional double reward;
                    required group rewards (MAP) { repeated group key_value {
                      required binary key (STRING); optional double value; } }
                    required group costs (MAP) { repeated group key_value {
                      required binary key (STRING); optional double value; } }
                    optional double advantage;
                    optional group token_advantages (LIST) {
                      repeated group list { required double element; } }
                    required boolean truncated;
                    required binary finish (STRING);
                    required int64 policy_version;
                    optional binary failure (STRING);
                  }
                  """));
    }
  }
}
