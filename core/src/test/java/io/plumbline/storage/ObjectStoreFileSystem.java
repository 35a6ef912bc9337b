package io.plumbline.storage;

import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.BufferedFSInputStream;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * A store with the manners of S3, on local files: an object appears whole when its stream is
 * closed, a creation that must not overwrite fails on close for all but one, and there is neither
 * rename nor append.
 */
public final class ObjectStoreFileSystem extends FileSystem {
  /** Bytes that were read of any object so far. */
  public static final AtomicLong BYTES_READ = new AtomicLong();

  @Override
  public String getScheme() {
    return "objects";
  }

  @Override
  public URI getUri() {
    return URI.create("objects:///");
  }

  private java.nio.file.Path local(Path path) throws IOException {
    if (getConf().getBoolean("plumbline.test.refuse", false)) {
      throw new IOException("refused by its settings");
    }
    return java.nio.file.Path.of(path.toUri().getPath());
  }

  @Override
  public void initialize(URI name, Configuration configuration) throws IOException {
    super.initialize(name, configuration);
  }

  @Override
  public FSDataInputStream open(Path path, int bufferSize) throws IOException {
    java.nio.file.Path file = local(path);
    if (!Files.isRegularFile(file)) {
      throw new FileNotFoundException(path + " is not there");
    }
    FileChannel channel = FileChannel.open(file);
    FSInputStream input =
        new FSInputStream() {
          @Override
          public void seek(long position) throws IOException {
            channel.position(position);
          }

          @Override
          public long getPos() throws IOException {
            return channel.position();
          }

          @Override
          public boolean seekToNewSource(long position) {
            return false;
          }

          @Override
          public int read() throws IOException {
            ByteBuffer one = ByteBuffer.allocate(1);
            return channel.read(one) < 0 ? -1 : one.get(0) & 0xff;
          }

          @Override
          public int read(byte[] bytes, int offset, int length) throws IOException {
            int n = channel.read(ByteBuffer.wrap(bytes, offset, length));
            BYTES_READ.addAndGet(Math.max(0, n));
            return n;
          }

          @Override
          public void close() throws IOException {
            channel.close();
          }
        };
    return new FSDataInputStream(new BufferedFSInputStream(input, bufferSize));
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      FsPermission permission,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    java.nio.file.Path file = local(path);
    OutputStream output =
        new ByteArrayOutputStream() {
          private boolean closed;

          @Override
          public void close() throws IOException {
            if (closed) {
              return;
            }
            closed = true;
            Files.createDirectories(file.getParent());
            // An object is seen whole or not at all.
            java.nio.file.Path whole = Files.createTempFile("object", null);
            try {
              Files.write(whole, toByteArray());
              if (overwrite) {
                Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
              } else {
                Files.createLink(file, whole);
              }
            } catch (FileAlreadyExistsException e) {
              throw new org.apache.hadoop.fs.FileAlreadyExistsException(e.getMessage());
            } finally {
              Files.deleteIfExists(whole);
            }
          }
        };
    return new FSDataOutputStream(output, null);
  }

  @Override
  public FSDataOutputStream append(Path path, int bufferSize, Progressable progress) {
    throw new UnsupportedOperationException("objects cannot be appended to");
  }

  @Override
  public boolean rename(Path from, Path to) {
    throw new UnsupportedOperationException("nothing may rely on rename here");
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    java.nio.file.Path file = local(path);
    if (!Files.exists(file)) {
      return false;
    }
    try (var walk = Files.walk(file)) {
      for (java.nio.file.Path at : walk.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(at);
      }
    }
    return true;
  }

  @Override
  public FileStatus[] listStatus(Path path) throws IOException {
    java.nio.file.Path file = local(path);
    FileStatus itself = getFileStatus(path);
    if (!itself.isDirectory()) {
      return new FileStatus[] {itself};
    }
    List<FileStatus> children = new ArrayList<>();
    try (var stream = Files.newDirectoryStream(file)) {
      for (java.nio.file.Path child : stream) {
        // Not a parent and a child: a name with a colon would be one of a file system.
        children.add(getFileStatus(new Path(path + "/" + child.getFileName())));
      }
    }
    return children.toArray(new FileStatus[0]);
  }

  @Override
  public void setWorkingDirectory(Path path) {}

  @Override
  public Path getWorkingDirectory() {
    return new Path("objects:///");
  }

  @Override
  public boolean mkdirs(Path path, FsPermission permission) {
    return true;
  }

  @Override
  public FileStatus getFileStatus(Path path) throws IOException {
    java.nio.file.Path file = local(path);
    if (!Files.exists(file)) {
      throw new FileNotFoundException(path + " is not there");
    }
    boolean directory = Files.isDirectory(file);
    return new FileStatus(
        directory ? 0 : Files.size(file),
        directory,
        1,
        1 << 20,
        Files.getLastModifiedTime(file).toMillis(),
        path.makeQualified(getUri(), getWorkingDirectory()));
  }
}
