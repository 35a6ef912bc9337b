package io.plumbline.jinja;

import java.math.BigInteger;
import java.util.List;
import java.util.Random;

/**
 * A value other than a string as a key of hash maps. Its hash depends on a number that is drawn
 * once a process, so that no template can choose keys that all meet in one place. (Strings that do
 * are kept in order by the maps themselves.)
 */
final class Key {
  private static final long SALT = new Random().nextLong();

  private final Object value;
  private final int hash;

  private Key(Object value, long hash) {
    this.value = value;
    this.hash = (int) (hash >>> 32);
  }

  static Key of(long whole) {
    return new Key(whole, mix(SALT ^ whole));
  }

  static Key of(BigInteger whole) {
    return new Key(whole, hash(whole.toByteArray()));
  }

  static Key of(double real) {
    return new Key(real, mix(SALT ^ Double.doubleToLongBits(real)));
  }

  /** A sequence of keys. */
  static Key of(List<Object> keys) {
    long hash = mix(SALT + keys.size());
    for (Object key : keys) {
      hash = mix(hash ^ (key instanceof String text ? hash(text) : key.hashCode()));
    }
    return new Key(keys, hash);
  }

  private static long hash(String text) {
    long hash = SALT;
    for (int i = 0; i < text.length(); i++) {
      hash = step(hash, text.charAt(i));
    }
    return mix(hash);
  }

  private static long hash(byte[] bytes) {
    long hash = SALT;
    for (byte b : bytes) {
      hash = step(hash, b);
    }
    return mix(hash);
  }

  private static long step(long hash, int value) {
    long next = (hash ^ value) * 0x9e3779b97f4a7c15L;
    return next ^ (next >>> 29);
  }

  private static long mix(long value) {
    long mixed = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94d049bb133111ebL;
    return mixed ^ (mixed >>> 31);
  }

  @Override
  public boolean equals(Object other) {
    return this == other
        || (other instanceof Key key && hash == key.hash && value.equals(key.value));
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
