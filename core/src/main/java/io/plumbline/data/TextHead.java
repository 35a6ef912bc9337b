package io.plumbline.data;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The first bytes of a text, looked at for what it is: JSON lines, a JSON array, or what people
 * take for them. Only what holds of the file as a whole counts; a single bad line is its own
 * matter.
 */
final class TextHead {
  private static final String TO_LINES =
      "write one object a line, as in jq -c %s '%s' > rows.jsonl, or an array of objects";

  private final String path;
  private final byte[] bytes;
  private final int start;
  private final boolean whole;
  private final List<byte[]> lines;

  private TextHead(String path, byte[] bytes, int start, boolean whole) {
    this.path = path;
    this.bytes = bytes;
    this.start = start;
    this.whole = whole;
    this.lines = lines('\n');
  }

  static TextHead of(String path, FileHead head) {
    byte[] bytes = head.bytes();
    // A byte order mark, of which some programs write several, comes before the text.
    int start = 0;
    while (Compression.begins(Arrays.copyOfRange(bytes, start, bytes.length), 0xef, 0xbb, 0xbf)) {
      start += 3;
    }
    while (start < bytes.length && isBlank(bytes[start])) {
      start++;
    }
    return new TextHead(path, bytes, start, head.whole());
  }

  static boolean isBlank(byte b) {
    return b == ' ' || b == '\t' || b == '\r' || b == '\n';
  }

  /** Where the text begins, behind byte order marks and blanks. */
  int start() {
    return start;
  }

  boolean isArray() {
    return start < bytes.length && bytes[start] == '[';
  }

  /** What is wrong with the file as a whole, as the end of a sentence that begins with its name. */
  Optional<String> unfit() {
    if (start == bytes.length) {
      return Optional.empty(); // Nothing but blanks so far: rows may follow, or there are none.
    }
    return nulBytes().or(this::otherEncoding).or(this::otherText).or(this::json);
  }

