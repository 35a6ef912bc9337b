package io.plumbline.storage;

import java.io.InputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/**
 * Files on any Hadoop path, in the few operations that Plumbline needs. Serializable, so that
 * executors use the same settings as the driver. A path without a scheme is a local file unless
 * {@code fs.defaultFS} says otherwise.
 */
public final class Storage implements Serializable {
  private static final long serialVersionUID = 1L;

  /** A file or directory in a listing. */
  public record Entry(String path, long length, boolean directory) {}

  private Storage() {}

  /** Storage with the settings of a Hadoop configuration. */
  public static Storage of(Configuration configuration) {
    throw new UnsupportedOperationException();
  }

  /** Storage with Hadoop's defaults: local files. */
  public static Storage local() {
    throw new UnsupportedOperationException();
  }

  public Configuration configuration() {
    throw new UnsupportedOperationException();
  }

  /** {@code parent} and {@code child} joined by one slash. */
  public static String join(String parent, String child) {
    throw new UnsupportedOperationException();
  }

  public boolean exists(String path) {
    throw new UnsupportedOperationException();
  }

  public InputStream open(String path) {
    throw new UnsupportedOperationException();
  }

  public byte[] readBytes(String path) {
    throw new UnsupportedOperationException();
  }

  public String readText(String path) {
    throw new UnsupportedOperationException();
  }

  /** A stream to a file that replaces what is there; parents are made. */
  public OutputStream create(String path) {
    throw new UnsupportedOperationException();
  }

  /** Writes a small file that a reader sees either whole or not at all. */
  public void writeText(String path, String text) {
    throw new UnsupportedOperationException();
  }

  /** Makes a file if none is there, atomically; says whether this call made it. */
  public boolean createExclusively(String path, String text) {
    throw new UnsupportedOperationException();
  }

  /** The direct children of a directory, by name; empty where there is no such directory. */
  public List<Entry> list(String directory) {
    throw new UnsupportedOperationException();
  }

  /**
   * The data files that a path, directory (searched recursively; names with a leading dot or
   * underscore are left out) or glob names, sorted by path.
   */
  public List<Entry> expand(String pathOrGlob) {
    throw new UnsupportedOperationException();
  }

  /** Deletes a file or a directory with all in it; nothing where it is not there. */
  public void delete(String path) {
    throw new UnsupportedOperationException();
  }
}
