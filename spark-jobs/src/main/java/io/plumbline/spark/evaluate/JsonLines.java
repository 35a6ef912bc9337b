package io.plumbline.spark.evaluate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.LinkedHashMap;
import java.util.Map;

/** How scores and samples are written. */
final class JsonLines {
  static final ObjectMapper MAPPER = new ObjectMapper();

  private static final TypeReference<LinkedHashMap<String, Object>> OBJECT =
      new TypeReference<>() {};

  private JsonLines() {}

  static ArrayNode array(int[] values) {
    ArrayNode array = MAPPER.createArrayNode();
    for (int value : values) {
      array.add(value);
    }
    return array;
  }

  static ArrayNode array(float[] values) {
    ArrayNode array = MAPPER.createArrayNode();
    for (float value : values) {
      array.add(value);
    }
    return array;
  }

  /** Values by column. */
  static Map<String, Object> object(String json) {
    try {
      return MAPPER.readValue(json, OBJECT);
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.INTERNAL, "A row was no JSON object: " + e.getOriginalMessage(), e);
    }
  }

  static String line(ObjectNode json) {
    try {
      return MAPPER.writeValueAsString(json);
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.INTERNAL,
          "A result could not be written as JSON: " + e.getOriginalMessage(),
          e);
    }
  }
}
