package io.plumbline.storage;

import static org.apache.hadoop.util.functional.FutureIO.awaitFuture;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FutureDataInputStreamBuilder;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.StreamCapabilities;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Files by a Hadoop file system: HDFS, or an object store. */
final class HadoopBackend implements StorageBackend {
  private static final Logger LOG = LoggerFactory.getLogger(HadoopBackend.class);

  /**
   * Here rename is one atomic act and flushed bytes are visible; elsewhere nothing relies on it.
   */
  static final Set<String> RENAMING_SCHEMES = Set.of("hdfs", "viewfs");

  private static final String CONDITIONAL_CREATE = "fs.option.create.conditional.overwrite";
  private static final String NO_PROBES = "fs.s3a.create.performance";
  private static final String READ_POLICY = "fs.option.openfile.read.policy";

  /** How far S3A reads at least, and what of an answer it reads to its end on closing. */
  private static final String READ_AHEAD = "fs.s3a.readahead.range";

  private static final int CONFLICT_RETRIES = 5;
  static final int READ_ATTEMPTS = 5;

  private final FileSystem fileSystem;
  private final Configuration configuration;
  private final String scheme;

  HadoopBackend(FileSystem fileSystem, Configuration configuration) {
    this.fileSystem = fileSystem;
    this.configuration = configuration;
    this.scheme = fileSystem.getUri().getScheme();
  }

  private boolean renames() {
    return RENAMING_SCHEMES.contains(scheme);
  }

  private interface Question<T> {
    T ask() throws IOException;
  }

  /**
   * What a store answers, asked again where the answer was cut off: the SDK takes what has come for
   * the whole, and S3A stumbles over the null of a part that is missing. Where nothing of S3A is
   * involved, a null is a mistake in a program, and no fault of a network.
   */
  private static <T> T answered(Question<T> question) throws IOException {
    for (int attempt = 1; ; attempt++) {
      try {
        return question.ask();
      } catch (NullPointerException e) {
        if (!stumbledInS3a(e)) {
          throw e;
        }
        if (attempt == READ_ATTEMPTS) {
          throw new IOException("its answer was cut off " + attempt + " times", e);
        }
      }
    }
  }

  private static boolean stumbledInS3a(NullPointerException e) {
    return Arrays.stream(e.getStackTrace())
        .map(StackTraceElement::getClassName)
        .anyMatch(
            name ->
                name.startsWith("org.apache.hadoop.fs.s3a.")
                    || name.startsWith("software.amazon.awssdk."));
  }

  private FileStatus fileStatus(Path path) throws IOException {
    return answered(() -> fileSystem.getFileStatus(path));
  }

  private boolean exists(Path path) throws IOException {
    return status(path).isPresent();
  }

  private static Status status(FileStatus status) {
    return new Status(
        status.getPath().getName(),
        status.isDirectory() ? 0 : status.getLen(),
        status.isDirectory(),
        status.getModificationTime());
  }

  @Override
  public Optional<Status> status(Path path) throws IOException {
    try {
      return Optional.of(status(fileStatus(path)));
    } catch (FileNotFoundException e) {
      return Optional.empty();
    }
  }

  @Override
  public List<Status> list(Path directory) throws IOException {
    List<Status> children = new ArrayList<>();
    try {
      for (FileStatus child : answered(() -> fileSystem.listStatus(directory))) {
        children.add(status(child));
      }
    } catch (FileNotFoundException e) {
      return List.of();
    }
    if (children.size() == 1
        && children.get(0).name().equals(directory.getName())
        && !fileStatus(directory).isDirectory()) {
      return List.of(); // A file lists itself.
    }
    return children;
  }

  @Override
  public InputStream open(Path path) throws IOException {
    if (renames()) {
      return fileSystem.open(path);
    }
    FileStatus known = fileStatus(path);
    FSDataInputStream object = opened(known, "whole-file, sequential");
    return known.isDirectory() ? object : new WholeObject(object, path, known.getLen());
  }

