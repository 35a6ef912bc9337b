package io.plumbline.storage;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.hadoop.fs.Path;

/** What {@link Storage} needs of one kind of file system; errors as plain I/O exceptions. */
interface StorageBackend {
  /** A file or directory; {@code modifiedMillis} counts from 1970. */
  record Status(String name, long length, boolean directory, long modifiedMillis) {}

  Optional<Status> status(Path path) throws IOException;

  /** The children of a directory in any order; empty where there is no such directory. */
  List<Status> list(Path directory) throws IOException;

  InputStream open(Path path) throws IOException;

  /** Opens a file at a byte; what lies behind {@code expectedEnd} is wanted only perhaps. */
  InputStream openAt(Path path, long from, long expectedEnd) throws IOException;

  SeekableInput openSeekable(Path path) throws IOException;

  OutputStream create(Path path) throws IOException;

  /** Puts a whole file in place of what is there, so that no reader ever sees a part of it. */
  void replace(Path path, byte[] content) throws IOException;

  /**
   * Makes a file if none is there. The content tells writers apart: who finds his own there has
   * made it, in an attempt whose answer was lost.
   */
  boolean createExclusively(Path path, byte[] content) throws IOException;

  void delete(Path path) throws IOException;

  /**
   * Whether a writer that died may still hold a file, so that only a fresh copy can be appended to.
   */
  boolean deadWritersHoldFiles();

  /** Opens for appending, if written bytes become visible at once here. */
  Optional<Appender> appender(Path path) throws IOException;

  OptionalLong freeBytes(Path path) throws IOException;

  /** A file open for appending. */
  interface Appender extends AutoCloseable {
    /** Returns when readers can see the bytes. */
    void append(byte[] bytes) throws IOException;

    /** Returns when the bytes survive a power cut. */
    void force() throws IOException;

    @Override
    void close() throws IOException;
  }
}
