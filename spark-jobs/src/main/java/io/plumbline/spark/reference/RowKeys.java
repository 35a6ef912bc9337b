package io.plumbline.spark.reference;

import io.plumbline.data.TokenizedRow;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;

/**
 * The first 48 bits of the fingerprints of rows, distinct and sorted: enough to tell which parts of
 * a cache can hold a row. Of 100,000 rows and 10 million others, one pair in 280 such meetings has
 * the same bits by chance, and then a part is read for nothing.
 */
final class RowKeys implements Serializable {
  private static final long serialVersionUID = 1L;

  private static final int BYTES = 6;
  private static final int DIGITS = 2 * BYTES;

  private final long[] sorted;

  private RowKeys(long[] keys) {
    this.sorted = Arrays.stream(keys).sorted().distinct().toArray();
  }

  static long of(String fingerprint) {
    return Long.parseLong(fingerprint, 0, DIGITS, 16);
  }

  static RowKeys of(Collection<CachedRow> rows) {
    return new RowKeys(rows.stream().mapToLong(row -> of(row.fingerprint())).toArray());
  }

  /** Of all rows, each partition's as one array. */
  static RowKeys of(JavaRDD<TokenizedRow> rows) {
    List<RowKeys> parts =
        rows.mapPartitions(
                part -> {
                  long[] keys = new long[1024];
                  int count = 0;
                  while (part.hasNext()) {
                    if (count == keys.length) {
                      keys = Arrays.copyOf(keys, 2 * count);
                    }
                    keys[count++] = of(part.next().fingerprint());
                  }
                  return List.of(new RowKeys(Arrays.copyOf(keys, count))).iterator();
                })
            .collect();
    return new RowKeys(parts.stream().flatMapToLong(part -> Arrays.stream(part.sorted)).toArray());
  }

  boolean hold(String fingerprint) {
    return Arrays.binarySearch(sorted, of(fingerprint)) >= 0;
  }

  boolean meet(RowKeys other) {
    long[] few = sorted.length < other.sorted.length ? sorted : other.sorted;
    long[] many = few == sorted ? other.sorted : sorted;
    for (long key : few) {
      if (Arrays.binarySearch(many, key) >= 0) {
        return true;
      }
    }
    return false;
  }

  /** As markers have them: six bytes each, in base64. */
  String text() {
    ByteBuffer bytes = ByteBuffer.allocate(BYTES * sorted.length);
    for (long key : sorted) {
      bytes.putShort((short) (key >>> Integer.SIZE)).putInt((int) key);
    }
    return Base64.getEncoder().encodeToString(bytes.array());
  }

  /**
   * @throws IllegalArgumentException where the text is none of {@link #text}
   */
  static RowKeys parse(String text) {
    ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(text));
    if (bytes.remaining() % BYTES != 0) {
      throw new IllegalArgumentException("not a multiple of " + BYTES + " bytes");
    }
    long[] keys = new long[bytes.remaining() / BYTES];
    for (int i = 0; i < keys.length; i++) {
      long high = Short.toUnsignedLong(bytes.getShort()) << Integer.SIZE;
      keys[i] = high | Integer.toUnsignedLong(bytes.getInt());
    }
    return new RowKeys(keys);
  }
}
