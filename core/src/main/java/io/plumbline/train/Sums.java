package io.plumbline.train;

import io.plumbline.collective.Collective;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Named sums, and named ranges of values, over the rows of a step. Every rank has the same names in
 * the same order, so that all ranks' add up in one all-reduce, whichever rows a rank has.
 */
public final class Sums {
  private final Map<String, Integer> places;
  private final Map<String, Integer> rangePlaces;
  private final double[] values;
  private final double[] least;
  private final double[] most;

  public Sums(List<String> names, List<String> ranges) {
    this.places = places(names);
    this.rangePlaces = places(ranges);
    this.values = new double[names.size()];
    this.least = new double[ranges.size()];
    this.most = new double[ranges.size()];
    clear();
  }

  public void add(String name, double value) {
    values[place(places, name)] += value;
  }

  /** Widens a range so that it holds a value. */
  public void cover(String range, double value) {
    int place = place(rangePlaces, range);
    least[place] = Math.min(least[place], value);
    most[place] = Math.max(most[place], value);
  }

  public double of(String name) {
    return values[place(places, name)];
  }

  /** of(numerator) / of(denominator), or 0 where the denominator is 0. */
  public double ratio(String numerator, String denominator) {
    double d = of(denominator);
    return d == 0 ? 0 : of(numerator) / d;
  }

  /** The least value that a range covers; infinity where it covers none. */
  public double least(String range) {
    return least[place(rangePlaces, range)];
  }

  /** The greatest value that a range covers; minus infinity where it covers none. */
  public double most(String range) {
    return most[place(rangePlaces, range)];
  }

  /** Whether every sum is a finite number. */
  boolean finite() {
    return Arrays.stream(values).allMatch(Double::isFinite);
  }

  /** Makes these the sums and ranges over the rows of all ranks. */
  void addUpOver(Collective collective) {
    collective.allReduceSum(values);
    if (rangePlaces.isEmpty()) {
      return;
    }
    // Each rank's ranges stand in a part of their own, so that a sum carries them.
    int width = 2 * rangePlaces.size();
    double[] all = new double[width * collective.worldSize()];
    System.arraycopy(least, 0, all, collective.rank() * width, rangePlaces.size());
    System.arraycopy(
        most, 0, all, collective.rank() * width + rangePlaces.size(), rangePlaces.size());
    collective.allReduceSum(all);
    for (int rank = 0; rank < collective.worldSize(); rank++) {
      for (int i = 0; i < rangePlaces.size(); i++) {
        least[i] = Math.min(least[i], all[rank * width + i]);
        most[i] = Math.max(most[i], all[rank * width + rangePlaces.size() + i]);
      }
    }
  }

  void clear() {
    Arrays.fill(values, 0);
    Arrays.fill(least, Double.POSITIVE_INFINITY);
    Arrays.fill(most, Double.NEGATIVE_INFINITY);
  }

  private static Map<String, Integer> places(List<String> names) {
    Map<String, Integer> places = new LinkedHashMap<>();
    names.forEach(name -> places.put(name, places.size()));
    return places;
  }

  private static int place(Map<String, Integer> places, String name) {
    Integer place = places.get(name);
    if (place == null) {
      throw new IllegalArgumentException("nothing is named " + name + ", only " + places.keySet());
    }
    return place;
  }
}
