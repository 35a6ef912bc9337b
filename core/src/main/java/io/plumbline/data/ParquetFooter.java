package io.plumbline.data;

import io.plumbline.parquet.StorageParquet;
import io.plumbline.storage.SeekableInput;
import io.plumbline.storage.Storage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;

/**
 * Whether a file's footer can be believed. parquet-java makes room for whatever a footer claims, so
 * a broken one would end in a lack of memory; and it reads as many rows as are claimed.
 */
final class ParquetFooter {
  /** Magic number at both ends, and the length of the footer before the last one. */
  private static final int LEAST_BYTES = 12;

  private static final int TAIL_BYTES = 8;
  private static final String MAGIC = "PAR1";
  private static final String ENCRYPTED_MAGIC = "PARE";

  private ParquetFooter() {}

  /** Whether a file that begins so is Parquet. */
  static boolean begins(byte[] firstBytes) {
    String magic = new String(firstBytes, StandardCharsets.ISO_8859_1);
    return magic.startsWith(MAGIC) || magic.startsWith(ENCRYPTED_MAGIC);
  }

  /** A file whose footer is there, is not encrypted and claims no more than it holds. */
  static InputFile checked(Storage storage, String path) {
    try (SeekableInput input = storage.openSeekable(path)) {
      long length = input.length();
      if (length < LEAST_BYTES) {
        throw cutShort(path);
      }
      ByteBuffer tail = read(input, length - TAIL_BYTES, TAIL_BYTES);
      long footer = Integer.toUnsignedLong(tail.getInt());
      byte[] magic = new byte[4];
      tail.get(magic);
      switch (new String(magic, StandardCharsets.ISO_8859_1)) {
        case MAGIC -> {}
        case ENCRYPTED_MAGIC -> throw ParquetFailures.encrypted(path, null);
        default -> throw cutShort(path);
      }
      if (footer == 0 || footer > length - LEAST_BYTES) {
        throw ParquetFailures.damaged(
            path, "its footer claims %d bytes of the file's %d".formatted(footer, length));
      }
      ByteBuffer metadata = read(input, length - TAIL_BYTES - footer, (int) footer);
      try {
        ThriftScan.requireSound(metadata);
      } catch (IllegalArgumentException e) {
        throw ParquetFailures.damaged(path, "its footer is damaged: " + e.getMessage(), e);
      }
      if (holdsNoColumn(metadata)) {
        throw ParquetFailures.damaged(path, "it has no column");
      }
      return StorageParquet.input(storage, path, length);
    }
  }

  /**
   * Whether the schema is nothing but its root. parquet-java cannot open such a file. The footer
   * begins with its version, a number of one byte, and with the list of the schema's elements.
   */
  private static boolean holdsNoColumn(ByteBuffer metadata) {
    return metadata.limit() > 4
        && metadata.get(0) == 0x15
        && metadata.get(2) == 0x19
        && (metadata.get(3) & 0xff) >> 4 == 1;
  }

  private static ByteBuffer read(SeekableInput input, long position, int bytes) {
    ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    input.readFully(position, buffer);
    return buffer.flip();
  }

  private static RuntimeException cutShort(String path) {
    return ParquetFailures.damaged(
        path, "it is cut short: Parquet ends with a footer and PAR1, and this file does not");
  }

  /** Where the first byte of a row group lies. */
  static long start(BlockMetaData group) {
    return group.getColumns().isEmpty() ? 0 : group.getStartingPos();
  }

  /** Whether each row group begins where the one before it does or later. */
  static boolean inOrder(List<BlockMetaData> groups) {
    for (int i = 1; i < groups.size(); i++) {
      if (start(groups.get(i)) < start(groups.get(i - 1))) {
        return false;
      }
    }
    return true;
  }

  /** The parts of a row group that belong to columns of some names. */
  static List<ColumnChunkMetaData> chunks(BlockMetaData group, Set<String> columns) {
    List<ColumnChunkMetaData> chunks = new ArrayList<>();
    for (ColumnChunkMetaData chunk : group.getColumns()) {
      if (columns.contains(chunk.getPath().toArray()[0])) {
        chunks.add(chunk);
      }
    }
    return chunks;
  }

  /**
   * Fails with BAD_DATA where parts of a row group lie outside of the file, or hold another number
   * of rows than the group.
   */
  static void requireSound(
      String path,
      long length,
      MessageType schema,
      BlockMetaData group,
      List<ColumnChunkMetaData> chunks) {
    long rows = group.getRowCount();
    for (ColumnChunkMetaData chunk : chunks) {
      String[] column = chunk.getPath().toArray();
      long start = chunk.getStartingPos();
      long bytes = chunk.getTotalSize();
      if (start < 0 || bytes < 0 || start > length - bytes) {
        throw ParquetFailures.damaged(
            path,
            "the column %s claims bytes %d to %d of the file's %d"
                .formatted(String.join(".", column), start, start + bytes, length));
      }
      // A value of a column that may repeat is one of several of a row; a row without has a null.
      boolean repeats = schema.getMaxRepetitionLevel(column) > 0;
      long values = chunk.getValueCount();
      if (repeats ? values < rows : values != rows) {
        throw ParquetFailures.damaged(
            path,
            "a row group claims %d rows, and its column %s has %d values"
                .formatted(rows, String.join(".", column), values));
      }
    }
  }

  /**
   * Fails with BAD_DATA where two columns, or two fields of one, have one name: rows have a value
   * by name, and one of the two would be lost.
   */
  static void requireDistinctNames(String path, MessageType schema) {
    requireDistinctNames(path, schema, "");
  }

  private static void requireDistinctNames(String path, GroupType group, String before) {
    Set<String> seen = new HashSet<>();
    for (Type field : group.getFields()) {
      String name = before + field.getName();
      if (!seen.add(field.getName())) {
        throw ParquetFailures.unreadable(
            path, name, "there twice", "write the file with one name a column");
      }
      if (!field.isPrimitive()) {
        requireDistinctNames(path, field.asGroupType(), name + ".");
      }
    }
  }
}
