package io.plumbline.objective;

import io.plumbline.base.NearestName;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Entries by name, in the order in which they were added; what is unknown is refused with advice.
 */
public final class Registry<T> {
  private final String kind;
  private final Map<String, T> entries = new LinkedHashMap<>();

  /**
   * @param kind what an entry is called in a sentence, such as "loss type"
   */
  public Registry(String kind) {
    this.kind = kind;
  }

  public Registry<T> with(String name, T entry) {
    if (entries.putIfAbsent(name, entry) != null) {
      throw new IllegalArgumentException("two entries named " + name);
    }
    return this;
  }

  public List<String> names() {
    return List.copyOf(entries.keySet());
  }

  /** Fails with BAD_USAGE where there is no entry of that name. */
  public T named(String name) {
    T entry = entries.get(name);
    if (entry == null) {
      throw new PlumblineException(ErrorCode.BAD_USAGE, unknown(kind, name, entries.keySet()));
    }
    return entry;
  }

  /** A sentence saying that a name is unknown, which it may be meant for, and all there are. */
  public static String unknown(String kind, String name, Collection<String> names) {
    String nearest = nearest(name, names);
    return "There is no "
        + kind
        + " "
        + name
        + (nearest.isEmpty() ? ": use" : " (did you mean " + nearest + "?): use")
        + " one of "
        + String.join(", ", names)
        + ".";
  }

  /** The name that is fewest edits away, or nothing where even that is far. */
  private static String nearest(String name, Collection<String> names) {
    String nearest = "";
    int fewest = Math.max(1, name.length() / 3) + 1;
    for (String candidate : names) {
      int edits = NearestName.edits(name.replace('-', '_'), candidate);
      if (edits < fewest) {
        fewest = edits;
        nearest = candidate;
      }
    }
    return nearest;
  }
}
