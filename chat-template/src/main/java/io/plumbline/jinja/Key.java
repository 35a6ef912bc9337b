package io.plumbline.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * A value other than a string as a key of hash maps. Its hash depends on a number that is drawn
 * once a process, so that no template can choose keys that all meet in one place. (Strings that do
 * are kept in order by the maps themselves.)
 */
final class Key {
  private static final long SALT = new Random().nextLong();
  private static final Object NONE = new Object();
  private static final Object UNDEFINED = new Object();

  private final Object value;
  private final int hash;

  private Key(Object value, long hash) {
    this.value = value;
    this.hash = (int) (hash >>> 32);
  }

  /** What is equal to itself alone. */
  private record Identity(int hash, Object object) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Identity key && key.object == object;
    }

    @Override
    public int hashCode() {
      return hash;
    }
  }

  /** A key for hash maps; equal for values that Python finds equal. A string is its own. */
  static Object of(Rendering rendering, Object value) {
    if (value == null) {
      return NONE;
    }
    if (Values.isString(value)) {
      String text = Values.text(value);
      rendering.read(text.length());
      return text;
    }
    if (Numbers.isNumber(value)) {
      return number(rendering, value);
    }
    if (value instanceof Undefined) {
      return UNDEFINED;
    }
    if (value instanceof Tuple tuple) {
      return tuple(rendering, tuple.items());
    }
    if (value instanceof List || value instanceof PyDict || value instanceof DictView) {
      throw PyError.type("unhashable type: '%s'", value);
    }
    if (value instanceof PyRange) {
      throw Unsupported.of("ranges as keys are");
    }
    rendering.spend(4);
    return new Identity(System.identityHashCode(value), value);
  }

  private static Key tuple(Rendering rendering, List<Object> items) {
    rendering.enter(rendering.line());
    rendering.makeElements(items.size());
    List<Object> keys = new ArrayList<>(items.size());
    long hash = mix(SALT + items.size());
    for (Object item : items) {
      Object key = of(rendering, item);
      rendering.read(key instanceof String text ? 8L * text.length() : 8);
      keys.add(key);
      hash = mix(hash ^ (key instanceof String text ? hash(text) : key.hashCode()));
    }
    rendering.leave();
    return new Key(keys, hash);
  }

  /** Equal numbers of different types give equal keys. */
  private static Key number(Rendering rendering, Object number) {
    rendering.spend(5);
    if (number instanceof Double real && (real != Math.rint(real) || Double.isInfinite(real))) {
      return new Key(real, mix(SALT ^ Double.doubleToLongBits(real)));
    }
    if (Numbers.isSmall(number)) {
      return whole(Numbers.small(number));
    }
    rendering.spend(50);
    BigInteger whole =
        number instanceof Double real ? new BigDecimal(real).toBigInteger() : (BigInteger) number;
    return whole.bitLength() < Long.SIZE
        ? whole(whole.longValue())
        : new Key(whole, mix(SALT ^ Arrays.hashCode(whole.toByteArray())));
  }

  private static Key whole(long whole) {
    return new Key(whole, mix(SALT ^ whole));
  }

  private static long hash(String text) {
    long hash = SALT;
    for (int i = 0; i < text.length(); i++) {
      long next = (hash ^ text.charAt(i)) * 0x9e3779b97f4a7c15L;
      hash = next ^ (next >>> 29);
    }
    return mix(hash);
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
