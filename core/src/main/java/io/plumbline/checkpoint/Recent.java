package io.plumbline.checkpoint;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** What was found out for the keys that were asked for last. */
final class Recent {
  private Recent() {}

  /**
   * A map that drops the key which was asked for longest ago; safe to use from several threads.
   *
   * @param most keys
   */
  static <K, V> Map<K, V> map(int most) {
    return Collections.synchronizedMap(
        new LinkedHashMap<>(16, 0.75f, true) {
          private static final long serialVersionUID = 1L;

          @Override
          protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
            return size() > most;
          }
        });
  }
}
