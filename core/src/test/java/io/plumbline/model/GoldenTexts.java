package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.data.TokenizedRow;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The texts that golden numbers are of: [texts][COLUMNS] with padding at the end. */
record GoldenTexts(TensorFile golden) {
  static final int COLUMNS = 21;
  static final int VOCAB = 512;

  /** The texts, cut to their real tokens. */
  List<int[]> sequences() {
    long[] ids = golden.longs("input_ids");
    long[] mask = golden.longs("attention_mask");
    List<int[]> out = new ArrayList<>();
    for (int row = 0; row < ids.length / COLUMNS; row++) {
      int from = row * COLUMNS;
      int length = (int) Arrays.stream(mask, from, from + COLUMNS).sum();
      out.add(Arrays.stream(ids, from, from + length).mapToInt(i -> (int) i).toArray());
    }
    return out;
  }

  /** Each text as a completion behind its first token. */
  List<TokenizedRow> rows() {
    return sequences().stream()
        .map(s -> Models.row(new int[] {s[0]}, Arrays.copyOfRange(s, 1, s.length)))
        .toList();
  }

  /** Fails where a model gives other logits than a tensor of golden ones has. */
  void areGivenLogits(CausalLm model, String tensor) {
    float[] expected = golden.floats(tensor);
    List<int[]> sequences = sequences();
    for (int row = 0; row < sequences.size(); row++) {
      float[][] logits = model.logits(sequences.get(row));
      for (int t = 0; t < logits.length; t++) {
        int from = (row * COLUMNS + t) * VOCAB;
        assertThat(logits[t])
            .containsExactly(Arrays.copyOfRange(expected, from, from + VOCAB), within(1e-4f));
      }
    }
  }
}
