package io.plumbline.storage;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.IOException;
import java.io.InputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Paths;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.UnsupportedFileSystemException;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.util.VersionInfo;

/**
 * Files on any Hadoop path, in the few operations that Plumbline needs. Serializable, so that
 * executors use the same settings as the driver. A path without a scheme is a local file unless
 * {@code fs.defaultFS} says otherwise; a relative one starts where the driver was started.
 *
 * <p>Every failure is a {@link PlumblineException} that names the path: INPUT_NOT_FOUND where
 * something that is read is not there or may not be read, STORAGE_FAILED otherwise, INTERRUPTED
 * where the thread was interrupted. The streams that are given out throw the same. Safe to use from
 * several threads at once.
 */
public final class Storage implements Serializable {
  private static final long serialVersionUID = 1L;

  private static final Pattern GLOB = Pattern.compile("[*?\\[{]");

  /** By settings, user and place, because Hadoop's own cache does not look at the settings. */
  private static final ConcurrentMap<CacheKey, HadoopBackend> BACKENDS = new ConcurrentHashMap<>();

  private static final StorageBackend LOCAL = new LocalBackend();

  /** A file or directory in a listing. */
  public record Entry(String path, long length, boolean directory) {
    /** The last part of its path. */
    public String name() {
      int end = path.length() > 1 && path.endsWith("/") ? path.length() - 1 : path.length();
      return path.substring(path.lastIndexOf('/', end - 1) + 1, end);
    }
  }

  private record CacheKey(
      Map<String, String> settings, UserGroupInformation user, String scheme, String authority) {}

  private transient Configuration configuration;
  private transient Map<String, String> settings;

  /** Where the driver was started: an executor's own directory is another one. */
  private final String workingDirectory = Paths.get("").toAbsolutePath().toString();

  private Storage(Configuration configuration) {
    this.configuration = configuration;
    this.settings = settingsOf(configuration);
  }

  /**
   * Storage with the settings of a Hadoop configuration, and those of {@link #addDefaults} where it
   * has none.
   */
  public static Storage of(Configuration configuration) {
    Configuration copy = new Configuration(Objects.requireNonNull(configuration, "configuration"));
    addDefaults(copy);
    return new Storage(copy);
  }

  /**
   * Adds deadlines for object stores to a configuration, where nobody has set others: for what
   * reads and writes beside this class.
   */
  public static void addDefaults(Configuration configuration) {
    ObjectStoreDefaults.addTo(configuration);
  }

  /**
   * Fails with BAD_USAGE, and a sentence that does not show it, where a text holds a key for S3
   * inside a path.
   */
  public static void refuseCredentials(String text) {
    Credentials.refuse(text);
  }

  /** Storage with Hadoop's defaults: local files. */
  public static Storage local() {
    Configuration configuration = new Configuration();
    configuration.set("fs.defaultFS", "file:///");
    return new Storage(configuration);
  }

  /** What differs from the defaults in Hadoop's own jar; site files count as differences. */
  private static Map<String, String> settingsOf(Configuration configuration) {
    Configuration defaults = new Configuration(false);
    defaults.addResource("core-default.xml");
    Map<String, String> settings = new TreeMap<>();
    for (Map.Entry<String, String> entry : configuration) {
      if (!Objects.equals(defaults.getRaw(entry.getKey()), entry.getValue())) {
        settings.put(entry.getKey(), entry.getValue());
      }
    }
    return settings;
  }

  private void writeObject(ObjectOutputStream output) throws IOException {
    output.defaultWriteObject();
    output.writeObject(settings);
  }

  private void readObject(ObjectInputStream input) throws IOException, ClassNotFoundException {
    input.defaultReadObject();
    @SuppressWarnings("unchecked") // As writeObject wrote it.
    Map<String, String> sent = (Map<String, String>) input.readObject();
    Configuration here = new Configuration();
    sent.forEach(here::set);
    configuration = here;
    settings = sent;
  }

