package io.plumbline.spark.reference;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Collects computed rows of one task and writes them as parts, each as soon as it is due. */
final class PartWriter {
  private final CacheDirectory directory;
  private final String prefix;
  private final int rowsPerPart;
  private final long intervalNanos;
  private final List<CachedRow> pending = new ArrayList<>();
  private long lastWriteNanos = System.nanoTime();
  private int parts;

  /**
   * @param prefix unique among all tasks, also other attempts of the same task
   */
  PartWriter(CacheDirectory directory, String prefix, int rowsPerPart, Duration interval) {
    this.directory = directory;
    this.prefix = prefix;
    this.rowsPerPart = rowsPerPart;
    this.intervalNanos = interval.toNanos();
  }

  void add(CachedRow row) {
    pending.add(row);
    if (pending.size() >= rowsPerPart) {
      flush();
    }
  }

  void flushIfDue() {
    if (System.nanoTime() - lastWriteNanos >= intervalNanos) {
      flush();
    }
  }

  void flush() {
    lastWriteNanos = System.nanoTime();
    if (pending.isEmpty()) {
      return;
    }
    directory.write(prefix + "-" + parts, pending);
    parts++;
    pending.clear();
  }
}
