package io.plumbline.jinja;

/** Builds a string that is paid for, and whose length is checked, while it grows. */
final class TextBuilder {
  /** What is added before it is paid for. */
  private static final int CREDIT = 3072;

  private static final char[] HEX = "0123456789abcdef".toCharArray();

  private final Budget budget;
  private final StringBuilder out;
  private int paid;

  TextBuilder(Budget budget) {
    this.budget = budget;
    this.out = new StringBuilder();
  }

  int length() {
    return out.length();
  }

  TextBuilder add(char c) {
    out.append(c);
    return paidUp();
  }

  TextBuilder add(int codePoint) {
    out.appendCodePoint(codePoint);
    return paidUp();
  }

  TextBuilder add(String text) {
    return add(text, 0, text.length());
  }

  /** Adds the units of a text from start to before end. */
  TextBuilder add(String text, int start, int end) {
    if (end - start > CREDIT) {
      pay();
      budget.checkSize((long) out.length() + end - start);
      budget.spend((end - start) / 3);
      out.append(text, start, end);
      paid = out.length();
      return this;
    }
    out.append(text, start, end);
    return paidUp();
  }

  /** Adds a text so many times. */
  TextBuilder add(String text, int times) {
    pay();
    budget.checkSize(out.length() + (long) text.length() * times);
    budget.spend((long) text.length() * times / 3);
    out.append(text.repeat(Math.max(0, times)));
    paid = out.length();
    return this;
  }

  /** Adds the last digits of a number in base 16. */
  TextBuilder addHex(int value, int digits) {
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
      out.append(HEX[(value >> shift) & 15]);
    }
    return paidUp();
  }

  /** Adds a character as Python escapes one that has no escape of its own. */
  TextBuilder addEscaped(int codePoint) {
    if (codePoint < 0x100) {
      return add("\\x").addHex(codePoint, 2);
    }
    return codePoint < 0x10000 ? add("\\u").addHex(codePoint, 4) : add("\\U").addHex(codePoint, 8);
  }

  private TextBuilder paidUp() {
    if (out.length() - paid > CREDIT) {
      pay();
    }
    return this;
  }

  private void pay() {
    budget.checkSize(out.length());
    budget.spend((out.length() - paid) / 3);
    paid = out.length();
  }

  /** The text; ends the building. */
  String build() {
    pay();
    budget.spend(4);
    return out.toString();
  }
}