  /** A copy of the settings; changing it changes nothing here. */
  public Configuration configuration() {
    return new Configuration(configuration);
  }

  /** Whether a path with a scheme is on a store of objects, where rename is a copy at best. */
  public static boolean isObjectStore(String path) {
    String scheme = new Path(path).toUri().getScheme();
    return scheme != null
        && !scheme.equals("file")
        && !HadoopBackend.RENAMING_SCHEMES.contains(scheme);
  }

  /** {@code parent} and {@code child} joined by one slash. */
  public static String join(String parent, String child) {
    String front = parent;
    while (front.endsWith("/") && front.length() > 1) {
      front = front.substring(0, front.length() - 1);
    }
    String back = child;
    while (back.startsWith("/")) {
      back = back.substring(1);
    }
    if (front.isEmpty()) {
      return back;
    }
    return front.equals("/") ? "/" + back : front + "/" + back;
  }

  public boolean exists(String path) {
    return status(path).isPresent();
  }

  public boolean isDirectory(String path) {
    return status(path).map(StorageBackend.Status::directory).orElse(false);
  }

  /** Bytes of a file; fails with INPUT_NOT_FOUND where there is none. */
  public long size(String path) {
    return fileStatus(path).length();
  }

  /** When a file was last written; fails with INPUT_NOT_FOUND where there is none. */
  public Instant modified(String path) {
    return Instant.ofEpochMilli(fileStatus(path).modifiedMillis());
  }

  public InputStream open(String path) {
    return new StorageStreams.Input(path, attempt("read", path, (backend, at) -> backend.open(at)));
  }

  /**
   * Opens a file at one of its bytes, by a seek: what lies before is not read. A reader may
   * continue past {@code expectedEnd}, to the end of the file; object stores are asked for what
   * lies before it in large pieces, and for what lies behind in small ones that grow.
   *
   * @param from first byte, from 0; nothing is read where the file ends before
   * @param expectedEnd the byte after the last that is wanted for sure
   */
  public InputStream openAt(String path, long from, long expectedEnd) {
    return new StorageStreams.Input(
        path, attempt("read", path, (backend, at) -> backend.openAt(at, from, expectedEnd)));
  }

  /** Opens a file for reading at any position. */
  public SeekableInput openSeekable(String path) {
    return attempt("read", path, (backend, at) -> backend.openSeekable(at));
  }

  public byte[] readBytes(String path) {
    return attempt(
        "read",
        path,
        (backend, at) -> {
          try (InputStream input = backend.open(at)) {
            return input.readAllBytes();
          }
        });
  }

  public String readText(String path) {
    return new String(readBytes(path), StandardCharsets.UTF_8);
  }

  /** A stream to a file that replaces what is there; parents are made. */
  public OutputStream create(String path) {
    return new StorageStreams.Output(
        path, attempt("write", path, (backend, at) -> backend.create(at)));
  }

  /** Writes a small file that a reader sees either whole or not at all. */
  public void writeText(String path, String text) {
    writeBytes(path, text.getBytes(StandardCharsets.UTF_8));
  }

  /** Writes a small file that a reader sees either whole or not at all. */
  public void writeBytes(String path, byte[] bytes) {
    attempt(
        "write",
        path,
        (backend, at) -> {
          backend.replace(at, bytes);
          return null;
        });
  }

  /**
   * Makes a file if none is there, atomically; says whether this call made it. Callers that compete
   * write different texts: on an object store, one that finds its own text there has won.
   */
  public boolean createExclusively(String path, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return attempt("create", path, (backend, at) -> backend.createExclusively(at, bytes));
  }

  /**
   * Opens a text file to append lines, making it where it is not there. Of the file that is there
   * the lines before the first that {@code keepWhile} refuses are kept; a last line without its end
   * is cut off: its writer died.
   */
  public LineLog appendLinesAfter(String path, Predicate<String> keepWhile) {
    return attempt("append to", path, (backend, at) -> LineLog.open(backend, at, keepWhile));
  }

