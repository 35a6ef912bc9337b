package io.plumbline.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.data.TokenizedRow;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class MicroBatchesTest {
  @Property
  void everyRowIsInOneBatchAndBatchesFitTheBudget(
      @ForAll @Size(max = 40) List<@IntRange(min = 1, max = 90) Integer> lengths,
      @ForAll @IntRange(min = 1, max = 300) int budget) {
    List<MicroBatch> batches = MicroBatches.split(rows(lengths), OptionalInt.empty(), budget);
    assertThat(batches.stream().flatMap(batch -> batch.slots().stream()).map(Integer::longValue))
        .containsExactlyInAnyOrderElementsOf(indices(lengths.size()));
    for (MicroBatch batch : batches) {
      assertThat(batch.rows().stream().map(TokenizedRow::index))
          .containsExactlyElementsOf(batch.slots().stream().map(Integer::longValue).toList());
      int longest = batch.rows().stream().mapToInt(TokenizedRow::tokens).max().orElseThrow();
      assertThat(batch.size() == 1 || longest * batch.size() <= budget).isTrue();
    }
  }

  @Property
  void aFixedSizeIsKept(
      @ForAll @Size(max = 40) List<@IntRange(min = 1, max = 90) Integer> lengths,
      @ForAll @IntRange(min = 1, max = 9) int size) {
    List<MicroBatch> batches = MicroBatches.split(rows(lengths), OptionalInt.of(size), 1);
    for (int i = 0; i < batches.size(); i++) {
      assertThat(batches.get(i).size()).isEqualTo(Math.min(size, lengths.size() - i * size));
    }
  }

  private static List<TokenizedRow> rows(List<Integer> lengths) {
    List<TokenizedRow> rows = new ArrayList<>();
    for (int i = 0; i < lengths.size(); i++) {
      rows.add(TokenizedRow.of(i, new int[0], List.of(new int[lengths.get(i)]), List.of()));
    }
    return rows;
  }

  private static List<Long> indices(int n) {
    List<Long> indices = new ArrayList<>();
    for (long i = 0; i < n; i++) {
      indices.add(i);
    }
    return indices;
  }
}
