package io.plumbline.spark.source;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;

/**
 * Directories that are tables of a lakehouse format. Their log says which of their Parquet files
 * and rows count, so reading the files alone would bring deleted rows back.
 */
final class TableDirectories {
  static final String DELTA_LOG = "_delta_log";

  /** Deeper than tables lie below a directory that somebody takes for data files. */
  private static final int DEPTH = 8;

  enum Format {
    DELTA("a Delta table"),
    ICEBERG("an Iceberg table"),
    HUDI("a Hudi table");

    private final String words;

    Format(String words) {
      this.words = words;
    }

    String words() {
      return words;
    }
  }

  private record Table(String path, Format format) {}

  private final Storage storage;

  TableDirectories(Storage storage) {
    this.storage = storage;
  }

  /** What table a directory is, if it is one. */
  Optional<Format> format(String directory) {
    return storage.isDirectory(directory)
        ? formatOf(directory, storage.list(directory))
        : Optional.empty();
  }

  private Optional<Format> formatOf(String directory, List<Storage.Entry> children) {
    for (Storage.Entry child : children) {
      if (child.directory()) {
        switch (child.name()) {
          case DELTA_LOG -> {
            return Optional.of(Format.DELTA);
          }
          case ".hoodie" -> {
            return Optional.of(Format.HUDI);
          }
          case "metadata" -> {
            String metadata = Storage.join(directory, "metadata");
            if (storage.list(metadata).stream()
                .anyMatch(entry -> entry.path().endsWith(".metadata.json"))) {
              return Optional.of(Format.ICEBERG);
            }
          }
          default -> {}
        }
      }
    }
    return Optional.empty();
  }

  /**
   * Refuses files that belong to a table: a path inside one, or a directory with one in it.
   *
   * @param given a file, directory or glob that is no table itself
   */
  void requirePlainFiles(String given) {
    Matcher glob = DataFiles.GLOB.matcher(given);
    boolean literal = storage.exists(given) || !glob.find();
    String start = literal ? given : given.substring(0, glob.start());
    Optional<Table> table = above(start, literal);
    if (table.isEmpty() && literal && storage.isDirectory(given)) {
      table = below(given, 0);
    }
    if (table.isPresent()) {
      throw refused(given, table.get());
    }
  }

  /** The Delta table that a directory is, or is a part of. */
  Optional<String> deltaTableOf(String directory) {
    return above(Storage.join(directory, "file"), /* literal= */ true)
        .filter(table -> table.format() == Format.DELTA)
        .map(Table::path);
  }

  /** Fails for a directory that is a table which cannot be read by its path. */
  static PlumblineException onlyByName(String given, Format format) {
    return new PlumblineException(
        ErrorCode.BAD_USAGE,
        SourceFailures.shown(given)
            + " is "
            + format.words()
            + ", whose files hold rows that may be deleted; name the table instead, by"
            + " table:, as in table:main.chat.votes, or sql:SELECT ...");
  }

  private static PlumblineException refused(String given, Table table) {
    String path = SourceFailures.shown(table.path());
    String named =
        table.format() == Format.DELTA
            ? "delta:%s, or a part of it by sql:SELECT ... FROM delta.`%s` WHERE ..."
                .formatted(path, path)
            : "the table by table:, as in table:main.chat.votes, or sql:SELECT ...";
    return new PlumblineException(
        ErrorCode.BAD_USAGE,
        "%s has files of %s at %s, and files alone bring deleted rows back; name %s"
            .formatted(SourceFailures.shown(given), table.format().words(), path, named));
  }

  private Optional<Table> above(String start, boolean literal) {
    // What stands before a glob's first sign may end within a name.
    String path = literal && !start.endsWith("/") ? start : start + "x";
    int slash = path.lastIndexOf('/');
    while (slash > 0 && path.charAt(slash - 1) != '/' && path.charAt(slash - 1) != ':') {
      path = path.substring(0, slash);
      Optional<Format> format = format(path);
      if (format.isPresent()) {
        return Optional.of(new Table(path, format.get()));
      }
      slash = path.lastIndexOf('/');
    }
    return Optional.empty();
  }

  private Optional<Table> below(String directory, int depth) {
    List<Storage.Entry> children = storage.list(directory);
    Optional<Format> format = formatOf(directory, children);
    if (format.isPresent()) {
      return Optional.of(new Table(directory, format.get()));
    }
    for (Storage.Entry child : children) {
      String name = child.name();
      if (child.directory() && depth < DEPTH && Storage.isVisible(name)) {
        Optional<Table> found = below(Storage.join(directory, name), depth + 1);
        if (found.isPresent()) {
          return found;
        }
      }
    }
    return Optional.empty();
  }
}