  /** The direct children of a directory, by name; empty where there is no such directory. */
  public List<Entry> list(String directory) {
    List<StorageBackend.Status> children =
        attempt("list", directory, (backend, at) -> backend.list(at));
    List<Entry> entries = new ArrayList<>();
    for (StorageBackend.Status child : children) {
      entries.add(new Entry(join(directory, child.name()), child.length(), child.directory()));
    }
    entries.sort(Comparator.comparing(Entry::path));
    return entries;
  }

  /**
   * The data files that a path, directory (searched recursively; names with a leading dot or
   * underscore are left out) or glob names, sorted by path. Fails with INPUT_NOT_FOUND where the
   * path or glob names nothing; a directory without data files gives an empty list.
   */
  public List<Entry> expand(String pathOrGlob) {
    List<Entry> files = new ArrayList<>();
    Optional<StorageBackend.Status> named = status(pathOrGlob);
    if (named.isPresent()) {
      if (named.get().directory()) {
        addDataFiles(pathOrGlob, files);
      } else {
        files.add(new Entry(pathOrGlob, named.get().length(), false));
      }
    } else if (GLOB.matcher(pathOrGlob).find()) {
      Map<String, Entry> matches = new Glob(this, absolute(pathOrGlob)).matches();
      if (matches.isEmpty()) {
        throw new PlumblineException(
            ErrorCode.INPUT_NOT_FOUND,
            "No file matches "
                + StorageFailures.shown(pathOrGlob)
                + "; check the pattern, and quote it so that the shell leaves it alone.");
      }
      matches.forEach(
          (path, match) -> {
            if (match.directory()) {
              addDataFiles(path, files);
            } else {
              files.add(match);
            }
          });
    } else {
      throw StorageFailures.notFound(pathOrGlob, null);
    }
    files.sort(Comparator.comparing(Entry::path));
    return files;
  }

  private void addDataFiles(String directory, List<Entry> files) {
    for (Entry child : list(directory)) {
      if (isVisible(child.name())) {
        if (child.directory()) {
          addDataFiles(child.path(), files);
        } else {
          files.add(child);
        }
      }
    }
  }

  /** Whether a glob or a directory stands for what has this name. */
  public static boolean isVisible(String name) {
    return !name.startsWith(".") && !name.startsWith("_");
  }

  /** Deletes a file or a directory with all in it; nothing where it is not there. */
  public void delete(String path) {
    attempt(
        "delete",
        path,
        (backend, at) -> {
          backend.delete(at);
          return null;
        });
  }

  /** Bytes free on the disk that a local path is or will be on; empty for other file systems. */
  public OptionalLong freeBytes(String path) {
    return attempt("look up the disk of", path, (backend, at) -> backend.freeBytes(at));
  }

  /** What stands at a path; empty where nothing does. */
  Optional<Entry> entry(String path) {
    return status(path).map(found -> new Entry(path, found.length(), found.directory()));
  }

  private Optional<StorageBackend.Status> status(String path) {
    return attempt("look up", path, (backend, at) -> backend.status(at));
  }

  private StorageBackend.Status fileStatus(String path) {
    StorageBackend.Status status =
        status(path).orElseThrow(() -> StorageFailures.notFound(path, null));
    if (status.directory()) {
      throw new PlumblineException(
          ErrorCode.INPUT_NOT_FOUND,
          StorageFailures.shown(path) + " is a directory; name a file in its place.");
    }
    return status;
  }

  private interface Action<T> {
    T run(StorageBackend backend, Path path) throws IOException;
  }

  /**
   * The path as others understand it who do not know where this process was started: a relative
   * path of the local file system from the root on, any other as it is.
   */
  public String absolute(String path) {
    return attempt("found", path, (backend, at) -> backend == LOCAL ? at.toString() : path);
  }

