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
    if (Compression.of(head.bytes()).isPresent()) {
      text(path, input);
      return Content.COMPRESSED;
    }
    return textContent(path, head, Optional.empty());
  }

  static boolean isParquet(FileHead head) {
    return ParquetFooter.begins(Arrays.copyOf(head.bytes(), 4));
  }

  /**
   * The text that a file holds, from its start on.
   *
   * @param input at the file's start
   */
  static Text text(String path, BufferedInputStream input) throws IOException {
    FileHead head = FileHead.of(input);
    Optional<Compression> compression = Compression.of(head.bytes());
    if (compression.isEmpty()) {
      return new Text(textContent(path, head, compression), input);
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
    return new Text(textContent(path, insideHead, compression), inside);
  }

  private static Content textContent(
      String path, FileHead head, Optional<Compression> compression) {
    Optional<String> foreign = ForeignFormat.sentence(path, head.bytes());
    if (foreign.isPresent()) {
      throw refused(path, compression, foreign.get());
    }
    TextHead text = TextHead.of(path, head);
    Optional<String> unfit = text.unfit();
    if (unfit.isPresent()) {
      throw refused(path, compression, unfit.get());
    }
    return text.isArray() ? Content.JSON_ARRAY : Content.JSON_LINES;
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