  @Override
  public InputStream openAt(Path path, long from, long expectedEnd) throws IOException {
    if (renames()) {
      FSDataInputStream input = fileSystem.open(path);
      try {
        input.seek(from);
      } catch (EOFException e) {
        input.close();
        return InputStream.nullInputStream(); // The file ends before.
      } catch (IOException e) {
        input.close();
        throw e;
      }
      return input;
    }
    FileStatus known = fileStatus(path);
    FSDataInputStream object =
        awaitFuture(
            opening(known, "random")
                .opt(READ_AHEAD, Integer.toString(ObjectRange.LEAST_BYTES))
                .build());
    return known.isDirectory()
        ? object
        : new ObjectRange(object, path, known.getLen(), from, expectedEnd);
  }

  /** With the status at hand, S3A does not ask for it again. */
  private FSDataInputStream opened(FileStatus known, String policy) throws IOException {
    return awaitFuture(opening(known, policy).build());
  }

  private FutureDataInputStreamBuilder opening(FileStatus known, String policy) throws IOException {
    return fileSystem.openFile(known.getPath()).withFileStatus(known).opt(READ_POLICY, policy);
  }

  @Override
  public SeekableInput openSeekable(Path path) throws IOException {
    FileStatus known = fileStatus(path);
    long length = known.getLen();
    FSDataInputStream input = opened(known, "adaptive");
    return new SeekableInput() {
      @Override
      public long length() {
        return length;
      }

      @Override
      public void readFully(long position, ByteBuffer target) {
        try {
          if (target.hasArray()) {
            int n = target.remaining();
            readFully(position, target.array(), target.arrayOffset() + target.position(), n);
            target.position(target.limit());
            return;
          }
          byte[] chunk = new byte[Math.min(target.remaining(), 1 << 20)];
          long at = position;
          while (target.hasRemaining()) {
            int n = Math.min(chunk.length, target.remaining());
            readFully(at, chunk, 0, n);
            target.put(chunk, 0, n);
            at += n;
          }
        } catch (IOException e) {
          throw StorageFailures.failure("read", path.toString(), e);
        }
      }

      private void readFully(long position, byte[] bytes, int offset, int count)
          throws IOException {
        for (int attempt = 1; ; attempt++) {
          try {
            input.readFully(position, bytes, offset, count);
            return;
          } catch (EOFException e) {
            if (position + count > length || renames()) {
              throw e;
            }
            WholeObject.connectAgain(input, path, position, length, attempt);
          }
        }
      }

      @Override
      public void close() {
        try {
          input.close();
        } catch (IOException e) {
          throw StorageFailures.failure("close", path.toString(), e);
        }
      }
    };
  }

  @Override
  public OutputStream create(Path path) throws IOException {
    if (renames()) {
      return new Synced(fileSystem.create(path, true));
    }
    // Three requests less: names are new, or files that are to be replaced, and never directories.
    return new WholeOrNothing(creation(path).overwrite(true).opt(NO_PROBES, "true").build());
  }

  /** A file whose bytes are on disk once it is closed, where the file system knows how. */
  private static final class Synced extends FilterOutputStream {
    private final FSDataOutputStream file;
    private boolean closed;

    Synced(FSDataOutputStream file) {
      super(file);
      this.file = file;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      file.write(bytes, offset, length);
    }

    @Override
    public void close() throws IOException {
      if (closed) {
        return;
      }
      closed = true;
      try (file) {
        if (file.hasCapability(StreamCapabilities.HSYNC)) {
          file.hsync();
        }
      }
    }
  }

  /** An object appears when its stream is closed; one whose writing failed must not. */
  private static final class WholeOrNothing extends FilterOutputStream {
    private final FSDataOutputStream object;
    private boolean failed;

    private WholeOrNothing(FSDataOutputStream object) {
      super(object);
      this.object = object;
    }

    @Override
    public void write(int b) throws IOException {
      try {
        object.write(b);
      } catch (IOException | RuntimeException e) {
        failed = true;
        throw e;
      }
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      try {
        object.write(bytes, offset, length);
      } catch (IOException | RuntimeException e) {
        failed = true;
        throw e;
      }
    }

    @Override
    public void close() throws IOException {
      if (failed && object.hasCapability(StreamCapabilities.ABORTABLE_STREAM)) {
        object.abort();
      } else {
        object.close();
      }
    }
  }

  @Override
  public void replace(Path path, byte[] content) throws IOException {
    if (!renames()) {
      write(path, content); // An object appears whole, on close.
      return;
    }
    Path temporary = temporaryFor(path);
    write(temporary, content);
    rename(temporary, path, Options.Rename.OVERWRITE);
  }

