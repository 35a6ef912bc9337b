package io.plumbline.spark.reference;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Collects computed rows of one task and writes them as parts, each as soon as it is due. */
final class PartWriter {
  private static final Logger LOG = LoggerFactory.getLogger(PartWriter.class);

  /** Of a part that others are merged into; such a part is held in memory. */
  private static final long MERGED_BYTES = 32L << 20;

  private final CacheDirectory directory;
  private final String prefix;
  private final int rowsPerPart;
  private final long intervalNanos;
  private final List<CachedRow> pending = new ArrayList<>();
  private long lastWriteNanos = System.nanoTime();
  private final List<Integer> sizes = new ArrayList<>();

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
    sizes.add(directory.write(prefix + "-" + sizes.size(), pending));
    pending.clear();
  }

  /**
   * Writes what is left, and parts that came of short intervals as few larger ones: a reader opens
   * each.
   */
  void finish() {
    flush();
    int first = 0;
    long bytes = 0;
    for (int part = 0; part < sizes.size(); part++) {
      if (part > first && bytes + sizes.get(part) > MERGED_BYTES) {
        merge(first, part - 1);
        first = part;
        bytes = 0;
      }
      bytes += sizes.get(part);
    }
    merge(first, sizes.size() - 1);
  }

  private void merge(int first, int last) {
    if (last <= first) {
      return;
    }
    try {
      directory.merge(prefix, first, last);
    } catch (CacheDirectory.DamagedPart e) {
      // Its rows are computed anew where they are asked for; the others stay as they are.
      LOG.warn("Parts of the reference cache were not merged: {}", e.getMessage());
    }
  }
}
