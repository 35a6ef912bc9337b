package io.plumbline.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Fingerprint;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The file that makes a training state complete: the attempt that wrote it, and its files.
 *
 * @param attempt the name of the attempt's directory
 * @param files by their names in that directory
 */
record StateMarker(long step, String attempt, Map<String, Entry> files) {
  /** Its name. */
  static final String FILE = "_COMPLETE";

  private static final String DIGEST = "digest";

  private static final Pattern PLAIN_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");

  /**
   * A file of a training state.
   *
   * @param name of what it holds
   * @param file its own name
   * @param length in bytes
   * @param sha256 of its bytes, in hex
   */
  record Entry(String name, String file, long length, String sha256) {}

  /**
   * Reads a marker.
   *
   * @throws PlumblineException BAD_CHECKPOINT where it is not what was written
   */
  static StateMarker parse(long step, ObjectNode json) {
    Map<String, Entry> files = new TreeMap<>();
    for (JsonNode file : json.path("files")) {
      Entry entry =
          new Entry(
              file.path("name").asText(),
              file.path("file").asText(),
              file.path("length").asLong(-1),
              file.path("sha256").asText());
      files.put(entry.file(), entry);
    }
    StateMarker marker = new StateMarker(step, json.path("attempt").asText(), files);
    // Markers of earlier versions have no digest; a state has files in any case.
    if (files.isEmpty()
        || (json.has(DIGEST) && !json.path(DIGEST).asText().equals(marker.digest()))) {
      throw new PlumblineException(ErrorCode.BAD_CHECKPOINT, "a text in it has changed");
    }
    return marker;
  }

  private String digest() {
    Fingerprint digest =
        Fingerprint.of("plumbline.state.marker.1").number("step", step).text("attempt", attempt);
    for (Entry file : files.values()) {
      digest
          .text("name", file.name())
          .text("file", file.file())
          .number("length", file.length())
          .text("sha256", file.sha256());
    }
    return digest.hex();
  }

  String text() {
    ObjectNode marker = PythonJson.object();
    marker.put("step", step);
    marker.put("attempt", attempt);
    ArrayNode list = marker.putArray("files");
    for (Entry file : files.values()) {
      list.addObject()
          .put("name", file.name())
          .put("file", file.file())
          .put("length", file.length())
          .put("sha256", file.sha256());
    }
    marker.put(DIGEST, digest());
    return PythonJson.pretty(marker);
  }

  /** Whether no name leads out of the state's directory. */
  boolean namesPlainFiles() {
    return PLAIN_NAME.matcher(attempt).matches()
        && files.keySet().stream().allMatch(file -> PLAIN_NAME.matcher(file).matches());
  }

  /** The names of files: what is not a letter, digit, dot, dash or underscore is spelled in hex. */
  static String fileName(String name, String ending) {
    StringBuilder file = new StringBuilder();
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      boolean plain =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '.'
              || c == '-';
      if (plain && !(file.isEmpty() && (c == '.' || c == '-'))) {
        file.append(c);
      } else if (!file.isEmpty() && c == '_') {
        file.append("__");
      } else {
        file.append(file.isEmpty() ? "x_" : "_").append(HexFormat.of().toHexDigits((byte) c));
      }
    }
    return file + ending;
  }
}