  private Optional<String> nulBytes() {
    int nuls = 0;
    int odd = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == 0) {
        nuls++;
        odd += i % 2;
      }
    }
    if (nuls > bytes.length / 4 && (odd == nuls || odd == 0) && nuls < bytes.length) {
      return Optional.of(
          "is text in UTF-16 without a byte order mark: convert it, as in iconv -f UTF-16%s -t UTF-8 '%s' > rows.jsonl"
              .formatted(odd == 0 ? "BE" : "LE", path));
    }
    if (bytes[start] == 0) {
      return Optional.of(
          "begins with NUL bytes (%,d of its first %,d): it was damaged when it was written or copied; write it again"
              .formatted(nuls, bytes.length));
    }
    return Optional.empty();
  }

  /** Latin-1 shows by lines that are not UTF-8 where no line with such bytes is. */
  private Optional<String> otherEncoding() {
    int bad = 0;
    int good = 0;
    for (byte[] line : lines) {
      boolean ascii = true;
      for (byte b : line) {
        ascii &= b >= 0;
      }
      if (!ascii) {
        if (JsonRows.isUtf8(ByteBuffer.wrap(line))) {
          good++;
        } else {
          bad++;
        }
      }
    }
    if (bad > 0 && good == 0 && (bad > 1 || (whole && lines.size() == 1))) {
      return Optional.of(
          "is not UTF-8 but of another encoding, such as Latin-1: convert it, as in iconv -f WINDOWS-1252 -t UTF-8 '%s' > rows.jsonl"
              .formatted(path));
    }
    return Optional.empty();
  }

  /** Text in which no line begins like JSON objects or arrays. */
  private Optional<String> otherText() {
    if (lines.isEmpty() || lines.stream().anyMatch(TextHead::beginsLikeRows)) {
      return bytes[start] == '[' ? array() : Optional.empty();
    }
    String first = text(lines.get(0)).strip();
    Optional<String> table =
        DelimitedText.sentence(path, lines.stream().map(TextHead::text).toList());
    if (table.isPresent()) {
      return table;
    }
    if (JsonHead.isScalar(first)) {
      return Optional.of(
          "has JSON values that are no objects, such as %s: a row is an object, as in {\"text\": ...}"
              .formatted(shortened(first)));
    }
    return Optional.of(
        "is text and no JSON (it begins with \"%s\"): rows are JSON objects, one a line; of lines of text make them by jq -cR '{text: .}' '%s' > rows.jsonl"
            .formatted(shortened(first), path));
  }

  private static boolean beginsLikeRows(byte[] line) {
    int i = 0;
    while (i < line.length && isBlank(line[i])) {
      i++;
    }
    return i < line.length && (line[i] == '{' || line[i] == '[');
  }

  private Optional<String> array() {
    JsonHead head = JsonHead.of(bytes, start);
    if (!head.opensLikeJson()) {
      return Optional.of(
          "is text and no JSON (it begins with \"%s\"): rows are JSON objects, one a line"
              .formatted(shortened(text(lines.get(0)).strip())));
    }
    if (head.firstElement() == JsonHead.Element.OTHER) {
      return Optional.of(
          "is made of JSON arrays whose elements are no objects: rows are objects with the columns'"
              + " names, one a line");
    }
    if (head.end() >= 0 && nextAfter(head.end()) >= 0) {
      return Optional.of(
          "has more behind the end of its JSON array: several arrays in one file are joined by jq -c '.[]' '%s' > rows.jsonl"
              .formatted(path));
    }
    return Optional.empty();
  }

  private Optional<String> json() {
    if (bytes[start] != '{') {
      return Optional.empty();
    }
    String line = text(lines.get(0)).strip();
    if (line.startsWith("{'") || line.startsWith("{u'")) {
      return Optional.of(
          "has Python's text of dicts, with single quotes, and no JSON: write the rows by"
              + " json.dumps, one a line");
    }
    Optional<String> oldLineEnds = onlyCarriageReturns();
    if (oldLineEnds.isPresent()) {
      return oldLineEnds;
    }
    JsonHead head = JsonHead.of(bytes, start);
    boolean overLines = line.equals("{") || (head.opensLikeJson() && head.crossesLine());
    if (!head.opensLikeJson() && !overLines) {
      return Optional.empty(); // A broken line, whose refusal says what is wrong with it.
    }
    int next = head.end() < 0 ? -1 : nextAfter(head.end());
    boolean alone = head.end() >= 0 && next < 0 && whole;
    if (alone || overLines || head.end() < 0) {
      Optional<String> wrapped = head.wrapped(alone).map(this::wrapped);
      if (wrapped.isPresent()) {
        return wrapped;
      }
    }
    if (alone && head.isByColumns()) {
      return Optional.of(
          "has a table by columns, as pandas' to_json writes it unasked: write it by"
              + " to_json('rows.jsonl', orient='records', lines=True)");
    }
    if (overLines) {
      return Optional.of(
          "has JSON objects that go over several lines: " + TO_LINES.formatted(".", path));
    }
    if (next >= 0 && !lineEndsBetween(head.end(), next)) {
      return Optional.of(
          bytes[next] == ','
              ? "has commas between its JSON objects and is no array: leave them out, or put [ and"
                  + " ] around all"
              : "has several JSON values on one line: " + TO_LINES.formatted(".", path));
    }
    return Optional.empty();
  }

  private String wrapped(String key) {
    return "is one JSON object with the rows in an array under \"%s\": %s"
        .formatted(key, TO_LINES.formatted("'.[\"" + key + "\"][]'", path));
  }

  private Optional<String> onlyCarriageReturns() {
    for (byte b : bytes) {
      if (b == '\n') {
        return Optional.empty();
      }
    }
    List<byte[]> parts = lines('\r');
    return parts.size() > 1 && parts.stream().limit(2).allMatch(TextHead::beginsLikeRows)
        ? Optional.of(
            "ends its lines by carriage returns alone: convert it, as in tr '\\r' '\\n' < '%s' > rows.jsonl"
                .formatted(path))
        : Optional.empty();
  }

  /** The next byte that is no blank; -1 where none is seen. */
  private int nextAfter(int end) {
    for (int i = end; i < bytes.length; i++) {
      if (!isBlank(bytes[i])) {
        return i;
      }
    }
    return -1;
  }

  private boolean lineEndsBetween(int from, int to) {
    for (int i = from; i < to; i++) {
      if (bytes[i] == '\n') {
        return true;
      }
    }
    return false;
  }

  /**
   * The lines that are not blank, without one that continues behind the head unless it is alone.
   */
  private List<byte[]> lines(char end) {
    List<byte[]> lines = new ArrayList<>();
    int from = start;
    for (int i = start; i <= bytes.length; i++) {
      boolean atEnd = i == bytes.length;
      if (!atEnd && bytes[i] != end) {
        continue;
      }
      byte[] line = Arrays.copyOfRange(bytes, from, i);
      from = i + 1;
      boolean cut = atEnd && !whole && !lines.isEmpty();
      if (!cut && !text(line).isBlank()) {
        lines.add(line);
      }
    }
    return lines;
  }

  private static String text(byte[] line) {
    return new String(line, StandardCharsets.UTF_8);
  }

  private static String shortened(String text) {
    return text.length() <= 60 ? text : text.substring(0, 57) + "...";
  }
}
