package io.plumbline.spark.training;

import io.plumbline.spark.training.rank.RankMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The rows of a run that alone make a step's loss or gradient infinite or NaN. Ranks know rows by
 * index; the driver, which can look into the data, names them by file and line.
 */
final class Culprits {
  /** More are rarely read, and each is looked for in the data. */
  private static final int MOST_NAMED = 8;

  private static final int MOST_PLACES = 5;

  /** By step; every rank tells the same, and an attempt that is repeated tells it again. */
  private final SortedMap<Long, List<Long>> rowsByStep = new TreeMap<>();

  /** Takes what a rank says. */
  synchronized void add(RankMessage.BadRows message) {
    rowsByStep.put(message.step(), message.rows());
  }

  /**
   * Says where these rows stand; empty without such rows, or where the data has them no longer.
   *
   * @param places finds file and line of rows by their indexes
   */
  synchronized String sentence(Function<Set<Long>, SortedMap<Long, List<String>>> places) {
    Set<Long> named =
        rowsByStep.values().stream()
            .flatMap(List::stream)
            .limit(MOST_NAMED)
            .collect(Collectors.toCollection(TreeSet::new));
    if (named.isEmpty()) {
      return "";
    }
    List<String> said = new ArrayList<>();
    places.apply(named).forEach((row, at) -> said.add("row %d at %s".formatted(row, some(at))));
    return said.isEmpty() ? "" : "In the data stands " + String.join("; ", said) + ".";
  }

  private static String some(List<String> places) {
    String some = places.stream().limit(MOST_PLACES).collect(Collectors.joining(", "));
    int more = places.size() - MOST_PLACES;
    return more > 0 ? some + " and " + more + " more" : some;
  }
}
