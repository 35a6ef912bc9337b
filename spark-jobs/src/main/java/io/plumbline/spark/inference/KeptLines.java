package io.plumbline.spark.inference;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lines that tasks of a stage have finished, kept in files until all are there, so that a stage
 * that is stopped continues behind them.
 *
 * <pre>
 * ROOT/request.json                        of what the lines are; written first
 * ROOT/slice-NUMBER-LINES-ATTEMPT.jsonl.gz all lines of a slice of the input
 * </pre>
 *
 * <p>A file needs no marker: gzip's own checksum and length say whether it is whole. Attempts write
 * files of their own, and of several for a slice any whole one will do.
 */
public record KeptLines(Storage storage, String root) implements Serializable {
  private static final Logger LOG = LoggerFactory.getLogger(KeptLines.class);
  private static final String REQUEST = "request.json";
  private static final Pattern NAME =
      Pattern.compile("slice-(\\d{1,18})-(\\d{1,18})-[0-9a-z]+\\.jsonl\\.gz");

  /**
   * The lines of a slice.
   *
   * @param slice its number, from 0
   * @param lines how many there are
   * @param bytes of the file
   */
  public record Part(long slice, long lines, long bytes, String path) implements Serializable {}

  /** What was asked for when the stage began; empty where none has begun. */
  public Optional<ObjectNode> request() {
    String path = Storage.join(root, REQUEST);
    if (!storage.exists(path)) {
      return Optional.empty();
    }
    try {
      return Json.MAPPER.readTree(storage.readText(path)) instanceof ObjectNode request
          ? Optional.of(request)
          : Optional.empty();
    } catch (JsonProcessingException e) {
      LOG.warn("{} is damaged: the stage begins anew", path);
      return Optional.empty();
    }
  }

  /** Deletes what is there and says of what the next lines are. */
  public void begin(ObjectNode request) {
    delete();
    storage.writeText(Storage.join(root, REQUEST), request.toPrettyString() + "\n");
  }

  public void delete() {
    storage.delete(root);
  }

  /**
   * Keeps the lines of a slice.
   *
   * @param attempt tells attempts at the same slice apart: digits and small letters
   */
  void write(long slice, List<String> lines, String attempt) {
    String path =
        Storage.join(root, "slice-%d-%d-%s.jsonl.gz".formatted(slice, lines.size(), attempt));
    try (Writer out =
        new BufferedWriter(
            new OutputStreamWriter(
                new GZIPOutputStream(storage.create(path)), StandardCharsets.UTF_8))) {
      for (String line : lines) {
        out.write(line);
        out.write('\n');
      }
    } catch (IOException e) {
      throw new PlumblineException(
          ErrorCode.STORAGE_FAILED,
          "Could not write %s: %s; check space and permissions there, and continue by --resume."
              .formatted(path, e.getMessage()),
          e);
    }
  }

  /** All files by their slices, without a look into them. */
  TreeMap<Long, List<Part>> parts() {
    TreeMap<Long, List<Part>> parts = new TreeMap<>();
    for (Storage.Entry entry : storage.list(root)) {
      Matcher name = NAME.matcher(entry.name());
      if (!entry.directory() && name.matches()) {
        Part part =
            new Part(
                Long.parseLong(name.group(1)),
                Long.parseLong(name.group(2)),
                entry.length(),
                entry.path());
        parts.computeIfAbsent(part.slice(), slice -> new ArrayList<>()).add(part);
      }
    }
    return parts;
  }

  /** Whether a file holds all that was written to it, by reading it. */
  boolean isWhole(Part part) {
    try (InputStream raw = storage.open(part.path());
        BufferedReader lines = reader(raw)) {
      long found = 0;
      while (lines.readLine() != null) {
        found++;
      }
      return found == part.lines();
    } catch (IOException e) {
      LOG.warn("{} is damaged ({}): its rows are done again", part.path(), e.getMessage());
      return false;
    }
  }

  /** Reads the lines of a file into memory: those of a slice. */
  List<String> read(Part part) {
    try (InputStream raw = storage.open(part.path());
        BufferedReader lines = reader(raw)) {
      return lines.lines().toList();
    } catch (IOException | UncheckedIOException e) {
      throw new PlumblineException(
          ErrorCode.STORAGE_FAILED,
          "%s could not be read: %s; delete it and continue by --resume."
              .formatted(part.path(), e.getMessage()),
          e);
    }
  }

  private static BufferedReader reader(InputStream raw) throws IOException {
    return new BufferedReader(
        new InputStreamReader(new GZIPInputStream(raw), StandardCharsets.UTF_8));
  }
}
