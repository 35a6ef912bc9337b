package io.plumbline.data;

import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.ZipException;

/**
 * Compressed bytes on their way to zstd's decoder, watched for where frames end (RFC 8878, 3.1):
 * the decoder's stream takes a frame that is cut off behind a whole one for the end of the data.
 */
final class ZstdFrames extends FilterInputStream {
  private enum Part {
    MAGIC(4),
    DESCRIPTOR(1),
    BLOCK(3),
    SKIPPABLE_SIZE(4);

    private final int bytes;

    Part(int bytes) {
      this.bytes = bytes;
    }
  }

  private static final long MAGIC = 0xfd2fb528L;
  private static final long SKIPPABLE = 0x184d2a50L;
  private static final int[] DICTIONARY_BYTES = {0, 1, 2, 4};
  private static final int[] SIZE_BYTES = {0, 2, 4, 8};
  private static final int CHECKSUM_BYTES = 4;
  private static final int RUN = 1;

  private Part part = Part.MAGIC;
  private int known;
  private long value;

  /** Bytes whose content does not matter here. */
  private long passing;

  private boolean checksum;
  private long frames;

  ZstdFrames(InputStream source) {
    super(source);
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int offset, int count) throws IOException {
    int n = in.read(bytes, offset, count);
    if (n < 0) {
      if (part != Part.MAGIC || known > 0 || passing > 0) {
        throw new EOFException("its zstd data is cut off within frame " + (frames + 1));
      }
      return n;
    }
    int at = offset;
    while (at < offset + n) {
      if (passing > 0) {
        int passed = (int) Math.min(passing, offset + n - at);
        passing -= passed;
        at += passed;
        continue;
      }
      value |= (bytes[at++] & 0xffL) << (8 * known++);
      if (known == part.bytes) {
        long whole = value;
        value = 0;
        known = 0;
        end(whole);
      }
    }
    return n;
  }

  private void end(long whole) throws ZipException {
    switch (part) {
      case MAGIC -> {
        if (whole != MAGIC && (whole & ~0xfL) != SKIPPABLE) {
          throw new ZipException(
              "behind zstd frame " + frames + " stand bytes that are no zstd data");
        }
        part = whole == MAGIC ? Part.DESCRIPTOR : Part.SKIPPABLE_SIZE;
      }
      case SKIPPABLE_SIZE -> {
        passing = whole;
        endFrame();
      }
      case DESCRIPTOR -> {
        int flags = (int) whole;
        boolean single = (flags & 0x20) != 0;
        int sizeBytes = SIZE_BYTES[flags >> 6];
        checksum = (flags & 4) != 0;
        passing =
            (single ? 0L : 1L)
                + DICTIONARY_BYTES[flags & 3]
                + (single && sizeBytes == 0 ? 1 : sizeBytes);
        part = Part.BLOCK;
      }
      case BLOCK -> {
        passing = (whole >> 1 & 3) == RUN ? 1 : whole >> 3;
        if ((whole & 1) != 0) {
          passing += checksum ? CHECKSUM_BYTES : 0;
          endFrame();
        }
      }
    }
  }

  /** What is still passing belongs to the frame; nothing but a frame may follow. */
  private void endFrame() {
    frames++;
    part = Part.MAGIC;
  }
}
