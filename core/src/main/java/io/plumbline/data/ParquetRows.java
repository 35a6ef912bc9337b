package io.plumbline.data;

import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.hadoop.metadata.FileMetaData;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.MessageColumnIO;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;

/**
 * A user's Parquet file as rows of plain values, as JSON would have them: {@link ParquetValues}
 * says how. The columns that are read are picked from the file's schema as it is: names never pass
 * through text, so that any name will do.
 *
 * <p>What the file says of itself is checked before it is believed ({@link ParquetFooter}, {@link
 * ParquetPages}); whatever is wrong with it fails with BAD_DATA in one sentence.
 */
final class ParquetRows implements AutoCloseable {
  private final Storage storage;
  private final FileSlice slice;
  private final String path;
  private final List<String> otherColumns = new ArrayList<>();
  private final ParquetCodecs codecs = new ParquetCodecs();
  private final ParquetFileReader file;
  private final Optional<MessageColumnIO> columns;
  private final ParquetValues values;

  /** Indices of the row groups that are still to be read. */
  private final List<Integer> groups = new ArrayList<>();

  private Optional<PageReadStore> pages = Optional.empty();
  private Optional<RecordReader<Map<String, Object>>> records = Optional.empty();
  private long leftInGroup;
  private long row;

  /** Reads all columns of rows that are refused; opened with the first of them. */
  private Optional<ParquetRows> whole = Optional.empty();

  /**
   * @param wanted whether a column is read, by its name
   */
  ParquetRows(Storage storage, FileSlice slice, Predicate<String> wanted) {
    this.storage = storage;
    this.slice = slice;
    this.path = slice.path();
    this.row = slice.before();
    ParquetFileReader opened = null;
    try {
      InputFile input = ParquetFooter.checked(storage, path);
      opened = open(input, codecs);
      FileMetaData metadata = opened.getFileMetaData();
      List<Type> read = new ArrayList<>();
      for (Type column : metadata.getSchema().getFields()) {
        if (wanted.test(column.getName())) {
          read.add(column);
        } else {
          otherColumns.add(column.getName());
        }
      }
      MessageType schema = new MessageType(metadata.getSchema().getName(), read);
      ParquetFooter.requireDistinctNames(path, schema);
      this.values = new ParquetValues(path, schema, metadata.getKeyValueMetaData());
      // parquet-java cannot assemble records of no column.
      this.columns =
          read.isEmpty()
              ? Optional.empty()
              : Optional.of(new ColumnIOFactory().getColumnIO(schema));
      if (!read.isEmpty()) {
        opened.setRequestedSchema(schema);
      }
      List<BlockMetaData> all = opened.getRowGroups();
      Set<String> needed = new HashSet<>();
      read.forEach(column -> needed.add(column.getName()));
      for (int i = 0; i < all.size(); i++) {
        long start = i == 0 ? 0 : ParquetFooter.start(all.get(i));
        boolean inSlice = start >= slice.start() && start < slice.end();
        if (inSlice && all.get(i).getRowCount() > 0) {
          List<ColumnChunkMetaData> chunks = ParquetFooter.chunks(all.get(i), needed);
          ParquetFooter.requireSound(path, input.getLength(), schema, all.get(i), chunks);
          for (ColumnChunkMetaData chunk : chunks) {
            codecs.require(path, chunk.getPath().toArray()[0], chunk.getCodec());
          }
          groups.add(i);
        }
      }
      this.file = opened;
    } catch (IOException | RuntimeException | LinkageError | VirtualMachineError e) {
      PlumblineException failure = ParquetFailures.of(path, e);
      if (opened != null) {
        DataFileReader.closeAfter(opened, failure);
      }
      throw failure;
    }
  }

  private static ParquetFileReader open(InputFile input, ParquetCodecs codecs) throws IOException {
    ParquetReadOptions options =
        ParquetReadOptions.builder(new PlainParquetConfiguration())
            .withCodecFactory(codecs)
            // Spark and parquet-java write checksums of pages: a flipped bit is not another text.
            .usePageChecksumVerification(true)
            .build();
    return ParquetFileReader.open(input, options);
  }

