package io.plumbline.parquet;

import io.plumbline.storage.SeekableInput;
import io.plumbline.storage.Storage;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import org.apache.parquet.io.DelegatingSeekableInputStream;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;
import org.apache.parquet.io.SeekableInputStream;

/** Parquet's view of files in a {@link Storage}. */
public final class StorageParquet {
  private StorageParquet() {}

  /** A file to read. */
  public static InputFile input(Storage storage, String path) {
    long length;
    try (SeekableInput probe = storage.openSeekable(path)) {
      length = probe.length();
    }
    return input(storage, path, length);
  }

  /** A file to read whose length is known. */
  public static InputFile input(Storage storage, String path, long length) {
    return new StorageInput(storage, path, length);
  }

  public static OutputFile output(Storage storage, String path) {
    return new StorageOutput(storage, path);
  }

  private record StorageInput(Storage storage, String path, long length) implements InputFile {
    @Override
    public long getLength() {
      return length;
    }

    @Override
    public SeekableInputStream newStream() {
      return new InputFromStorage(new PositionedInput(storage.openSeekable(path)));
    }

    @Override
    public String toString() {
      return path;
    }
  }

  /** A stream over a file that can be read anywhere; fetches ahead for the readers of headers. */
  private static final class PositionedInput extends java.io.InputStream {
    private static final int AHEAD_BYTES = 8192;

    private final SeekableInput input;
    private final long length;
    private final ByteBuffer ahead = ByteBuffer.allocate(AHEAD_BYTES).limit(0);

    /** Where in the file the first byte of {@link #ahead} lies. */
    private long aheadStart;

    private PositionedInput(SeekableInput input) {
      this.input = input;
      this.length = input.length();
    }

    private long position() {
      return aheadStart + ahead.position();
    }

    private void seek(long target) {
      if (target >= aheadStart && target <= aheadStart + ahead.limit()) {
        ahead.position((int) (target - aheadStart));
      } else {
        aheadStart = target;
        ahead.position(0).limit(0);
      }
    }

    @Override
    public int read() {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int count) {
      if (count == 0) {
        return 0;
      }
      long start = position();
      if (start >= length) {
        return -1;
      }
      if (!ahead.hasRemaining()) {
        int left = (int) Math.min(Integer.MAX_VALUE, length - start);
        if (count >= AHEAD_BYTES) {
          int taken = Math.min(count, left);
          input.readFully(start, ByteBuffer.wrap(bytes, offset, taken));
          seek(start + taken);
          return taken;
        }
        aheadStart = start;
        ahead.clear().limit(Math.min(AHEAD_BYTES, left));
        input.readFully(start, ahead);
        ahead.position(0);
      }
      int taken = Math.min(count, ahead.remaining());
      ahead.get(bytes, offset, taken);
      return taken;
    }

    @Override
    public void close() {
      input.close();
    }
  }

  private static final class InputFromStorage extends DelegatingSeekableInputStream {
    private final PositionedInput input;

    private InputFromStorage(PositionedInput input) {
      super(input);
      this.input = input;
    }

    @Override
    public long getPos() {
      return input.position();
    }

    @Override
    public void seek(long position) throws IOException {
      if (position < 0 || position > input.length) {
        throw new EOFException("position " + position + " is outside of the file");
      }
      input.seek(position);
    }
  }

  private record StorageOutput(Storage storage, String path) implements OutputFile {
    @Override
    public PositionOutputStream create(long blockSizeHint) {
      return createOrOverwrite(blockSizeHint);
    }

    @Override
    public PositionOutputStream createOrOverwrite(long blockSizeHint) {
      return new OutputToStorage(storage.create(path));
    }

    @Override
    public boolean supportsBlockSize() {
      return false;
    }

    @Override
    public long defaultBlockSize() {
      return 0;
    }

    @Override
    public String getPath() {
      return path;
    }
  }

  private static final class OutputToStorage extends PositionOutputStream {
    private final OutputStream output;
    private long position;

    private OutputToStorage(OutputStream output) {
      this.output = output;
    }

    @Override
    public long getPos() {
      return position;
    }

    @Override
    public void write(int b) throws IOException {
      output.write(b);
      position++;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      output.write(bytes, offset, length);
      position += length;
    }

    @Override
    public void flush() throws IOException {
      output.flush();
    }

    @Override
    public void close() throws IOException {
      output.close();
    }
  }
}
