package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** A dictionary in order of insertion, whose keys are equal as Python's are (1, 1.0 and true). */
final class PyDict {
  record Entry(Object key, Object value) {}

  private final LinkedHashMap<Object, Entry> entries = new LinkedHashMap<>();

  /** What a caller gave, whose size is the caller's affair. */
  static PyDict ofJson(Map<?, ?> map) {
    PyDict dict = new PyDict();
    map.forEach(
        (key, value) -> {
          String name = String.valueOf(key);
          dict.entries.put(name, new Entry(name, Values.ofJson(value)));
        });
    return dict;
  }

  /** An entry takes some 120 bytes with its place in the map. */
  void put(Rendering rendering, Object key, Object value) {
    rendering.spend(10);
    Object hash = Key.of(rendering, key);
    Entry old = entries.get(hash);
    entries.put(hash, new Entry(old == null ? key : old.key(), value));
  }

  /** Puts all entries of a map with names for keys. */
  void putAll(Rendering rendering, Map<String, Object> named) {
    named.forEach((name, value) -> put(rendering, name, value));
  }

  boolean contains(Rendering rendering, Object key) {
    return entries.containsKey(Key.of(rendering, key));
  }

  /** The value, or {@link Values#MISSING}. */
  Object find(Rendering rendering, Object key) {
    Entry entry = entries.get(Key.of(rendering, key));
    return entry == null ? Values.MISSING : entry.value();
  }

  int size() {
    return entries.size();
  }

  Collection<Entry> entries() {
    return entries.values();
  }

  Iterator<Object> keys() {
    return each(Entry::key);
  }

  Iterator<Object> values() {
    return each(Entry::value);
  }

  /** Pairs, each of which is made when it is asked for. */
  Iterator<Object> items(Rendering rendering) {
    return each(
        entry -> {
          rendering.spend(6);
          return Tuple.of(entry.key(), entry.value());
        });
  }

  /** Pairs in a new list. */
  List<Object> itemList(Rendering rendering) {
    rendering.makeElements(entries.size());
    List<Object> items = new ArrayList<>(entries.size());
    items(rendering).forEachRemaining(items::add);
    return items;
  }

  private Iterator<Object> each(Function<Entry, Object> part) {
    Iterator<Entry> all = entries.values().iterator();
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return all.hasNext();
      }

      @Override
      public Object next() {
        return part.apply(all.next());
      }
    };
  }
}
