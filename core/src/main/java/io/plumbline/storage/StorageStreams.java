package io.plumbline.storage;

import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Streams whose failures name the file, as all of {@link Storage} does. */
final class StorageStreams {
  private StorageStreams() {}

  static final class Input extends FilterInputStream {
    private final String path;

    Input(String path, InputStream in) {
      super(in);
      this.path = path;
    }

    @Override
    public int read() {
      try {
        return in.read();
      } catch (IOException e) {
        throw StorageFailures.failure("read", path, e);
      }
    }

    @Override
    public int read(byte[] bytes, int offset, int length) {
      try {
        return in.read(bytes, offset, length);
      } catch (IOException e) {
        throw StorageFailures.failure("read", path, e);
      }
    }

    @Override
    public long skip(long n) {
      try {
        return in.skip(n);
      } catch (IOException e) {
        throw StorageFailures.failure("read", path, e);
      }
    }

    @Override
    public void close() {
      try {
        in.close();
      } catch (IOException e) {
        throw StorageFailures.failure("close", path, e);
      }
    }
  }

  static final class Output extends FilterOutputStream {
    private final String path;
    private boolean closed;

    Output(String path, OutputStream out) {
      super(out);
      this.path = path;
    }

    @Override
    public void write(int b) {
      try {
        out.write(b);
      } catch (IOException e) {
        throw StorageFailures.failure("write", path, e);
      }
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      try {
        out.write(bytes, offset, length);
      } catch (IOException e) {
        throw StorageFailures.failure("write", path, e);
      }
    }

    @Override
    public void flush() {
      try {
        out.flush();
      } catch (IOException e) {
        throw StorageFailures.failure("write", path, e);
      }
    }

    @Override
    public void close() {
      if (closed) {
        return;
      }
      closed = true;
      try {
        out.close();
      } catch (IOException e) {
        throw StorageFailures.failure("write", path, e);
      }
    }
  }
}
