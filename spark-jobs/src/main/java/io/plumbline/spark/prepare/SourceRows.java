package io.plumbline.spark.prepare;

import java.io.Serializable;
import java.util.List;

/** Where the rows of each source end. */
record SourceRows(long[] ends) implements Serializable {
  static SourceRows of(List<Long> counts) {
    long[] ends = new long[counts.size()];
    long end = 0;
    for (int i = 0; i < ends.length; i++) {
      end += counts.get(i);
      ends[i] = end;
    }
    return new SourceRows(ends);
  }

  int count() {
    return ends.length;
  }

  int of(long index) {
    int source = 0;
    while (index >= ends[source]) {
      source++;
    }
    return source;
  }

  long first(int source) {
    return source == 0 ? 0 : ends[source - 1];
  }
}
