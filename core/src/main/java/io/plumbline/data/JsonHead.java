package io.plumbline.data;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.io.JsonEOFException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The outline of the first JSON value of a text, of which the end may not be seen. */
final class JsonHead {
  /** What the first element of an array is. */
  enum Element {
    NONE,
    OBJECT,
    OTHER
  }

  /** Keys under which whole data sets stand. */
  private static final Set<String> WRAPPING =
      Set.of(
          "data",
          "rows",
          "train",
          "test",
          "validation",
          "valid",
          "dev",
          "eval",
          "records",
          "items",
          "examples",
          "instances",
          "results",
          "samples",
          "dataset");

  /** Names of columns that no format reads, in rows as they are published. */
  private static final Set<String> MORE_COLUMNS = Set.of("row", "id");

  /** What stands below a key of the outermost object. */
  private static final class Below {
    private boolean array;
    private boolean object;
    private boolean arrayOfObjects;
    private boolean arrayOfOthers;
    private final Set<String> keys = new HashSet<>();
  }

  private final byte[] bytes;
  private final int start;
  private final Map<String, Below> keys = new LinkedHashMap<>();
  private Element firstElement = Element.NONE;
  private boolean broken;
  private int tokens;
  private int end = -1;
  private int seen;

  private JsonHead(byte[] bytes, int start) {
    this.bytes = bytes;
    this.start = start;
    this.seen = start;
  }

  static JsonHead of(byte[] bytes, int start) {
    JsonHead head = new JsonHead(bytes, start);
    try (JsonParser parser =
        JsonRows.parser(new ByteArrayInputStream(bytes, start, bytes.length - start))) {
      head.walk(parser);
    } catch (JsonEOFException e) {
      head.seen = bytes.length; // The value continues behind what is seen.
    } catch (JsonProcessingException e) {
      head.broken = true;
    } catch (IOException e) {
      head.broken = true; // Bytes that are not UTF-8.
    }
    return head;
  }

  static boolean isScalar(String text) {
    try {
      JsonRows.value(text);
      return true;
    } catch (JsonProcessingException e) {
      return false;
    }
  }

  private void walk(JsonParser parser) throws IOException {
    int depth = 0;
    Below below = null;
    do {
      JsonToken token = parser.nextToken();
      if (token == null) {
        return;
      }
      tokens++;
      if (token == JsonToken.FIELD_NAME && depth == 1) {
        below = keys.computeIfAbsent(parser.currentName(), name -> new Below());
      } else {
        outline(token, depth, below, parser);
      }
      if (token.isStructStart()) {
        depth++;
      } else if (token.isStructEnd()) {
        depth--;
      }
      seen = start + (int) parser.currentLocation().getByteOffset();
    } while (depth > 0);
    end = seen;
  }

  private void outline(JsonToken token, int depth, Below below, JsonParser parser)
      throws IOException {
    if (depth == 1 && firstElement == Element.NONE && token != JsonToken.END_ARRAY) {
      firstElement = token == JsonToken.START_OBJECT ? Element.OBJECT : Element.OTHER;
    }
    if (below == null) {
      return;
    }
    if (depth == 1) {
      below.array |= token == JsonToken.START_ARRAY;
      below.object |= token == JsonToken.START_OBJECT;
    } else if (depth == 2 && below.array && token != JsonToken.END_ARRAY) {
      below.arrayOfObjects |= token == JsonToken.START_OBJECT;
      below.arrayOfOthers |= token != JsonToken.START_OBJECT && token != JsonToken.END_OBJECT;
    }
    if (token == JsonToken.FIELD_NAME && depth == (below.array ? 3 : 2)) {
      below.keys.add(parser.currentName());
    }
  }

  /** Whether what is seen of the value is JSON. */
  boolean opensLikeJson() {
    return !broken && tokens > 0;
  }

  /** The byte after the value; -1 where its end is not seen. */
  int end() {
    return broken ? -1 : end;
  }

  Element firstElement() {
    return firstElement;
  }

  /** Whether a line ends within the value: in JSON that can only be between its parts. */
  boolean crossesLine() {
    boolean ended = false;
    for (int i = start; i < Math.min(seen, bytes.length); i++) {
      ended |= bytes[i] == '\n';
      if (ended && !TextHead.isBlank(bytes[i])) {
        return true;
      }
    }
    return false;
  }

  /**
   * The key under which the rows stand, where the object is no row itself.
   *
   * @param alone whether the value is known to be the only one of its file
   */
  Optional<String> wrapped(boolean alone) {
    if (keys.keySet().stream().anyMatch(RowLayout.COLUMNS::contains)) {
      return Optional.empty();
    }
    for (Map.Entry<String, Below> entry : keys.entrySet()) {
      Below below = entry.getValue();
      boolean rows =
          below.keys.stream()
              .anyMatch(key -> RowLayout.COLUMNS.contains(key) || MORE_COLUMNS.contains(key));
      boolean messages = below.keys.contains("role") || below.keys.contains("from");
      boolean called = WRAPPING.contains(entry.getKey());
      if (below.arrayOfObjects && !messages && (called || (alone && rows))) {
        return Optional.of(entry.getKey());
      }
    }
    return Optional.empty();
  }

  /** Whether the values are columns and no row: objects by row number, or lists of one length. */
  boolean isByColumns() {
    if (keys.isEmpty()) {
      return false;
    }
    if (keys.values().stream()
        .allMatch(
            below ->
                below.object
                    && !below.array
                    && !below.keys.isEmpty()
                    && below.keys.stream().allMatch(key -> key.matches("[0-9]+")))) {
      return true;
    }
    boolean split = keys.keySet().containsAll(Set.of("columns", "data"));
    boolean lists =
        keys.size() > 1
            && keys.keySet().stream().anyMatch(RowLayout.COLUMNS::contains)
            && keys.values().stream().allMatch(below -> below.arrayOfOthers);
    return split || lists;
  }
}
