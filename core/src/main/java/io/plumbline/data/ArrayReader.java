package io.plumbline.data;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.CharConversionException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.Optional;

/**
 * A JSON array of objects. An element that is no object is refused by itself; JSON that is broken
 * cannot be picked up again further on, so that nobody knows how many rows are lost, and the file
 * is refused as a whole.
 */
final class ArrayReader extends DataFileReader {
  private final JsonParser parser;
  private long element;
  private boolean ended;

  /**
   * Over an array.
   *
   * @param input at its bracket
   */
  ArrayReader(FileSlice whole, InputStream input) throws IOException {
    super(whole);
    this.parser = JsonRows.parser(input);
  }

  @Override
  Optional<RawRow> read() throws IOException {
    if (ended) {
      return Optional.empty();
    }
    element++;
    try {
      if (element == 1) {
        parser.nextToken();
      }
      JsonToken token = parser.nextToken();
      if (token == JsonToken.END_ARRAY) {
        ended = true;
        if (parser.nextToken() != null) {
          throw new PlumblineException(
              ErrorCode.BAD_DATA,
              "%s has more behind the end of its JSON array of %,d elements; join arrays by jq -c '.[]' '%s' > rows.jsonl"
                  .formatted(path, element - 1, path));
        }
        return Optional.empty();
      }
      if (token == null) {
        throw unreadable("the array has no end");
      }
      Map<String, Object> values = JsonRows.element(parser);
      return Optional.of(RawRow.read(element, values, () -> JsonRows.write(values)));
    } catch (RefusedRowException e) {
      return Optional.of(RawRow.refused(element, e, () -> ""));
    } catch (StreamConstraintsException e) {
      throw unreadable(
          "a value has more than %,d bytes or is nested too deeply".formatted(MAX_ROW_BYTES));
    } catch (JsonProcessingException e) {
      throw unreadable(e.getOriginalMessage());
    } catch (CharConversionException e) {
      throw unreadable(e.getMessage());
    }
  }

  @Override
  public long textRead() {
    return parser.currentLocation().getByteOffset();
  }

  private PlumblineException unreadable(String why) {
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        "%s cannot be read from element %,d of its JSON array on (%s); fix it there, or write one object a line, where a bad row is refused by itself"
            .formatted(path, element, why));
  }

  @Override
  public void close() {
    try {
      parser.close();
    } catch (IOException e) {
      throw damaged(path, e);
    }
  }
}
