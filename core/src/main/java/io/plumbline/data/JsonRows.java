package io.plumbline.data;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** JSON objects as rows. */
final class JsonRows {
  /** NaN and Infinity are read because Python's json writes them. */
  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              // One value may be as long as a row; the limits of depth and of digits stay.
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxStringLength(DataFileReader.MAX_ROW_BYTES)
                          .build())
                  .build())
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          // Of two values of one name nobody knows which is meant; datasets refuses them too.
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private static final ObjectReader ANY = MAPPER.readerFor(Object.class);

  /** Reads elements of an array, which other elements follow. */
  private static final ObjectReader ELEMENT =
      ANY.without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private JsonRows() {}

  /** The JSON object that one line's bytes spell. */
  static Map<String, Object> parse(byte[] line) throws RefusedRowException {
    String text;
    try {
      text = decoded(ByteBuffer.wrap(line));
    } catch (CharacterCodingException e) {
      throw new RefusedRowException(
          RefusalReason.NOT_UTF8, "the line holds bytes that are not UTF-8");
    }
    try {
      return object(ANY.readValue(text));
    } catch (JsonProcessingException e) {
      throw broken(e);
    }
  }

  /** The object that the parser's current token begins. */
  static Map<String, Object> element(JsonParser parser) throws RefusedRowException, IOException {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      parser.skipChildren();
      throw notAnObject();
    }
    return object(ELEMENT.readValue(parser));
  }

  /** What a text says, whatever it is; fails where it is more than one value. */
  static Object value(String text) throws JsonProcessingException {
    return ANY.readValue(text);
  }

  static JsonNode tree(String text) throws JsonProcessingException {
    return MAPPER.readTree(text);
  }

  /** A value as the key of an object: as it is written, without quotes. */
  static String key(Object value) {
    try {
      String text = MAPPER.writeValueAsString(value);
      return text.startsWith("\"") ? MAPPER.readTree(text).asText() : text;
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("keys are plain values", e);
    }
  }

  static boolean isUtf8(ByteBuffer bytes) {
    try {
      decoded(bytes);
      return true;
    } catch (CharacterCodingException e) {
      return false;
    }
  }

  private static String decoded(ByteBuffer bytes) throws CharacterCodingException {
    return StandardCharsets.UTF_8
        .newDecoder()
        .onMalformedInput(CodingErrorAction.REPORT)
        .onUnmappableCharacter(CodingErrorAction.REPORT)
        .decode(bytes)
        .toString();
  }

  static JsonParser parser(java.io.InputStream input) throws IOException {
    return MAPPER.getFactory().createParser(input);
  }

  static RefusedRowException broken(JsonProcessingException e) {
    if (e instanceof StreamConstraintsException) {
      return new RefusedRowException(
          RefusalReason.TOO_LARGE, e.getOriginalMessage().replaceFirst(" \\(.*", ""));
    }
    // The location of the original message names no source, only where in it.
    return new RefusedRowException(RefusalReason.BROKEN_JSON, e.getOriginalMessage());
  }

  static String write(Map<String, Object> values) {
    try {
      return MAPPER.writeValueAsString(values);
    } catch (JsonProcessingException e) {
      return String.valueOf(values);
    }
  }

  private static Map<String, Object> object(Object value) throws RefusedRowException {
    if (value instanceof Map<?, ?> map) {
      @SuppressWarnings("unchecked") // Jackson's maps of objects have text as keys
      Map<String, Object> row = (Map<String, Object>) map;
      return row;
    }
    throw notAnObject();
  }

  private static RefusedRowException notAnObject() {
    return new RefusedRowException(RefusalReason.BROKEN_JSON, "not a JSON object");
  }
}