  private static Path temporaryFor(Path path) {
    return new Path(path.getParent(), "." + path.getName() + "." + UUID.randomUUID());
  }

  private void write(Path path, byte[] content) throws IOException {
    try (OutputStream output = create(path)) {
      output.write(content);
    }
  }

  private void rename(Path from, Path to, Options.Rename option) throws IOException {
    try {
      FileContext.getFileContext(fileSystem.getUri(), configuration).rename(from, to, option);
    } catch (IOException e) {
      fileSystem.delete(from, false);
      throw e;
    }
  }

  @Override
  public boolean createExclusively(Path path, byte[] content) throws IOException {
    if (exists(path)) {
      return false;
    }
    if (renames()) {
      Path temporary = temporaryFor(path);
      write(temporary, content);
      try {
        rename(temporary, path, Options.Rename.NONE);
        return true;
      } catch (FileAlreadyExistsException e) {
        return false;
      }
    }
    for (int attempt = 1; ; attempt++) {
      try (FSDataOutputStream output = exclusiveStream(path)) {
        output.write(content);
      } catch (IOException e) {
        if (saysItExists(e)) {
          return holds(path, content);
        }
        // Two creations at the very same time: S3 refuses both with 409 and asks to try again.
        if (attempt < CONFLICT_RETRIES && mentions(e, "409", "ConditionalRequestConflict")) {
          continue;
        }
        throw e;
      }
      return true;
    }
  }

  private boolean holds(Path path, byte[] content) throws IOException {
    try (InputStream input = open(path)) {
      return Arrays.equals(input.readAllBytes(), content);
    } catch (FileNotFoundException e) {
      return false; // The winner has deleted it since.
    }
  }

  private FSDataOutputStream exclusiveStream(Path path) throws IOException {
    if (scheme.equals("s3a")) {
      try {
        return creation(path).must(CONDITIONAL_CREATE, "true").build();
      } catch (IllegalArgumentException e) {
        LOG.warn(
            "This Hadoop ({}) cannot create an object of {} on condition; of two runs that claim"
                + " the same name at the same moment both may believe they have it; Hadoop 3.4.2"
                + " or newer fixes that",
            org.apache.hadoop.util.VersionInfo.getVersion(),
            scheme);
      }
    }
    return fileSystem.create(
        path,
        null,
        EnumSet.of(CreateFlag.CREATE),
        4096,
        fileSystem.getDefaultReplication(path),
        fileSystem.getDefaultBlockSize(path),
        null);
  }

  private FSDataOutputStreamBuilder<FSDataOutputStream, ?> creation(Path path) {
    @SuppressWarnings("unchecked") // Raw in FileSystem's signature.
    FSDataOutputStreamBuilder<FSDataOutputStream, ?> builder = fileSystem.createFile(path);
    return builder.recursive();
  }

  private static boolean saysItExists(IOException e) {
    for (Throwable t = e; t != null; t = t.getCause()) {
      if (t instanceof FileAlreadyExistsException
          || t instanceof java.nio.file.FileAlreadyExistsException) {
        return true;
      }
    }
    return mentions(e, "412", "PreconditionFailed");
  }

  private static boolean mentions(IOException e, String status, String name) {
    for (Throwable t = e; t != null; t = t.getCause()) {
      String text = String.valueOf(t.getMessage());
      if (text.contains("Status Code: " + status) || text.contains(name)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void delete(Path path) throws IOException {
    if (!answered(() -> fileSystem.delete(path, true)) && exists(path)) {
      throw new IOException("the file system did not delete it");
    }
  }

  @Override
  public boolean deadWritersHoldFiles() {
    return renames(); // HDFS: for a minute, by the lease.
  }

  @Override
  public Optional<Appender> appender(Path path) throws IOException {
    if (!renames()) {
      return Optional.empty();
    }
    FSDataOutputStream output =
        fileSystem.exists(path) ? fileSystem.append(path) : fileSystem.create(path, false);
    return Optional.of(
        new Appender() {
          @Override
          public void append(byte[] bytes) throws IOException {
            output.write(bytes);
            output.hflush();
          }

          @Override
          public void force() throws IOException {
            output.hsync();
          }

          @Override
          public void close() throws IOException {
            output.close();
          }
        });
  }

  @Override
  public OptionalLong freeBytes(Path path) {
    return OptionalLong.empty();
  }
}
