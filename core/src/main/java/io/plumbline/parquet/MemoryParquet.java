package io.plumbline.parquet;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.function.Supplier;
import org.apache.parquet.io.DelegatingSeekableInputStream;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;
import org.apache.parquet.io.SeekableInputStream;

/** Parquet files in memory: storage can show them whole or not at all. */
public final class MemoryParquet {
  /** What a Java array holds at most. */
  private static final int LONGEST = Integer.MAX_VALUE - 8;

  private MemoryParquet() {}

  /** The bytes of a file to read. */
  public static InputFile input(byte[] bytes) {
    return new Input(bytes);
  }

  /** A file to write. */
  public static final class Output implements OutputFile {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final Supplier<? extends RuntimeException> tooLong;

    /**
     * @param tooLong the failure of a file that exceeds what a Java array holds, 2 GiB
     */
    public Output(Supplier<? extends RuntimeException> tooLong) {
      this.tooLong = tooLong;
    }

    /** The file, once its writer is closed. */
    public byte[] bytes() {
      return bytes.toByteArray();
    }

    @Override
    public PositionOutputStream create(long blockSizeHint) {
      return createOrOverwrite(blockSizeHint);
    }

    @Override
    public PositionOutputStream createOrOverwrite(long blockSizeHint) {
      bytes.reset();
      return new Stream();
    }

    @Override
    public boolean supportsBlockSize() {
      return false;
    }

    @Override
    public long defaultBlockSize() {
      return 0;
    }

    private final class Stream extends PositionOutputStream {
      @Override
      public long getPos() {
        return bytes.size();
      }

      @Override
      public void write(int b) {
        requireRoom(1);
        bytes.write(b);
      }

      @Override
      public void write(byte[] source, int offset, int length) {
        requireRoom(length);
        bytes.write(source, offset, length);
      }

      private void requireRoom(int length) {
        if (length > LONGEST - bytes.size()) {
          throw tooLong.get();
        }
      }
    }
  }

  private record Input(byte[] bytes) implements InputFile {
    @Override
    public long getLength() {
      return bytes.length;
    }

    @Override
    public SeekableInputStream newStream() {
      Position stream = new Position(bytes);
      return new DelegatingSeekableInputStream(stream) {
        @Override
        public long getPos() {
          return stream.position();
        }

        @Override
        public void seek(long position) {
          stream.position((int) position);
        }
      };
    }
  }

  private static final class Position extends ByteArrayInputStream {
    private Position(byte[] bytes) {
      super(bytes);
    }

    private int position() {
      return pos;
    }

    private void position(int position) {
      pos = position;
    }
  }
}
