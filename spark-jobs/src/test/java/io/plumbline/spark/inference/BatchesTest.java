package io.plumbline.spark.inference;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.data.TokenizedRow;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BatchesTest {
  private static TokenizedRow row(int index, int tokens) {
    return TokenizedRow.of(index, new int[0], List.of(new int[tokens]), List.of());
  }

  @Test
  void keepsToTheBudgetAndLosesNoRow() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<TokenizedRow> rows = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      rows.add(row(i, 1 + random.nextInt(200)));
    }

    List<List<TokenizedRow>> batches = Batches.byTokens(rows, 150);

    for (List<TokenizedRow> batch : batches) {
      int longest = batch.stream().mapToInt(TokenizedRow::tokens).max().orElseThrow();
      assertThat(batch.size() == 1 || batch.size() * longest <= 150).as("seed %d", seed).isTrue();
    }
    assertThat(batches.stream().flatMap(List::stream).toList())
        .as("seed %d", seed)
        .containsExactlyInAnyOrderElementsOf(rows)
        .isSortedAccordingTo(Comparator.comparingInt(TokenizedRow::tokens).reversed());
  }

  @Test
  void makesNoBatchOfNothing() {
    assertThat(Batches.byTokens(List.of(), 10)).isEmpty();
  }
}
