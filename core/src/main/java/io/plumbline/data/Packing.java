package io.plumbline.data;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Several short documents in one row, as TRL's packing strategy {@code bfd}: best fit decreasing
 * (Johnson, 1974, "Fast algorithms for bin packing"). No document is cut, and none sees another: a
 * packed row has an empty prompt and the documents as its completions.
 */
public final class Packing {
  private Packing() {}

  /**
   * Puts documents into as few bins as best fit decreasing finds: the longest first, each into the
   * fullest bin that has room for it. Of documents of one length the earlier goes first, of bins
   * with equal room the one that has had it longest is taken, so the result follows from the
   * lengths alone.
   *
   * @param lengths tokens of each document, from 1 to {@code capacity}
   * @param capacity tokens of a bin
   * @return for each bin, in the order in which they were opened, the places in {@code lengths} of
   *     its documents
   */
  public static List<int[]> bestFitDecreasing(int[] lengths, int capacity) {
    long[] order = new long[lengths.length];
    for (int i = 0; i < lengths.length; i++) {
      if (lengths[i] < 1 || lengths[i] > capacity) {
        throw new IllegalArgumentException(
            "document " + i + " of " + lengths[i] + " tokens in bins of " + capacity);
      }
      // Sorts by falling length, then by rising place.
      order[i] = ((long) (capacity - lengths[i]) << 32) | i;
    }
    Arrays.sort(order);
    List<List<Integer>> bins = new ArrayList<>();
    TreeMap<Integer, Deque<Integer>> binsByRoom = new TreeMap<>();
    for (long key : order) {
      int document = (int) key;
      int length = lengths[document];
      Map.Entry<Integer, Deque<Integer>> fit = binsByRoom.ceilingEntry(length);
      int bin;
      int room;
      if (fit == null) {
        bin = bins.size();
        room = capacity;
        bins.add(new ArrayList<>());
      } else {
        room = fit.getKey();
        bin = fit.getValue().removeFirst();
        if (fit.getValue().isEmpty()) {
          binsByRoom.remove(room);
        }
      }
      bins.get(bin).add(document);
      if (room > length) {
        binsByRoom.computeIfAbsent(room - length, r -> new ArrayDeque<>()).addLast(bin);
      }
    }
    return bins.stream().map(bin -> bin.stream().mapToInt(Integer::intValue).toArray()).toList();
  }

  /**
   * One row of several with one completion each: an empty prompt, and as completions the documents,
   * each the ids of its prompt and completion. What counted counts still; the first token of a
   * document, which nothing predicts, never does.
   *
   * @param index the packed row's place
   */
  public static TokenizedRow packed(long index, List<TokenizedRow> documents) {
    List<int[]> completions = new ArrayList<>();
    List<byte[]> masks = new ArrayList<>();
    for (TokenizedRow document : documents) {
      if (document.completions().size() != 1) {
        throw new IllegalArgumentException(
            "a row with " + document.completions().size() + " completions cannot be packed");
      }
      int[] prompt = document.prompt();
      int[] completion = document.completions().get(0);
      int[] ids = Arrays.copyOf(prompt, prompt.length + completion.length);
      System.arraycopy(completion, 0, ids, prompt.length, completion.length);
      byte[] mask = new byte[ids.length];
      if (document.lossMasks().isEmpty()) {
        Arrays.fill(mask, prompt.length, mask.length, (byte) 1);
      } else {
        System.arraycopy(document.lossMasks().get(0), 0, mask, prompt.length, completion.length);
      }
      mask[0] = 0;
      completions.add(ids);
      masks.add(mask);
    }
    return TokenizedRow.of(index, new int[0], completions, Collections.unmodifiableList(masks));
  }
}
