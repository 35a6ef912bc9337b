package io.plumbline.storage;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.hadoop.fs.Path;

/**
 * A text file that grows by lines. On local disks and HDFS a reader sees each line at once. An
 * object store cannot append: there the lines are kept in memory, and the object is written again
 * at intervals that grow with it, on {@link #flush} and on {@link #close}. Thread-safe.
 */
public final class LineLog implements AutoCloseable {
  private static final long REWRITE_INTERVAL_NANOS = 20_000_000_000L;

  private final StorageBackend backend;
  private final Path path;

  /** Empty on object stores. */
  private final Optional<StorageBackend.Appender> appender;

  /** The whole content, on object stores. */
  private final ByteArrayOutputStream content = new ByteArrayOutputStream();

  private long rewriteAfterNanos;
  private long nextRewrite;
  private boolean dirty;
  private boolean closed;

  private LineLog(
      StorageBackend backend,
      Path path,
      Optional<StorageBackend.Appender> appender,
      byte[] kept,
      long rewriteAfterNanos) {
    this.backend = backend;
    this.path = path;
    this.appender = appender;
    this.rewriteAfterNanos = rewriteAfterNanos;
    this.nextRewrite = System.nanoTime() + rewriteAfterNanos;
    content.writeBytes(kept);
  }

  static LineLog open(StorageBackend backend, Path path, Predicate<String> keepWhile)
      throws IOException {
    return open(backend, path, keepWhile, REWRITE_INTERVAL_NANOS);
  }

  static LineLog open(
      StorageBackend backend, Path path, Predicate<String> keepWhile, long rewriteAfterNanos)
      throws IOException {
    byte[] there = new byte[0];
    boolean exists = backend.status(path).isPresent();
    if (exists) {
      try (var input = backend.open(path)) {
        there = input.readAllBytes();
      }
    }
    int end = keptBytes(there, keepWhile);
    byte[] kept = end == there.length ? there : java.util.Arrays.copyOf(there, end);
    if (end < there.length || (exists && backend.deadWritersHoldFiles())) {
      backend.replace(path, kept);
    }
    Optional<StorageBackend.Appender> appender = backend.appender(path);
    return new LineLog(
        backend, path, appender, appender.isPresent() ? new byte[0] : kept, rewriteAfterNanos);
  }

  /** Where the lines to keep end: a last line without its end was torn and never counts. */
  private static int keptBytes(byte[] bytes, Predicate<String> keepWhile) {
    int start = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == '\n') {
        if (!keepWhile.test(new String(bytes, start, i - start, StandardCharsets.UTF_8))) {
          return start;
        }
        start = i + 1;
      }
    }
    return start;
  }

  /** Adds one line; {@code line} has no line break in it. */
  public synchronized void append(String line) {
    if (line.indexOf('\n') >= 0) {
      throw new IllegalArgumentException("a line with a line break in it");
    }
    if (closed) {
      throw new IllegalStateException("the log " + path + " is closed");
    }
    byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
    if (appender.isPresent()) {
      try {
        appender.get().append(bytes);
      } catch (IOException e) {
        throw StorageFailures.failure("append to", path.toString(), e);
      }
      return;
    }
    content.writeBytes(bytes);
    dirty = true;
    if (System.nanoTime() - nextRewrite >= 0) {
      flush();
    }
  }

  /** Makes all lines visible to readers now, and durable. */
  public synchronized void flush() {
    if (appender.isPresent()) {
      try {
        appender.get().force();
      } catch (IOException e) {
        throw StorageFailures.failure("write", path.toString(), e);
      }
      return;
    }
    if (!dirty) {
      return;
    }
    long started = System.nanoTime();
    try {
      backend.replace(path, content.toByteArray());
    } catch (IOException e) {
      throw StorageFailures.failure("write", path.toString(), e);
    }
    dirty = false;
    long now = System.nanoTime();
    // Writing the object takes longer as it grows; it may take a twentieth of the time at most.
    nextRewrite = now + Math.max(rewriteAfterNanos, 20 * (now - started));
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    flush();
    if (appender.isPresent()) {
      try {
        appender.get().close();
      } catch (IOException e) {
        throw StorageFailures.failure("close", path.toString(), e);
      }
    }
  }
}
