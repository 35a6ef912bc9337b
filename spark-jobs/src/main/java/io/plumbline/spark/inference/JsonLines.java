package io.plumbline.spark.inference;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;

/** How scores and samples are written. */
public final class JsonLines {
  public static final ObjectMapper MAPPER = new ObjectMapper();

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
