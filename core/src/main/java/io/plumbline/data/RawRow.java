package io.plumbline.data;

import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A row as a data file has it.
 *
 * @param line its place in the file from 1: line of JSON lines, element of a JSON array, row of
 *     Parquet
 * @param values by column; empty if it could not be read
 * @param refusal why it could not be read; empty if it could
 * @param text the row as text, for the quarantine
 */
public record RawRow(
    long line,
    Optional<Map<String, Object>> values,
    Optional<RefusedRowException> refusal,
    Supplier<String> text) {

  static RawRow read(long line, Map<String, Object> values, Supplier<String> text) {
    return new RawRow(line, Optional.of(values), Optional.empty(), text);
  }

  static RawRow refused(long line, RefusedRowException refusal, Supplier<String> text) {
    return new RawRow(line, Optional.empty(), Optional.of(refusal), text);
  }
}
