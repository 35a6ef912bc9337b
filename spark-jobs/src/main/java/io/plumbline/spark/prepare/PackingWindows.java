package io.plumbline.spark.prepare;

import io.plumbline.data.Packing;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.Partitioner;
import scala.Tuple2;

/** Windows of rows that are packed together, numbered over all sources. */
record PackingWindows(long[] first, long count) implements Serializable {
  /** Rows that are packed together. Part of the format: another number packs otherwise. */
  static final int ROWS = 4096;

  static PackingWindows of(List<Long> counts) {
    long[] first = new long[counts.size()];
    long windows = 0;
    for (int source = 0; source < first.length; source++) {
      first[source] = windows;
      windows += -Math.floorDiv(-counts.get(source), (long) ROWS);
    }
    return new PackingWindows(first, windows);
  }

  long of(SourceRows sources, long index) {
    int source = sources.of(index);
    return first[source] + (index - sources.first(source)) / ROWS;
  }

  /**
   * A row and the place among the settings' paths of the one that it comes from; a packed row has
   * no index yet.
   */
  record FromSource(int source, TokenizedRow row) implements Serializable {}

  /** A window is in one partition. */
  static final class ByWindow extends Partitioner {
    static final long serialVersionUID = 1L;

    private final SourceRows sources;
    private final PackingWindows windows;
    private final int partitions;

    ByWindow(SourceRows sources, PackingWindows windows, int partitions) {
      this.sources = sources;
      this.windows = windows;
      this.partitions = partitions;
    }

    @Override
    public int numPartitions() {
      return partitions;
    }

    @Override
    public int getPartition(Object index) {
      return (int) (windows.of(sources, (Long) index) * partitions / windows.count());
    }
  }

  /** Packs rows that come by index, window after window. */
  static final class Packer implements Iterator<FromSource> {
    private final Iterator<Tuple2<Long, byte[]>> in;
    private final SourceRows sources;
    private final PackingWindows windows;
    private final int maxTokens;
    private TokenizedRow ahead;
    private List<TokenizedRow> documents = List.of();
    private Iterator<int[]> bins = List.<int[]>of().iterator();
    private int source;

    Packer(
        Iterator<Tuple2<Long, byte[]>> in,
        SourceRows sources,
        PackingWindows windows,
        int maxTokens) {
      this.in = in;
      this.sources = sources;
      this.windows = windows;
      this.maxTokens = maxTokens;
      this.ahead = read();
    }

    private TokenizedRow read() {
      return in.hasNext() ? RowBytes.read(in.next()._2()) : null;
    }

    @Override
    public boolean hasNext() {
      return bins.hasNext() || ahead != null;
    }

    @Override
    public FromSource next() {
      if (!hasNext()) {
        throw new NoSuchElementException("all windows are packed");
      }
      if (!bins.hasNext()) {
        pack();
      }
      List<TokenizedRow> bin = Arrays.stream(bins.next()).mapToObj(documents::get).toList();
      return new FromSource(source, Packing.packed(0, bin));
    }

    private void pack() {
      long window = windows.of(sources, ahead.index());
      source = sources.of(ahead.index());
      documents = new ArrayList<>();
      while (ahead != null && windows.of(sources, ahead.index()) == window) {
        if (ahead.tokens() > maxTokens) {
          throw new PlumblineException(
              ErrorCode.BAD_DATA,
              "The row with index "
                  + ahead.index()
                  + " has "
                  + ahead.tokens()
                  + " tokens, more than the "
                  + maxTokens
                  + " of a packed row; cut rows by --max-length to what they are packed to");
        }
        documents.add(ahead);
        ahead = read();
      }
      int[] lengths = documents.stream().mapToInt(TokenizedRow::tokens).toArray();
      bins = Packing.bestFitDecreasing(lengths, maxTokens).iterator();
    }
  }
}