  private <T> T attempt(String verb, String path, Action<T> action) {
    Credentials.refuse(path);
    Path at;
    try {
      at = new Path(path);
      if (at.toUri().getPath().isEmpty() && at.toUri().getAuthority() != null) {
        at =
            new Path(
                at, Path.SEPARATOR); // The root, which some file systems know only by its slash.
      }
    } catch (IllegalArgumentException e) {
      int colon = path.indexOf(':');
      int slash = path.indexOf('/');
      if (colon > 0 && (slash < 0 || colon < slash)) {
        throw new PlumblineException(
            ErrorCode.BAD_USAGE,
            "\"%s\" is not a path, because what stands before its colon is taken for a file system; for a file with a colon in its name write ./%s."
                .formatted(StorageFailures.shown(path), StorageFailures.shown(path)),
            e);
      }
      String why =
          e.getCause() instanceof URISyntaxException cause ? cause.getReason() : e.getMessage();
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "\"%s\" is not a path (%s); name a file or directory."
              .formatted(StorageFailures.shown(path), why),
          e);
    }
    try {
      StorageBackend backend = backend(at);
      if (backend == LOCAL && !at.toUri().getPath().startsWith(Path.SEPARATOR)) {
        at = new Path(workingDirectory, at.toUri().getPath());
      }
      return action.run(backend, at);
    } catch (IOException e) {
      throw StorageFailures.failure(verb, path, e);
    }
  }

  private StorageBackend backend(Path path) throws IOException {
    URI uri = path.toUri();
    URI defaultUri = FileSystem.getDefaultUri(configuration);
    String scheme = uri.getScheme();
    String authority = uri.getAuthority();
    if (scheme == null || (authority == null && scheme.equals(defaultUri.getScheme()))) {
      scheme = defaultUri.getScheme();
      authority = defaultUri.getAuthority();
    }
    if (scheme.equals("file")) {
      return LOCAL;
    }
    CacheKey key = new CacheKey(settings, UserGroupInformation.getCurrentUser(), scheme, authority);
    HadoopBackend known = BACKENDS.get(key);
    if (known != null) {
      return known;
    }
    synchronized (BACKENDS) {
      HadoopBackend made = BACKENDS.get(key);
      if (made == null) {
        made = new HadoopBackend(fileSystem(path.makeQualified(defaultUri, null)), configuration);
        BACKENDS.put(key, made);
      }
      return made;
    }
  }

  private FileSystem fileSystem(Path path) throws IOException {
    String scheme = path.toUri().getScheme();
    try {
      return FileSystem.newInstance(path.toUri(), configuration);
    } catch (UnsupportedFileSystemException e) {
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          scheme.matches("s3n?")
              ? "There is no file system for %s:// here; write %s."
                  .formatted(
                      scheme, StorageFailures.shown(path.toString()).replaceFirst("^s3n?:", "s3a:"))
              : "There is no file system for %s:// on the class path; add the jar that has it, or name another path."
                  .formatted(scheme),
          e);
    } catch (LinkageError | RuntimeException e) {
      if (e instanceof RuntimeException && !(e.getCause() instanceof ClassNotFoundException)) {
        throw e;
      }
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          scheme.equals("s3a")
              ? "S3A is not on the class path, or not the one of this Hadoop (%s); give --jars s3/target/plumbline-s3.jar to spark-submit, or --packages org.apache.hadoop:hadoop-aws:%s."
                  .formatted(VersionInfo.getVersion(), VersionInfo.getVersion())
              : "The file system for %s:// is not whole on the class path (%s); add the jars that it needs."
                  .formatted(scheme, e.getMessage()),
          e);
    }
  }

  /** Names no values: settings hold credentials. */
  @Override
  public String toString() {
    return "Storage[" + settings.size() + " settings]";
  }
}
