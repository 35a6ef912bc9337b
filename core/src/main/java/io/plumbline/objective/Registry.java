package io.plumbline.objective;

import io.plumbline.base.NearestName;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Losses of one kind by name, in the order in which they were added. Each says how it is made and
 * which options it reads that not all of them do; a name that is unknown is refused with advice.
 *
 * @param <S> what a loss is made of
 * @param <T> what is made
 */
public final class Registry<S, T> {
  private record Entry<S, T>(Function<? super S, ? extends T> factory, Set<String> reads) {}

  private final String kind;
  private final Map<String, Entry<S, T>> entries = new LinkedHashMap<>();

  /**
   * @param kind what an entry is called in a sentence, such as "loss type"
   */
  public Registry(String kind) {
    this.kind = kind;
  }

  /**
   * @param reads names of options that some entries do not read, as they are given to commands
   */
  public Registry<S, T> with(
      String name, Function<? super S, ? extends T> factory, Set<String> reads) {
    if (entries.putIfAbsent(name, new Entry<>(factory, Set.copyOf(reads))) != null) {
      throw new IllegalArgumentException("two entries named " + name);
    }
    return this;
  }

  public List<String> names() {
    return List.copyOf(entries.keySet());
  }

  /** Makes the entry of that name; fails with BAD_USAGE where there is none. */
  public T of(String name, S settings) {
    require(name);
    return entries.get(name).factory().apply(settings);
  }

  /** Fails with BAD_USAGE where there is no entry of that name. */
  public void require(String name) {
    if (!entries.containsKey(name)) {
      String nearest = nearest(name);
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "There is no "
              + kind
              + " "
              + name
              + (nearest.isEmpty() ? ": use" : " (did you mean " + nearest + "?): use")
              + " one of "
              + String.join(", ", names())
              + ".");
    }
  }

  /** Whether the entry of that name reads an option; false where there is no such entry. */
  public boolean reads(String name, String option) {
    return entries.containsKey(name) && entries.get(name).reads().contains(option);
  }

  /** Names of the entries that read an option. */
  public List<String> reading(String option) {
    return names().stream().filter(name -> reads(name, option)).toList();
  }

  /** Options that some entries read, but none of those named. */
  public Set<String> unread(Collection<String> names) {
    Set<String> unread = new LinkedHashSet<>();
    entries.values().forEach(entry -> unread.addAll(entry.reads()));
    unread.removeIf(option -> names.stream().anyMatch(name -> reads(name, option)));
    return unread;
  }

  /** The name that is fewest edits away, or nothing where even that is far. */
  private String nearest(String name) {
    String nearest = "";
    int fewest = Math.max(1, name.length() / 3) + 1;
    for (String candidate : entries.keySet()) {
      int edits = NearestName.edits(name.replace('-', '_'), candidate);
      if (edits < fewest) {
        fewest = edits;
        nearest = candidate;
      }
    }
    return nearest;
  }
}
