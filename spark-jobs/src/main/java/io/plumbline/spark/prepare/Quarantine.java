package io.plumbline.spark.prepare;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.plumbline.base.Json;
import io.plumbline.data.RawRow;
import io.plumbline.data.RefusedRowException;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Writes refused rows as JSON lines: {@code file}, {@code line} (from 1; in a JSON array the
 * element, in Parquet the row), {@code reason} (such as {@code empty_completion}), {@code detail},
 * and {@code row}, the row's own text, its beginning if it is long. The file is made with its first
 * row.
 */
final class Quarantine implements AutoCloseable {
  private static final int MAX_ROW_CHARS = 16_384;
  private static final int MAX_DETAIL_CHARS = 300;
  private final Storage storage;
  private final String directory;
  private final String name;
  private Optional<OutputStream> output = Optional.empty();

  Quarantine(Storage storage, String directory, String name) {
    this.storage = storage;
    this.directory = directory;
    this.name = name;
  }

  void refuse(String file, RawRow row, RefusedRowException refusal) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("file", file);
    line.put("line", row.line());
    line.put("reason", refusal.reason().id());
    line.put("detail", cut(refusal.getMessage(), MAX_DETAIL_CHARS));
    line.put("row", cut(row.text().get(), MAX_ROW_CHARS));
    try {
      if (output.isEmpty()) {
        output = Optional.of(storage.create(Storage.join(directory, name)));
      }
      output
          .get()
          .write((Json.MAPPER.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a refused row is written as plain text", e);
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private static String cut(String text, int length) {
    if (text == null || text.length() <= length) {
      return String.valueOf(text);
    }
    int end = Character.isHighSurrogate(text.charAt(length - 1)) ? length - 1 : length;
    return text.substring(0, end) + "…";
  }

  /** The file's name, empty if no row was refused. */
  Optional<String> file() {
    return output.isPresent() ? Optional.of(name) : Optional.empty();
  }

  @Override
  public void close() {
    if (output.isPresent()) {
      try {
        output.get().close();
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  private PlumblineException failed(IOException cause) {
    return new PlumblineException(
        ErrorCode.STORAGE_FAILED,
        "Refused rows could not be written to "
            + Storage.join(directory, name)
            + " ("
            + cause.getMessage()
            + "); check the output directory",
        cause);
  }
}
