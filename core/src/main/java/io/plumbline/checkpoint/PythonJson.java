package io.plumbline.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;

/** JSON as Python's json module reads and writes it. */
final class PythonJson {
  /**
   * Python writes NaN and Infinity bare, and some configurations hold them. Texts may be of any
   * length, as in Python: what a curriculum has measured of a million prompts is one of over 20
   * million characters, where Jackson's own limit makes a state unreadable that was written.
   */
  static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build())
                  .build())
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build();

  private static final ObjectWriter PRETTY =
      MAPPER.writer(
          new DefaultPrettyPrinter()
              .withObjectIndenter(new DefaultIndenter("  ", "\n"))
              .withArrayIndenter(new DefaultIndenter("  ", "\n")));

  private PythonJson() {}

  static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  static String pretty(JsonNode node) {
    try {
      return PRETTY.writeValueAsString(node) + "\n";
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.INTERNAL, "A JSON tree could not be written; please report this.", e);
    }
  }

  static ObjectNode parse(String text, String path) {
    try {
      if (MAPPER.readTree(text) instanceof ObjectNode object) {
        return object;
      }
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT, path + " is not a JSON object; write the file again.");
    } catch (JsonProcessingException e) {
      if (text.startsWith("version https://git-lfs")) {
        throw new PlumblineException(
            ErrorCode.BAD_CHECKPOINT,
            path
                + " is a pointer of Git LFS and not the file; run git lfs pull where it was cloned.",
            e);
      }
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          path + " is not JSON: " + e.getOriginalMessage() + "; write the file again.",
          e);
    }
  }

  static ObjectNode read(Storage storage, String path) {
    return parse(storage.readText(path), path);
  }
}
