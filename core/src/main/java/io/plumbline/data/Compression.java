package io.plumbline.data;

import com.github.luben.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;

/** How text may be compressed. Several members, frames or streams in one file are read as one. */
enum Compression {
  GZIP("gzip"),
  ZSTD("zstd"),
  BZIP2("bzip2");

  /** As far back as zstd --long=31 and the dumps of large forums refer; the default is 27. */
  private static final int ZSTD_WINDOW_LOG = 31;

  private static final int BUFFER_BYTES = 1 << 16;

  private final String words;

  Compression(String words) {
    this.words = words;
  }

  /** The tool that makes it. */
  String words() {
    return words;
  }

  /** The compression that a file's first bytes are of. */
  static Optional<Compression> of(byte[] head) {
    if (begins(head, 0x1f, 0x8b)) {
      return Optional.of(GZIP);
    }
    // A frame of data, or one to be skipped (RFC 8878, 3.1.2), such as pzstd begins with.
    if (begins(head, 0x28, 0xb5, 0x2f, 0xfd)
        || (head.length >= 4
            && (head[0] & 0xf0) == 0x50
            && begins(new byte[] {head[1], head[2], head[3]}, 0x2a, 0x4d, 0x18))) {
      return Optional.of(ZSTD);
    }
    if (begins(head, 'B', 'Z', 'h') && head.length > 3 && head[3] >= '1' && head[3] <= '9') {
      return Optional.of(BZIP2);
    }
    return Optional.empty();
  }

  static boolean begins(byte[] head, int... bytes) {
    if (head.length < bytes.length) {
      return false;
    }
    for (int i = 0; i < bytes.length; i++) {
      if ((head[i] & 0xff) != bytes[i]) {
        return false;
      }
    }
    return true;
  }

  /** The content; fails where it is damaged or ends too early. */
  InputStream open(InputStream input) throws IOException {
    return switch (this) {
      case GZIP -> new GzipMembers(input);
      case ZSTD -> {
        ZstdInputStream frames = new ZstdInputStream(new ZstdFrames(input));
        frames.setLongMax(ZSTD_WINDOW_LOG);
        yield frames;
      }
      case BZIP2 ->
          new BZip2CompressorInputStream(
              new BufferedInputStream(input, BUFFER_BYTES), /* decompressConcatenated= */ true);
    };
  }
}
