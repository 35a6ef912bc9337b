package io.plumbline.data;

import io.plumbline.data.FileSlice.Content;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Optional;

/**
 * What a file holds, by its first bytes. What is not read is refused here, once and before any row,
 * with a sentence that says what the file is and what to do.
 */
final class FileContents {
  private FileContents() {}

  /**
   * An open file of text, decompressed.
   *
   * @param content JSON lines or an array
   * @param input at the text's start, or at the bracket that opens the array
   */
  record Text(Content content, InputStream input) {}

  /**
   * What a file holds; of a compressed one only that it is compressed, once its content is known to
   * be fit to be read. Leaves the stream anywhere.
   *
   * @throws PlumblineException BAD_DATA where it is of a format that is not read
   */
  static Content of(String path, InputStream file) throws IOException {
    BufferedInputStream input = FileHead.buffered(file);
    FileHead head = FileHead.of(input);
    if (isParquet(head)) {
      return Content.PARQUET;
    }
    Text text = text(path, head, input);
    return Compression.of(head.bytes()).isPresent() ? Content.COMPRESSED : text.content();
  }

  /** Fails with BAD_DATA where nothing is in a file whose name says that something must be. */
  private static void requireNotCutToNothing(String path, FileHead head) {
    if (head.bytes().length == 0 && path.matches(".*\\.(parquet|gz|bz2|zst)")) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          path
              + " is empty, and a file of its format never is, even without rows: write it again or"
              + " leave it out");
    }
  }

  static boolean isParquet(FileHead head) {
    return ParquetFooter.begins(Arrays.copyOf(head.bytes(), 4));
  }

  /**
   * The text that a file holds, from its start on.
   *
   * @param input at the file's start
   */
  static Text text(String path, FileHead head, BufferedInputStream input) throws IOException {
    requireNotCutToNothing(path, head);
    Optional<Compression> compression = Compression.of(head.bytes());
    if (compression.isEmpty()) {
      return plain(path, head, input, compression);
    }
    BufferedInputStream inside = FileHead.buffered(compression.get().open(input));
    FileHead insideHead = FileHead.of(inside);
    Optional<Compression> twice = Compression.of(insideHead.bytes());
    if (twice.isPresent() || isParquet(insideHead)) {
      throw refused(
          path,
          compression,
          twice.map(again -> "is compressed by " + again.words()).orElse("is a Parquet file")
              + ": decompress it once by "
              + compression.get().words());
    }
    return plain(path, insideHead, inside, compression);
  }

  private static Text plain(
      String path, FileHead head, BufferedInputStream input, Optional<Compression> compression)
      throws IOException {
    Optional<String> foreign = ForeignFormat.sentence(path, head.bytes());
    if (foreign.isPresent()) {
      throw refused(path, compression, foreign.get());
    }
    TextHead text = TextHead.of(path, head);
    Optional<String> unfit = text.unfit();
    if (unfit.isPresent()) {
      throw refused(path, compression, unfit.get());
    }
    if (text.isArray()) {
      // Jackson passes over one byte order mark, and some programs write several.
      input.skipNBytes(text.start());
      return new Text(Content.JSON_ARRAY, input);
    }
    return new Text(Content.JSON_LINES, input);
  }

  private static PlumblineException refused(
      String path, Optional<Compression> compression, String end) {
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        "%s%s %s"
            .formatted(
                path,
                compression.map(by -> ", decompressed by " + by.words() + ",").orElse(""),
                end));
  }
}
