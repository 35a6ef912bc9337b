package io.plumbline.text.jinja;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A dictionary in order of insertion, whose keys are equal as Python's are (1, 1.0 and true). */
final class PyDict {
  record Entry(Object key, Object value) {}

  private final LinkedHashMap<Object, Entry> entries = new LinkedHashMap<>();

  static PyDict ofJson(Map<?, ?> map) {
    PyDict dict = new PyDict();
    map.forEach((key, value) -> dict.put(key, Values.ofJson(value)));
    return dict;
  }

  void put(Object key, Object value) {
    Object hash = Values.hashKey(key);
    Entry old = entries.get(hash);
    entries.put(hash, new Entry(old == null ? key : old.key(), value));
  }

  boolean contains(Object key) {
    return entries.containsKey(Values.hashKey(key));
  }

  /** The value, or {@link Values#MISSING}. */
  Object find(Object key) {
    Entry entry = entries.get(Values.hashKey(key));
    return entry == null ? Values.MISSING : entry.value();
  }

  int size() {
    return entries.size();
  }

  Collection<Entry> entries() {
    return entries.values();
  }

  List<Object> keys() {
    List<Object> keys = new ArrayList<>(entries.size());
    for (Entry entry : entries.values()) {
      keys.add(entry.key());
    }
    return keys;
  }

  List<Object> values() {
    List<Object> values = new ArrayList<>(entries.size());
    for (Entry entry : entries.values()) {
      values.add(entry.value());
    }
    return values;
  }

  List<Object> items() {
    List<Object> items = new ArrayList<>(entries.size());
    for (Entry entry : entries.values()) {
      items.add(Tuple.of(entry.key(), entry.value()));
    }
    return items;
  }
}
