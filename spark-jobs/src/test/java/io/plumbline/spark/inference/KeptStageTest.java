package io.plumbline.spark.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaRDD;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeptStageTest {
  private static final int ROWS = 50;

  /** Rows that a slice has: one window, for so few rows. */
  private static final int WINDOW = 4;

  /** Places that tasks answered; they run in this process. */
  private static final Queue<Long> ANSWERED = new ConcurrentLinkedQueue<>();

  private static volatile long failing = -1;

  @TempDir Path directory;

  @BeforeEach
  void nothingIsAnswered() {
    ANSWERED.clear();
    failing = -1;
  }

  private KeptLines kept() {
    return new KeptLines(Storage.local(), directory.resolve("kept").toString());
  }

  private static JavaRDD<Map<String, Object>> rows(int count) {
    List<Map<String, Object>> rows =
        IntStream.range(0, count).<Map<String, Object>>mapToObj(i -> Map.of("value", i)).toList();
    return LocalSpark.context().parallelize(rows, 3);
  }

  private static ObjectNode request() {
    return Json.MAPPER.createObjectNode().put("temperature", 0.5);
  }

  private KeptStage.Lines run(JavaRDD<Map<String, Object>> rows, ObjectNode request) {
    return KeptStage.run(
        KeptStage.Input.of(rows),
        kept(),
        request,
        new KeptStage.Work(
            WINDOW, 1, () -> StageResults.Answering.by(() -> {}, KeptStageTest::answers)),
        "stage",
        ProgressListener.NONE);
  }

  /** Two lines for each row; a line may hold anything but an end of line. */
  private static List<String> answers(long firstPlace, List<Map<String, Object>> rows) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      long place = firstPlace + i;
      if (place == failing) {
        throw new PlumblineException(ErrorCode.BAD_DATA, "The row at " + place + " fails.");
      }
      ANSWERED.add(place);
      lines.add(place + " é " + rows.get(i).get("value"));
      lines.add(place + " again");
    }
    return lines;
  }

  private static List<String> expected() {
    return IntStream.range(0, ROWS)
        .boxed()
        .flatMap(i -> Stream.of(i + " é " + i, i + " again"))
        .toList();
  }

  @Test
  void linesComeInTheOrderOfTheRows() {
    KeptStage.Lines lines = run(rows(ROWS), request());

    assertThat(lines.count()).isEqualTo(2 * ROWS);
    assertThat(lines.values().collect()).isEqualTo(expected());
    assertThat(ANSWERED).hasSize(ROWS);
  }

  @Test
  void anInputWithoutRowsGivesNoLine() {
    KeptStage.Lines lines = run(rows(0), request());

    assertThat(lines.count()).isZero();
    assertThat(lines.values().collect()).isEmpty();
  }

  @Test
  void whatWasFinishedBeforeAFailureIsNotDoneAgain() {
    failing = 37;
    assertThatThrownBy(() -> run(rows(ROWS), request())).hasMessageContaining("The row at 37");
    List<Long> finished =
        kept().parts().keySet().stream()
            .flatMap(slice -> LongStream.range(slice * WINDOW, (slice + 1) * WINDOW).boxed())
            .filter(place -> place < ROWS)
            .toList();
    assertThat(finished).isNotEmpty().doesNotContain(37L);
    ANSWERED.clear();
    failing = -1;

    KeptStage.Lines lines = run(rows(ROWS), request());

    assertThat(lines.values().collect()).isEqualTo(expected());
    assertThat(ANSWERED)
        .doesNotContainAnyElementsOf(finished)
        .hasSize(ROWS - finished.size())
        .contains(37L);
  }

  @Test
  void nothingIsDoneAgainWhereAllIsThere() {
    run(rows(ROWS), request());
    ANSWERED.clear();

    assertThat(run(rows(ROWS), request()).values().collect()).isEqualTo(expected());
    assertThat(ANSWERED).isEmpty();
  }

  @Test
  void rowsOfDamagedFilesAreDoneAgain() throws IOException {
    run(rows(ROWS), request());
    List<KeptLines.Part> parts =
        kept().parts().values().stream().flatMap(List::stream).limit(4).toList();
    Path flipped = Path.of(parts.get(0).path());
    byte[] bytes = Files.readAllBytes(flipped);
    bytes[bytes.length / 2] ^= 0x10;
    Files.write(flipped, bytes);
    Path cut = Path.of(parts.get(1).path());
    bytes = Files.readAllBytes(cut);
    Files.write(cut, Arrays.copyOf(bytes, bytes.length - 3));
    Files.write(Path.of(parts.get(2).path()), new byte[0]);
    Files.delete(Path.of(parts.get(3).path()));
    ANSWERED.clear();

    assertThat(run(rows(ROWS), request()).values().collect()).isEqualTo(expected());
    assertThat(ANSWERED).hasSize(4 * WINDOW);
  }

  @Test
  void linesOfAnotherCallAreRefusedByTheNameOfWhatDiffers() {
    run(rows(ROWS), request());

    assertThatThrownBy(() -> run(rows(ROWS), request().put("temperature", 0.7)))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("another call (temperature)")
        .hasMessageContaining("--overwrite");
    assertThatThrownBy(() -> run(rows(ROWS - 1), request()))
        .hasMessageContaining("rows, rows_fingerprint");
    assertThatThrownBy(() -> run(rows(ROWS), request().put("top_p", 0.9)))
        .hasMessageContaining("(top_p)");
  }

  @Test
  void sameRowsInAnotherOrderAreOtherRows() {
    List<Map<String, Object>> one = List.of(Map.of("value", 1), Map.of("value", 2));
    List<Map<String, Object>> other = List.of(Map.of("value", 2), Map.of("value", 1));

    assertThat(KeptStage.Input.of(LocalSpark.context().parallelize(one, 1)).fingerprint())
        .isEqualTo(KeptStage.Input.of(LocalSpark.context().parallelize(one, 2)).fingerprint())
        .isNotEqualTo(KeptStage.Input.of(LocalSpark.context().parallelize(other, 2)).fingerprint());
  }

  @Test
  void resultsAreMadeAsTheyAreTakenAndPartitionsHaveFewRows() {
    assertThat(InputRows.spread(rows(10), 1_000_000).getNumPartitions()).isEqualTo(244);
    assertThat(InputRows.spread(rows(10), 10).getNumPartitions()).isLessThanOrEqualTo(10);
  }
}
