package io.plumbline.checkpoint;

import io.plumbline.base.Sha256;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;

/** Counts and hashes what passes. */
final class HashingOutput extends FilterOutputStream {
  private final MessageDigest digest = Sha256.digest();
  private long length;

  HashingOutput(OutputStream output) {
    super(output);
  }

  @Override
  public void write(int b) throws IOException {
    out.write(b);
    digest.update((byte) b);
    length++;
  }

  @Override
  public void write(byte[] bytes, int offset, int count) throws IOException {
    out.write(bytes, offset, count);
    digest.update(bytes, offset, count);
    length += count;
  }

  /** The bytes that passed. */
  long length() {
    return length;
  }

  /** Their SHA-256 in hex. */
  String sha256() {
    return HexFormat.of().formatHex(digest.digest());
  }
}
