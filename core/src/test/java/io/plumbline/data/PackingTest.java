package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class PackingTest {
  @Property(tries = 500)
  void everyDocumentIsInOneBinAndNoBinIsOverfull(
      @ForAll @Size(max = 60) List<@IntRange(min = 1, max = 40) Integer> documents,
      @ForAll @IntRange(min = 40, max = 90) int capacity) {
    int[] lengths = documents.stream().mapToInt(Integer::intValue).toArray();
    List<int[]> bins = Packing.bestFitDecreasing(lengths, capacity);
    BitSet seen = new BitSet();
    int[] filled = new int[bins.size()];
    for (int bin = 0; bin < bins.size(); bin++) {
      int before = Integer.MAX_VALUE;
      for (int document : bins.get(bin)) {
        assertThat(seen.get(document)).as("document %d twice", document).isFalse();
        seen.set(document);
        filled[bin] += lengths[document];
        assertThat(lengths[document]).isLessThanOrEqualTo(before);
        before = lengths[document];
      }
      assertThat(filled[bin]).isBetween(1, capacity);
    }
    assertThat(seen.cardinality()).isEqualTo(lengths.length);
    // A bin is opened only by a document that no earlier bin has room for.
    for (int bin = 1; bin < bins.size(); bin++) {
      for (int earlier = 0; earlier < bin; earlier++) {
        assertThat(filled[earlier] + lengths[bins.get(bin)[0]]).isGreaterThan(capacity);
      }
    }
  }

  @Property(tries = 200)
  void theBinsAreThoseOfTheDefinition(
      @ForAll @Size(max = 40) List<@IntRange(min = 1, max = 12) Integer> documents) {
    int[] lengths = documents.stream().mapToInt(Integer::intValue).toArray();
    assertThat(Packing.bestFitDecreasing(lengths, 12))
        .usingRecursiveComparison()
        .isEqualTo(slowly(lengths, 12));
  }

  /** Best fit decreasing as a textbook has it: every bin looked at for every document. */
  private static List<int[]> slowly(int[] lengths, int capacity) {
    List<Integer> order =
        java.util.stream.IntStream.range(0, lengths.length)
            .boxed()
            .sorted(java.util.Comparator.comparing((Integer i) -> -lengths[i]))
            .toList();
    List<int[]> bins = new java.util.ArrayList<>();
    List<Integer> rooms = new java.util.ArrayList<>();
    // When a bin got the room that it has.
    List<Integer> since = new java.util.ArrayList<>();
    int time = 0;
    for (int document : order) {
      int best = -1;
      for (int bin = 0; bin < bins.size(); bin++) {
        if (rooms.get(bin) >= lengths[document]
            && (best < 0
                || rooms.get(bin) < rooms.get(best)
                || (rooms.get(bin).equals(rooms.get(best)) && since.get(bin) < since.get(best)))) {
          best = bin;
        }
      }
      if (best < 0) {
        best = bins.size();
        bins.add(new int[0]);
        rooms.add(capacity);
        since.add(0);
      }
      int[] bin = bins.get(best);
      bins.set(best, Arrays.copyOf(bin, bin.length + 1));
      bins.get(best)[bin.length] = document;
      rooms.set(best, rooms.get(best) - lengths[document]);
      since.set(best, ++time);
    }
    return bins;
  }

  @Example
  void documentsThatFitNoBinAreRefused() {
    assertThatThrownBy(() -> Packing.bestFitDecreasing(new int[] {3, 9}, 8))
        .hasMessageContaining("document 1 of 9 tokens");
    assertThat(Packing.bestFitDecreasing(new int[0], 8)).isEmpty();
  }

  @Example
  void packedRowsCountWhatTheirDocumentsCounted() {
    TokenizedRow answer =
        TokenizedRow.of(3, new int[] {1, 2}, List.of(new int[] {3, 4}), List.of());
    TokenizedRow masked =
        TokenizedRow.of(
            4, new int[] {5}, List.of(new int[] {6, 7, 8}), List.of(new byte[] {0, 1, 0}));
    TokenizedRow bare =
        TokenizedRow.of(5, new int[0], List.of(new int[] {9, 10}), List.of(new byte[] {0, 1}));
    TokenizedRow packed = Packing.packed(7, List.of(answer, masked, bare));
    assertThat(packed.index()).isEqualTo(7);
    assertThat(packed.prompt()).isEmpty();
    assertThat(packed.completions().get(0)).containsExactly(1, 2, 3, 4);
    assertThat(packed.lossMasks().get(0)).containsExactly(0, 0, 1, 1);
    assertThat(packed.completions().get(1)).containsExactly(5, 6, 7, 8);
    assertThat(packed.lossMasks().get(1)).containsExactly(0, 0, 1, 0);
    assertThat(packed.completions().get(2)).containsExactly(9, 10);
    assertThat(packed.lossMasks().get(2)).containsExactly(0, 1);
    assertThat(packed.tokens()).isEqualTo(answer.tokens() + masked.tokens() + bare.tokens());
    assertThatThrownBy(() -> Packing.packed(0, List.of(Rows.numbered(1))))
        .hasMessageContaining("2 completions");
  }
}
