package io.plumbline.data;

import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.page.DataPage;
import org.apache.parquet.column.page.DictionaryPage;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.column.page.PageReader;

/** The pages of a row group, of which none claims more values than it can hold. */
final class ParquetPages implements PageReadStore {
  private final String path;
  private final PageReadStore pages;

  ParquetPages(String path, PageReadStore pages) {
    this.path = path;
    this.pages = pages;
  }

  @Override
  public PageReader getPageReader(ColumnDescriptor column) {
    PageReader reader = pages.getPageReader(column);
    return new PageReader() {
      @Override
      public DictionaryPage readDictionaryPage() {
        DictionaryPage page = reader.readDictionaryPage();
        // A value takes a byte at least; the reader makes room for as many as are claimed.
        if (page != null
            && (page.getDictionarySize() < 0
                || page.getDictionarySize() > page.getBytes().size())) {
          throw ParquetFailures.damaged(
              path,
              "a dictionary claims %d values in %d bytes"
                  .formatted(page.getDictionarySize(), page.getBytes().size()));
        }
        return page;
      }

      @Override
      public long getTotalValueCount() {
        return reader.getTotalValueCount();
      }

      @Override
      public DataPage readPage() {
        return reader.readPage();
      }
    };
  }

  @Override
  public long getRowCount() {
    return pages.getRowCount();
  }

  @Override
  public void close() {
    pages.close();
  }
}
