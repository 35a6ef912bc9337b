package io.plumbline.spark.inference;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.source.SparkSources;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.types.StructType;

/** Results as JSON, a line each, and as the Parquet files that are made of them. */
public final class JsonLines {
  private JsonLines() {}

  static ArrayNode array(int[] values) {
    ArrayNode array = Json.MAPPER.createArrayNode();
    for (int value : values) {
      array.add(value);
    }
    return array;
  }

  static ArrayNode array(float[] values) {
    ArrayNode array = Json.MAPPER.createArrayNode();
    for (float value : values) {
      array.add(value);
    }
    return array;
  }

  static String line(ObjectNode json) {
    try {
      return Json.MAPPER.writeValueAsString(json);
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.INTERNAL,
          "A result could not be written as JSON: " + e.getOriginalMessage(),
          e);
    }
  }

  /** Writes lines as a new directory of Parquet files; a value that fits no type fails it. */
  public static void writeAsParquet(Dataset<String> lines, StructType schema, String directory) {
    lines
        .sparkSession()
        .read()
        .schema(schema)
        .options(SparkSources.JSON_OPTIONS)
        .option("mode", "FAILFAST")
        .json(lines)
        .write()
        .mode(SaveMode.ErrorIfExists)
        .option("compression", "snappy")
        .parquet(directory);
  }
}
