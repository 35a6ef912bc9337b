package io.plumbline.base;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;

/**
 * A SHA-256 over named, typed fields in order. Every name and value goes in with its type and
 * length, so that no two different lists of fields give the same bytes. Not thread-safe.
 */
public final class Fingerprint {
  private final MessageDigest digest = Sha256.digest();

  private Fingerprint() {}

  /** Starts a fingerprint; {@code kind} keeps the fingerprints of different things apart. */
  public static Fingerprint of(String kind) {
    return new Fingerprint().text("kind", kind);
  }

  public Fingerprint text(String name, String value) {
    return field('t', name, value.getBytes(StandardCharsets.UTF_8));
  }

  public Fingerprint number(String name, long value) {
    return field('n', name, ByteBuffer.allocate(8).putLong(value).array());
  }

  public Fingerprint bytes(String name, byte[] value) {
    return field('b', name, value);
  }

  public Fingerprint numbers(String name, long[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(8, values.length));
    for (long value : values) {
      bytes.putLong(value);
    }
    return field('m', name, bytes.array());
  }

  private Fingerprint field(char type, String name, byte[] value) {
    byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
    digest.update(ByteBuffer.allocate(6).putChar(type).putInt(nameBytes.length).flip());
    digest.update(nameBytes);
    digest.update(ByteBuffer.allocate(4).putInt(value.length).flip());
    digest.update(value);
    return this;
  }

  /** The fingerprint, 64 hex digits. Ends it: no field can be added after. */
  public String hex() {
    return HexFormat.of().formatHex(digest.digest());
  }
}
