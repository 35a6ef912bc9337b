package io.plumbline.storage;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Local files by java.nio: Hadoop's own local file system writes .crc files beside each file,
 * flushes late, and starts a process for each permission where its native library is missing.
 */
final class LocalBackend implements StorageBackend {
  private static final Logger LOG = LoggerFactory.getLogger(LocalBackend.class);

  private static final int BUFFER_BYTES = 1 << 16;

  private static Path local(org.apache.hadoop.fs.Path path) {
    return Path.of(path.toUri().getPath());
  }

  @Override
  public Optional<Status> status(org.apache.hadoop.fs.Path path) throws IOException {
    return status(local(path));
  }

  private static Optional<Status> status(Path path) throws IOException {
    try {
      BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
      Path name = path.getFileName();
      return Optional.of(
          new Status(
              name == null ? "" : name.toString(),
              attributes.isDirectory() ? 0 : attributes.size(),
              attributes.isDirectory(),
              attributes.lastModifiedTime().toMillis()));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (FileSystemException e) {
      // A path that continues below a file: "Not a directory" has no exception class of its own
      // here.
      Path parent = path.getParent();
      if (parent != null && Files.isRegularFile(parent)) {
        return Optional.empty();
      }
      throw e;
    }
  }

  @Override
  public List<Status> list(org.apache.hadoop.fs.Path directory) throws IOException {
    List<Status> children = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(local(directory))) {
      for (Path child : stream) {
        // A child that went away since, or a link to nowhere, has no status.
        status(child).ifPresent(children::add);
      }
    } catch (NoSuchFileException | NotDirectoryException e) {
      return List.of();
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return children;
  }

  @Override
  public InputStream open(org.apache.hadoop.fs.Path path) throws IOException {
    return new BufferedInputStream(Files.newInputStream(local(path)), BUFFER_BYTES);
  }

  @Override
  public InputStream openAt(org.apache.hadoop.fs.Path path, long from, long expectedEnd)
      throws IOException {
    FileChannel channel = FileChannel.open(local(path), StandardOpenOption.READ);
    try {
      channel.position(from);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    return new BufferedInputStream(Channels.newInputStream(channel), BUFFER_BYTES);
  }

  @Override
  public SeekableInput openSeekable(org.apache.hadoop.fs.Path path) throws IOException {
    FileChannel channel = FileChannel.open(local(path), StandardOpenOption.READ);
    long length;
    try {
      length = channel.size();
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    return new SeekableInput() {
      @Override
      public long length() {
        return length;
      }

      @Override
      public void readFully(long position, ByteBuffer target) {
        try {
          long at = position;
          while (target.hasRemaining()) {
            int n = channel.read(target, at);
            if (n < 0) {
              throw new EOFException("the file ends at byte " + at);
            }
            at += n;
          }
        } catch (IOException e) {
          throw StorageFailures.failure("read", path.toString(), e);
        }
      }

      @Override
      public void close() {
        try {
          channel.close();
        } catch (IOException e) {
          throw StorageFailures.failure("close", path.toString(), e);
        }
      }
    };
  }

  @Override
  public OutputStream create(org.apache.hadoop.fs.Path path) throws IOException {
    Path file = withParents(path);
    FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
    return new BufferedOutputStream(new Durable(file, channel), BUFFER_BYTES);
  }

  /**
   * A file whose bytes and name are on disk once it is closed: a marker that is written behind it
   * vouches for it, also after a power cut.
   */
  private static final class Durable extends FilterOutputStream {
    private final Path file;
    private final FileChannel channel;

    Durable(Path file, FileChannel channel) {
      super(Channels.newOutputStream(channel));
      this.file = file;
      this.channel = channel;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      out.write(bytes, offset, length);
    }

    @Override
    public void close() throws IOException {
      if (!channel.isOpen()) {
        return;
      }
      try (channel) {
        channel.force(true);
      }
      forceNames(file.toAbsolutePath().getParent());
    }
  }

  /** Writes the names in a directory to disk, on systems that open directories. */
  private static void forceNames(Path directory) throws IOException {
    try (FileChannel names = FileChannel.open(directory, StandardOpenOption.READ)) {
      names.force(true);
    } catch (FileSystemException e) {
      LOG.debug("The directory {} cannot be forced to disk", directory, e);
    }
  }

  private static Path withParents(org.apache.hadoop.fs.Path path) throws IOException {
    Path file = local(path);
    Path parent = file.getParent();
    if (parent != null) {
      createDirectories(parent.toAbsolutePath());
    }
    return file;
  }

  /** A file is only found again if the names of the new directories above it are on disk, too. */
  private static void createDirectories(Path directory) throws IOException {
    if (Files.isDirectory(directory)) {
      return;
    }
    Path parent = directory.getParent();
    if (parent != null) {
      createDirectories(parent);
    }
    Files.createDirectories(directory);
    if (parent != null) {
      forceNames(parent);
    }
  }

  @Override
  public void replace(org.apache.hadoop.fs.Path path, byte[] content) throws IOException {
    Path file = withParents(path);
    Path temporary = writeTemporary(file, content);
    try {
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      forceNames(file.toAbsolutePath().getParent());
    } catch (IOException e) {
      Files.deleteIfExists(temporary);
      throw e;
    }
  }

  private static Path writeTemporary(Path file, byte[] content) throws IOException {
    Path temporary = file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID());
    try (FileChannel channel =
        FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      ByteBuffer bytes = ByteBuffer.wrap(content);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      // Else a power cut after the rename may leave an empty file under the final name.
      channel.force(true);
    } catch (IOException e) {
      Files.deleteIfExists(temporary);
      throw e;
    }
    return temporary;
  }

  @Override
  public boolean createExclusively(org.apache.hadoop.fs.Path path, byte[] content)
      throws IOException {
    Path file = withParents(path);
    if (Files.exists(file)) {
      return false;
    }
    Path temporary = writeTemporary(file, content);
    try {
      // A link fails where the name is taken and shows the content whole from the start.
      Files.createLink(file, temporary);
      forceNames(file.toAbsolutePath().getParent());
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    } catch (UnsupportedOperationException | FileSystemException e) {
      return createNew(file, content);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  /** For file systems without hard links. */
  private static boolean createNew(Path file, byte[] content) throws IOException {
    try {
      Files.write(
          file,
          content,
          StandardOpenOption.CREATE_NEW,
          StandardOpenOption.WRITE,
          StandardOpenOption.SYNC);
      forceNames(file.toAbsolutePath().getParent());
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    }
  }

  @Override
  public void delete(org.apache.hadoop.fs.Path path) throws IOException {
    Path root = local(path);
    if (!Files.exists(root, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE;
            }
            throw e;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            Files.deleteIfExists(directory);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  @Override
  public boolean deadWritersHoldFiles() {
    return false;
  }

  @Override
  public Optional<Appender> appender(org.apache.hadoop.fs.Path path) throws IOException {
    FileChannel channel =
        FileChannel.open(
            withParents(path),
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.APPEND);
    return Optional.of(
        new Appender() {
          @Override
          public void append(byte[] bytes) throws IOException {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
              channel.write(buffer);
            }
          }

          @Override
          public void force() throws IOException {
            channel.force(true);
          }

          @Override
          public void close() throws IOException {
            channel.close();
          }
        });
  }

  @Override
  public OptionalLong freeBytes(org.apache.hadoop.fs.Path path) throws IOException {
    Path at = local(path).toAbsolutePath();
    while (at != null && !Files.exists(at)) {
      at = at.getParent();
    }
    return at == null
        ? OptionalLong.empty()
        : OptionalLong.of(Files.getFileStore(at).getUsableSpace());
  }
}
