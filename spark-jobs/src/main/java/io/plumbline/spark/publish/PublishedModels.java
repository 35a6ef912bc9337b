package io.plumbline.spark.publish;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.plumbline.base.Json;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The versions that were published to one place: a log with a file a version, and one pointer file
 * that always holds one version whole.
 *
 * <pre>
 *   published.json             the newest version, for readers
 *   published/00000007.json    every version
 * </pre>
 *
 * <p>The log decides. A version's file is made by exclusive creation, so that of two publishers one
 * gets the number, on any file system that Hadoop has. The pointer is replaced whole after that,
 * and looked at again until it shows the newest version: a slow publisher cannot leave it at an
 * older one, and one that died before it got there is made up for by the next.
 */
public final class PublishedModels {
  private static final Pattern VERSION_FILE = Pattern.compile("[0-9]{8,}\\.json");
  private static final String SUFFIX = ".json";

  private final Storage storage;
  private final String pointer;
  private final String log;

  private PublishedModels(Storage storage, String pointer) {
    this.storage = storage;
    this.pointer = pointer;
    this.log = pointer.substring(0, pointer.length() - SUFFIX.length());
  }

  /**
   * The versions behind a pointer file, which need not be there yet.
   *
   * @param pointer a name that ends with {@code .json}
   */
  public static PublishedModels at(Storage storage, String pointer) {
    if (!isPointerName(pointer)) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "--to is " + pointer + " and must be the name of a file that ends with .json.");
    }
    return new PublishedModels(storage, pointer);
  }

  /** Whether a path can name a pointer file. */
  public static boolean isPointerName(String path) {
    return path.endsWith(SUFFIX) && !path.endsWith("/" + SUFFIX) && !path.equals(SUFFIX);
  }

  public String pointer() {
    return pointer;
  }

  /** All versions, oldest first. */
  public List<PublishedModel> versions() {
    return storage.list(log).stream()
        .filter(entry -> VERSION_FILE.matcher(entry.name()).matches())
        .map(Storage.Entry::path)
        .map(path -> PublishedModel.read(path, storage.readText(path)))
        .sorted(Comparator.comparingLong(PublishedModel::version))
        .toList();
  }

  /** The newest version, whether or not the pointer shows it already. */
  public Optional<PublishedModel> newest() {
    return storage.list(log).stream()
        .filter(entry -> VERSION_FILE.matcher(entry.name()).matches())
        .map(Storage.Entry::path)
        .max(Comparator.comparingLong(PublishedModels::versionOf))
        .map(path -> PublishedModel.read(path, storage.readText(path)));
  }

  /** Puts a version into the log, if nobody has put one under its number. */
  boolean add(PublishedModel model) {
    String file = Storage.join(log, String.format(Locale.ROOT, "%08d%s", model.version(), SUFFIX));
    return storage.createExclusively(file, model.json().toPrettyString() + "\n");
  }

  /** Lets the pointer show the newest version; writes nothing where it does. */
  void pointToNewest() {
    Optional<PublishedModel> newest = newest();
    while (newest.isPresent() && pointsTo() < newest.get().version()) {
      storage.writeText(pointer, newest.get().json().toPrettyString() + "\n");
      newest = newest();
    }
  }

  private long pointsTo() {
    if (!storage.exists(pointer)) {
      return 0;
    }
    try {
      return Json.MAPPER.readTree(storage.readText(pointer)).path("version").asLong();
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          pointer + " is not a pointer that Plumbline wrote: name another --to.",
          e);
    }
  }

  private static long versionOf(String path) {
    String name = nameOf(path);
    return Long.parseLong(name.substring(0, name.length() - SUFFIX.length()));
  }

  private static String nameOf(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
