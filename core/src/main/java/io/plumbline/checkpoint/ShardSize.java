package io.plumbline.checkpoint;

import java.io.Serializable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The most that one weight file takes, as transformers' {@code max_shard_size} has it: a number of
 * bytes, or {@code 5GB}, {@code 500MB}, {@code 2GiB}. A tensor that takes more has a file of its
 * own.
 */
public record ShardSize(long bytes) implements Serializable {
  /** What transformers 4 takes where nothing is said. */
  public static final ShardSize STANDARD = new ShardSize(5_000_000_000L);

  private static final Pattern TEXT = Pattern.compile("([0-9_]+)([KMGT]i?B)?");
  private static final String UNITS = "KMGT";

  public ShardSize {
    if (bytes < 1) {
      throw new IllegalArgumentException("a shard of " + bytes + " bytes");
    }
  }

  /**
   * Reads a size.
   *
   * @throws IllegalArgumentException whose message says what it must be
   */
  public static ShardSize parse(String text) {
    Matcher matcher = TEXT.matcher(text.strip());
    String wanted = "must be a size such as 5GB, 500MB or 2GiB";
    if (!matcher.matches()) {
      throw new IllegalArgumentException(wanted);
    }
    try {
      long bytes = Long.parseLong(matcher.group(1).replace("_", ""));
      String unit = matcher.group(2) == null ? "" : matcher.group(2);
      long step = unit.contains("i") ? 1024 : 1000;
      for (int i = unit.isEmpty() ? -1 : UNITS.indexOf(unit.charAt(0)); i >= 0; i--) {
        bytes = Math.multiplyExact(bytes, step);
      }
      return new ShardSize(bytes);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new IllegalArgumentException(wanted, e);
    }
  }

  /** A text that {@link #parse} reads again, in the largest unit without a remainder. */
  public Object text() {
    for (String i : new String[] {"", "i"}) {
      long step = i.isEmpty() ? 1000 : 1024;
      long count = bytes;
      int unit = -1;
      while (unit + 1 < UNITS.length() && count % step == 0) {
        count /= step;
        unit++;
      }
      if (unit >= 0) {
        return count + UNITS.substring(unit, unit + 1) + i + "B";
      }
    }
    return bytes;
  }

  @Override
  public String toString() {
    return text().toString();
  }
}
