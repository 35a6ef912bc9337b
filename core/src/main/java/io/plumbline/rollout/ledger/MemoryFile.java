package io.plumbline.rollout.ledger;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.ByteArrayOutputStream;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;

/** A Parquet file that is written in memory, so that storage can show it whole or not at all. */
final class MemoryFile implements OutputFile {
  /** What a Java array holds at most. */
  private static final int LONGEST = Integer.MAX_VALUE - 8;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  byte[] bytes() {
    return bytes.toByteArray();
  }

  @Override
  public PositionOutputStream create(long blockSizeHint) {
    return createOrOverwrite(blockSizeHint);
  }

  @Override
  public PositionOutputStream createOrOverwrite(long blockSizeHint) {
    bytes.reset();
    return new Output();
  }

  @Override
  public boolean supportsBlockSize() {
    return false;
  }

  @Override
  public long defaultBlockSize() {
    return 0;
  }

  private final class Output extends PositionOutputStream {
    @Override
    public long getPos() {
      return bytes.size();
    }

    @Override
    public void write(int b) {
      checkRoom(1);
      bytes.write(b);
    }

    @Override
    public void write(byte[] source, int offset, int length) {
      checkRoom(length);
      bytes.write(source, offset, length);
    }

    private void checkRoom(int length) {
      if (length > LONGEST - bytes.size()) {
        throw new PlumblineException(
            ErrorCode.STORAGE_FAILED,
            "The rollouts of one phase take over 2 GiB in the ledger; take fewer prompts,"
                + " generations or steps a phase.");
      }
    }
  }
}
