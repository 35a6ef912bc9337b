package io.plumbline.spark.prepare;

import io.plumbline.data.TokenizedRow;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import scala.Tuple2;

/**
 * Held-out rows that stand in the training data too, where a model may have learned them by heart.
 * Rows are compared by their tokens; margins, labels and loss masks do not count.
 *
 * @param held held-out rows in all
 * @param rows those with a prompt and completions that a training row has
 * @param prompts those with a prompt that a training row has; a prompt of fewer than two tokens,
 *     such as the first token of a whole text, does not count
 * @param firstRows the least indexes of the first kind, at most five
 * @param firstPrompts the least indexes of the second kind, at most five
 */
public record Overlap(
    long held, long rows, long prompts, List<Long> firstRows, List<Long> firstPrompts)
    implements Serializable {
  private static final int NAMED = 5;

  public Overlap {
    firstRows = List.copyOf(firstRows);
    firstPrompts = List.copyOf(firstPrompts);
  }

  /** Whether no held-out row or prompt stands in the training data. */
  public boolean isNone() {
    return rows == 0 && prompts == 0;
  }

  /**
   * Compares two sets by hashes of their rows, in one job. Packed rows are compared as a whole:
   * compare sets before they are packed.
   */
  public static Overlap of(RowSet train, RowSet held) {
    Sighting found =
        Jobs.run(
            () ->
                train
                    .rows()
                    .flatMapToPair(row -> seen(row, Sighting.IN_TRAINING))
                    .union(held.rows().flatMapToPair(row -> seen(row, Sighting.held(row.index()))))
                    .reduceByKey(Sighting::plus)
                    .filter(entry -> entry._2().inTraining() && entry._2().held())
                    .map(entry -> entry._2())
                    .fold(Sighting.NONE, Sighting::plus));
    return new Overlap(
        held.count(), found.rows(), found.prompts(), found.firstRows(), found.firstPrompts());
  }

  private static java.util.Iterator<Tuple2<String, Sighting>> seen(
      TokenizedRow row, Sighting sighting) {
    List<Tuple2<String, Sighting>> seen = new ArrayList<>();
    String ids =
        row.lossMasks().isEmpty()
            ? row.fingerprint()
            : TokenizedRow.fingerprint(row.prompt(), row.completions(), List.of());
    seen.add(new Tuple2<>("row " + ids, sighting.ofRow()));
    if (row.prompt().length >= RowSet.SHORTEST_PROMPT) {
      String prompt = TokenizedRow.fingerprint(row.prompt(), List.of(), List.of());
      seen.add(new Tuple2<>("prompt " + prompt, sighting.ofPrompt()));
    }
    return seen.iterator();
  }

  /** Where one row, or one prompt, was seen; added up, where several were. */
  private record Sighting(
      boolean inTraining, long rows, long prompts, List<Long> firstRows, List<Long> firstPrompts)
      implements Serializable {
    static final Sighting NONE = new Sighting(false, 0, 0, List.of(), List.of());
    static final Sighting IN_TRAINING = new Sighting(true, 0, 0, List.of(), List.of());

    static Sighting held(long index) {
      return new Sighting(false, 1, 1, List.of(index), List.of(index));
    }

    Sighting ofRow() {
      return new Sighting(inTraining, rows, 0, firstRows, List.of());
    }

    Sighting ofPrompt() {
      return new Sighting(inTraining, 0, prompts, List.of(), firstPrompts);
    }

    boolean held() {
      return rows > 0 || prompts > 0;
    }

    Sighting plus(Sighting other) {
      return new Sighting(
          inTraining || other.inTraining,
          rows + other.rows,
          prompts + other.prompts,
          first(firstRows, other.firstRows),
          first(firstPrompts, other.firstPrompts));
    }

    private static List<Long> first(List<Long> a, List<Long> b) {
      return Stream.concat(a.stream(), b.stream()).sorted().limit(NAMED).toList();
    }
  }
}