  /** Slices of whole row groups, each of about so many bytes or of one row group. */
  static List<FileSlice> slices(Storage storage, String path, long bytes) {
    ParquetCodecs codecs = new ParquetCodecs();
    try (ParquetFileReader footer = open(ParquetFooter.checked(storage, path), codecs)) {
      List<BlockMetaData> groups = footer.getRowGroups();
      if (!ParquetFooter.inOrder(groups)) {
        return List.of(new FileSlice(path, FileSlice.Content.PARQUET, 0, Long.MAX_VALUE, 0));
      }
      List<FileSlice> slices = new ArrayList<>();
      long start = 0;
      long before = 0;
      long rows = 0;
      for (int i = 0; i < groups.size(); i++) {
        rows += groups.get(i).getRowCount();
        boolean last = i + 1 == groups.size();
        long next = last ? Long.MAX_VALUE : ParquetFooter.start(groups.get(i + 1));
        if (last || next - start >= bytes) {
          slices.add(new FileSlice(path, FileSlice.Content.PARQUET, start, next, before));
          start = next;
          before = rows;
        }
      }
      return slices;
    } catch (IOException | RuntimeException | LinkageError | VirtualMachineError e) {
      throw ParquetFailures.of(path, e);
    } finally {
      codecs.release();
    }
  }

  Optional<RawRow> next() {
    try {
      while (leftInGroup == 0) {
        if (groups.isEmpty()) {
          return Optional.empty();
        }
        load(groups.remove(0));
      }
      leftInGroup--;
      row++;
      values.begin();
      Map<String, Object> read = records.isPresent() ? records.get().read() : new LinkedHashMap<>();
      // Their names tell what there was instead of what is needed.
      otherColumns.forEach(column -> read.putIfAbsent(column, null));
      long number = row;
      return Optional.of(
          values
              .refusal()
              .map(refusal -> RawRow.refused(number, refusal, () -> text(number, read)))
              .orElseGet(() -> RawRow.read(number, read, () -> text(number, read))));
    } catch (IOException | RuntimeException | LinkageError | VirtualMachineError e) {
      throw ParquetFailures.of(path, e);
    }
  }

  /** Passes over row groups that end before a row, without reading them. */
  private void passTo(long number) {
    if (row + leftInGroup < number) {
      row += leftInGroup;
      leftInGroup = 0;
    }
    while (leftInGroup == 0
        && !groups.isEmpty()
        && row + file.getRowGroups().get(groups.get(0)).getRowCount() < number) {
      row += file.getRowGroups().get(groups.remove(0)).getRowCount();
    }
  }

  private void load(int group) throws IOException {
    closePages();
    BlockMetaData block = file.getRowGroups().get(group);
    leftInGroup = block.getRowCount();
    if (columns.isPresent()) {
      codecs.expectPagesUpTo(
          block.getColumns().stream()
              .mapToLong(ColumnChunkMetaData::getTotalUncompressedSize)
              .max()
              .orElse(0));
      PageReadStore read = file.readRowGroup(group);
      pages = Optional.of(read);
      records = Optional.of(columns.get().getRecordReader(new ParquetPages(path, read), values));
    }
  }

  /** The whole row as JSON, columns that are not read by others among them. */
  private String text(long number, Map<String, Object> read) {
    if (otherColumns.isEmpty()) {
      return JsonRows.write(read);
    }
    try {
      if (whole.isEmpty() || whole.get().row >= number) {
        whole.ifPresent(ParquetRows::close);
        whole = Optional.of(new ParquetRows(storage, slice, column -> true));
      }
      whole.get().passTo(number);
      Optional<RawRow> found = whole.get().next();
      while (found.isPresent() && found.get().line() < number) {
        found = whole.get().next();
      }
      return found.map(row -> row.text().get()).orElseGet(() -> JsonRows.write(read));
    } catch (PlumblineException e) {
      // What nobody needs may be damaged: then the row is told by what was read.
      return JsonRows.write(read);
    }
  }

  private void closePages() {
    pages.ifPresent(PageReadStore::close);
    pages = Optional.empty();
    records = Optional.empty();
  }

  @Override
  public void close() {
    whole.ifPresent(ParquetRows::close);
    closePages();
    try {
      file.close();
    } catch (IOException | RuntimeException e) {
      throw ParquetFailures.of(path, e);
    } finally {
      codecs.release();
    }
  }
}
